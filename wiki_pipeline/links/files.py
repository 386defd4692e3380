"""Which file beside the pages an address in a page means: a Confluence attachment, a file of the repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.links import confluence, jira, web
from wiki_pipeline.links.confluence import FilePlace
from wiki_pipeline.links.keys import LinkKey
from wiki_pipeline.links.repository import paths_meant
from wiki_pipeline.links.wiki_addresses import source_address
from wiki_pipeline.model import SourceKey

T = TypeVar("T")

COLUMNS = ("url", "path", "title", "media_type", "file_hash", "notes")
FOLDER = "_files"
# Pictures that every browser shows, and that can do nothing but be shown as the gateway serves them.
PICTURES = frozenset(f"image/{kind}" for kind in ("png", "jpeg", "gif", "webp", "avif", "svg+xml"))

# What is no relative address.
_NOT_RELATIVE = r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|#|//)"
_MAY_BE_FILES = f"{confluence.MAY_BE_FILES}|{jira.MAY_BE_FILES}"


@dataclass
class Files(Generic[T]):
    """Files by what pages call them."""

    by_name: dict[LinkKey, T] = field(default_factory=dict)
    by_page: dict[str, list[T]] = field(default_factory=dict)  # by the namespace of their keys
    by_path: dict[str, T] = field(default_factory=dict)

    def add(self, file: T, url: str, path: str) -> None:
        """Enter a file by its path in the repository, or by its address on a Confluence."""
        if path:
            self.by_path[path] = file
            return
        place = file_place(url)
        if place:
            self.by_name[place.key] = file
            self.by_page.setdefault(place.key.namespace, []).append(file)

    def find(self, target: str, path: str = "") -> Sequence[T]:
        """The file that `target` means in a document at `path`; all files of a page, if it means their list."""
        address = web.split(target)
        if address is not None:
            place = _place(address)
            if place is None:
                return ()
            if not place.name:
                return self.by_page.get(place.key.namespace, ())
            found = self.by_name.get(place.key)
            return () if found is None else (found,)
        for candidate in paths_meant(target, path) if self.by_path else ():
            if candidate in self.by_path:
                return (self.by_path[candidate],)
        return ()


def file_place(target: str) -> FilePlace | None:
    """The file of a page or an issue, or the list of a page's files, that an address means."""
    address = web.split(target)
    return _place(address) if address else None


def _place(address: web.WebAddress) -> FilePlace | None:
    return confluence.file_place(address) or jira.file_place(address)


def may_mean_files(targets: pa.StringArray) -> pa.BooleanArray:
    """Which of many addresses may mean a file: every one for which `Files.find` finds something, and some more.

    Reads the whole array at once, so that only what passes is taken apart one by one.
    """
    relative = pc.invert(pc.match_substring_regex(targets, _NOT_RELATIVE))
    return pc.or_(relative, pc.match_substring_regex(targets, _MAY_BE_FILES))


def is_list(target: str) -> bool:
    """Whether an address means all files of a page."""
    place = file_place(target)
    return place is not None and not place.name


def is_gallery(target: str) -> bool:
    """Whether a list of files means pictures only."""
    return target.endswith("#gallery") and is_list(target)


@dataclass(frozen=True, slots=True)
class File:
    """A file as pages of the wiki show it.

    Attributes:
        address: in the wiki; empty if it is not kept there.
        notes: for people.
    """

    name: str
    address: str
    media_type: str
    notes: tuple[str, ...]

    @property
    def is_picture(self) -> bool:
        """Whether pages show it in place."""
        return bool(self.address) and self.media_type in PICTURES


@dataclass
class KeptFiles:
    """The files of all sources: a Confluence's by their addresses, from anywhere; a repository's from within it."""

    everywhere: Files[File] = field(default_factory=Files)
    of_source: dict[SourceKey, Files[File]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.everywhere.by_name or self.of_source)

    def find(self, target: str, path: str, source: SourceKey) -> Sequence[File]:
        """As `Files.find`, in a document of `source`."""
        within = self.of_source.get(source)
        return self.everywhere.find(target) or (within.find(target, path) if within and path else ())


def kept_files(attachments: Mapping[SourceKey, pa.Table]) -> KeptFiles:
    """The files of some sources, from the columns `COLUMNS` of their attachments."""
    found = KeptFiles()
    for source in sorted(attachments):
        for row in attachments[source].select(COLUMNS).sort_by("title").to_pylist():
            files = found.of_source.setdefault(source, Files()) if row["path"] else found.everywhere
            files.add(_file(source, row), row["url"], row["path"])
    return found


def _file(source: SourceKey, row: dict[str, Any]) -> File:
    address = file_address(source, row["file_hash"], row["title"]) if row["file_hash"] else ""
    return File(row["title"], address, row["media_type"], tuple(row["notes"]))


def file_address(source: SourceKey, file_hash: str, name: str) -> str:
    """The address of a file's bytes in the wiki: other bytes, another address."""
    return f"{source_address(source)}{FOLDER}/{file_hash}/{quote(name, safe='')}"
