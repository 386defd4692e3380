"""Addresses on a page's own Confluence, derived from the page's own address.

The forms written here are those that Cloud and Data Center both answer, and that the wiki recognises when it leads
links to its own pages: `/spaces/KEY/pages/ID`, `/pages/viewpage.action?pageId=ID`, `/display/KEY/Title`,
`/download/attachments/ID/name`.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote, quote_plus, unquote, urljoin

from wiki_pipeline.model import Document

# Everything before the first path that belongs to Confluence itself is its base, context path included.
_OWN_PATHS = re.compile(r"/(?:spaces|display|pages|x|download|plugins|people|rest|users)/")
_SCHEMES = re.compile(r"(?:https?|mailto|ftps?|tel|sftp|ssh|irc|news|xmpp|slack|vscode|ms-\w+|file):|#", re.IGNORECASE)
_ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class Upstream:
    """Addresses of pages, attachments and people on the server that a document came from."""

    def __init__(self, document: Document) -> None:
        self.url = document.url
        self.path = document.path
        self.page_id = document.document_id
        self.space_key = document.space_key
        found = _OWN_PATHS.search(document.url.partition("://")[2])
        scheme, _, rest = document.url.partition("://")
        self.base = f"{scheme}://{rest[: found.start()] if found else rest.partition('/')[0]}" if rest else ""
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
        if not target or _SCHEMES.match(target):
            return target
        if _ANY_SCHEME.match(target.replace("\t", "").replace("\n", "").replace("\r", "")):
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


def repository_target(path: str, target: str) -> str:
    """A link's target in the file `path` as a path within the repository; addresses and anchors as they are."""
    if not path or not target or target.startswith("//") or _SCHEMES.match(target) or _ANY_SCHEME.match(target):
        return target
    place, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", target, re.DOTALL).groups()  # type: ignore[union-attr]
    base = "" if place.startswith("/") else posixpath.dirname(path)
    return posixpath.normpath(posixpath.join(base, unquote(place.lstrip("/")))) + mark + rest if place else target
