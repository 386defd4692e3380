"""Pages whose text depends on more than their own bodies: on pages that they include, on the names of people, on which
names in running text lead to documents (`OPS-12`).

`clean_pages` keeps with each page what it depends on, in the state in which that was (`Dependency.text_hash`,
`Person.name`, `Named.address`). So whether a page is behind is found by comparing that with how things are now: bodies
are read of included pages only, and pages that depend on nothing cost nothing.

So a page's input hash covers its own row in `raw_pages` and the state of everything else that shows in its text. What
that is shows only while it is converted; for pages that were made before, the table knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial, reduce
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.links.index import COLUMNS, LinkIndex
from wiki_pipeline.links.jira import query_of
from wiki_pipeline.links.page_lists import page_list
from wiki_pipeline.model import Dependency, Named, Person, RawPage, SourceKey, Stage, digest, rows_from_arrow
from wiki_pipeline.store import Batch, StageTable, fingerprint
from wiki_pipeline.sync.conversion import Conversion, Converted
from wiki_pipeline.sync.drivers import Inputs, converted, input_state
from wiki_pipeline.sync.issue_lists import IssueLists
from wiki_pipeline.sync.page_lists import PageLists
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.text import clean
from wiki_pipeline.text.known import Included, text_hash

_INCLUDING_AT_ONCE = 16  # pages made again at a time; those that they include are in memory together
_LISTS = ("dependencies", "people", "names")
_COLUMNS = ["document_id", "title", *_LISTS, "fingerprint"]


@dataclass(frozen=True, slots=True)
class Dependent:
    """A page with what its text depends on; its fingerprint is empty as long as it is not in the table."""

    document_id: str
    title: str
    dependencies: tuple[Dependency, ...]
    people: tuple[Person, ...]
    names: tuple[Named, ...] = ()
    fingerprint: str = ""

    def now(
        self, states: Mapping[str, State], users: Mapping[str, str], names: Mapping[str, str] | None = None
    ) -> Dependent:
        """The same page as things are now; without `names`, as far as the rest goes."""
        return replace(
            self,
            dependencies=tuple(replace(each, **states[each.target]._asdict()) for each in self.dependencies),
            people=tuple(replace(each, name=users.get(each.person_id, "")) for each in self.people),
            names=self.names
            if names is None
            else tuple(replace(each, address=names.get(each.prefix, "")) for each in self.names),
        )

    def input_hash(self, raw_hash: str) -> str:
        """Hash of all that the page is made from; `raw_hash` is the content hash of its own row."""
        # Names that lead nowhere say nothing: what looks like one is in many texts.
        names = [(each.prefix, each.address) for each in self.names if each.address]
        if not self.dependencies and not self.people and not names:
            return raw_hash
        states = [(each.target, each.source, each.document_id, each.text_hash) for each in self.dependencies]
        people = [(each.person_id, each.name) for each in self.people]
        return digest(raw_hash, states, people, *([names] if names else []))


@dataclass(frozen=True, slots=True)
class DependentBehind:
    """A page that shows others as they were before: stale for the reason `dependency_changed`.

    Attributes:
        changed: what of its dependencies is not any more as it was when the page was made.
        since: when the last of those changed, as its source says; None if they are all gone.
        names: prefixes of names that lead elsewhere than they did, as a project's does that was added.
    """

    source: SourceKey
    document_id: str
    title: str
    changed: tuple[Dependency, ...]
    since: datetime | None = None
    names: tuple[str, ...] = ()


def read_dependents(clean: StageTable) -> Iterator[Dependent]:
    """The pages of a table `clean_pages` that depend on others, name people or documents, in the table's order."""
    for batch in clean.batches(_COLUMNS):
        yield from dependents_in(batch)


def dependents_in(rows: pa.RecordBatch | pa.Table) -> Iterator[Dependent]:
    """Those of some rows of `clean_pages`."""
    depend = (pc.greater(pc.list_value_length(rows.column(name)), 0) for name in _LISTS)
    chosen = rows.filter(reduce(pc.or_, depend))
    for row in chosen.select([name for name in _COLUMNS if name in rows.schema.names]).to_pylist():
        row["dependencies"] = tuple(Dependency(**each) for each in row["dependencies"])
        row["people"] = tuple(Person(**each) for each in row["people"])
        row["names"] = tuple(Named(**each) for each in row["names"])
        yield Dependent(**row)


def dependents_behind(pipeline: Pipeline, source: SourceKey) -> list[DependentBehind]:
    """Pages of a source that include pages, of this or of other sources, which have changed since; by id.

    The next sync of the source makes them again. Costs a look at one column of the source's `clean_pages` and, if any
    page depends on another one, at titles of the tenant's sources of that kind and at the bodies of included pages.

    Raises:
        StoreError, CatalogError: out of reach.
    """
    table = pipeline.store.table(Stage.CLEAN_PAGES, source)
    names = pipeline.names_in_text(source)
    made = {
        each.document_id: each
        for each in read_dependents(table)
        if each.dependencies or any(name.address != names.get(name.prefix, "") for name in each.names)
    }
    if not made:
        return []
    dependencies = Dependencies(pipeline, source)
    states = dependencies.states(each.target for page in made.values() for each in page.dependencies)
    added = pipeline.named_since(source.tenant)
    behind = []
    for document_id, page in sorted(made.items()):
        now = page.now(states, {}, names)
        pairs = zip(page.dependencies, now.dependencies, strict=True)
        changed = tuple(new for old, new in pairs if old != new)
        moved = tuple(new.prefix for old, new in zip(page.names, now.names, strict=True) if old != new)
        if changed or moved:
            moments = [dependencies.changed_at(each.source, each.document_id) for each in changed if each.source]
            since = max(filter(None, [*moments, *(added.get(prefix) for prefix in moved)]), default=None)
            behind.append(DependentBehind(source, document_id, page.title, changed, since, moved))
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
        self.waiting: set[str] = set()

    def inputs(self) -> Inputs:
        """Each page with the hash of what it would be made from now, as far as that is known before it is made."""
        made = list(read_dependents(self._table))
        if not made:
            return Inputs(self._raw, clean.CODE_VERSION)
        hashes = dict(self._raw_hashes)
        states = self._dependencies.states(each.target for page in made for each in page.dependencies)
        for page in made:
            raw_hash = hashes.get(page.document_id)
            if raw_hash is None:
                continue  # it is gone
            now = page.now(states, self.known.users, self.known.names)
            hashes[page.document_id] = now.input_hash(raw_hash)
            if now != page and self._fingerprint(page.input_hash(raw_hash)) == page.fingerprint:
                self.waiting.add(page.document_id)
        desired = pa.table({"document_id": [*hashes], "input_hash": [*hashes.values()]})
        return Inputs(desired, clean.CODE_VERSION)

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
        return fingerprint(Stage.CLEAN_PAGES, clean.CODE_VERSION, (), input_hash)

    @cached_property
    def _raw_hashes(self) -> Mapping[str, str]:
        return dict(zip(self._raw["document_id"].to_pylist(), self._raw["input_hash"].to_pylist(), strict=True))


def _targets(rows: pa.Table) -> set[str]:
    """The addresses of the pages that pages include, or would."""
    return set(pc.list_flatten(rows["dependencies"]).combine_chunks().field("target").to_pylist())


_READ_AT_ONCE = 100
_KEPT_CHARACTERS = 32_000_000


def is_list(target: str) -> bool:
    """Whether an address means a list of issues or pages, which is made from what is synced."""
    return query_of(target) is not None or page_list(target) is not None


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
        self._issue_lists = IssueLists(pipeline, source)
        self._page_lists = PageLists(pipeline, source, lambda target: self._index.document(target, source))
        self._pages: dict[tuple[SourceKey, str], Included | None] = {}
        self._kept = 0

    def find(self, target: str) -> Included | None:
        """The page that an upstream address means, with its body; None if no source has it."""
        if is_list(target):
            return self._list(target)
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
        lists = {target: found for target in targets if is_list(target) and (found := self._list(target))}
        return {
            target: State(text_hash=lists[target].text_hash)
            if target in lists
            else states.get(place, State())
            if (place := self._index.document(target, self._source))
            else State()
            for target in targets
        }

    def _list(self, target: str) -> Included | None:
        return self._issue_lists.find(target) if query_of(target) else self._page_lists.find(target)

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
