"""Pages whose text depends on more than their own bodies: on pages that they include, on the names of people.

`clean_pages` keeps with each page what it depends on, in the state in which that was (`Dependency.text_hash`,
`Person.name`). So whether a page is behind is told by comparing that with how things are now: bodies are read of
included pages only, and pages that depend on nothing cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import Dependency, Person, SourceKey, Stage, digest
from wiki_pipeline.store import StageTable
from wiki_pipeline.sync.included_pages import Dependencies, State
from wiki_pipeline.sync.pipeline import Pipeline

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
