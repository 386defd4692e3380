"""Which page of the wiki a link means.

Links are written for where the text comes from: `/wiki/spaces/ENG/pages/98487/Guide`, `/display/ENG/Guide`,
`../docs/intro.md`, `https://github.com/org/repo/blob/main/docs/intro.md`. Where the wiki has that document, readers
stay in the wiki; everything else leads where it always led.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa

from wiki_pipeline.links import upstream_addresses
from wiki_pipeline.links.files import File, mirrored
from wiki_pipeline.links.wiki_addresses import page_address, source_address, wiki_path
from wiki_pipeline.model import Link, SourceKey

# Distinct targets remembered; more only costs time.
_REMEMBERED = 16_384
_MAX_TARGET = 4_096
BROKEN = "broken:"


class _Record(NamedTuple):
    """One document's `COLUMNS`."""

    document_id: str
    title: str
    url: str
    path: str
    space_key: str


COLUMNS = _Record._fields


@dataclass(slots=True)
class _Documents:
    """One source's documents by what links call them; values are row numbers."""

    source: SourceKey
    columns: pa.Table
    paths: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)

    def id(self, row: int) -> str:
        return str(self.columns["document_id"][row].as_py())

    def address(self, row: int) -> str:
        document_id, title, path = (self.columns[name][row].as_py() for name in ("document_id", "title", "path"))
        return page_address(self.source, wiki_path(document_id, title, path))


# A document by its row, or the address of what is none: a source's first page, a folder.
_Place = tuple[_Documents, int] | str
# The anchor that a fragment of a link means on one document's page.
FindAnchor = Callable[[str], str]


@dataclass(slots=True)
class _Space:
    """One Confluence space as a source: its pages by title (case does not count)."""

    documents: _Documents
    titles: dict[str, int] = field(default_factory=dict)


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
        self._sources: dict[SourceKey, _Documents] = {}
        self._pages: dict[str, dict[str, tuple[_Documents, int]]] = {}
        self._spaces: dict[tuple[str, str], _Space] = {}
        self._repositories: dict[str, _Documents] = {}
        self._homes: dict[str, SourceKey] = {}
        self._bases: dict[str, str] = {}
        for source in sorted(documents):
            self._add(source, documents[source].select(COLUMNS).combine_chunks())
        self._attached = mirrored(self._attachments)
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
        title = self.title(text, target, source, path)
        return f"{found} {title}" if title else found

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
        documents, row = place
        if not fragment:
            return documents.address(row)
        anchor = self._anchors.get((documents.source, documents.id(row)))
        return f"{documents.address(row)}#{anchor(fragment) if anchor else fragment}"

    def _means(self, target: str, source: SourceKey, path: str) -> tuple[_Place, str] | None:
        """What a link means here, and its fragment."""
        if not target or target.startswith(("#", "//")) or len(target) > _MAX_TARGET:
            return None
        address = upstream_addresses.split(target)
        if address is None:
            name, _, fragment = target.partition("#")
            found = self._file(name, source, path)
        else:
            found, fragment = self._page(address) or self._blob(address), address.fragment
        return None if found is None else (found, fragment)

    def _is_broken(self, target: str) -> bool:
        """Whether an absolute address names a page by its title, in a space that is here as a whole and lacks it.

        Of a page that is named by its id nobody can tell without asking: it may have moved to another space.
        """
        address = upstream_addresses.split(target)
        place = address and upstream_addresses.confluence_place(address)
        if not place or place.page_id or not place.title:
            return False
        space = self._spaces.get((place.base, place.space.casefold()))
        if space is None or space.documents.source not in self._complete:
            return False
        return place.title.casefold() not in space.titles

    # --- looking up ----------------------------------------------------------------------------------------------

    def document(self, target: str, source: SourceKey, path: str = "") -> tuple[SourceKey, str] | None:
        """The source and the id of the document that a link in a document of `source` means; None if it is not here."""
        found = self._means(target, source, path)
        if found is None or isinstance(found[0], str):
            return None
        documents, row = found[0]
        return documents.source, documents.id(row)

    def title(self, text: str, target: str, source: SourceKey, path: str = "") -> str:
        """The title of the wiki page that a link leads to, if its text is no more than its address or the page's id, as
        Confluence shows such links; else empty."""
        if not text.isdecimal() and unquote(text) != unquote(target):
            return ""
        found = self._means(target, source, path)
        if found is None or isinstance(found[0], str):
            return ""
        documents, row = found[0]
        is_page = not documents.columns["path"][row].as_py() and (not text.isdecimal() or text == documents.id(row))
        return str(documents.columns["title"][row]) if is_page else ""

    def _page(self, address: upstream_addresses.Address) -> _Place | None:
        place = upstream_addresses.confluence_place(address)
        if place is None:
            return None
        found = self._place(place)
        if found is not None:
            return found
        space = self._spaces.get((place.base, place.space.casefold()))
        is_space = space is not None and not place.page_id and not place.title
        return source_address(space.documents.source) if space is not None and is_space else None

    def _place(self, place: upstream_addresses.ConfluencePlace) -> tuple[_Documents, int] | None:
        """A page's source and row number."""
        if place.page_id:
            return self._pages.get(place.base, {}).get(place.page_id)
        space = self._spaces.get((place.base, place.space.casefold()))
        row = space.titles.get(place.title.casefold()) if space is not None else None
        return None if space is None or row is None else (space.documents, row)

    def _file(self, name: str, source: SourceKey, path: str) -> _Place | None:
        """A relative address: from the file's folder as Markdown means it, then from the root as people often do."""
        documents = self._sources.get(source)
        name = unquote(name.partition("?")[0])
        if documents is None or not documents.paths or not name or ":" in name.split("/")[0]:
            return None
        below = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), name))
        root = posixpath.normpath(posixpath.join("/", name.lstrip("/")))
        candidates = (root,) if name.startswith("/") else (below, root)
        for candidate in candidates:
            found = self._in_repository(documents, candidate.lstrip("/"))
            if found:
                return found
        return None

    def _blob(self, address: upstream_addresses.Address) -> _Place | None:
        """A file or folder of a repository on its host's site, at any branch.

        A line number at another commit than the wiki's own is left to the host: here it would point at another line.
        """
        path = unquote(address.path)
        home = self._homes.get(f"{address.host}{path.rstrip('/')}".removesuffix(".git"))
        if home is not None:
            return source_address(home)
        cut = path.find("/", 1)
        while cut != -1:
            documents = self._repositories.get(f"{address.host}{path[: cut + 1]}")
            if documents is not None:
                reference, _, rest = path[cut + 1 :].partition("/")
                while rest:  # a branch's name may hold slashes
                    found = self._in_repository(documents, rest.rstrip("/"))
                    if found and not self._elsewhere(documents, rest, reference, address.fragment):
                        return found
                    rest = rest.partition("/")[2]
            cut = path.find("/", cut + 1)
        return None

    @staticmethod
    def _elsewhere(documents: _Documents, path: str, reference: str, fragment: str) -> bool:
        row = documents.paths.get(path)
        if row is None or not fragment.startswith("L") or not upstream_addresses.is_commit(reference):
            return False
        return f"/{reference}/" not in documents.columns["url"][row].as_py()

    @staticmethod
    def _in_repository(documents: _Documents, path: str) -> _Place | None:
        if path in documents.paths:
            return documents, documents.paths[path]
        if not path:
            return source_address(documents.source)
        return page_address(documents.source, f"{path}/") if path in documents.folders else None

    # --- building ------------------------------------------------------------------------------------------------

    def _add(self, source: SourceKey, columns: pa.Table) -> None:
        documents = self._sources[source] = _Documents(source, columns)
        records = zip(*(columns[name].to_pylist() for name in COLUMNS), strict=True)
        for row, record in enumerate(map(_Record._make, records)):
            if record.path:
                self._add_file(documents, row, record)
            else:
                self._add_page(documents, row, record)

    def _add_file(self, documents: _Documents, row: int, file: _Record) -> None:
        documents.paths[file.path] = row
        folder = posixpath.dirname(file.path)
        while folder and folder not in documents.folders:
            documents.folders.add(folder)
            folder = posixpath.dirname(folder)
        blobs = upstream_addresses.blob_base(file.url, file.path) if row == 0 else None  # the same for all files
        if blobs is None:
            return
        base = blobs[0]
        self._repositories.setdefault(base, documents)
        head, word, tail = base.rpartition("/blob/")
        if word and not tail:
            self._repositories.setdefault(f"{head}/tree/", documents)
            self._homes.setdefault(head.removesuffix("/-"), documents.source)
        elif base.endswith("/src/"):
            self._homes.setdefault(base.removesuffix("/src/"), documents.source)

    def _add_page(self, documents: _Documents, row: int, page: _Record) -> None:
        base = self._base(page.url)
        if not base:
            return
        self._pages.setdefault(base, {}).setdefault(page.document_id, (documents, row))
        space = self._spaces.setdefault((base, page.space_key.casefold()), _Space(documents))
        if space.documents is documents:
            other = space.titles.setdefault(page.title.casefold(), row)
            # Titles are unique upstream, but two pages may have swapped theirs between two looks at them.
            if other != row and page.document_id < documents.columns["document_id"][other].as_py():
                space.titles[page.title.casefold()] = row

    def _base(self, url: str) -> str:
        """Of which Confluence a page's address is; empty if of none."""
        site = upstream_addresses.confluence_site(url)
        if site in self._bases:
            return self._bases[site]
        address = upstream_addresses.split(url)
        place = address and upstream_addresses.confluence_place(address)
        if place and site:
            self._bases[site] = place.base
        return place.base if place else ""
