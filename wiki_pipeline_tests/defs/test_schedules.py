"""What happens by the clock: the daily resync, polls, maintenance; and what people are shown and told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from wiki_pipeline.catalog import EventBatch, EventState, Origin
from wiki_pipeline.definitions import defs
from wiki_pipeline.defs import jobs
from wiki_pipeline.defs.jobs import expire_runs
from wiki_pipeline.defs.runs import RESYNC_TAG
from wiki_pipeline.defs.stale import CHECK, KEY
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.model import ChangeHint
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.defs.daemon import run, scheduled, tick, work
from wiki_pipeline_tests.defs.test_sensors import edit, make_run, say, states
from wiki_pipeline_tests.installation import ENG, sync

NIGHT = datetime(2026, 11, 21, 3, tzinfo=UTC)


def execute(instance: dg.DagsterInstance, job: str) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)


def test_a_resync_looks_at_every_source_as_a_whole_under_one_tag(
    kept_instance: dg.DagsterInstance, opened: Pipeline
) -> None:
    (request,) = scheduled(kept_instance, "daily_full_resync", NIGHT)
    assert (request.partition_key, request.tags[RESYNC_TAG]) == (str(ENG), "2026-11-21")
    assert request.run_config["ops"]["raw_pages"]["config"]["documents"] == []
    assert not scheduled(kept_instance, "daily_full_resync", NIGHT)  # the same night again
    assert run(kept_instance, request).success
    assert states(opened) == [EventState.APPLIED]
    assert len(scheduled(kept_instance, "daily_full_resync", NIGHT + timedelta(days=1))) == 1


def test_a_resync_finds_what_no_event_told(kept_instance: dg.DagsterInstance, opened: Pipeline, space: Space) -> None:
    sync(opened)
    space.page("Winches").purge()
    (request,) = scheduled(kept_instance, "daily_full_resync", NIGHT)
    assert run(kept_instance, request).success
    known = opened.catalog.upstream.observation(ENG)
    assert known is not None
    assert known.documents == 2


def test_a_resync_that_was_cancelled_does_not_come_back_and_loses_no_event(
    kept_instance: dg.DagsterInstance, opened: Pipeline
) -> None:
    sync(opened)
    (request,) = scheduled(kept_instance, "daily_full_resync", NIGHT)
    make_run(kept_instance, dg.DagsterRunStatus.CANCELED, request.tags)
    say(opened, "1")
    opened.catalog.claims.release(request.run_key or "", "interrupted")
    assert not tick(kept_instance)
    assert states(opened) == [EventState.SUPERSEDED, EventState.PENDING]
    (again,) = tick(kept_instance)
    assert RESYNC_TAG not in again.tags


def test_a_poll_finds_what_webhooks_missed_and_says_what_is_stale(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    sync(opened)
    edit(space, "Pumps")
    assert execute(instance, "poll_sources").success
    shown = instance.get_latest_materialization_event(KEY)
    assert shown is not None
    assert shown.asset_materialization is not None
    metadata = shown.asset_materialization.metadata
    assert (metadata["stale documents"].value, metadata["stale: upstream_newer"].value) == (1, 1)
    assert "Pumps" in str(metadata["documents"].value)
    assert len(work(instance)) == 1
    tick(instance, "freshness_report")
    again = instance.get_latest_materialization_event(KEY)
    assert again is not None
    assert again.asset_materialization is not None
    assert again.asset_materialization.metadata["stale documents"].value == 0
    assert float(str(again.asset_materialization.metadata["lag p50 (s)"].value)) > 0


def test_a_poll_that_fails_for_a_source_says_so(
    instance: dg.DagsterInstance, opened: Pipeline, confluence_datacenter: ConfluenceServer
) -> None:
    confluence_datacenter.fault("*", faults.login_page(), times=None)
    result = execute(instance, "poll_sources")
    assert not result.success
    told = next(e.step_failure_data for e in result.all_events if e.is_step_failure).user_failure_data
    assert told is not None
    assert "1 sources could not be polled" in (told.description or "")


@pytest.mark.parametrize(
    ("warn", "error", "passed", "severity"),
    [
        ("3600", "7200", True, None),
        ("0", "7200", False, dg.AssetCheckSeverity.WARN),
        ("0", "0", False, dg.AssetCheckSeverity.ERROR),
    ],
)
def test_documents_that_are_stale_for_long_are_a_warning_and_then_an_error(
    instance: dg.DagsterInstance,
    opened: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    *,
    warn: str,
    error: str,
    passed: bool,
    severity: dg.AssetCheckSeverity | None,
) -> None:
    sync(opened)
    opened.catalog.events.record(
        [EventBatch("default", Origin.WEBHOOK, [ChangeHint("confluence", ENG, "77", "page_created", "3")])]
    )
    monkeypatch.setenv("WIKI_PIPELINE_STALE_WARN_SECONDS", warn)
    monkeypatch.setenv("WIKI_PIPELINE_STALE_ERROR_SECONDS", error)
    result = dg.materialize(
        [defs.get_assets_def(KEY)], instance=instance, resources=defs.resources, raise_on_error=False
    )
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == (CHECK, passed)
    assert severity in {None, evaluation.severity}
    (row,) = evaluation.metadata["stalest"].value.records  # type: ignore[union-attr]
    assert (row.data["document"], row.data["reason"], row.data["upstream"]) == ("77", "never_synced", "3")


def test_maintenance_keeps_the_last_run_of_each_partition(instance: dg.DagsterInstance, opened: Pipeline) -> None:
    for _ in range(2):
        say(opened, "")
        work(instance)
    assert execute(instance, "maintenance").success
    assert len(instance.get_runs()) == 3
    assert expire_runs(instance, timedelta(days=-1)) == 1
    assert len(instance.get_runs()) == 2
    assert instance.get_latest_materialization_event(dg.AssetKey("vectors")) is not None


def test_runs_expire_in_batches_with_their_events(
    kept_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_RUNS_AT_ONCE", 4)

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
    def numbers() -> None:
        pass

    for partition in "abbabaabab":
        assert dg.materialize([numbers], instance=kept_instance, partition_key=partition).success
    assert expire_runs(kept_instance, timedelta(days=1)) == 0
    assert expire_runs(kept_instance, timedelta(days=-1), seconds=0) == 0
    assert expire_runs(kept_instance, timedelta(days=-1)) == 8
    kept = kept_instance.get_runs()
    assert sorted(run.tags["dagster/partition"] for run in kept) == ["a", "b"]
    assert kept_instance.get_materialized_partitions(numbers.key) == {"a", "b"}
    assert expire_runs(kept_instance, timedelta(days=-1)) == 0


def test_a_failed_run_is_told_once_in_words(
    instance: dg.DagsterInstance, opened: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
    monkeypatch.setenv("CONFLUENCE_TOKEN", "")
    for _ in range(2):
        say(opened, "")
        (request,) = tick(instance)
        result = run(instance, request)
        assert not result.success
        failure = next(e for e in result.all_events if e.event_type is dg.DagsterEventType.RUN_FAILURE)
        context = dg.build_run_status_sensor_context(
            "alerts", failure, instance, result.dagster_run, resources=defs.resources
        )
        with context.for_run_failure() as failed:
            defs.resolve_sensor_def("alerts")(failed)
    (record,) = opened.catalog.alerts.find()
    assert record.problem == f"sync of {ENG}"
    assert record.message.startswith(f"sync_source of {ENG} failed: ")
    assert "Traceback" not in record.message
