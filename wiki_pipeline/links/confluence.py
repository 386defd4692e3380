"""Confluence: what its addresses mean, and how they are written. Nothing else in the program knows their forms.

`Site`             the root of a site, and what is below it
`read_target`      what an address means that people hand in; an error for them if it means nothing
`SYSTEM`           keys of pages, and of what addresses in pages mean
`file_place`       which attachment an address means
`Upstream`         addresses of what a page refers to

An address that people hand in is only ever taken apart: requests go to the configured root, never to the address.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize
from urllib.parse import SplitResult, parse_qs, quote, quote_plus, unquote, unquote_plus, urljoin

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.keys import LinkKey, Meaning, Record
from wiki_pipeline.links.repository import ANY_SCHEME, SCHEMES, repository_target
from wiki_pipeline.links.web import PORTS, WebAddress, split, split_checked
from wiki_pipeline.model import Document

# Keys of personal spaces are `~` and a user's name or account id, which may hold nearly anything. Refused is what
# no such name has, and what would mean something in an address, in CQL or in a list.
SPACE_KEY = re.compile(r"""(?!\.{1,2}$)[^\s,/\\"'<>?#\x00-\x1f\x7f]{1,255}""")
PAGE_ID = re.compile(r"[0-9]{1,19}")
_GATEWAY = re.compile(r"/ex/confluence/[A-Za-z0-9-]+")
_NOT_PAGES = {"blog": "a blog post", "folder": "a folder", "whiteboard": "a whiteboard", "database": "a database"}
# What is shown of a space under these is the space itself.
_OF_SPACE = {"", "overview", "pages"}

# The grammar of paths, from the site's root on: of pages and spaces, Cloud's and Data Center's, old forms too.
_TARGET = (
    r"(?:"
    r"spaces/(?P<view>viewspace\.action)"
    # .../pages/123/Title, .../pages/edit-v2/123, .../blog/2024/05/17/123/Title
    r"|spaces/(?P<space>[^/]+)(?:/(?P<section>[^/]*)"
    r"(?:(?<=/pages)/(?:(?P<id>\d{1,19})|[^/]+/(?P<edited>\d{1,19}))(?=/|$)"
    r"|(?<=/blog)/(?:\d{4}/\d{2}/\d{2}/)?(?P<post>\d{1,19})(?=/|$))?(?:/.*)?)?"
    r"|display/(?P<display>[^/]+)(?:/(?P<title>[^/]+))?"
    r"|pages/(?P<action>(?:viewpage|releaseview)\.action)"
    r"|x/(?P<tiny>[^/]+)"
    r")/?"
)
_FILES = r"(?:download/(?:attachments|thumbnails)/(?P<id>\d+)/(?P<name>[^/]+)|pages/viewpageattachments\.action)"
_PAGE_ID_GIVEN = re.compile(r"(?:^|&)pageId=([0-9]{1,19})(?:&|$)")  # a tenth of the time of taking the query apart
# Everything before the first word that belongs to Confluence itself is the site's context path.
_CONTEXT = r"(?P<context>/(?:[^/]+/)*?)"
_BELOW_ROOT = re.compile(rf"/*{_TARGET}")
_PLACE = re.compile(_CONTEXT + _TARGET)
_FILE_PLACE = re.compile(_CONTEXT + _FILES)
_ROOT = re.compile(
    r"https?://[^/?#]+(?P<context>/(?:[^/?#]+/)*?)(?=(?:spaces|display|pages|x|download|plugins|people|rest|users)/)"
)
MAY_BE_FILES = r"/download/(?:attachments|thumbnails)/|/viewpageattachments\.action"
"""Found in every address that `file_place` reads, and in hardly any other."""


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
        parts = split_checked(address.strip())
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
        return cls(parts.scheme, host, parts.port or PORTS[parts.scheme], context)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

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
        parts = split_checked(address.strip())
        if parts is None or parts.username is not None:
            return None
        if (parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]) != (self.scheme, self.host, self.port):
            return None
        segments = [unquote(segment) for segment in parts.path.split("/")]
        if "." in segments or ".." in segments:
            return None
        if parts.path != self.context and not parts.path.startswith(self.context + "/"):
            return None
        return parts._replace(path=parts.path[len(self.context) :])


# --- what an address means ---------------------------------------------------------------------------------------


class Target(NamedTuple):
    """What an address of a site means: a space, or a page by its id or by its space and title.

    Attributes:
        section: what of the space it is, where it is neither the space itself nor a page: `blog`, `whiteboard`.
    """

    space: str = ""
    page_id: str = ""
    title: str = ""
    section: str = ""


def read_target(parts: SplitResult) -> Target:
    """What an address means that a person hands in, given from its site's root on (`Site.below`).

    Raises:
        ConfigurationError: it names neither a space nor a page.
    """
    found = _BELOW_ROOT.fullmatch(parts.path)
    if found and found["tiny"]:
        return Target(page_id=read_tiny(found["tiny"]))
    target = _target(found, parts.query) if found else None
    if target is None:
        raise ConfigurationError(
            "This address names neither a space nor a page.",
            "Open the space or page in the browser and copy the address from there.",
        )
    if target.section in _NOT_PAGES:
        what = _NOT_PAGES[target.section]
        raise ConfigurationError(f"This is the address of {what}.", "Give that of a page or a space.")
    if not target.page_id or target.space:
        _check_space(target.space)
    return Target(target.space, target.page_id, target.title)


def _target(found: re.Match[str], query: str) -> Target | None:
    """What the parts of an address mean, as `_TARGET` found them."""
    if found["space"]:
        page_id = found["id"] or found["edited"] or found["post"] or ""
        section = found["section"] or ""
        kept = section if section not in _OF_SPACE else ""
        return Target(normalize("NFC", unquote(found["space"])), page_id, section=kept)
    if found["display"]:
        return Target(normalize("NFC", unquote(found["display"])), title=unquote_plus(found["title"] or ""))
    if found["tiny"]:
        page_id = _tiny_page_id(found["tiny"])
        return Target(page_id=page_id) if page_id else None
    if found["action"] and (named := _PAGE_ID_GIVEN.search(query)):
        return Target(page_id=named[1])
    given = {name: values[-1] for name, values in parse_qs(query).items()}
    if found["view"]:
        return Target(given.get("key", ""))
    return Target(given.get("spaceKey", ""), title=given["title"]) if given.get("title") else None


def read_tiny(tiny: str) -> str:
    """The page id in a short link `/x/tu32Cg`.

    Raises:
        ConfigurationError: it is no short link.
    """
    page_id = _tiny_page_id(tiny)
    if not page_id:
        raise ConfigurationError("This short link can't be read.", "Copy the page's full address instead.")
    return page_id


def _tiny_page_id(tiny: str) -> str:
    """The page id in a short link: its bytes, lowest first, in base64. Empty if it is none.

    Confluence writes `/` as `-` and `+` as `_` (not as URL-safe base64 does), and leaves `A`s (zeros) off the end.
    """
    text = unquote(tiny).replace("-", "/").replace("_", "+")
    if not re.fullmatch(r"[A-Za-z0-9+/]{1,11}", text):
        return ""
    return str(int.from_bytes(base64.b64decode(text.ljust(11, "A") + "="), "little"))


def _check_space(key: str) -> None:
    if not SPACE_KEY.fullmatch(key):
        raise ConfigurationError(f"{key!r} is not a space key.", "Copy the address of the space from the browser.")


# --- keys --------------------------------------------------------------------------------------------------------


class _Confluence:
    """See `links.keys.System`: pages by id, and by space and title, of which the case does not count."""

    def keys_of(self, document: Record) -> Sequence[LinkKey]:
        """See `System.keys_of`."""
        if document.path:
            return ()
        root = _ROOT.match(document.url)
        if root is None:
            return ()
        ids, space = _namespaces(root[0], document.space_key)
        by_id = LinkKey(ids, document.document_id)
        return (by_id, LinkKey(space.namespace, document.title.casefold()), space) if document.title else (by_id, space)

    def meanings(self, address: WebAddress) -> Sequence[Meaning]:
        """See `System.meanings`: one, or none."""
        found = _PLACE.fullmatch(address.path)
        target = _target(found, address.query) if found else None
        if found is None or target is None:
            return ()
        site = address.host + found["context"]
        if target.page_id:
            return (Meaning(LinkKey(_ids(site), target.page_id)),)
        if target.section:
            return ()
        return (Meaning(LinkKey(_titles(site, target.space), target.title.casefold())),)


SYSTEM = _Confluence()


@lru_cache(maxsize=4096)
def _namespaces(root: str, space: str) -> tuple[str, LinkKey]:
    """The namespace of a site's pages by id, and the key of a space; `root` has a slash at its end."""
    address = split(root)
    site = address.host + address.path if address else root
    return _ids(site), LinkKey(_titles(site, space))


def _ids(site: str) -> str:
    """`site`: host and context path, without scheme, as `example.atlassian.net/wiki/`."""
    return f"confluence:{site}:id"


def _titles(site: str, space: str) -> str:
    return f"confluence:{site}:title:{space.casefold()}"


# --- attachments -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A file of a page in a Confluence; all of the page's files if it has no name.

    Attributes:
        site: host and context path, without scheme, as `example.atlassian.net/wiki/`.
        name: composed (NFC), so that an accent is the same however it was typed.
    """

    site: str
    page_id: str
    name: str = ""

    @property
    def key(self) -> LinkKey:
        """The file as others refer to it; without a name the page's list of files."""
        return LinkKey(f"confluence:{self.site}:files:{self.page_id}", self.name)


def file_place(address: WebAddress) -> FilePlace | None:
    """The file that a download address means, or the page whose list of files it is."""
    found = _FILE_PLACE.fullmatch(address.path)
    if found is None:
        return None
    site = address.host + found["context"]
    if found["id"]:
        return FilePlace(site, found["id"], normalize("NFC", unquote_plus(found["name"])))
    page_id = parse_qs(address.query).get("pageId", [""])[0]
    return FilePlace(site, page_id) if page_id else None


# --- writing addresses -------------------------------------------------------------------------------------------


def join_link(base: str, link: str) -> str:
    """The address of a `webui` link: it lacks the context path, which `_links.base` has."""
    if link.startswith(("http://", "https://")):
        return link
    return base.rstrip("/") + "/" + link.lstrip("/") if link else base


class Upstream:
    """Addresses of pages, attachments and people on the server that a document came from.

    The forms written here are those that Cloud and Data Center both answer, and that are read above.
    """

    def __init__(self, document: Document) -> None:
        self.url = document.url
        self.path = document.path
        self.page_id = document.document_id
        self.space_key = document.space_key
        root = _ROOT.match(document.url)
        scheme, mark, rest = document.url.partition("://")
        self.base = root[0].rstrip("/") if root else f"{scheme}://{rest.partition('/')[0]}" if mark else ""
        self.cloud = self.base.endswith("/wiki")

    def page_by_id(self, page_id: str, space_key: str = "") -> str:
        """The address of a page."""
        if self.cloud and (space_key or self.space_key):
            return f"{self.base}/spaces/{quote(space_key or self.space_key, safe='~')}/pages/{quote(page_id)}"
        return f"{self.base}/pages/viewpage.action?pageId={quote(page_id)}"

    def page_by_title(self, title: str, space_key: str = "") -> str:
        """The address of a page that is known by its title; the page's own space if none is named."""
        key = space_key or self.space_key
        return f"{self.base}/display/{quote(key, safe='~')}/{quote_plus(title)}"

    def blog_post(self, title: str, day: str, space_key: str = "") -> str:
        """The address of a blog post; `day` as `2024/05/17`."""
        key = space_key or self.space_key
        return f"{self.base}/display/{quote(key, safe='~')}/{quote(day)}/{quote_plus(title)}"

    def space(self, key: str) -> str:
        """The address of a space."""
        return (
            f"{self.base}/spaces/{quote(key, safe='~')}"
            if self.cloud
            else f"{self.base}/display/{quote(key, safe='~')}"
        )

    def attachment(self, name: str, page_id: str = "") -> str:
        """The download address of an attachment, of this page unless another is named."""
        return f"{self.base}/download/attachments/{quote(page_id or self.page_id)}/{quote(name, safe='')}"

    def attachments(self, *, pictures: bool = False) -> str:
        """The address of the list of the page's attachments; `pictures`: only those are meant."""
        return f"{self.base}/pages/viewpageattachments.action?pageId={quote(self.page_id)}" + "#gallery" * pictures

    def user(self, account: str) -> str:
        """The address of a person's profile."""
        if self.cloud:
            return f"{self.base}/people/{quote(account, safe=':')}"
        return f"{self.base}/users/viewuserprofile.action?userKey={quote(account)}"

    def absolute(self, target: str) -> str:
        """A target met in a page as an absolute address; one in a repository's file stays relative, as it is written.

        Empty for schemes that a link should not have (`javascript:`).
        """
        target = target.strip()
        if not target or SCHEMES.match(target):
            return target
        if ANY_SCHEME.match(target.replace("\t", "").replace("\n", "").replace("\r", "")):
            return ""
        if self.path and not target.startswith("//"):
            return target
        try:
            return urljoin(self.url, target)
        except ValueError:  # `http://[broken`
            return target

    def recorded(self, target: str) -> str:
        """A target as it is entered into a page's links: absolute, or a path within the repository."""
        return repository_target(self.path, target) if self.path else target
