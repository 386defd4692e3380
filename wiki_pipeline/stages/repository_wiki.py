"""repository_wiki: what a repository's wiki says beside its files. A page is written again when its manifest changes.

These pages are read and not searched: what they say of a file is in the file, which is searched, and a second copy of
every signature and docstring would push the places themselves out of the first results.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pyarrow as pa

from wiki_pipeline.links.wiki_addresses import source_address
from wiki_pipeline.model import DocumentFailure, RawPage, Stage, StageReport, digest, rows_to_arrow, schema_of
from wiki_pipeline.repository_wiki import pages
from wiki_pipeline.repository_wiki.pages import Address, Plan
from wiki_pipeline.repository_wiki.rows import COLUMNS, ManifestEntry, RepositoryPage, repository
from wiki_pipeline.repository_wiki.structure import Repository
from wiki_pipeline.stages import repository_survey
from wiki_pipeline.store import Batch
from wiki_pipeline.sync.drivers import Inputs, update_from_table
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage, Histogram
from wiki_pipeline.text.files.markdown_file import clean_markdown
from wiki_pipeline.text.known import NOTHING_KNOWN
from wiki_pipeline.wiki import render
from wiki_pipeline.wiki.own_links import OwnLinks

STAGE = Stage.declare("repository_wiki", schema_of(RepositoryPage))
CODE_VERSION = f"{pages.CODE_VERSION}.{render.CODE_VERSION}"
_LOG = logging.getLogger(__name__)


def inputs(tables: SourceTables) -> Inputs:
    """What `repository_wiki` should be made from: the manifests of its pages."""
    return _inputs(_plans(tables)[1])


def update(sync: Sync) -> StageReport:
    """Bring `repository_wiki` up to date with `repository_survey`. For errors see `update_from_table`."""
    whole, plans = _plans(sync)
    schema = pa.schema([f for f in STAGE.schema if f.name not in {"fingerprint", "content_hash"}])

    def compute(document_ids: Sequence[str]) -> Batch:
        rows: list[RepositoryPage] = []
        failures: list[DocumentFailure] = []
        for page_id in document_ids:
            try:
                rows.append(_row(sync, whole, plans[page_id]))
            except Exception as error:
                # One page that can't be written must not keep the others from their readers: it stays as it was, and
                # says so.
                _LOG.exception("The page %s of %s could not be written", page_id, sync.source)
                message = (
                    f"An unexpected {type(error).__name__} stopped this generated page; it is shown as it was before. "
                    "This is a defect of wiki-pipeline: please report it, with the log."
                )
                failures.append(DocumentFailure(page_id, plans[page_id].title, STAGE, message))
        made = rows_to_arrow(rows, schema)
        return Batch(made, failures, bytes=made.nbytes)

    sync.explained(STAGE, plans.keys())
    return update_from_table(sync, STAGE, _inputs(plans), compute)


def _plans(tables: SourceTables) -> tuple[Repository, Mapping[str, Plan]]:
    rows = tables.table(repository_survey.STAGE).read(columns=COLUMNS).to_pylist()
    whole = repository(tables.source.name, rows)
    return whole, pages.planned(whole, Address(source_address(tables.source)))


def _inputs(plans: Mapping[str, Plan]) -> Inputs:
    hashes = [digest(plan.input_hash) for plan in plans.values()]
    desired = pa.table({"document_id": pa.array(plans, pa.string()), "input_hash": pa.array(hashes, pa.string())})
    return Inputs(desired, CODE_VERSION)


def _row(sync: Sync, whole: Repository, plan: Plan) -> RepositoryPage:
    written, file = plan.write(), plan.file
    raw = RawPage(
        document_id=plan.page_id,
        title=plan.title,
        url="",
        media_type="text/markdown",
        version_key="",
        body=written.markdown,
    )
    clean = clean_markdown(raw, NOTHING_KNOWN)
    section = "" if plan.kind == "overview" else str(whole.section(plan.page_id))
    return RepositoryPage(
        document_id=plan.page_id,
        title=plan.title,
        url=file.url if file else "",
        version=file.commit if file else "",
        path=file.path if file else "",
        space_key=sync.source.name,
        space_name=sync.source.name,
        author=file.author if file else "",
        modified_at=file.modified_at if file else None,
        media_type="text/markdown",
        kind=plan.kind,
        section=section,
        wiki_path=plan.page_id,
        html=render.render_own(clean, sync.source, OwnLinks(source_address(sync.source))),
        markdown=written.markdown,
        diagram=written.diagram,
        headings=clean.headings,
        words=clean.words,
        places=written.places,
        manifest=tuple(ManifestEntry(name, state) for name, state in plan.inputs),
    )


DECLARED = DeclaredStage(
    stage=STAGE,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "kind", "words"],
    picture=Histogram("Words a page", ["words"]),
)
