"""attachments: the files that pages show or link, mirrored, with the text of PDF and Word files and drawings.

Only what pages refer to is brought, once a version. `sync.referenced_files` finds out what that is, `sync.downloads`
brings it. Where files can't be listed or brought, those that are kept stay, and pages and their text go on without the
others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.errors import SourceError, SourceUnreachableError
from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.store import Reconciliation
from wiki_pipeline.sync import downloads, signals
from wiki_pipeline.sync.downloads import Desired
from wiki_pipeline.sync.drivers import Inputs
from wiki_pipeline.sync.referenced_files import FileListing, References
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.sync.stage import Bars, DeclaredStage
from wiki_pipeline.text import attachments as files

CODE_VERSION = f"1.{files.CODE_VERSION}"


def update(sync: Sync) -> StageReport:
    """Bring `attachments` up to date with what `clean_pages` refers to and the source has, as far as it can be read.

    Raises:
        StoreError, LeaseLostError: the table could not be written.
    """
    return sync.done(signals.run_interruptibly(_update(sync)))


def inputs(tables: SourceTables) -> Inputs:
    """What the table should be made from, as far as that is known without asking the source: the files that it has, in
    the versions that it has them."""
    before = downloads.kept(tables.table(Stage.ATTACHMENTS)).values()
    desired = downloads.within_limits(tables.settings, (Desired(row.ref, row.parent_id) for row in before), 0)
    return Inputs(_state(desired), CODE_VERSION, _parameters(tables.settings))


def _state(desired: Sequence[Desired]) -> pa.Table:
    return pa.table(
        {
            "document_id": pa.array([item.ref.attachment_id for item in desired], pa.string()),
            "input_hash": pa.array([item.input_hash for item in desired], pa.string()),
        }
    )


def _parameters(settings: Settings) -> tuple[object, ...]:
    """What a larger limit would change in a row that is kept: its text. Smaller ones are in the rows' input."""
    return (settings.attachment_types, settings.extraction_characters)


async def _update(sync: Sync) -> StageReport:
    before = downloads.kept(sync.table(Stage.ATTACHMENTS))
    references = References.of(sync) if sync.settings.attachment_max_bytes else References()
    if not references.targets and not before:
        with _reconciliation(sync, []) as work:
            pass
        return work.report
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        listing = FileListing(sync, references, before)
        await listing.read(source)
        desired = listing.desired()
        problem = listing.problem
        with _reconciliation(sync, desired) as work:
            work.delete(listing.gone(desired))
            listing.record_failures(work)
            todo = set(work.plan.todo.to_pylist())
            try:
                await downloads.bring(sync, source, [w for w in desired if w.ref.attachment_id in todo], before, work)
            except SourceError as error:
                problem = problem or error
    if sync.named is None and listing.problem is None:
        listed = {item.ref.attachment_id for item in desired} | listing.unlisted.keys()
        sync.gone(sorted(sync.failing_attachments() - listed))
    report = replace(work.report, skipped=_skipped(sync))
    if problem is None:
        return report
    warning = f"attachments: {problem.message} Those that were brought before are kept."
    concerned = max(1, len(references.documents_with_files()))
    return replace(report, warnings={warning: concerned}, retry=isinstance(problem, SourceUnreachableError))


def _reconciliation(sync: Sync, desired: list[Desired]) -> Reconciliation:
    return Reconciliation(
        sync.table(Stage.ATTACHMENTS),
        _state(desired),
        stage=Stage.ATTACHMENTS,
        source=sync.source,
        code_version=CODE_VERSION,
        parameters=_parameters(sync.settings),
        delete_missing=sync.named is None,
        progress=sync.tell,
        lease=sync.writing,
        background=sync.background,
    )


def _skipped(sync: Sync) -> dict[str, int]:
    """Numbers of files that are not kept, or whose text is not, by reason."""
    notes = sync.table(Stage.ATTACHMENTS).read(columns=["notes"])["notes"].to_pylist()
    reasons = (note.partition(":")[0].removeprefix("The file is ") for found in notes for note in found)
    return dict(sorted(Counter(reasons).items()))


def _media_types(rows: pa.Table) -> list[tuple[str, int]]:
    return sorted((item["values"], item["counts"]) for item in pc.value_counts(rows["media_type"]).to_pylist())


DECLARED = DeclaredStage(
    stage=Stage.ATTACHMENTS,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "media_type", "size", "words", "notes"],
    picture=Bars("Files by media type", ["media_type"], _media_types),
    document_id="parent_id",
)
