"""clean_pages: raw documents as Markdown with their structure, and with the text of the pages that they include.

A page's input hash covers its own row in `raw_pages` and the state of everything else that shows in its text. What
that is shows only while it is converted; for pages that were made before, the table knows (`sync.dependents`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import LostWords, RawPage, Stage, StageReport
from wiki_pipeline.store import Batch, StageTable, fingerprint
from wiki_pipeline.sync.conversion import Conversion, Converted
from wiki_pipeline.sync.dependents import dependents_in, read_dependents
from wiki_pipeline.sync.drivers import Inputs, converted, each_document, input_state, update_from_table
from wiki_pipeline.sync.included_pages import Dependencies
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage
from wiki_pipeline.text import clean
from wiki_pipeline.text.known import Included

CODE_VERSION = clean.CODE_VERSION
_SHOWN = 100


def inputs(tables: SourceTables) -> Inputs:
    """What `clean_pages` should be made from."""
    return _Pages(tables).inputs()


def update(sync: Sync) -> StageReport:
    """Bring `clean_pages` up to date with `raw_pages`. For errors see `update_from_table`."""
    pages = _Pages(sync)
    desired = pages.inputs()
    made_again: list[str] = []
    convert = each_document(
        sync, (Stage.RAW_PAGES, RawPage), Stage.CLEAN_PAGES, partial(clean.clean_page, known=pages.known)
    )

    def compute(document_ids: Sequence[str]) -> Batch:
        batch = pages.with_included(sync, convert(document_ids))
        failed = {failure.document_id for failure in batch.failures}
        made_again.extend(sorted(pages.waiting.intersection(document_ids) - failed))
        return replace(batch, input_hashes=pages.input_hashes(batch.rows))

    def finish(report: StageReport) -> StageReport:
        unknown = _unknown_macros(sync.table(Stage.CLEAN_PAGES))
        lost = _lost_words(sync.table(Stage.CLEAN_PAGES))
        dependents = tuple(made_again[:_SHOWN])
        return replace(
            report,
            dependency_changed=len(made_again),
            dependents=dependents,
            unknown_macros=unknown,
            lossy=len(lost),
            lost_words=tuple(lost[:_SHOWN]),
        )

    return update_from_table(sync, Stage.CLEAN_PAGES, desired, compute, finish)


# Documents made again at a time; their included pages are in memory together.
_INCLUDING_AT_ONCE = 16


class _Pages:
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
        self.known = clean.Known(users=tables.pipeline.catalog.people.names(tables.source))
        self.waiting: set[str] = set()

    def inputs(self) -> Inputs:
        """Each page with the hash of what it would be made from now, as far as that is known before it is made."""
        made = list(read_dependents(self._table))
        if not made:
            return Inputs(self._raw, CODE_VERSION)
        hashes = dict(self._raw_hashes)
        states = self._dependencies.states(each.target for page in made for each in page.dependencies)
        for page in made:
            raw_hash = hashes.get(page.document_id)
            if raw_hash is None:
                continue  # it is gone
            now = page.now(states, self.known.users)
            hashes[page.document_id] = now.input_hash(raw_hash)
            if now != page and _fingerprint(page.input_hash(raw_hash)) == page.fingerprint:
                self.waiting.add(page.document_id)
        return Inputs(pa.table({"document_id": [*hashes], "input_hash": [*hashes.values()]}), CODE_VERSION)

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

    @cached_property
    def _raw_hashes(self) -> Mapping[str, str]:
        return dict(zip(self._raw["document_id"].to_pylist(), self._raw["input_hash"].to_pylist(), strict=True))


def _targets(rows: pa.Table) -> set[str]:
    """The addresses of the pages that pages include, or would."""
    return set(pc.list_flatten(rows["dependencies"]).combine_chunks().field("target").to_pylist())


def _fingerprint(input_hash: str) -> str:
    return fingerprint(Stage.CLEAN_PAGES, CODE_VERSION, (), input_hash)


def _unknown_macros(table: StageTable) -> dict[str, int]:
    """How often each macro that nobody knows occurs in the source's pages, the most frequent ones first."""
    unknown: Counter[str] = Counter()
    for batch in table.batches(["unknown_macros"]):
        for macro in pc.list_flatten(batch.column("unknown_macros")).to_pylist():
            unknown[macro["name"]] += macro["count"]
    return dict(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN])


def _lost_words(table: StageTable) -> list[LostWords]:
    """The source's pages whose text lacks words of their bodies, by title."""
    lossy = []
    for batch in table.batches(["document_id", "title", "lost_words"]):
        found = batch.filter(pc.greater(pc.list_value_length(batch.column("lost_words")), 0))
        lossy += [LostWords(r["document_id"], r["title"], tuple(r["lost_words"])) for r in found.to_pylist()]
    return sorted(lossy, key=lambda page: (page.title, page.document_id))


DECLARED = DeclaredStage(Stage.CLEAN_PAGES, CODE_VERSION, update, inputs)
