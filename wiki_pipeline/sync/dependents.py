"""Pages whose text depends on more than their own bodies: on pages that they include, on the names of people.

`clean_pages` keeps with each page what it depends on, in the state in which that was (`Dependency.text_hash`,
`Person.name`). So whether a page is behind is found by comparing that with how things are now: bodies are read of
included pages only, and pages that depend on nothing cost nothing.

So a page's input hash covers its own row in `raw_pages` and the state of everything else that shows in its text. What
that is shows only while it is converted; for pages that were made before, the table knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.links.index import COLUMNS, LinkIndex
from wiki_pipeline.links.jira import query_of
from wiki_pipeline.model import Dependency, Person, RawPage, SourceKey, Stage, digest, rows_from_arrow
from wiki_pipeline.store import Batch, StageTable, fingerprint
from wiki_pipeline.sync.conversion import Conversion, Converted
from wiki_pipeline.sync.drivers import Inputs, converted, input_state
from wiki_pipeline.sync.issue_lists import IssueLists
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.text import clean
from wiki_pipeline.text.known import Included, text_hash

_INCLUDING_AT_ONCE = 16  # pages made again at a time; those that they include are in memory together
_COLUMNS = ["document_id", "title", "dependencies", "people", "fingerprint"]


@dataclass(frozen=True, slots=True)
class Dependent:
    """A page with what its text depends on; its fingerprint is empty as long as it is not in the table."""

    document_id: str
    title: str
    dependencies: tuple[Dependency, ...]
    people: tuple[Person, ...]
    fingerprint: str = ""

    def now(self, states: Mapping[str, State], users: Mapping[str, str]) -> Dependent:
        """The same page as things are now."""
        return replace(
            self,
            dependencies=tuple(replace(each, **states[each.target]._asdict()) for each in self.dependencies),
            people=tuple(replace(each, name=users.get(each.person_id, "")) for each in self.people),
        )

    def input_hash(self, raw_hash: str) -> str:
        """Hash of all that the page is made from; `raw_hash` is the content hash of its own row."""
        states = [(each.target, each.source, each.document_id, each.text_hash) for each in self.dependencies]
        return digest(raw_hash, states, [(each.person_id, each.name) for each in self.people])


@dataclass(frozen=True, slots=True)
class DependentBehind:
    """A page that shows others as they were before: stale for the reason `dependency_changed`.

    Attributes:
        changed: what of its dependencies is not any more as it was when the page was made.
        since: when the last of those changed, as its source says; None if they are all gone.
    """

    source: SourceKey
    document_id: str
    title: str
    changed: tuple[Dependency, ...]
    since: datetime | None = None


def read_dependents(clean: StageTable) -> Iterator[Dependent]:
    """The pages of a table `clean_pages` that depend on others or name people, in the table's order."""
    for batch in clean.batches(_COLUMNS):
        yield from dependents_in(batch)


def dependents_in(rows: pa.RecordBatch | pa.Table) -> Iterator[Dependent]:
    """Those of some rows of `clean_pages`."""
    counts = (pc.list_value_length(rows.column(name)) for name in ("dependencies", "people"))
    chosen = rows.filter(pc.greater(pc.add(*counts), 0))
    for row in chosen.select([name for name in _COLUMNS if name in rows.schema.names]).to_pylist():
        row["dependencies"] = tuple(Dependency(**each) for each in row["dependencies"])
        row["people"] = tuple(Person(**each) for each in row["people"])
        yield Dependent(**row)


def dependents_behind(pipeline: Pipeline, source: SourceKey) -> list[DependentBehind]:
    """Pages of a source that include pages, of this or of other sources, which have changed since; by id.

    The next sync of the source makes them again. Costs a look at one column of the source's `clean_pages` and, if any
    page depends on another one, at titles of the tenant's sources of that kind and at the bodies of included pages.

    Raises:
        StoreError, CatalogError: out of reach.
    """
    table = pipeline.store.table(Stage.CLEAN_PAGES, source)
    made = {each.document_id: each for each in read_dependents(table) if each.dependencies}
    if not made:
        return []
    dependencies = Dependencies(pipeline, source)
    states = dependencies.states(each.target for page in made.values() for each in page.dependencies)
    behind = []
    for document_id, page in sorted(made.items()):
        now = page.now(states, {}).dependencies
        pairs = zip(page.dependencies, now, strict=True)
        if changed := tuple(new for old, new in pairs if old != new):
            moments = [dependencies.changed_at(each.source, each.document_id) for each in changed if each.source]
            since = max(filter(None, moments), default=None)
            behind.append(DependentBehind(source, document_id, page.title, changed, since))
    return behind


class PageInputs:
    """A source's pages, and what they are made from.

    Attributes:
        known: what pages need besides themselves; other pages aside, so that other processes can be given it.
        waiting: ids of pages that are as they were, but show something that is not; filled by `inputs`.
    """

    def __init__(self, tables: SourceTables) -> None:
        self._source = tables.source
        self._raw_table = tables.table(Stage.RAW_PAGES)
        self._table = tables.table(Stage.CLEAN_PAGES)
        self._raw = input_state(tables, Stage.RAW_PAGES)
        self._dependencies = Dependencies(tables.pipeline, tables.source)
        names = tables.pipeline.names_in_text(tables.source)
        self.known = clean.Known(users=tables.pipeline.catalog.people.names(tables.source), names=names)
        # Nothing where nothing is written so: then no page is made again for it.
        self._parameters = tuple(sorted(names.items()))
        self.waiting: set[str] = set()

    def inputs(self) -> Inputs:
        """Each page with the hash of what it would be made from now, as far as that is known before it is made."""
        made = list(read_dependents(self._table))
        if not made:
            return Inputs(self._raw, clean.CODE_VERSION, self._parameters)
        hashes = dict(self._raw_hashes)
        states = self._dependencies.states(each.target for page in made for each in page.dependencies)
        for page in made:
            raw_hash = hashes.get(page.document_id)
            if raw_hash is None:
                continue  # it is gone
            now = page.now(states, self.known.users)
            hashes[page.document_id] = now.input_hash(raw_hash)
            if now != page and self._fingerprint(page.input_hash(raw_hash)) == page.fingerprint:
                self.waiting.add(page.document_id)
        desired = pa.table({"document_id": [*hashes], "input_hash": [*hashes.values()]})
        return Inputs(desired, clean.CODE_VERSION, self._parameters)

    def with_included(self, sync: Sync, batch: Batch) -> Batch:
        """The batch with those pages made again that turned out to include others."""
        including = pc.greater(pc.list_value_length(batch.rows["dependencies"]), 0)
        document_ids: list[str] = batch.rows["document_id"].filter(including).to_pylist()
        if not document_ids:
            return batch
        rows, failures = [batch.rows.filter(pc.invert(including))], list(batch.failures)
        for first in range(0, len(document_ids), _INCLUDING_AT_ONCE):
            made = self._including(sync, batch.rows, document_ids[first : first + _INCLUDING_AT_ONCE])
            rows.append(made.rows)
            failures += made.failures
        return replace(batch, rows=pa.concat_tables(rows), failures=failures)

    def _including(self, sync: Sync, rows: pa.Table, document_ids: Sequence[str]) -> Converted:
        """Pages with the text of those that they include, as they turned out to do one step after the other."""
        taken = self._raw_table.read(document_ids)
        found: dict[str, Included | None] = {}
        made = Converted(rows.filter(pc.is_in(rows["document_id"], pa.array(document_ids))), [])
        while targets := _targets(made.rows).difference(found):
            self._dependencies.prepare(targets)
            found |= {target: self._dependencies.find(target) for target in targets}
            convert = partial(clean.clean_page, known=replace(self.known, page=dict(found).get))
            made = converted(sync, Conversion(self._source, RawPage, Stage.CLEAN_PAGES, rows.schema, convert), taken)
        return made

    def input_hashes(self, rows: pa.Table) -> dict[str, str]:
        """What pages that were just made turned out to be made from, where that is more than their own rows."""
        made = dependents_in(rows)
        return {page.document_id: page.input_hash(self._raw_hashes[page.document_id]) for page in made}

    def _fingerprint(self, input_hash: str) -> str:
        return fingerprint(Stage.CLEAN_PAGES, clean.CODE_VERSION, self._parameters, input_hash)

    @cached_property
    def _raw_hashes(self) -> Mapping[str, str]:
        return dict(zip(self._raw["document_id"].to_pylist(), self._raw["input_hash"].to_pylist(), strict=True))


def _targets(rows: pa.Table) -> set[str]:
    """The addresses of the pages that pages include, or would."""
    return set(pc.list_flatten(rows["dependencies"]).combine_chunks().field("target").to_pylist())


_READ_AT_ONCE = 100
_KEPT_CHARACTERS = 32_000_000


class State(NamedTuple):
    """What an upstream address leads to now; all empty if nothing."""

    source: str = ""
    document_id: str = ""
    text_hash: str = ""


class Dependencies:
    """The raw pages of the tenant's sources of one kind, as other pages refer to them. Reads nothing before it must."""

    def __init__(self, pipeline: Pipeline, source: SourceKey) -> None:
        self._pipeline = pipeline
        self._store = pipeline.store
        self._source = source
        self._lists = IssueLists(pipeline, source)
        self._pages: dict[tuple[SourceKey, str], Included | None] = {}
        self._kept = 0

    def find(self, target: str) -> Included | None:
        """The page that an upstream address means, with its body; None if no source has it."""
        if query_of(target):
            return self._lists.find(target)
        place = self._index.document(target, self._source)
        if place is None:
            return None
        if place not in self._pages:
            self._keep(place, next(self._read(place[0], [place[1]]), None))
        return self._pages[place]

    def prepare(self, targets: Iterable[str]) -> None:
        """Read at once what is about to be found singly, as much of it as may be kept."""
        for source, document_ids in self._places(targets).items():
            desired = [document_id for document_id in document_ids if (source, document_id) not in self._pages]
            for page in self._read(source, desired):
                self._keep((source, page.document_id), page)
                if self._kept > _KEPT_CHARACTERS:
                    return

    def states(self, targets: Iterable[str]) -> dict[str, State]:
        """What each of the addresses leads to now. Bodies are read in bounded numbers and not kept."""
        targets = set(targets)
        states = {
            (source, page.document_id): State(str(source), page.document_id, text_hash(page))
            for source, document_ids in self._places(targets).items()
            for page in self._read(source, document_ids)
        }
        lists = {target: found for target in targets if (found := self._lists.find(target))}
        return {
            target: State(text_hash=lists[target].text_hash)
            if target in lists
            else states.get(place, State())
            if (place := self._index.document(target, self._source))
            else State()
            for target in targets
        }

    def changed_at(self, source: str, document_id: str) -> datetime | None:
        """When a page changed last, as its source says."""
        table = self._store.table(Stage.RAW_PAGES, SourceKey.parse(source))
        moments: list[datetime | None] = table.read([document_id], ["modified_at"])["modified_at"].to_pylist()
        return moments[0] if moments else None

    def _places(self, targets: Iterable[str]) -> dict[SourceKey, list[str]]:
        """The ids of the pages that some addresses mean, by source; each once, sorted."""
        places = {place for target in set(targets) if (place := self._index.document(target, self._source))}
        return {
            source: [id_ for _, id_ in some] for source, some in groupby(sorted(places), key=lambda place: place[0])
        }

    def _keep(self, place: tuple[SourceKey, str], page: RawPage | None) -> None:
        if self._kept > _KEPT_CHARACTERS:
            self._pages.clear()
            self._kept = 0
        self._kept += len(page.body) if page else 0
        self._pages[place] = Included(page, str(place[0]), text_hash(page)) if page else None

    def _read(self, source: SourceKey, document_ids: Sequence[str]) -> Iterator[RawPage]:
        table = self._store.table(Stage.RAW_PAGES, source)
        for start in range(0, len(document_ids), _READ_AT_ONCE):
            yield from rows_from_arrow(RawPage, table.read(document_ids[start : start + _READ_AT_ONCE]))

    @cached_property
    def _index(self) -> LinkIndex:
        records = self._pipeline.shown_by(self._source)
        sources = {self._source, *(record.key for record in records if record.key.kind == self._source.kind)}
        return LinkIndex({key: self._store.table(Stage.RAW_PAGES, key).read_known(COLUMNS) for key in sources})
