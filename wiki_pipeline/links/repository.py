"""Addresses of repositories, taken apart and put together again, and what links in a repository's files mean.

Git itself understands far more than is wise to accept from settings or over HTTP: `ext::sh -c ...` runs a command,
an address that begins with `-` is an option, and userinfo ends up in logs. Only https, http, ssh, file addresses and
local paths get past here, and none with a password.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.web import PORTS, ascii_host

# Characters that browsers, shells and Git read differently: never part of an honest address.
_TRICKS = re.compile(r"[\x00-\x1f\x7f\\]")
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# git@github.com:org/repo.git; the slash rule is Git's own: a colon after a slash belongs to a local path.
_SCP = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>[^@/:\[\]]+|\[[0-9A-Fa-f:.]+\]):(?P<path>(?!//).+)")
_PORTS = PORTS | {"ssh": 22}
# Schemes that links of pages may have, and whatever looks like a scheme.
SCHEMES = re.compile(r"(?:https?|mailto|ftps?|tel|sftp|ssh|irc|news|xmpp|slack|vscode|ms-\w+|file):|#", re.IGNORECASE)
ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# What a source's name may not hold (see `SourceKey`).
_NOT_IN_NAMES = re.compile(r"[\s,:\\\x00-\x1f\x7f]+")
_LONGEST_NAME = 200

_ACCEPTED = "Give an https:// or ssh:// address, git@host:path, or the path of a local repository."


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is.

    Attributes:
        url: what Git is given; holds no password, and a user name only for ssh.
        scheme: `https`, `http`, `ssh` or `file`.
        host: in lower case, with the port where that is not the scheme's own; empty for a local path.
        path: the path on the host without leading slash and `.git`, as `org/repo`; for a local repository its
            absolute path.
    """

    url: str
    scheme: str
    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read an address or a local path.

        Raises:
            ConfigurationError: it is neither, of a kind that is not safe, or carries credentials. The message
                does not repeat the address, which may hold a secret.
        """
        text = text.strip()
        if not text or text.startswith("-") or _TRICKS.search(text) or _HELPER.match(text):
            raise ConfigurationError("This is not the address of a repository.", _ACCEPTED)
        scheme = _SCHEME.match(text)
        if scheme is None:
            scp = _SCP.fullmatch(text)
            return _scp(scp["user"] or "", scp["host"], scp["path"]) if scp else _local(text)
        match scheme[1].lower():
            case "file":
                return _file(text)
            case "https" | "http" | "ssh":
                return _remote(text)
            case other:
                raise ConfigurationError(f"Repositories can't be read over {other}://.", _ACCEPTED)

    @property
    def is_local(self) -> bool:
        """Whether the repository is a folder of this machine."""
        return self.scheme == "file"

    @property
    def display(self) -> str:
        """The address for people: no user name."""
        return self.url if self.is_local else f"{self.scheme}://{self.host}/{self.path}"

    def is_same_repository(self, other: Address) -> bool:
        """Whether both lead to one repository, be it over https or ssh, with or without `.git`."""
        return (self.hostname, self.path) == (other.hostname, other.path)

    @property
    def hostname(self) -> str:
        """The host without its port."""
        return self.host if self.host.endswith("]") else self.host.partition(":")[0]

    @property
    def name(self) -> str:
        """The name that a source gets if the settings give none: `org/repo`, or the folder's name."""
        parts = [_NOT_IN_NAMES.sub("-", part) for part in self._own_parts()]
        name = "/".join(part for part in parts if part not in {"", ".", ".."})
        return name[:_LONGEST_NAME].strip("/") or "repository"

    def _own_parts(self) -> list[str]:
        if self.is_local:
            folder = PurePosixPath(self.path)
            own = folder.parent if folder.name == ".git" else folder
            return [own.name.removesuffix(".git")]
        # `scm` and `_git` are how Bitbucket Data Center and Azure DevOps mark a repository, not part of its name.
        parts = self.path.split("/")
        return [part for index, part in enumerate(parts) if part != "_git" and (index, part) != (0, "scm")]


def _remote(text: str) -> Address:
    try:
        parts = urlsplit(text)
        host, port = ascii_host(parts), parts.port
    except (ValueError, UnicodeError):
        raise ConfigurationError("This is not the address of a repository.", _ACCEPTED) from None
    if parts.query or parts.fragment:
        raise ConfigurationError("The address of a repository has no query and no fragment.", _ACCEPTED)
    if parts.password is not None or (parts.scheme != "ssh" and "@" in parts.netloc):
        raise ConfigurationError(
            "The address of a repository must not hold a user name, password or token.",
            'Leave it out of the address and set WIKI_PIPELINE_GIT_TOKENS to {"the host": "the token"}.',
        )
    if parts.scheme == "ssh":
        login, host = _login(parts.username or ""), _checked_host(host, port, "ssh")
        path = _checked_path(unquote(parts.path).strip("/"))
        return Address(f"ssh://{login}{host}/{quote(path, safe='/~')}", "ssh", host, path.removesuffix(".git"))
    host = _checked_host(host, port, parts.scheme)
    path = _checked_path(unquote(parts.path).strip("/"))
    return Address(f"{parts.scheme}://{host}/{quote(path, safe='/~')}", parts.scheme, host, path.removesuffix(".git"))


def _scp(user: str, host: str, path: str) -> Address:
    # Kept in this form: `host:path` starts in the user's home, `ssh://host/path` at the root.
    host, checked = _checked_host(host.lower(), None, "ssh"), _checked_path(path.strip("/"))
    start = "/" if path.startswith("/") else ""
    return Address(f"{_login(user)}{host}:{start}{checked}", "ssh", host, checked.removesuffix(".git"))


def _login(user: str) -> str:
    if user and not _USER.fullmatch(user):
        raise ConfigurationError("The user name in this ssh address can't be used.", _ACCEPTED)
    return f"{user}@" if user else ""


def _file(text: str) -> Address:
    try:
        parts = urlsplit(text)
    except ValueError:  # `file://[`
        raise ConfigurationError("This is not the address of a repository.", _ACCEPTED) from None
    if parts.netloc not in {"", "localhost"}:
        raise ConfigurationError("A file:// address has three slashes, as file:///srv/git/handbook.git.", _ACCEPTED)
    return _local(unquote(parts.path))


def _local(text: str) -> Address:
    try:
        expanded = Path(text).expanduser()
    except RuntimeError:  # `~nobody`
        raise ConfigurationError(f"There is no home folder for {text.partition('/')[0]}.", _ACCEPTED) from None
    path = os.path.abspath(expanded)  # noqa: PTH100 - Path.absolute keeps `..`; resolve() would touch the disk
    return Address(path, "file", "", path)


def _checked_host(host: str, port: int | None, scheme: str) -> str:
    if not _HOST.fullmatch(host) or port == 0:
        raise ConfigurationError("This address names no host that can be used.", _ACCEPTED)
    return host if port in {None, _PORTS[scheme]} else f"{host}:{port}"


def _checked_path(path: str) -> str:
    parts = path.split("/")
    if not path or path.startswith("-") or _TRICKS.search(path) or any(part in {"", ".", ".."} for part in parts):
        raise ConfigurationError("This address names no repository on its host.", _ACCEPTED)
    return path


# --- links in a repository's files -------------------------------------------------------------------------------


def repository_target(path: str, target: str) -> str:
    """A link's target in the file `path` as a path within the repository; addresses and anchors as they are."""
    if not path or not target or target.startswith("//") or SCHEMES.match(target) or ANY_SCHEME.match(target):
        return target
    place, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
    base = "" if place.startswith("/") else posixpath.dirname(path)
    return posixpath.normpath(posixpath.join(base, unquote(place.lstrip("/")))) + mark + rest if place else target


def paths_meant(target: str, path: str) -> Iterator[str]:
    """The paths that a relative link in the file `path` may mean: from the file's folder as Markdown means it, then
    from the root as people often do. Empty for the root itself; nothing if it is no relative link."""
    name = unquote(target.partition("#")[0].partition("?")[0])
    if not name or ":" in name.split("/")[0]:
        return
    if not name.startswith("/"):
        yield posixpath.normpath(posixpath.join("/", posixpath.dirname(path), name)).lstrip("/")
    yield posixpath.normpath(posixpath.join("/", name.lstrip("/"))).lstrip("/")
