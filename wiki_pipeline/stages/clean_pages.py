"""clean_pages: raw documents as Markdown with their structure."""

from __future__ import annotations

from wiki_pipeline.model import RawPage, Stage, StageReport
from wiki_pipeline.stages.derived import Inputs, each_document, input_state, update_from_table
from wiki_pipeline.stages.sync import SourceTables, Sync
from wiki_pipeline.text import clean

CODE_VERSION = clean.CODE_VERSION


def inputs(tables: SourceTables) -> Inputs:
    """What `clean_pages` should be made from."""
    return Inputs(input_state(tables, Stage.RAW_PAGES), CODE_VERSION)


def update(sync: Sync) -> StageReport:
    """Bring `clean_pages` up to date with `raw_pages`. For errors see `update_from_table`."""
    convert = each_document(sync, (Stage.RAW_PAGES, RawPage), Stage.CLEAN_PAGES, clean.clean_page)
    return update_from_table(sync, Stage.CLEAN_PAGES, inputs(sync), convert)
