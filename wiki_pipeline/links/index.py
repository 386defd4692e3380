"""Which page of the wiki a link means.

Links are written for where the text comes from: `/wiki/spaces/ENG/pages/98487/Guide`, `/display/ENG/Guide`,
`../docs/intro.md`, `https://github.com/org/repo/blob/main/docs/intro.md`. Where the wiki has that document, readers
stay in the wiki; everything else leads where it always led. What the addresses of a system mean its own module says, in
keys (`links.keys`); here keys are compared.
"""

from __future__ import annotations

import posixpath
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from wiki_pipeline.links import confluence, forges, jira, web
from wiki_pipeline.links.files import File, kept_files
from wiki_pipeline.links.keys import LinkKey, Meaning, Record, System
from wiki_pipeline.links.repository import paths_meant
from wiki_pipeline.links.wiki_addresses import page_address, source_address, wiki_path
from wiki_pipeline.model import Link, SourceKey

SYSTEMS: tuple[System, ...] = (confluence.SYSTEM, jira.SYSTEM, forges.SYSTEM)

# Distinct targets remembered; more only costs time.
_REMEMBERED = 16_384
_MAX_TARGET = 4_096
BROKEN = "broken:"
COLUMNS = Record._fields


@dataclass(frozen=True, slots=True)
class _Documents:
    """One source's documents.

    Attributes:
        first: number of the first of them; numbers run through all sources.
    """

    source: SourceKey
    columns: pa.Table
    first: int

    def value(self, number: int, column: str) -> str:
        return str(self.columns[column][number - self.first].as_py())

    def id(self, number: int) -> str:
        return self.value(number, "document_id")

    def facets(self, number: int) -> list[str]:
        found: list[str] = self.columns["facets"][number - self.first].as_py()
        return found

    def address(self, number: int) -> str:
        path = wiki_path(*(self.value(number, name) for name in ("document_id", "title", "path")))
        return page_address(self.source, path)


@dataclass(frozen=True, slots=True)
class Badge:
    """What is shown behind a link of the document that it leads to: an issue's status.

    Attributes:
        tone: `new`, `indeterminate` or `done`: the category that Jira gives the status.
    """

    text: str
    tone: str


# A document by its number, or the address of what is none: a source's first page, a folder.
_Place = tuple[_Documents, int] | str
# The anchor that a fragment of a link means on one document's page.
FindAnchor = Callable[[str], str]


class LinkIndex:
    """The documents of some sources, found by the addresses that links use.

    Built from the columns `COLUMNS` of each source's documents, and `files.COLUMNS` of its attachments; `source` of a
    page whose links are asked for is one of them. Safe to share between threads.

    Args:
        documents: of each source.
        complete: sources that hold all pages of their space: a link to a page that they lack is broken.
        attachments: of each source that has any.
        anchors: of documents that links lead into, by source and id; elsewhere fragments stay as they are.
    """

    def __init__(
        self,
        documents: Mapping[SourceKey, pa.Table],
        complete: Collection[SourceKey] = (),
        attachments: Mapping[SourceKey, pa.Table] | None = None,
        anchors: Mapping[tuple[SourceKey, str], FindAnchor] | None = None,
    ) -> None:
        self._documents = documents
        self._complete = frozenset(complete)
        self._attachments = attachments or {}
        self._anchors = anchors or {}
        self._numbered: list[_Documents] = []
        self._first: list[int] = []  # of each of those
        self._names: dict[str, dict[str, int]] = {}  # documents by the namespaces and names of their keys
        self._folders: dict[str, set[str]] = {}  # of the same namespaces, where documents have paths
        self._homes: dict[str, SourceKey] = {}  # what a namespace itself stands for
        for source in sorted(documents):
            self._add(source, documents[source].select(COLUMNS).combine_chunks())
        self._whole = {namespace for namespace, source in self._homes.items() if source in self._complete}
        self._attached = kept_files(self._attachments)
        self.resolve = lru_cache(maxsize=_REMEMBERED)(self._resolve)
        self.is_broken = lru_cache(maxsize=_REMEMBERED)(self._is_broken)

    def __reduce__(self) -> tuple[type[LinkIndex], tuple[object, ...]]:
        # Built anew from its columns where it is unpickled.
        return LinkIndex, (self._documents, self._complete, self._attachments, self._anchors)

    def with_anchors(self, anchors: Mapping[tuple[SourceKey, str], FindAnchor]) -> LinkIndex:
        """The same index, knowing where on some documents' pages fragments lead."""
        return LinkIndex(self._documents, self._complete, self._attachments, anchors) if anchors else self

    def targets(self, source: SourceKey, path: str, links: Iterable[Link | Mapping[str, Any]]) -> tuple[str, ...]:
        """Where the links of a document of `source` at `path` lead in the wiki, in order; empty where they leave it,
        and `BROKEN` where they lead nowhere.

        This is what a rendered page depends on besides its own text: it goes into the stage's input hash, so that a
        new, renamed or deleted page renders again those that link to it, and no others.
        """
        pairs = (
            (link.text, link.target) if isinstance(link, Link) else (link["text"], link["target"]) for link in links
        )
        return tuple([self._shown(text, target, source, path) for text, target in pairs])

    def _shown(self, text: str, target: str, source: SourceKey, path: str) -> str:
        found = self.resolve(target, source, path)
        if found is None:
            return self._otherwise(target, source, path)
        title, badge = self.title(text, target, source, path), self.badge(target, source, path)
        shown = f" [{badge.text} {badge.tone}]" if badge else ""
        return (f"{found} {title}" if title else found) + shown

    def files(self, target: str, source: SourceKey, path: str = "") -> Sequence[File]:
        """The mirrored file that `target` means in a document of `source` at `path`; several if it means a list."""
        return self._attached.find(target, path, source) if self._attached else ()

    def _otherwise(self, target: str, source: SourceKey, path: str) -> str:
        """What a page shows of a link that leads to no document: the file that it means, or that it is broken."""
        found = self.files(target, source, path)
        return repr(found) if found else BROKEN if self.is_broken(target) else ""

    def _resolve(self, target: str, source: SourceKey, path: str = "") -> str | None:
        """The wiki's address, fragment included, of what `target` means in a document of `source` at `path`; None if
        the wiki does not have it. `target` is an absolute address or, in a repository, a relative one."""
        found = self._means(target, source, path)
        if found is None:
            return None
        place, fragment = found
        if isinstance(place, str):
            return f"{place}#{fragment}" if fragment else place
        documents, number = place
        if not fragment:
            return documents.address(number)
        anchor = self._anchors.get((documents.source, documents.id(number)))
        return f"{documents.address(number)}#{anchor(fragment) if anchor else fragment}"

    def _means(self, target: str, source: SourceKey, path: str) -> tuple[_Place, str] | None:
        """What a link means here, and its fragment."""
        if not target or target.startswith(("#", "//")) or len(target) > _MAX_TARGET:
            return None
        address = web.split(target)
        if address is None:
            name, _, fragment = target.partition("#")
            found = self._beside(name, source, path)
        else:
            found, fragment = self._there(address), address.fragment
        return None if found is None else (found, fragment)

    def _is_broken(self, target: str) -> bool:
        """Whether an absolute address names a page by its title, in a space that is here as a whole and lacks it.

        Of a page that is named by its id that is not known without asking: it may have moved to another space.
        """
        address = web.split(target)
        if address is None:
            return False
        for key, _ in self._meanings(address):
            if key.name and key.namespace in self._whole:
                return self._there(address) is None
        return False

    # --- looking up ----------------------------------------------------------------------------------------------

    def document(self, target: str, source: SourceKey, path: str = "") -> tuple[SourceKey, str] | None:
        """The source and the id of the document that a link in a document of `source` means; None if it is not here."""
        found = self._means(target, source, path)
        if found is None or isinstance(found[0], str):
            return None
        documents, number = found[0]
        return documents.source, documents.id(number)

    def title(self, text: str, target: str, source: SourceKey, path: str = "") -> str:
        """The title of the wiki page that a link leads to, if its text is no more than its address, the page's id or an
        issue's key, as Confluence shows such links; else empty."""
        is_key = jira.ISSUE_KEY.fullmatch(text) is not None
        if not text.isdecimal() and not is_key and unquote(text) != unquote(target):
            return ""
        found = self._means(target, source, path)
        if found is None or isinstance(found[0], str):
            return ""
        documents, number = found[0]
        if is_key:
            title = documents.value(number, "title")
            return title if documents.facets(number) else ""
        is_page = not documents.value(number, "path") and (not text.isdecimal() or text == documents.id(number))
        return documents.value(number, "title") if is_page else ""

    def badge(self, target: str, source: SourceKey, path: str = "") -> Badge | None:
        """What is shown behind a link: the status of the issue that it leads to."""
        if "/browse/" not in target and "/issues/" not in target and "selectedIssue=" not in target:
            return None  # by far the most
        found = self._means(target, source, path)
        if found is None or isinstance(found[0], str):
            return None
        facts = dict(facet.split("=", 1) for facet in found[0][0].facets(found[0][1]))
        status = facts.get("status", "")
        return Badge(status, facts.get("category", "")) if status else None

    def _there(self, address: web.WebAddress) -> _Place | None:
        """The first thing that the wiki has of those that a web address may mean.

        A line number at another commit than the wiki's own is left to the host: here it would point at another line.
        """
        for key, commit in self._meanings(address):
            found = self._at(key)
            if found is None:
                continue
            if isinstance(found, str) or not commit or not address.fragment.startswith("L"):
                return found
            if commit in found[0].value(found[1], "url"):
                return found
        return None

    def _meanings(self, address: web.WebAddress) -> Iterator[Meaning]:
        """What an address may mean. A site is of one system: where one knows it, the others are not asked."""
        for system in SYSTEMS:
            is_known = False
            for meaning in system.meanings(address):
                is_known = is_known or meaning.key.namespace in self._names
                yield meaning
            if is_known:
                return

    def _beside(self, name: str, source: SourceKey, path: str) -> _Place | None:
        """What a relative address means in a repository's file."""
        namespace = _within(source)
        if namespace in self._folders:
            for candidate in paths_meant(name, path):
                if found := self._at(LinkKey(namespace, candidate)):
                    return found
        return None

    def _at(self, key: LinkKey) -> _Place | None:
        """The document, folder or source of a key."""
        namespace, name = key
        names = self._names.get(namespace)
        if names is None:
            return None
        number = names.get(name)
        if number is not None:
            return self._numbered[bisect_right(self._first, number) - 1], number
        home = self._homes.get(namespace)
        if home is None:
            return None
        if not name:
            return source_address(home)
        return page_address(home, f"{name}/") if name in self._folders.get(namespace, ()) else None

    # --- building ------------------------------------------------------------------------------------------------

    def _add(self, source: SourceKey, columns: pa.Table) -> None:
        last = self._numbered[-1] if self._numbered else None
        documents = _Documents(source, columns, last.first + len(last.columns) if last else 0)
        self._numbered.append(documents)
        self._first.append(documents.first)
        records = zip(*(columns[name].to_pylist() for name in COLUMNS), strict=True)
        paths: dict[str, int] = {}
        for number, record in enumerate(map(Record._make, records), documents.first):
            if record.path:
                paths[record.path] = number
                if len(paths) == 1:  # the namespace is the same for all files
                    self._add_repository(source, record, paths)
                continue
            for namespace, name in _keys_of(record):
                if not name:
                    self._homes.setdefault(namespace, source)
                    continue
                names = self._names.get(namespace)
                if names is None:
                    names = self._names[namespace] = {}
                other = names.setdefault(name, number)
                # Titles are unique upstream, but two pages may have swapped theirs between two looks at them.
                if other != number and other >= documents.first and record.document_id < documents.id(other):
                    names[name] = number
        folders = self._folders.get(_within(source), set())
        for path in paths:
            folder = posixpath.dirname(path)
            while folder and folder not in folders:
                folders.add(folder)
                folder = posixpath.dirname(folder)

    def _add_repository(self, source: SourceKey, file: Record, paths: dict[str, int]) -> None:
        """Enter a source's files, under its own namespace and under that of its repository on the web, if no other
        source is made from the same one."""
        folders: set[str] = set()
        for namespace in (_within(source), *(key.namespace for key in _keys_of(file))):
            if self._names.setdefault(namespace, paths) is paths:
                self._folders[namespace], self._homes[namespace] = folders, source


def _within(source: SourceKey) -> str:
    """The namespace of a source's own paths, in which its files' relative links are."""
    return f"source:{source}"


def _keys_of(document: Record) -> Sequence[LinkKey]:
    for system in SYSTEMS:
        if keys := system.keys_of(document):
            return keys
    return ()
