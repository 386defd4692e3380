"""clean_pages: raw documents as Markdown with their structure, and with the text of the pages that they include.

What a page is made from, besides its row in `raw_pages`, `sync.dependents` knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pyarrow.compute as pc

from wiki_pipeline.model import LostWords, RawPage, Stage, StageReport
from wiki_pipeline.store import Batch, StageTable
from wiki_pipeline.sync.dependents import PageInputs
from wiki_pipeline.sync.drivers import Inputs, each_document, update_from_table
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage, Histogram, StageCheck
from wiki_pipeline.text import clean

CODE_VERSION = clean.CODE_VERSION
_SHOWN = 100


def inputs(tables: SourceTables) -> Inputs:
    """What `clean_pages` should be made from."""
    return PageInputs(tables).inputs()


def update(sync: Sync) -> StageReport:
    """Bring `clean_pages` up to date with `raw_pages`. For errors see `update_from_table`."""
    pages = PageInputs(sync)
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


def _unknown_macros(table: StageTable) -> dict[str, int]:
    """How often each unknown macro occurs in the source's pages, the most frequent ones first."""
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


def _with_words(report: StageReport) -> list[dict[str, str]]:
    return [
        {"document": page.document_id, "title": page.title, "words": ", ".join(page.words)}
        for page in report.lost_words
    ]


DECLARED = DeclaredStage(
    stage=Stage.CLEAN_PAGES,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "words", "code_language", "notes"],
    picture=Histogram("Words a document", ["words"]),
    counts=["dependency_changed", "unknown_macros", "lossy"],
    checks=[
        StageCheck(
            name="no_text_lost",
            description="The text of every page holds all words of its body. Pages that lost some are counted by "
            "source, and named with the words when their source is synced; that is a defect of the conversion.",
            problem="pages lost words in their conversion",
            passed="No page of any source lost a word.",
            count=lambda report: report.lossy,
            documents=_with_words,
        )
    ],
)
