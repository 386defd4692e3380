"""What contents of a Confluence site are made of: people, versions, attachments, restrictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

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
