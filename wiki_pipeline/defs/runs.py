"""Runs of freshness events: how they are asked for, and which of them are still alive."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set

import dagster as dg

from wiki_pipeline.catalog import Catalog, Claim, ClaimRecord, passed
from wiki_pipeline.defs.resources import CLAIM_TAG
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness import resync_of
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.claim import CLAIM_SECONDS
from wiki_pipeline.sync.session import lease_name

RESYNC_TAG = "wiki_pipeline/resync"  # of all runs of one resync: followed, cancelled and retried as a whole by it
_PARTITION_TAG = "dagster/partition"
_WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
_RUNNING = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_CANCELLED = [dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED]
_SILENT_SECONDS = 60.0
_POLL = "poll_sources"
_POLL_SILENT_SECONDS = 300.0
_WATCHED_SECONDS = 15.0
# By run id: the last event of each run that seemed lost, and since when (as `passed` says) it has been the last.
# Dagster's times are those of a clock that may have jumped: nothing is ended that does something while it is watched.
_watched: dict[str, tuple[int, float]] = {}
_GONE = "The process of this run is gone: the lease of its source is free. What it had committed stands."


def request(claim: Claim, size: Mapping[str, str]) -> dg.RunRequest:
    """The run that is to take a claim up: of these documents, or of the whole source.

    Args:
        size: tags that say how much it has to do (`launching.tags_of_size`).
    """
    resync = resync_of(claim)
    return dg.RunRequest(
        run_key=claim.claim_id,
        partition_key=str(claim.source),
        run_config={"ops": {"raw_pages": {"config": {"documents": list(claim.documents)}}}},
        tags={
            CLAIM_TAG: claim.claim_id,
            "wiki_pipeline/origins": ", ".join(claim.origins),
            "wiki_pipeline/events": str(claim.events),
            "wiki_pipeline/documents": str(len(claim.documents)) if claim.documents else "all",
            **size,
            "dagster/max_retries": "0",  # what fails is tried again as an event, not as a run
            **({RESYNC_TAG: resync, "dagster/priority": "-1"} if resync else {}),  # edits don't wait for it
        },
    )


def is_cancelled(instance: dg.DagsterInstance, claim: Claim) -> bool:
    """Whether a person has cancelled the claim's resync, as far as its source is concerned."""
    resync = resync_of(claim)
    tags = {RESYNC_TAG: resync, _PARTITION_TAG: str(claim.source)}
    return bool(resync) and instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=_CANCELLED)) > 0


def is_alive(instance: dg.DagsterInstance, record: ClaimRecord) -> bool | None:
    """Whether a run is about to take up, or works on, a claim whose source's lease is free; None if none was ever
    made for it.

    One that had begun, or has been starting for too long, has lost its process: it is ended here.
    """
    made = instance.get_run_records(dg.RunsFilter(tags={CLAIM_TAG: record.claim_id or ""}))
    alive = False if made else None
    for found in made:
        run = found.dagster_run
        if run.is_finished:
            continue
        too_long = time.time() - (found.start_time or time.time()) > CLAIM_SECONDS
        lost = record.run_id == run.run_id or (too_long and _stands_still(instance, run.run_id))
        if run.status in _RUNNING and lost:
            instance.report_run_failed(run, _GONE)
        else:
            alive = True
    return alive


def was_cancelled(instance: dg.DagsterInstance, record: ClaimRecord) -> bool:
    """Whether a person cancelled the run that was made for a claim."""
    tags = {CLAIM_TAG: record.claim_id or ""}
    return instance.get_runs_count(dg.RunsFilter(tags=tags, statuses=_CANCELLED)) > 0


def end_lost_runs(instance: dg.DagsterInstance, catalog: Catalog) -> list[str]:
    """End the runs of partitions, and polls, whose process is gone: they keep others waiting. Returns their ids.

    A sync holds its source's lease from its first step to its last; one without it that has been silent for a minute
    is gone. (Dagster does not know, and would wait for the longest time a run may take.)
    """
    lost = []
    running = instance.get_run_records(dg.RunsFilter(statuses=_RUNNING))
    _forget_all_but({record.dagster_run.run_id for record in running})
    for record in running:
        run = record.dagster_run
        source = _source(run.tags.get(_PARTITION_TAG, ""))
        if time.time() - (record.start_time or time.time()) < CLAIM_SECONDS:
            continue
        if source is None:
            # A poll holds no lease, but it says of each source what it found.
            gone = run.job_name == _POLL and _silent(instance, run.run_id, _POLL_SILENT_SECONDS)
        else:
            gone = not catalog.is_held(lease_name(source)) and _silent(instance, run.run_id, _SILENT_SECONDS)
        if gone:
            instance.report_run_failed(run, _GONE)
            lost.append(run.run_id)
    return lost


def _silent(instance: dg.DagsterInstance, run_id: str, seconds: float) -> bool:
    last = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    is_long_ago = not last or time.time() - last[0].timestamp > seconds
    return is_long_ago and _stands_still(instance, run_id)


def _stands_still(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run wrote nothing for as long as this process has watched it, which is some time."""
    last = instance.get_records_for_run(run_id, limit=1, ascending=False).records
    newest = last[0].storage_id if last else 0
    seen = _watched.get(run_id)
    if seen is None or seen[0] != newest:
        seen = _watched[run_id] = (newest, passed())
    return passed() - seen[1] > _WATCHED_SECONDS


def _forget_all_but(run_ids: Set[str]) -> None:
    for run_id in _watched.keys() - run_ids:
        del _watched[run_id]


def _source(partition_key: str) -> SourceKey | None:
    try:
        return SourceKey.parse(partition_key)
    except ConfigurationError:
        return None
