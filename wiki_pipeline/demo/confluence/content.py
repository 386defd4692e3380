"""What a Confluence site holds: users, pages with versions, folders, comments, attachments; and what people do to them.

Every operation does to the version what Confluence does: edits and renames add one; moves, labels, restrictions,
trashing, restoring and archiving leave it alone. All state belongs to a `Site` and is changed under its lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wiki_pipeline.demo.confluence.site import Space

CURRENT, ARCHIVED, TRASHED, DRAFT = "current", "archived", "trashed", "draft"

# Whoever edits without being logged in, where a site allows it.
ANONYMOUS = "Anonymous"

# A body is its storage format, or what makes it (generated spaces would not fit into memory otherwise).
Body = str | Callable[[], str]


@dataclass(frozen=True, slots=True)
class User:
    """A person. `key` is the account id on Cloud and the user key on Data Center; empty for the anonymous one."""

    key: str
    name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a content."""

    number: int
    when: datetime
    by: User
    title: str
    body: Body
    message: str = ""
    minor_edit: bool = False

    @property
    def storage(self) -> str:
        """The body in storage format."""
        return self.body if isinstance(self.body, str) else self.body()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a page, one version. `stated_size` is what the site says of its size."""

    id: str
    title: str
    media_type: str
    data: bytes
    version: Version
    stated_size: int


@dataclass(frozen=True, slots=True)
class Restriction:
    """Who may do an operation; both empty means that nothing is restricted here (what is above still holds)."""

    users: tuple[User, ...] = ()
    groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)

    def allows(self, user: User | None, groups: Iterable[str]) -> bool:
        """Whether a person of these groups is let through."""
        return not self or user in self.users or any(group in self.groups for group in groups)


@dataclass(slots=True, eq=False)
class Content:
    """A page, folder, whiteboard, database, blog post or comment of a space.

    Attributes:
        position: order among its siblings; None if nobody ever ordered them.
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
