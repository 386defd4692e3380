"""How a page is called here: `wiki://SOURCE/PAGE`, and which part of it is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

SCHEME = "wiki"
TEMPLATE = "wiki://{source}/{+page}{?section}"
_MOST = 4_000  # characters
_SHORT = 12  # digits of a commit


@dataclass(frozen=True, slots=True)
class PageAddress:
    """A page, or a part of it.

    Attributes:
        slug: the source's name in addresses.
        page: id of the document.
        version: the version that was meant, of a commit its first digits; empty: whatever is there.
        section: number of the section, from 1; 0: what `line` says, else the first.
        line: a line of its text that the section holds.
    """

    slug: str
    page: str
    version: str = ""
    section: int = 0
    line: int = 0

    def __str__(self) -> str:
        chosen = {"version": short(self.version), "section": self.section, "line": self.line}
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"{SCHEME}://{quote(self.slug)}/{quote(self.page)}{'?' if query else ''}{query}"


def short(version: str) -> str:
    """A version as it stands in an address: commits by their first digits."""
    return version[:_SHORT] if re.fullmatch(r"[0-9a-f]{40,64}", version) else version


def parse(text: str) -> PageAddress | None:
    """Read an address: `wiki://SOURCE/PAGE`, or the page's own in the wiki, of whatever host; None if it is neither."""
    try:
        parts = urlsplit(text.strip()) if len(text) <= _MOST else None
        if parts is None:
            return None
        if parts.scheme == SCHEME:
            slug, page = parts.netloc, parts.path.removeprefix("/")
        elif parts.scheme in {"", "http", "https"} and parts.path.startswith("/wiki/"):
            slug, _, page = parts.path.removeprefix("/wiki/").partition("/")
        else:
            return None
        chosen = parse_qs(parts.query, max_num_fields=20)
    except ValueError:
        return None
    slug, page = unquote(slug), unquote(page)
    if not slug or not page or "\x00" in page:
        return None
    version = chosen.get("version", [""])[0]
    return PageAddress(slug, page, version, _number(chosen, "section"), _number(chosen, "line"))


def _number(chosen: dict[str, list[str]], name: str) -> int:
    value = chosen.get(name, ["0"])[0]
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else 0
