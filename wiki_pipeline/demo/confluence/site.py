"""What a Confluence site holds: users, pages with versions, folders, comments, attachments; and what people do to them.

Every operation does to the version what Confluence does: edits and renames add one; moves, labels, restrictions,
trashing, restoring and archiving leave it alone. All state belongs to a `Site` and is changed under its lock.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from wiki_pipeline.demo.confluence.records import (
    ANONYMOUS,
    ARCHIVED,
    CURRENT,
    TRASHED,
    Attachment,
    Body,
    Restriction,
    User,
    Version,
)
from wiki_pipeline.demo.confluence.search_index import Indexed, SearchIndex

Flavour = Literal["cloud", "datacenter"]


@dataclass(slots=True, eq=False)
class Content:
    """A page, folder, whiteboard, database, blog post or comment of a space.

    Attributes:
        position: order among its siblings; None if they were never ordered.
        restrictions: by operation, `read` and `update`; what is set on this very content.
        storage_fails: whether its storage body can't be had (set it to make a server stumble over this page).
        revision: grows with every change of any kind, unlike the version.
    """

    space: Space
    id: str
    type: str
    created: datetime
    creator: User
    versions: list[Version]
    parent: Content | None = None
    status: str = CURRENT
    position: int | None = None
    labels: tuple[str, ...] = ()
    restrictions: dict[str, Restriction] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    children: list[Content] = field(default_factory=list)
    comments: list[Content] = field(default_factory=list)
    storage_fails: bool = False
    revision: int = 0

    # --- reading -------------------------------------------------------------------------------------------------

    @property
    def version(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    @property
    def title(self) -> str:
        """The title of the newest version."""
        return self.versions[-1].title

    @property
    def body(self) -> str:
        """The storage format of the newest version."""
        return self.versions[-1].storage

    @property
    def ancestors(self) -> list[Content]:
        """From the root downwards, without the content itself."""
        above: list[Content] = []
        content = self.parent
        while content is not None:
            above.append(content)
            content = content.parent
        above.reverse()
        return above

    def ordered_children(self) -> list[Content]:
        """As the page tree shows them: by position, then those without one by title."""
        return sorted(self.children, key=_tree_order)

    def descendants(self) -> list[Content]:
        """All contents below, parents before children, in tree order."""
        below: list[Content] = []
        stack = self.ordered_children()[::-1]
        while stack:
            content = stack.pop()
            below.append(content)
            stack.extend(content.ordered_children()[::-1])
        return below

    # --- what people do ------------------------------------------------------------------------------------------

    def edit(
        self,
        body: str | None = None,
        *,
        title: str | None = None,
        author: str | None = None,
        when: datetime | None = None,
        message: str = "",
        minor: bool = False,
    ) -> Version:
        """Save a new version; what is not given stays as it is."""
        site = self.space.site
        with site.lock:
            last = self.version
            version = Version(
                number=last.number + 1,
                when=when or site.now(),
                by=site.user(author) if author else last.by,
                title=title or last.title,
                body=last.body if body is None else body,
                message=message,
                minor_edit=minor,
            )
            self.versions.append(version)
            site.touched(self)
            return version

    def rename(self, title: str) -> Version:
        """Change the title: a new version with the same body."""
        return self.edit(title=title)

    def move(self, parent: Content | None, *, position: int | None = None, space: Space | None = None) -> None:
        """Hang the content, with all below it, elsewhere; `parent=None` is the root. The version stays."""
        if parent is self or (parent is not None and self in parent.ancestors):
            raise ValueError(f"{self.id} can't be moved below itself")
        with self.space.site.lock:
            target = space or (parent.space if parent else self.space)
            self._unhang()
            self._hang(parent, target)
            self.position = position
            for content in [self, *self.descendants()]:
                content.space.contents.pop(content.id, None)
                content.space = target
                target.contents[content.id] = content
                target.site.touched(content)

    def trash(self, *, lift_children: bool = True) -> None:
        """Put the page into the trash. Its children move up, or stay below it (some histories leave them there)."""
        with self.space.site.lock:
            if lift_children:
                self._lift_children()
            self._set_status(TRASHED)

    def restore(self) -> None:
        """Bring it back from the trash or the archive; the version stays."""
        self._set_status(CURRENT)

    def archive(self) -> None:
        """Archive the page (Cloud); the version stays."""
        self._set_status(ARCHIVED)

    def purge(self) -> None:
        """Remove it for good: no request finds it any more. Children move up."""
        with self.space.site.lock:
            self._lift_children()
            self._unhang()
            del self.space.contents[self.id], self.space.site.contents[self.id]
            self.space.site.touched(self)

    def label(self, *names: str) -> None:
        """Add labels; the version stays."""
        with self.space.site.lock:
            for name in names:
                self.space.site.label_id(name)
            self.labels = tuple(dict.fromkeys((*self.labels, *names)))
            self.space.site.touched(self)

    def unlabel(self, *names: str) -> None:
        """Take labels away; the version stays."""
        with self.space.site.lock:
            self.labels = tuple(name for name in self.labels if name not in names)
            self.space.site.touched(self)

    def restrict(
        self,
        *,
        read: Iterable[str] = (),
        update: Iterable[str] = (),
        read_groups: Iterable[str] = (),
        update_groups: Iterable[str] = (),
    ) -> None:
        """Let only these people (display names) and groups read or update; nothing given lifts the restrictions."""
        site = self.space.site
        with site.lock:
            self.restrictions = {
                operation: Restriction(tuple(site.user(name) for name in users), tuple(groups))
                for operation, users, groups in (("read", read, read_groups), ("update", update, update_groups))
            }
            site.touched(self)

    def attach(
        self,
        filename: str,
        data: bytes,
        media_type: str,
        *,
        author: str | None = None,
        when: datetime | None = None,
        stated_size: int | None = None,
    ) -> Attachment:
        """Upload a file, or a new version of the file of that name. The page's version stays."""
        site = self.space.site
        with site.lock:
            known = next((item for item in self.attachments if item.title == filename), None)
            version = Version(
                number=known.version.number + 1 if known else 1,
                when=when or site.now(),
                by=site.user(author) if author else self.version.by,
                title=filename,
                body="",
            )
            attachment_id = known.id if known else f"att{site.next_id()}"
            size = len(data) if stated_size is None else stated_size
            attachment = Attachment(attachment_id, filename, media_type, data, version, size)
            self.attachments = (*(item for item in self.attachments if item.title != filename), attachment)
            site.touched(self)
            return attachment

    def detach(self, filename: str) -> None:
        """Delete a file. The page's version stays."""
        site = self.space.site
        with site.lock:
            self.attachments = tuple(item for item in self.attachments if item.title != filename)
            site.touched(self)

    def comment(self, body: str, *, author: str | None = None, when: datetime | None = None) -> Content:
        """Write a comment below the page."""
        site = self.space.site
        with site.lock:
            by = site.user(author) if author else self.version.by
            when = when or site.now()
            version = Version(1, when, by, f"Re: {self.title}", body)
            comment = Content(self.space, site.next_id(), "comment", when, by, [version])
            self.comments.append(comment)
            return comment

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _set_status(self, status: str) -> None:
        with self.space.site.lock:
            self.status = status
            self.space.site.touched(self)

    def _lift_children(self) -> None:
        for child in self.ordered_children():
            child._unhang()
            child._hang(self.parent, self.space)
            for content in [child, *child.descendants()]:
                self.space.site.touched(content)

    def _unhang(self) -> None:
        (self.parent.children if self.parent else self.space.roots).remove(self)

    def _hang(self, parent: Content | None, space: Space) -> None:
        self.parent = parent
        (parent.children if parent else space.roots).append(self)


def _tree_order(content: Content) -> tuple[bool, int, str]:
    return (content.position is None, content.position or 0, content.title.casefold())


@dataclass(slots=True, eq=False)
class Space:
    """A space: `space.add(...)` makes its pages, which carry all other operations."""

    site: Site
    id: int
    key: str
    name: str
    created: datetime
    creator: User
    description: str = ""
    type: str = "global"
    status: str = CURRENT
    homepage: Content | None = None
    contents: dict[str, Content] = field(default_factory=dict)
    roots: list[Content] = field(default_factory=list)

    def add(
        self,
        title: str,
        body: Body = "<p/>",
        *,
        parent: Content | None = None,
        type: str = "page",  # noqa: A002 - Confluence's own word for it
        id: str | None = None,  # noqa: A002 - as above
        status: str = CURRENT,
        position: int | None = None,
        labels: Iterable[str] = (),
        author: str = "Ada Lovelace",
        when: datetime | None = None,
        modified: datetime | None = None,
        version: int = 1,
    ) -> Content:
        """Make a page (or a folder, whiteboard, database, blog post: `type`), by default at the root of the space.

        Args:
            body: storage format, or a function that makes it each time it is asked for.
            when: the moment of its creation; the site's now if not given.
            modified: the moment of its newest version; that of its creation if not given.
            version: number of its newest version; older ones are not kept.
        """
        site = self.site
        with site.lock:
            when = when or site.now()
            by = site.user(author)
            content_id = id or site.next_id()
            if content_id in site.contents:
                raise ValueError(f"there is a content {content_id} already")
            newest = Version(version, modified or when, by, title, body)
            content = Content(self, content_id, type, when, by, [newest], parent, status, position)
            self.contents[content.id] = site.contents[content.id] = content
            (parent.children if parent else self.roots).append(content)
            content.label(*labels)
            return content

    def page(self, title: str) -> Content:
        """The page of that title.

        Raises:
            KeyError: there is none.
        """
        for content in self.contents.values():
            if content.type == "page" and content.title == title:
                return content
        raise KeyError(title)


class Site:
    """All spaces, people and labels of a Confluence.

    Args:
        flavour: decides how ids and positions look.
        clock: tells the time; tests give their own.
        index_lag: how long the search index stays behind an edit.
    """

    def __init__(
        self,
        flavour: Flavour = "cloud",
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        index_lag: timedelta = timedelta(0),
    ) -> None:
        self.flavour = flavour
        self.clock = clock
        self.index = SearchIndex(lambda: self.clock(), self._indexed, index_lag)  # noqa: PLW0108 - tests set another clock
        self.lock = threading.RLock()
        self.spaces: dict[str, Space] = {}
        self.contents: dict[str, Content] = {}
        self.users: dict[str, User] = {}
        self.labels: dict[str, int] = {}
        self.restricted = False
        self.revision = 0
        self._ids = itertools.count(65_601, 3)

    def now(self) -> datetime:
        """The moment, to the millisecond, as Confluence keeps it."""
        now = self.clock().astimezone(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def next_id(self) -> str:
        """A content id not used yet."""
        return next(text for text in map(str, self._ids) if text not in self.contents)

    def space(
        self,
        key: str,
        name: str = "",
        *,
        description: str = "",
        type: str = "global",  # noqa: A002 - Confluence's word
    ) -> Space:
        """The space of that key; made if there is none."""
        with self.lock:
            if key not in self.spaces:
                number = 32_770 + 3 * len(self.spaces)
                creator = self.user("Ada Lovelace")
                self.spaces[key] = Space(self, number, key, name or key, self.now(), creator, description, type)
            return self.spaces[key]

    def user(self, display_name: str, key: str = "") -> User:
        """The person of that display name; made (with that account id or user key) if there is none."""
        with self.lock:
            if display_name == ANONYMOUS:
                return User("", "", ANONYMOUS)
            if display_name not in self.users:
                digest = hashlib.sha256(display_name.encode()).hexdigest()
                made_up = f"557058:{digest[:8]}-{digest[8:12]}" if self.flavour == "cloud" else digest[:32]
                *first, last = display_name.lower().split() or [""]
                name = "".join(part[0] for part in first) + last
                self.users[display_name] = User(key or made_up, name, display_name)
            return self.users[display_name]

    def label_id(self, name: str) -> int:
        """The number of a label; a new one for a new label."""
        with self.lock:
            return self.labels.setdefault(name, 9_000_001 + len(self.labels))

    def touched(self, content: Content) -> None:
        """Note that a content changed: the search index will learn of it."""
        self.revision += 1
        content.revision = self.revision
        self.restricted = self.restricted or bool(content.restrictions)
        self.index.note(content.id)

    def attachment(self, attachment_id: str) -> tuple[Content, Attachment] | None:
        """An attachment and the page that holds it."""
        for content in self.contents.values():
            for item in content.attachments:
                if item.id == attachment_id:
                    return content, item
        return None

    def _indexed(self, content_id: str) -> Sequence[Indexed]:
        content = self.contents.get(content_id)
        if content is None or content.status != CURRENT:
            return ()
        own = _indexed_content(content)
        return (own, *(_indexed_file(own, item) for item in content.attachments))


def _indexed_content(content: Content) -> Indexed:
    return Indexed(
        id=content.id,
        type=content.type,
        space_key=content.space.key,
        title=content.title,
        labels=content.labels,
        parent=content.parent.id if content.parent else "",
        ancestors=tuple(above.id for above in content.ancestors),
        created=content.created,
        modified=content.version.when,
        creator=content.creator,
    )


def _indexed_file(page: Indexed, item: Attachment) -> Indexed:
    return replace(
        page,
        id=item.id,
        type="attachment",
        title=item.title,
        labels=(),
        parent=page.id,
        created=item.version.when,
        modified=item.version.when,
        creator=item.version.by,
    )
