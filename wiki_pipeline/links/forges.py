"""What differs between the places that host repositories: the user name beside a token, and a file's web address.

A forge is recognised by its host's name (`gitlab.company.com`); where that doesn't tell, `forge` in the settings does.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from wiki_pipeline.links.repository import Address


@dataclass(frozen=True, slots=True)
class Forge:
    """One kind of host.

    Attributes:
        name: as in the settings.
        hosts: words by which a host is recognised.
        token_user: the user name that goes with a token over https.
        repository_url: a repository's page; fields `host`, `path`, `project` and `repository` (the last two parts).
        file_url: after the repository's page, a file at a commit; fields `commit` and `file`.
        depth: how many parts a repository's path has; 0 if that is not fixed.
    """

    name: str
    hosts: tuple[str, ...]
    token_user: str
    repository_url: str
    file_url: str
    depth: int = 0

    def repository_page(self, address: Address) -> str:
        """Where to read the repository in a browser; a `file://` address for a local one."""
        if address.is_local:
            return f"file://{quote(address.path)}"
        parts = address.path.removeprefix("scm/").split("/")
        # The web interface is not behind the ssh port.
        host = address.host if address.scheme != "ssh" else address.hostname
        scheme = "http" if address.scheme == "http" else "https"
        project = parts[-2] if len(parts) > 1 else ""
        return f"{scheme}://" + self.repository_url.format(
            host=host,
            path=quote(address.path, safe="/~"),
            project=quote(project, safe="~"),
            repository=quote(parts[-1]),
        )

    def file_page(self, address: Address, commit: str, path: bytes) -> str:
        """Where to read a file as it was at a commit; for a local repository, where it is."""
        page = self.repository_page(address)
        file = quote(path, safe="/")
        return f"{page}/{file}" if address.is_local else page + self.file_url.format(commit=commit, file=file)


_SELF = "{host}/{path}"
FORGES = {
    forge.name: forge
    for forge in (
        Forge("github", ("github",), "x-access-token", _SELF, "/blob/{commit}/{file}", depth=2),
        Forge("gitlab", ("gitlab",), "oauth2", _SELF, "/-/blob/{commit}/{file}"),
        Forge("bitbucket", ("bitbucket.org",), "x-token-auth", _SELF, "/src/{commit}/{file}", depth=2),
        Forge(
            "bitbucket-server",
            ("bitbucket", "stash"),
            "x-token-auth",
            "{host}/projects/{project}/repos/{repository}",
            "/browse/{file}?at={commit}",
        ),
        Forge("gitea", ("gitea", "forgejo", "codeberg"), "oauth2", _SELF, "/src/commit/{commit}/{file}", depth=2),
        Forge("azure", ("dev.azure.com", "visualstudio.com"), "token", _SELF, "?path=/{file}&version=GC{commit}"),
    )
}
# What most others understand: GitLab under any name forwards GitHub's form of address, and takes any user name
# together with a token.
_OTHER = Forge("", (), "oauth2", _SELF, "/blob/{commit}/{file}")


def forge_of(address: Address, named: str = "") -> Forge:
    """The forge that the settings name, or that the host's name tells; a usual one where neither does."""
    if named:
        return FORGES[named]
    return recognised(address) or _OTHER


def recognised(address: Address) -> Forge | None:
    """The forge that the host's name tells."""
    for forge in FORGES.values():
        if any(word in address.hostname for word in forge.hosts):
            return forge
    return None
