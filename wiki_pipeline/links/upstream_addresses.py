"""What an upstream address means: which page of which Confluence, which file at which commit of which repository.

Only the shape of an address is read here; whether the wiki holds the document is for `links` to say.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from unicodedata import normalize
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit

# Everything before the first of these is the server and its context path.
_CONFLUENCE = re.compile(
    r"(?P<context>/(?:[^/]+/)*?)"
    r"(?:"
    r"spaces/(?P<space>[^/]+)(?:/(?:pages|blog)/(?:edit-v2/|\d{4}/\d{2}/\d{2}/)?(?P<id>\d+)(?:/.*)?|/overview|)"
    r"|display/(?P<display>[^/]+)(?:/(?P<title>[^/]+))?"
    r"|pages/(?:viewpage|releaseview)\.action"
    r"|x/(?P<tiny>[\w+-]{4,12})"
    r")/?"
)
_SITE = re.compile(r"https?://[^/?#]+/(?:[^/?#]+/)*?(?=(?:spaces|display|pages|x)/)")
_FILE = re.compile(
    r"(?P<context>/(?:[^/]+/)*?)"
    r"(?:download/(?:attachments|thumbnails)/(?P<id>\d+)/(?P<name>[^/]+)|pages/viewpageattachments\.action)"
)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class ConfluencePlace:
    """A page or a space in a Confluence; what the address does not tell is empty.

    Attributes:
        base: host and context path, without scheme, as `example.atlassian.net/wiki/`.
    """

    base: str
    page_id: str = ""
    space: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """An http(s) address in parts, case and default port of the host put aside."""

    host: str
    path: str
    query: str
    fragment: str


def split(url: str) -> Address | None:
    """The parts of an http(s) address; None for everything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not host:
        return None
    default = 443 if parts.scheme == "https" else 80
    named = host if port in {None, default} else f"{host}:{port}"
    return Address(named, parts.path or "/", parts.query, parts.fragment)


def confluence_site(url: str) -> str:
    """Scheme, host and context path of an address that has the form of a page's own; empty if it has not. Pages of one
    site have one, and it takes a tenth of the time of taking addresses apart."""
    found = _SITE.match(url)
    return found[0] if found else ""


def confluence_place(address: Address) -> ConfluencePlace | None:
    """The page or space that an address of a Confluence (Cloud or Data Center, old forms too) means."""
    found = _CONFLUENCE.fullmatch(address.path)
    if found is None:
        return None
    base = address.host + found["context"]
    if found["space"]:
        return ConfluencePlace(base, page_id=found["id"] or "", space=unquote(found["space"]))
    if found["display"]:
        title = unquote_plus(found["title"] or "")
        return ConfluencePlace(base, space=unquote(found["display"]), title=title)
    if found["tiny"]:
        page_id = _page_of_tiny_link(found["tiny"])
        return ConfluencePlace(base, page_id=page_id) if page_id else None
    query = parse_qs(address.query)
    page_id = query.get("pageId", [""])[0]
    if page_id:
        return ConfluencePlace(base, page_id=page_id)
    title = query.get("title", [""])[0]
    return ConfluencePlace(base, space=query.get("spaceKey", [""])[0], title=title) if title else None


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file of a page in a Confluence; all of the page's files if it has no name.

    Attributes:
        base: as in `ConfluencePlace`.
        name: composed (NFC), so that an accent is the same however it was typed.
    """

    base: str
    page_id: str
    name: str = ""


def file_place(address: Address) -> FilePlace | None:
    """The file that a download address of a Confluence means, or the page whose list of files it is."""
    found = _FILE.fullmatch(address.path)
    if found is None:
        return None
    base = address.host + found["context"]
    if found["id"]:
        return FilePlace(base, found["id"], normalize("NFC", unquote_plus(found["name"])))
    page_id = parse_qs(address.query).get("pageId", [""])[0]
    return FilePlace(base, page_id) if page_id else None


def _page_of_tiny_link(code: str) -> str:
    """The page id in `/x/CODE`: its bytes, lowest first, base64 with `-` for `/`, `_` for `+`, no `A`s at the end."""
    padded = code.replace("-", "/").replace("_", "+").ljust(11, "A") + "="
    try:
        return str(int.from_bytes(base64.b64decode(padded, validate=True), "little"))
    except binascii.Error:
        return ""


def blob_base(url: str, path: str) -> tuple[str, str] | None:
    """A file's pinned address as (everything before the commit, commit); None where the address has no such form.

    `https://github.com/org/repo/blob/1f3a.../docs/a.md` with the path `docs/a.md` gives
    (`github.com/org/repo/blob/`, `1f3a...`).
    """
    address = split(url)
    if address is None:
        return None
    before = unquote(address.path).removesuffix("/" + path)
    if before == unquote(address.path):
        return None
    prefix, _, reference = before.rpartition("/")
    return f"{address.host}{prefix}/", reference


def is_commit(reference: str) -> bool:
    """Whether a reference is a full commit id rather than a branch or tag."""
    return _COMMIT.fullmatch(reference) is not None
