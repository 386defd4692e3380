"""What a sync is for: the freshness events that it takes care of, and the jobs that wait for those."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from wiki_pipeline.catalog import Catalog, JobStatus, Retry, SyncMode
from wiki_pipeline.errors import SyncCancelledError, SyncInterruptedError, SyncTerminatedError, WikiPipelineError
from wiki_pipeline.model import Progress, SourceKey, Stage, StageReport
from wiki_pipeline.sync.settings import Settings

CLAIM_SECONDS = 120.0  # a claim that no run takes up, or whose run ended without a word, is free again after so long
_TOLD_EVERY = 0.5  # seconds between two looks at the catalog for the sake of jobs
_COVERED = "A full sync that began after it was received has brought everything up to date."


def retry(settings: Settings) -> Retry:
    """How failed events are tried again."""
    return Retry(settings.event_attempts, settings.event_retry_seconds)


@dataclass
class ClaimSession:
    """The claim that a sync settles, or none: then a full sync covers the events that waited when it began.

    Attributes:
        jobs: ids of the jobs that wait for the claim's events.
        up_to: the source's newest event when the sync began.
    """

    catalog: Catalog
    source: SourceKey
    mode: SyncMode
    retry: Retry
    claim_id: str = ""
    jobs: tuple[str, ...] = ()
    up_to: int = 0
    _told_at: float = field(default=0.0, repr=False)
    _stop: bool = field(default=False, repr=False)

    @classmethod
    def start(
        cls, catalog: Catalog, settings: Settings, source: SourceKey, mode: SyncMode, run_id: str, claim_id: str
    ) -> ClaimSession:
        """Take the claim up. One that is no longer open is left to whoever has its events now."""
        session = cls(catalog, source, mode, retry(settings), up_to=catalog.events.newest(source))
        if claim_id and catalog.claims.started(claim_id, run_id, CLAIM_SECONDS):
            session.claim_id = claim_id
            session.jobs = catalog.claims.jobs(claim_id)
            if session.jobs:
                catalog.jobs.start(session.jobs, run_id)
        return session

    def tell(self, progress: Progress) -> None:
        """Let the jobs know how far the sync has come, now and then."""
        if not self.jobs or progress.total is None or time.monotonic() < self._told_at + _TOLD_EVERY:
            return
        self._told_at = time.monotonic()
        share = (progress.done + progress.failed) / progress.total if progress.total else 1.0
        stages = list(Stage)
        through = (stages.index(progress.stage) + min(share, 1.0)) / len(stages)
        total = progress.total
        done = int(total * through)
        self._stop = self.catalog.jobs.advance(self.jobs, total=total, progress=done, failed=progress.failed)

    def check(self) -> None:
        """Called between batches.

        Raises:
            SyncTerminatedError: someone asked for one of the jobs to stop.
        """
        if self._stop:
            raise SyncTerminatedError(
                f"The sync of {self.source} was terminated.",
                "What was committed before stands; sync again for the rest.",
            )

    def finish(
        self,
        reports: Sequence[StageReport],
        error: WikiPipelineError | None,
        cursor: str = "",
        documents: Sequence[str] = (),
    ) -> None:
        """Settle the claim by how the sync ended.

        Args:
            documents: ids of those that the sync looked at; none: the whole source.
            cursor: by which a poll finds what changed since the sync listed the source.
        """
        complete = {report.stage for report in reports} == set(Stage)
        failures = {f.document_id: f"{f.stage}: {f.message}" for report in reports for f in report.failures}
        degraded = [warning for report in reports if report.retry for warning in report.warnings]
        if degraded:  # what the claim's events named is done but for that, and looked at again
            failures |= dict.fromkeys(documents or ("",), " ".join(degraded))
        if isinstance(error, SyncTerminatedError):
            self._terminate(error)
        elif isinstance(error, SyncCancelledError):
            self.catalog.claims.cancel(self.claim_id, error.message)
        elif isinstance(error, SyncInterruptedError):
            self.catalog.claims.release(self.claim_id, error.message)
            self.catalog.jobs.wait(self.jobs, [str(error)])
        elif error is not None:
            self.catalog.claims.fail(self.claim_id, str(error), self.retry)
        elif not complete:
            self.catalog.claims.release(self.claim_id, "The run that took it up did not run all stages.")
        else:
            self._settle(reports, failures)
            if cursor and not failures:  # what failed is tried again with the next poll
                self.catalog.upstream.reached(self.source, cursor)

    def _settle(self, reports: Sequence[StageReport], failures: dict[str, str]) -> None:
        if self.jobs:
            first = reports[0]
            total = first.added + first.updated + first.deleted + first.unchanged + first.failed
            failed = len(failures)
            self.catalog.jobs.advance(self.jobs, total=total, progress=max(0, total - failed), failed=failed)
        if self.claim_id:
            self.catalog.claims.settle(self.claim_id, failures, self.retry)
        if self.mode is SyncMode.FULL and "" not in failures:
            self.catalog.events.cover(self.source, self.up_to, _COVERED)
            self.catalog.jobs.follow(self.source)

    def _terminate(self, error: SyncTerminatedError) -> None:
        stopped = [job_id for job_id in self.jobs if (job := self.catalog.jobs.get(job_id)) and job.terminate]
        self.catalog.claims.release(self.claim_id, error.message)
        for job_id in stopped:
            self.catalog.events.cancel_job(job_id, "Its job was terminated.")
        self.catalog.jobs.finish(stopped, JobStatus.TERMINATED)
        self.catalog.jobs.wait([job_id for job_id in self.jobs if job_id not in stopped])
