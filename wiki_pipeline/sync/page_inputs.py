"""What clean pages are made from: their raw rows, the pages that they include, the people whom they name.

A page's input hash covers its own row in `raw_pages` and the state of everything else that shows in its text. What
that is shows only while it is converted; for pages that were made before, the table knows (`dependents`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import RawPage, Stage
from wiki_pipeline.store import Batch, fingerprint
from wiki_pipeline.sync.conversion import Conversion
from wiki_pipeline.sync.dependents import dependents_in, read_dependents
from wiki_pipeline.sync.drivers import Inputs, input_state
from wiki_pipeline.sync.included_pages import Dependencies
from wiki_pipeline.sync.session import SourceTables
from wiki_pipeline.text import clean


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
        self.known = clean.Known(users=tables.pipeline.catalog.people.names(tables.source))
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
            now = page.now(states, self.known.users)
            hashes[page.document_id] = now.input_hash(raw_hash)
            if now != page and _fingerprint(page.input_hash(raw_hash)) == page.fingerprint:
                self.waiting.add(page.document_id)
        return Inputs(pa.table({"document_id": [*hashes], "input_hash": [*hashes.values()]}), clean.CODE_VERSION)

    def with_included(self, batch: Batch) -> Batch:
        """The batch with those pages made again, in this process, that turned out to include others."""
        including = pc.greater(pc.list_value_length(batch.rows["dependencies"]), 0)
        document_ids = batch.rows["document_id"].filter(including).to_pylist()
        if not document_ids:
            return batch
        direct = pc.list_flatten(batch.rows["dependencies"]).combine_chunks().field("target")
        self._dependencies.prepare(direct.to_pylist())
        convert = partial(clean.clean_page, known=replace(self.known, page=self._dependencies.find))
        conversion = Conversion(self._source, RawPage, Stage.CLEAN_PAGES, batch.rows.schema, convert)
        made = conversion(self._raw_table.read(document_ids))
        rows = pa.concat_tables([batch.rows.filter(pc.invert(including)), made.rows])
        return replace(batch, rows=rows, failures=[*batch.failures, *made.failures])

    def input_hashes(self, rows: pa.Table) -> dict[str, str]:
        """What pages that were just made turned out to be made from, where that is more than their own rows."""
        made = dependents_in(rows)
        return {page.document_id: page.input_hash(self._raw_hashes[page.document_id]) for page in made}

    @cached_property
    def _raw_hashes(self) -> Mapping[str, str]:
        return dict(zip(self._raw["document_id"].to_pylist(), self._raw["input_hash"].to_pylist(), strict=True))


def _fingerprint(input_hash: str) -> str:
    return fingerprint(Stage.CLEAN_PAGES, clean.CODE_VERSION, (), input_hash)
