"""chunks: clean documents as passages that retrieve well."""

from __future__ import annotations

from wiki_pipeline.model import CleanPage, Stage, StageReport
from wiki_pipeline.stages.derived import each_document, input_state, update_from_table
from wiki_pipeline.stages.sync import Sync
from wiki_pipeline.text import chunk

CODE_VERSION = chunk.CODE_VERSION


def update(sync: Sync) -> StageReport:
    """Bring `chunks` up to date with `clean_pages`. For errors see `update_from_table`."""
    settings = sync.settings
    sizes = chunk.ChunkSizes(settings.chunk_tokens, settings.chunk_overlap_tokens, settings.code_chunk_characters)
    convert = each_document(
        sync,
        (Stage.CLEAN_PAGES, CleanPage),
        Stage.CHUNKS,
        lambda page: chunk.chunk_page(page, sync.source, sizes),
    )
    wanted = input_state(sync, Stage.CLEAN_PAGES)
    return update_from_table(sync, Stage.CHUNKS, wanted, convert, code_version=CODE_VERSION, parameters=[sizes])
