"""chunks: clean documents as passages that retrieve well."""

from __future__ import annotations

from functools import partial

from wiki_pipeline.model import CleanPage, Stage, StageReport
from wiki_pipeline.stages.derived import Inputs, each_document, input_state, update_from_table
from wiki_pipeline.stages.sync import SourceTables, Sync
from wiki_pipeline.text import chunk

CODE_VERSION = chunk.CODE_VERSION


def inputs(tables: SourceTables) -> Inputs:
    """What `chunks` should be made from."""
    sizes = chunk.ChunkSizes.of(tables.settings, tables.source.kind)
    return Inputs(input_state(tables, Stage.CLEAN_PAGES), CODE_VERSION, (sizes,))


def update(sync: Sync) -> StageReport:
    """Bring `chunks` up to date with `clean_pages`. For errors see `update_from_table`."""
    sizes = chunk.ChunkSizes.of(sync.settings, sync.source.kind)
    convert = each_document(
        sync,
        (Stage.CLEAN_PAGES, CleanPage),
        Stage.CHUNKS,
        partial(chunk.chunk_page, source=sync.source, sizes=sizes),
    )
    return update_from_table(sync, Stage.CHUNKS, inputs(sync), convert)
