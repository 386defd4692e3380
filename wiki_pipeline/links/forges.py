"""What differs between the places that host repositories: the user name beside a token, and the web address of a file,
as it is written and as it is read.

A forge is recognised by its host's name (`gitlab.company.com`); where that doesn't tell, `forge` in the settings does.
Addresses in pages are read without that: the forms of all forges are different enough.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote

from wiki_pipeline.links.keys import LinkKey, Meaning, Record
from wiki_pipeline.links.repository import Address
from wiki_pipeline.links.web import WebAddress, split


@dataclass(frozen=True, slots=True)
class Forge:
    """One kind of host.

    Attributes:
        name: as in the settings.
        hosts: words by which a host is recognised.
        token_user: the user name that goes with a token over https.
        repository_url: a repository's page; fields `host`, `path`, `project` and `repository` (the last two parts).
        file_url: after the repository's page, a file at a commit; fields `commit` and `file`.
        commit_url: after the repository's page, a commit; field `commit`.
        depth: how many parts a repository's path has; 0 if that is not fixed.
    """

    name: str
    hosts: tuple[str, ...]
    token_user: str
    repository_url: str
    file_url: str
    depth: int = 0
    commit_url: str = "/commit/{commit}"

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

    def commit_page(self, address: Address, commit: str) -> str:
        """Where to read a commit in a browser; nowhere for a local repository."""
        return "" if address.is_local else self.repository_page(address) + self.commit_url.format(commit=commit)


_SELF = "{host}/{path}"
FORGES = {
    forge.name: forge
    for forge in (
        Forge("github", ("github",), "x-access-token", _SELF, "/blob/{commit}/{file}", depth=2),
        Forge("gitlab", ("gitlab",), "oauth2", _SELF, "/-/blob/{commit}/{file}", commit_url="/-/commit/{commit}"),
        Forge("bitbucket", ("bitbucket.org",), "x-token-auth", _SELF, "/src/{commit}/{file}", 2, "/commits/{commit}"),
        Forge(
            "bitbucket-server",
            ("bitbucket", "stash"),
            "x-token-auth",
            "{host}/projects/{project}/repos/{repository}",
            "/browse/{file}?at={commit}",
            commit_url="/commits/{commit}",
        ),
        Forge("gitea", ("gitea", "forgejo", "codeberg"), "oauth2", _SELF, "/src/commit/{commit}/{file}", depth=2),
        Forge("azure", ("dev.azure.com", "visualstudio.com"), "token", _SELF, "?path=/{file}&version=GC{commit}"),
    )
}
_IN_GITLAB = "/-/"  # what GitLab has between a repository and its pages
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


def whole_repository(address: Address) -> str:
    """The path of the repository in an address that was copied from a browser, as that of a page in it; empty where it
    holds less than a repository's. Of an address of a host that is no known forge, its path as it is."""
    forge = None if address.is_local else recognised(address)
    if forge is None:
        return address.path
    parts = address.path.partition(_IN_GITLAB)[0].split("/")
    depth = forge.depth or len(parts)
    return "/".join(parts[:depth]) if len(parts) >= depth else ""


# --- reading -----------------------------------------------------------------------------------------------------

# What stands between a repository and `REFERENCE/PATH`, of a file or a folder.
_MARKS = re.compile(
    r"/-/(?:blob|tree|raw|blame)/"  # GitLab
    r"|/(?:src|raw)/(?:commit|branch|tag)/"  # Gitea, Forgejo
    r"|/(?:blob|tree|raw|blame|src)/"  # GitHub, GitLab as it was, Bitbucket
)
# Bitbucket Data Center and Azure DevOps have the reference in the query.
_BROWSED = re.compile(r"(?P<repository>.*/(?:projects|users)/[^/]+/repos/[^/]+)(?:/(?:browse|raw)(?P<path>/.*)?)?/?")
_AZURE = re.compile(r"(?P<repository>.*/_git/[^/]+)/?")
_RAW_GITHUB = "raw.githubusercontent.com"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class _Reading(NamedTuple):
    """What an address may mean: a path of a repository at a reference. Without a path: the repository itself.

    Attributes:
        repository: host and path, as `github.com/acme/rocket`; case does not count.
    """

    repository: str
    reference: str = ""
    path: str = ""


def _readings(address: WebAddress) -> Iterator[_Reading]:
    """All that an address may mean. A branch's name may hold slashes, and a repository's or a file's path a word that
    marks the end of a repository elsewhere: which it is, only who knows the repositories can tell."""
    path = unquote(address.path)
    if address.host == _RAW_GITHUB:
        parts = path.strip("/").split("/")
        yield from _at_references(f"github.com/{'/'.join(parts[:2])}", "/".join(parts[2:]))
        return
    if "/repos/" in path and (browsed := _BROWSED.fullmatch(path)):
        reference = parse_qs(address.query).get("at", [""])[0]
        yield _Reading(address.host + browsed["repository"], reference, (browsed["path"] or "").strip("/"))
    elif "/_git/" in path and (azure := _AZURE.fullmatch(path)):
        query = parse_qs(address.query)
        reference = query.get("version", [""])[0].removeprefix("GC")
        yield _Reading(address.host + azure["repository"], reference, query.get("path", [""])[0].strip("/"))
    else:
        for mark in _MARKS.finditer(path):
            yield from _at_references(address.host + path[: mark.start()], path[mark.end() :])
        yield _Reading(address.host + path.rstrip("/").removesuffix(".git"))


def _at_references(repository: str, rest: str) -> Iterator[_Reading]:
    reference, _, path = rest.rstrip("/").partition("/")
    yield _Reading(repository, reference, path)
    while "/" in path:
        more, _, path = path.partition("/")
        reference += f"/{more}"
        yield _Reading(repository, reference, path)


class _Repositories:
    """See `links.keys.System`: files of repositories, at whatever branch or commit."""

    def keys_of(self, document: Record) -> Sequence[LinkKey]:
        """See `System.keys_of`: none for a repository that has no page on the web."""
        address = split(document.url) if document.path else None
        found = _readings(address) if address else ()
        key = next((_key(reading) for reading in found if reading.path == document.path), None)
        return (key, LinkKey(key.namespace)) if key else ()

    def meanings(self, address: WebAddress) -> Iterator[Meaning]:
        """See `System.meanings`."""
        for reading in _readings(address):
            yield Meaning(_key(reading), reading.reference if _COMMIT.fullmatch(reading.reference) else "")


SYSTEM = _Repositories()


def _key(reading: _Reading) -> LinkKey:
    return LinkKey(f"git:{reading.repository.lower()}", reading.path)
