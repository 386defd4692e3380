"""Addresses: the root of a site, and what a page's or space's address means to it.

An address that people hand in is only ever taken apart: requests go to the configured root, never to the address.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs, unquote, unquote_plus, urlsplit

from wiki_pipeline.errors import ConfigurationError

# Keys of personal spaces are `~` and a user's name or account id, which may hold nearly anything. Refused is what
# no such name has, and what would mean something in an address, in CQL or in a list.
SPACE_KEY = re.compile(r"""(?!\.{1,2}$)[^\s,/\\"'<>?#\x00-\x1f\x7f]{1,255}""")
PAGE_ID = re.compile(r"[0-9]{1,19}")
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# Characters that browsers and parsers read differently: never part of an honest address.
_TRICKS = re.compile(r"[\x00-\x20\x7f\\]")
_GATEWAY = re.compile(r"/ex/confluence/[A-Za-z0-9-]+")
_NOT_PAGES = {"blog": "a blog post", "folder": "a folder", "whiteboard": "a whiteboard", "database": "a database"}


@dataclass(frozen=True, slots=True)
class Site:
    """A Confluence site: scheme, host, port, and the context path below which it lives (empty or `/wiki`)."""

    scheme: str
    host: str
    port: int
    context: str

    @classmethod
    def parse(cls, address: str) -> Site:
        """The site whose root people wrote, as `https://yourcompany.atlassian.net`; Cloud's `/wiki` may be left out.

        Raises:
            ConfigurationError: not an http(s) address, or one with a user name, query or fragment.
        """
        parts = _split(address.strip())
        if parts is None:
            raise ConfigurationError("It is not an address as https://yourcompany.atlassian.net/wiki.")
        if parts.username is not None or parts.query or parts.fragment:
            raise ConfigurationError(
                "An address of Confluence has no user name, password, query or fragment; "
                "credentials go into CONFLUENCE_USERNAME and CONFLUENCE_TOKEN."
            )
        host, context = str(parts.hostname), parts.path.rstrip("/")
        if host.endswith(".atlassian.net"):
            context = "/wiki"  # whatever page of the site was copied, this is its root
        elif host == "api.atlassian.com" and _GATEWAY.fullmatch(context):
            context += "/wiki"
        return cls(parts.scheme, host, parts.port or _PORTS[parts.scheme], context)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    @property
    def root(self) -> str:
        """The address below which everything of the site is, without a slash at its end."""
        return self.origin + self.context

    @property
    def datasource_prefix(self) -> str:
        """The site's part of the ids in the HTTP interface, as `src_confluence___yourcompany_atlassian_net`."""
        netloc = self.origin.partition("://")[2]
        return "src_confluence___" + re.sub(r"[^A-Za-z0-9]", "_", netloc)

    def below(self, address: str) -> SplitResult | None:
        """The address with its path taken from the site's root on; None if it is not the site's."""
        parts = _split(address.strip())
        if parts is None or parts.username is not None:
            return None
        if (parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]) != (self.scheme, self.host, self.port):
            return None
        segments = [unquote(segment) for segment in parts.path.split("/")]
        if "." in segments or ".." in segments:
            return None
        if parts.path != self.context and not parts.path.startswith(self.context + "/"):
            return None
        return parts._replace(path=parts.path[len(self.context) :])


@dataclass(frozen=True, slots=True)
class Target:
    """What an address of a site means: a space, or a page by its id or by its space and title."""

    space: str = ""
    page_id: str = ""
    title: str = ""


def read_target(parts: SplitResult) -> Target:
    """What an address means, given from its site's root on (`Site.below`).

    Raises:
        ConfigurationError: it names neither a space nor a page.
    """
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    first, *rest = parts.path.strip("/").split("/")
    reader = {"spaces": _read_spaces, "display": _read_display, "pages": _read_pages, "x": _read_short}.get(first)
    target = reader(rest, query) if reader else None
    if target is None:
        raise ConfigurationError(
            "This address names neither a space nor a page.",
            "Open the space or page in the browser and copy the address from there.",
        )
    return target


def _read_spaces(rest: list[str], query: dict[str, str]) -> Target | None:
    match rest:
        case ["viewspace.action"]:
            return Target(_space(query.get("key", "")))
        case [key, "pages", *below] if any(PAGE_ID.fullmatch(part) for part in below[:2]):
            # .../pages/123/Title, .../pages/edit-v2/123
            return Target(_space(key), next(part for part in below if PAGE_ID.fullmatch(part)))
        case [_, kind, *_] if kind in _NOT_PAGES:
            raise ConfigurationError(f"This is the address of {_NOT_PAGES[kind]}.", "Give that of a page or a space.")
        case [key, *_]:
            return Target(_space(key))
    return None


def _read_display(rest: list[str], _: dict[str, str]) -> Target | None:
    match rest:
        case [key]:
            return Target(_space(key))
        case [key, title]:
            return Target(_space(key), title=unquote_plus(title))
    return None


def _read_pages(rest: list[str], query: dict[str, str]) -> Target | None:
    if rest != ["viewpage.action"]:
        return None
    if PAGE_ID.fullmatch(query.get("pageId", "")):
        return Target(page_id=query["pageId"])
    return Target(_space(query.get("spaceKey", "")), title=query["title"]) if query.get("title") else None


def _read_short(rest: list[str], _: dict[str, str]) -> Target | None:
    return Target(page_id=read_tiny(rest[0])) if len(rest) == 1 else None


def read_tiny(tiny: str) -> str:
    """The page id in a short link `/x/tu32Cg`: its bytes, lowest first, in base64.

    Confluence writes `/` as `-` and `+` as `_` (not as URL-safe base64 does), and leaves `A`s (zeros) off the end.

    Raises:
        ConfigurationError: it is no short link.
    """
    text = unquote(tiny).replace("-", "/").replace("_", "+")
    if not re.fullmatch(r"[A-Za-z0-9+/]{1,11}", text):
        raise ConfigurationError("This short link can't be read.", "Copy the page's full address instead.")
    number = int.from_bytes(base64.b64decode(text.ljust(11, "A") + "="), "little")
    return str(number)


def join_link(base: str, link: str) -> str:
    """The address of a `webui` link: it lacks the context path, which `_links.base` has."""
    if link.startswith(("http://", "https://")):
        return link
    return base.rstrip("/") + "/" + link.lstrip("/") if link else base


def _space(text: str) -> str:
    key = unicodedata.normalize("NFC", unquote(text))
    if not SPACE_KEY.fullmatch(key):
        raise ConfigurationError(f"{key!r} is not a space key.", "Copy the address of the space from the browser.")
    return key


def _split(address: str) -> SplitResult | None:
    """An http(s) address taken apart, its host in lower case ASCII; None if it is none, or plays tricks."""
    if _TRICKS.search(address):
        return None
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower() if parts.hostname else ""
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in _PORTS or not _HOST.fullmatch(f"[{host}]" if ":" in host else host) or port == 0:
        return None
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    if "@" in parts.netloc:
        netloc = f"@{netloc}"  # remembered as "has userinfo", without it
    return parts._replace(netloc=netloc)
