"""What the assets are given: the sync of the run, and a listener for its progress."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from wiki_pipeline import logs, tracing
from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.defs.sources import registered_source
from wiki_pipeline.defs.stale import refresh_after
from wiki_pipeline.errors import SyncCancelledError, SyncInterruptedError, WikiPipelineError
from wiki_pipeline.model import Progress
from wiki_pipeline.settings import HomeSettings, load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import Listener, Sync, open_sync
from wiki_pipeline.sync.settings import Settings

logger = logging.getLogger(__name__)

CLAIM_TAG = "wiki_pipeline/claim"  # of a run: the freshness events that it takes care of


class PipelineResource(dg.ConfigurableResource[Any]):
    """The catalog and the tables, opened once a run, and the run's sync, opened by its first asset.

    It has no configuration of its own: settings come from the environment, so that no secret gets into run
    configuration or the event log. It relies on all steps of a run being in one process.
    """

    _pipeline: Pipeline | None = PrivateAttr(default=None)
    _sync: Sync | None = PrivateAttr(default=None)
    _opened: ExitStack = PrivateAttr(default_factory=ExitStack)
    _syncing: ExitStack = PrivateAttr(default_factory=ExitStack)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[PipelineResource]:
        run = context.run
        logs.configure(load(HomeSettings).log_format)
        if run is not None:
            tracing.configure("wiki-pipeline-run")
        about = {"run_id": run.run_id, "source": run.tags.get("dagster/partition", "")} if run else {}
        with logs.context(**about), self._opened:
            try:
                with self._syncing:
                    try:
                        yield self
                    finally:
                        if self._sync is not None and not self._sync.complete and _is_cancelled(context):
                            self._sync.fail(
                                SyncCancelledError(
                                    f"The run that synced {self._sync.source} was cancelled.",
                                    "What was committed before stands. POST /v1/events/retry or the next poll does "
                                    "the rest.",
                                )
                            )
            finally:
                if self._sync is not None:  # it has ended, and its events are settled
                    _report(context, self._sync)
                self._pipeline = self._sync = None

    def pipeline(self) -> Pipeline:
        """The catalog and the tables.

        Raises:
            ConfigurationError, CatalogError: they can't be opened.
        """
        if self._pipeline is None:
            self._pipeline = self._opened.enter_context(Pipeline.open(load(Settings)))
        return self._pipeline

    @contextmanager
    def syncing(
        self, context: dg.AssetExecutionContext, listener: Listener, mode: SyncMode = SyncMode.FULL
    ) -> Iterator[Sync]:
        """The run's sync, for one of its assets. It holds the source's lease until the run ends.

        Raises:
            dg.Failure: the partition key is not a source's, another process writes the source, or the stage failed.
        """
        with people_can_read_errors():
            if self._sync is None:
                source = registered_source(context.partition_key, self.pipeline().catalog)
                pipeline = self.pipeline().of(source.tenant)
                claim_id = context.run.tags.get(CLAIM_TAG, "")
                sync = open_sync(pipeline, source, mode, listener, run_id=context.run.run_id, claim_id=claim_id)
                self._sync = self._syncing.enter_context(sync)
            try:
                yield self._sync
            except BaseException as error:
                # Dagster catches what its steps raise: the sync, which outlives the step, would not know.
                self._sync.fail(error)
                raise


@contextmanager
def people_can_read_errors() -> Iterator[None]:
    """Turn errors for people into failures that Dagster shows as one message, without a stack trace."""
    try:
        yield
    except WikiPipelineError as error:
        raise dg.Failure(str(error), metadata={"code": error.code}, allow_retries=False) from None


def _is_cancelled(context: dg.InitResourceContext) -> bool:
    """Whether a person cancelled the run, rather than stopped its process."""
    run = context.instance.get_run_by_id(context.run.run_id) if context.instance and context.run else None
    return run is not None and run.status in {dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED}


def _report(context: dg.InitResourceContext, sync: Sync) -> None:
    """Have `stale_documents` show what the sync left stale. What the sync did stands, whatever becomes of that."""
    if context.instance is None or isinstance(sync.error, SyncInterruptedError):
        return  # a process that is being stopped should end soon
    try:
        refresh_after(context.instance, sync)
    except WikiPipelineError as error:
        logger.warning("stale_documents was not refreshed after the sync of %s: %s", sync.source, error)


def _log(progress: Progress) -> None:
    total = "?" if progress.total is None else progress.total
    dg.get_dagster_logger().info(
        "%s: %s of %s documents, %s failed", progress.stage, progress.done, total, progress.failed
    )


@dg.resource(description="Writes how far a stage has come to the run's log.")
def log_progress(_: dg.InitResourceContext) -> Listener:
    """The listener of runs that Dagster starts; the command line puts its progress bars in its place."""
    return _log
