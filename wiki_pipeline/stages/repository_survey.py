"""repository_survey: what is in a repository's files, for the pages that are made of them. Pages of wikis have no row.

One row more is the repository's last commits. It is read again when any document has another version.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.errors import SourceError
from wiki_pipeline.model import DocumentFailure, RawPage, Stage, StageReport, digest, rows_to_arrow, schema_of
from wiki_pipeline.repository_wiki.rows import HISTORY, SurveyRow, history_row, surveyed
from wiki_pipeline.repository_wiki.structure import Commit
from wiki_pipeline.repository_wiki.survey import CODE_VERSION
from wiki_pipeline.sources.protocol import WithHistory
from wiki_pipeline.store import Batch
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.drivers import Inputs, each_document, update_from_table
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage, Histogram

STAGE = Stage.declare("repository_survey", schema_of(SurveyRow))
COMMITS = 500
"""How many of the last commits are read."""


def inputs(tables: SourceTables) -> Inputs:
    """What `repository_survey` should be made from: the documents that have a path."""
    ids: list[str] = []
    hashes: list[str] = []
    versions: list[str] = []
    for batch in tables.table(Stage.RAW_PAGES).batches(["document_id", "path", "version", "content_hash"]):
        files = batch.filter(pc.not_equal(batch.column("path"), ""))
        ids += files.column("document_id").to_pylist()
        hashes += files.column("content_hash").to_pylist()
        versions += files.column("version").to_pylist()
    if ids:
        ids.append(HISTORY)
        hashes.append(digest(sorted(set(versions)), COMMITS))
    desired = pa.table({"document_id": pa.array(ids, pa.string()), "input_hash": pa.array(hashes, pa.string())})
    return Inputs(desired, CODE_VERSION)


def update(sync: Sync) -> StageReport:
    """Bring `repository_survey` up to date with `raw_pages`. For errors see `update_from_table`."""
    convert = each_document(sync, (Stage.RAW_PAGES, RawPage), STAGE, surveyed)

    def compute(document_ids: Sequence[str]) -> Batch:
        files = [document_id for document_id in document_ids if document_id != HISTORY]
        batch = convert(files)
        if len(files) == len(document_ids):
            return batch
        try:
            row = history_row(sync.source.name, signals.run_interruptibly(_commits(sync)))
        except SourceError as error:
            failure = DocumentFailure(HISTORY, "The history of the repository", STAGE, str(error))
            return replace(batch, failures=[*batch.failures, failure])
        return replace(batch, rows=pa.concat_tables([batch.rows, rows_to_arrow([row], batch.rows.schema)]))

    return update_from_table(sync, STAGE, inputs(sync), compute)


async def _commits(sync: Sync) -> list[Commit]:
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        if not isinstance(source, WithHistory):
            return []
        return [Commit(r.commit, r.author, r.at, r.subject, r.paths) for r in await source.history(COMMITS)]


DECLARED = DeclaredStage(
    stage=STAGE,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "language", "lines", "symbols"],
    picture=Histogram("Definitions a file", ["symbols"]),
)
