"""What readers ask of the catalog and the tables: sources with their state, navigation trees, pages.

Nothing is remembered for longer than it is true: trees are kept by table version, everything else is read when asked.
Blocking; safe between threads.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.access import Scope
from wiki_pipeline.answers.cite import Place as Place  # noqa: PLC0414 - part of what readers see
from wiki_pipeline.answers.cite import places_of
from wiki_pipeline.catalog import Audience, Catalog, FailureRecord, Readers, SourceRecord, SyncRecord
from wiki_pipeline.catalog.mentions import COMMIT, DOCUMENT
from wiki_pipeline.freshness import Condition, Reason, SourceStaleness, StaleDocument, StalenessCache
from wiki_pipeline.links import jira
from wiki_pipeline.links.keys import Record
from wiki_pipeline.links.wiki_addresses import page_address, source_address
from wiki_pipeline.model import SourceKey, Stage, WikiPage, rows_from_arrow
from wiki_pipeline.repository_wiki.rows import RepositoryPage
from wiki_pipeline.stages.repository_wiki import STAGE as REPOSITORY_WIKI
from wiki_pipeline.store import Hit, StageTable, Store
from wiki_pipeline.wiki import board, tree
from wiki_pipeline.wiki.board import Board
from wiki_pipeline.wiki.repository_tree import GENERATED_COLUMNS, GeneratedPages, build_repository
from wiki_pipeline.wiki.tree import Node, Tree
from wiki_pipeline.wiki.views import Currency, Entry, Freshness, SourceCard

TREE_BYTES = 256_000_000
_BYTES_A_PAGE = 600  # of a tree's nodes in Python, beside their texts
_RECENT = 8
_SUGGESTIONS = 6
_SYNCS = 50
_MENTIONS = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A document as it was read, and the hash of what it holds."""

    page: WikiPage
    content_hash: str


@dataclass(frozen=True, slots=True)
class Facts(Found):
    """A generated page, with its diagram."""

    diagram: str = ""


@dataclass(frozen=True, slots=True)
class SourceIndex:
    """A source's pages at one version of their table.

    Attributes:
        record: the source.
        version: of the table, 0 before its first row, and behind a dot that of the table of generated pages.
        recent: the documents changed last, newest first.
        board: the overview of those that have a status; None if none has.
        bytes: of memory that it takes, about.
    """

    record: SourceRecord
    table: StageTable
    version: str
    tree: Tree
    recent: tuple[Entry, ...]
    generated: StageTable
    bytes: int = 0
    board: Board | None = None

    def page(self, node: Node) -> Found | None:
        """A document, or a generated page; None if it is gone since."""
        if node.is_generated:
            facts = self.facts(node)
            return Found(facts.page, facts.content_hash) if facts else None
        rows = self.table.read([node.document_id])
        if not rows.num_rows:
            return None
        return Found(next(rows_from_arrow(WikiPage, rows)), rows["content_hash"][0].as_py())

    def facts(self, node: Node) -> Facts | None:
        """The generated page that is, or is shown with, a node; None if there is none."""
        rows = self.generated.read([node.generated]) if node.generated else None
        if rows is None or not rows.num_rows:
            return None
        made = next(rows_from_arrow(RepositoryPage, rows))
        page = WikiPage(
            document_id=made.document_id,
            title=made.title,
            url="",
            space_key=made.space_key,
            space_name=made.space_name,
            media_type=made.media_type,
            wiki_path=made.wiki_path,
            html=made.html,
            markdown=made.markdown,
            headings=made.headings,
            words=made.words,
        )
        return Facts(page, rows["content_hash"][0].as_py(), made.diagram)

    def suggestions(self, path: str) -> list[Entry]:
        """Documents whose address has words of `path`, those with most of them first."""
        desired = _words(path)
        scored = ((len(desired & _words(node.path)), node) for node in self.tree.reading_order)
        best = sorted((item for item in scored if item[0]), key=lambda item: -item[0])[:_SUGGESTIONS]
        return [
            Entry(title=node.title, href=page_address(self.record.key, node.path), place=node.path) for _, node in best
        ]


class WikiReader:
    """One tenant's sources, as readers see them.

    Args:
        scope: what may be read; None: all of the tenant's sources.
        most_bytes: of the page trees that are kept, about; the last one that was asked for always is.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: Store,
        staleness: StalenessCache,
        scope: Scope | None = None,
        most_bytes: int = TREE_BYTES,
    ) -> None:
        self._most_bytes = most_bytes
        self._catalog = catalog
        self._store = store
        self._staleness = staleness
        self._scope = scope or Scope(store.tenant)
        self._lock = threading.Lock()
        self._indexes: OrderedDict[SourceRecord, SourceIndex] = OrderedDict()

    # --- sources -------------------------------------------------------------------------------------------------

    def within(self, scope: Scope) -> WikiReader:
        """The same, of what a scope allows; what is kept in memory is shared."""
        narrowed = WikiReader(self._catalog, self._store, self._staleness, scope, self._most_bytes)
        narrowed._lock, narrowed._indexes = self._lock, self._indexes
        return narrowed

    def sources(self) -> list[SourceRecord]:
        """The tenant's sources that may be read, by kind and name."""
        return [record for record in self._catalog.sources(self._store.tenant) if self._scope.allows(record.key)]

    def source_at(self, slug: str) -> SourceRecord | None:
        """The source with this slug in its addresses."""
        return next((record for record in self.sources() if record.key.slug == slug), None)

    def card(self, record: SourceRecord, found: SourceStaleness | None = None) -> SourceCard:
        """A source as it is shown.

        Args:
            found: how it stands, where that is known already.
        """
        found = found or self.staleness(record)
        return SourceCard(
            key=str(record.key),
            kind=record.key.kind,
            title=record.title or record.key.name,
            home=source_address(record.key),
            url=record.url if record.url.startswith(("http://", "https://")) else "",
            documents=self._store.table(Stage.WIKI_PAGES, record.key).row_count(),
            failures=len(self._catalog.failures(record.key)),
            stale=len(found.stale),
            freshness=source_freshness(found),
            audience=self._audience_of(record),
        )

    def _audience_of(self, record: SourceRecord) -> str:
        """Who may read a source, if not everyone may. Which groups it is else is for admins to know."""
        audience = record.audience
        if audience.readers is Readers.TENANT:
            return ""
        if audience.readers is Readers.ADMINS or self._scope.membership.everything:
            return str(audience)
        mine = sorted(self._scope.membership.groups.intersection(audience.groups))
        return str(Audience(Readers.GROUPS, tuple(mine)))

    def staleness(self, record: SourceRecord) -> SourceStaleness:
        """How a source and its documents stand to what is upstream."""
        return self._staleness.glance(record)

    def syncs(self, key: SourceKey) -> list[SyncRecord]:
        """The source's last syncs, newest first."""
        return self._catalog.syncs(key, limit=_SYNCS)

    def failures(self, key: SourceKey) -> list[FailureRecord]:
        """The source's documents that could not be brought up to date, those that fail for longest first."""
        return self._catalog.failures(key)

    def row_count(self, stage: Stage, key: SourceKey) -> int:
        """Rows of the source in its own table of a stage."""
        return self._store.table(stage, key).row_count()

    # --- pages ---------------------------------------------------------------------------------------------------

    def index(self, record: SourceRecord) -> SourceIndex:
        """The source's pages as they are now."""
        table = self._store.table(Stage.WIKI_PAGES, record.key)
        generated = self._store.table(REPOSITORY_WIKI, record.key)
        version = f"{_version(table)}.{_version(generated)}"
        with self._lock:
            known = self._indexes.get(record)
            if known is not None and known.version == version:
                self._indexes.move_to_end(record)
                return known
        rows = table.read_known([*tree.COLUMNS, "author", "modified_at", "facets"])
        with_facets = rows.filter(pc.greater(pc.list_value_length(rows["facets"]), 0)).select(board.COLUMNS)
        overview = board.board(record.key, with_facets.to_pylist())
        recent = tuple(_recent(record.key, rows))
        pages = GeneratedPages.of(generated.read(columns=GENERATED_COLUMNS))
        built = build_repository(rows, pages) if pages else tree.build(rows)
        index = SourceIndex(record, table, version, built, recent, generated, _size(rows), overview)
        with self._lock:
            self._indexes[record] = index
            while len(self._indexes) > 1 and sum(each.bytes for each in self._indexes.values()) > self._most_bytes:
                self._indexes.popitem(last=False)
        return index

    def moved(self, record: SourceRecord, path: str) -> str:
        """Where a document is now that was at a path of a source, and that another source of its kind and site has, as
        an issue that moved to another project; empty if nowhere."""
        document_id = unquote(path.partition("/")[0])
        if not document_id.isdecimal() or self.index(record).tree.document(document_id) is not None:
            return ""
        for other in self.sources():
            if other.key == record.key or (other.key.kind, other.connection) != (record.key.kind, record.connection):
                continue
            if node := self.index(other).tree.document(document_id):
                return page_address(other.key, node.path)
        return ""

    def mentioned_by(self, record: SourceRecord, page: WikiPage) -> tuple[Entry, ...]:
        """Documents and commits, of this or of other sources, that mention a document that has facets: documents by
        title, then commits, the newest first; a bounded number. Costs two look-ups in the catalog's index."""
        if not page.facets:
            return ()
        keys = [
            key for key in jira.SYSTEM.keys_of(Record(*(getattr(page, name) for name in Record._fields))) if key.name
        ]
        records, index = {each.key: each for each in self.sources()}, self._catalog.mentions
        found = []
        for mention in index.of(records, DOCUMENT, [str(key) for key in keys], _MENTIONS):
            other = records[mention.source]
            node = self.index(other).tree.document(mention.holder)
            if node is not None and (other.key, mention.holder) != (record.key, page.document_id):
                place = other.title or other.key.name
                found.append(Entry(title=node.title, href=page_address(other.key, node.path), place=place))
        found.sort(key=lambda entry: (entry.place, entry.title))
        if not self._is_shadowed(record, page):
            for mention in index.of(records, COMMIT, [key.name for key in keys], _MENTIONS):
                other = records[mention.source]
                found.append(
                    Entry(
                        title=mention.title or mention.holder[:12],
                        href=mention.url or source_address(other.key),
                        place=f"{other.title or other.key.name}, commit {mention.holder[:8]}",
                        modified_at=mention.moment,
                        author=mention.author,
                    )
                )
        return tuple(found)

    def _is_shadowed(self, record: SourceRecord, page: WikiPage) -> bool:
        """Whether bare keys of the document's project mean those of another site: the first source by its key has
        them."""
        return any(
            (other.key.kind, other.key.name.rpartition("/")[2]) == (record.key.kind, page.space_key)
            and other.key < record.key
            for other in self.sources()
        )

    def stale(self, hits: Sequence[Hit]) -> list[StaleDocument | None]:
        """How the document of each hit is stale; None where it is not."""
        records = {str(record.key): record for record in self.sources()}
        found = {key: self.staleness(records[key]) for key in {hit.source for hit in hits} if key in records}
        return [found[hit.source].of(hit.document_id) if hit.source in found else None for hit in hits]

    def places(self, hits: Sequence[Hit]) -> list[Place]:
        """Where to read each of the chunks in the wiki: below its heading, or at its lines."""
        return places_of(self._store, hits)


def source_freshness(found: SourceStaleness) -> Freshness:
    """How a source stands, as it is shown."""
    message = found.problem
    if not message and found.condition is Condition.STALE:
        first, others = found.stale[0], len(found.stale) - 1
        beside = f", and {others} other {'document' if others == 1 else 'documents'}" if others else ""
        message = f"Behind its source: {first.title}{beside}. {first.detail}"
    return Freshness(
        currency=Currency(found.condition),
        synced_at=found.synced_at,
        running=found.syncing,
        message=message,
        problem=found.problem,
    )


def document_freshness(found: SourceStaleness, document_id: str) -> Freshness:
    """How one document of a source stands, as it is shown."""
    stale = found.of(document_id)
    shown = Freshness(currency=Currency.FRESH, synced_at=found.synced_at, running=found.syncing)
    if stale is not None and stale.reason is Reason.FAILED:
        message = f"This page could not be brought up to date. {stale.detail}"
        return replace(shown, currency=Currency.FAILED, message=message, since=stale.since)
    if found.problem:
        return replace(shown, currency=Currency.FAILED, message=found.problem, problem=found.problem)
    if stale is not None:
        return replace(shown, currency=Currency.STALE, message=stale.detail, since=stale.since)
    return shown


def _version(table: StageTable) -> int:
    dataset = table.dataset()
    return 0 if dataset is None else int(dataset.version)


def _size(rows: pa.Table) -> int:
    return int(rows.nbytes) + _BYTES_A_PAGE * int(rows.num_rows)


def _recent(key: SourceKey, rows: pa.Table) -> Iterable[Entry]:
    dated = rows.filter(pc.is_valid(rows["modified_at"]))
    order = pc.sort_indices(dated, sort_keys=[("modified_at", "descending"), ("document_id", "ascending")])
    for row in dated.take(order[:_RECENT]).to_pylist():
        modified_at: datetime = row["modified_at"]
        yield Entry(
            title=row["title"],
            href=page_address(key, row["wiki_path"]),
            modified_at=modified_at.astimezone(UTC),
            author=row["author"],
        )


def _words(path: str) -> set[str]:
    return {word for word in path.casefold().replace("-", "/").replace("_", "/").replace(".", "/").split("/") if word}
