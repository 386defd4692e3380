"""Freshness events become runs: evaluated as Dagster's daemon does it, run in this process."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import dagster as dg
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError

from wiki_pipeline.catalog import EventBatch, EventState, Origin
from wiki_pipeline.definitions import defs
from wiki_pipeline.defs import runs
from wiki_pipeline.defs.resources import CLAIM_TAG
from wiki_pipeline.defs.sources import NAME
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.model import ChangeHint, Progress, SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name
from wiki_pipeline_tests.defs.daemon import run, tick, work
from wiki_pipeline_tests.installation import ENG, sync

OTHER = SourceKey("default", "git", "org/repo")


def say(opened: Pipeline, *document_ids: str, source: SourceKey | None = ENG, version: str = "") -> None:
    """Events as a webhook brings them."""
    hints = [ChangeHint("confluence", source, document_id, "page_updated", version) for document_id in document_ids]
    opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, hints)])


def states(opened: Pipeline) -> list[EventState]:
    return [event.state for event in reversed(opened.catalog.events.find("default", limit=20_000))]


def edit(space: Space, title: str) -> str:
    """Somebody edits a page; its id."""
    page = space.page(title)
    page.edit("<p>By hand.</p>")
    return str(page.id)


def body(opened: Pipeline, title: str) -> str:
    rows = opened.store.table(Stage.WIKI_PAGES, ENG).read(columns=["title", "markdown"]).to_pylist()
    return str(next(row["markdown"] for row in rows if row["title"] == title))


def test_events_of_a_source_become_one_run_that_says_what_it_is_for(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    sync(opened)
    pumps, winches = edit(space, "Pumps"), str(space.page("Winches").id)
    say(opened, pumps, winches)
    say(opened, pumps)
    (request,) = tick(instance)
    assert request.partition_key == str(ENG)
    assert request.tags["wiki_pipeline/documents"] == "2"
    assert request.tags["wiki_pipeline/origins"] == "webhook"
    assert request.tags[CLAIM_TAG] == request.run_key
    assert run(instance, request).success
    assert "By hand." in body(opened, "Pumps")
    assert states(opened) == [EventState.SUPERSEDED, EventState.APPLIED, EventState.APPLIED]
    assert not tick(instance)


def test_a_burst_in_one_space_becomes_a_handful_of_runs(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    sync(opened)
    edit(space, "Pumps")
    for start in range(0, 10_000, 1000):
        say(opened, *(str(number) for number in range(start, start + 1000)))
    done = work(instance)
    assert len(done) == 1
    assert "By hand." in body(opened, "Pumps")
    assert {state.value for state in states(opened)} <= {"applied", "superseded"}


def test_a_source_that_is_no_partition_yet_becomes_one(instance: dg.DagsterInstance, opened: Pipeline) -> None:
    instance.delete_dynamic_partition(NAME, str(ENG))
    say(opened, "")
    assert work(instance)[0].success
    assert instance.get_dynamic_partitions(NAME) == [str(ENG)]


def test_a_source_that_fails_holds_no_other_up_and_is_tried_again(
    instance: dg.DagsterInstance, opened: Pipeline, space: Space
) -> None:
    opened.catalog.add_source(OTHER, '{"url": "/nowhere/at/all"}')
    say(opened, "", source=OTHER)
    say(opened, "")
    results = {result.dagster_run.tags["dagster/partition"]: result for result in work_once(instance)}
    assert results[str(ENG)].success
    assert not results[str(OTHER)].success
    (event,) = opened.catalog.events.find("default", source=OTHER)
    assert (event.state, event.attempts) == (EventState.FAILED, 1)
    (again,) = tick(instance)
    assert (again.partition_key, again.run_key) != (str(ENG), results[str(OTHER)].dagster_run.tags[CLAIM_TAG])


def work_once(instance: dg.DagsterInstance) -> list[dg.ExecuteInProcessResult]:
    return [run(instance, request) for request in tick(instance)]


def test_a_request_that_never_became_a_run_is_made_again(instance: dg.DagsterInstance, opened: Pipeline) -> None:
    say(opened, "")
    (lost,) = tick(instance)
    assert not tick(instance)  # it may still come
    opened.catalog.claims.keep(lost.run_key or "", -1)
    (again,) = tick(instance)
    assert again.run_key != lost.run_key
    assert run(instance, again).success
    assert states(opened) == [EventState.APPLIED]


def test_a_run_that_waits_in_the_queue_keeps_its_work(instance: dg.DagsterInstance, opened: Pipeline) -> None:
    say(opened, "")
    (request,) = tick(instance)
    waiting = make_run(instance, dg.DagsterRunStatus.NOT_STARTED, request.tags)
    opened.catalog.claims.keep(request.run_key or "", -1)
    assert not tick(instance)
    assert instance.get_run_by_id(waiting).status is dg.DagsterRunStatus.NOT_STARTED  # type: ignore[union-attr]
    assert opened.catalog.claims.expired("default") == []


@pytest.mark.parametrize("alive", [True, False])
def test_a_run_whose_process_is_gone_is_ended_and_its_work_done_again(
    instance: dg.DagsterInstance, opened: Pipeline, *, alive: bool
) -> None:
    say(opened, "")
    (request,) = tick(instance)
    run_id = make_run(instance, dg.DagsterRunStatus.STARTED, request.tags)
    opened.catalog.claims.started(request.run_key or "", run_id, 60)
    if alive:
        with opened.catalog.lease(lease_name(ENG), 60):
            assert not tick(instance)
        assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]
        return
    (again,) = tick(instance)
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert run(instance, again).success
    (event,) = opened.catalog.events.find("default")
    assert (event.state, event.attempts) == (EventState.APPLIED, 1)


@pytest.mark.parametrize(
    ("held", "silent_seconds", "is_lost"), [(False, -1.0, True), (True, -1.0, False), (False, 60.0, False)]
)
def test_a_run_without_its_lease_that_was_silent_for_long_is_ended(
    instance: dg.DagsterInstance,
    opened: Pipeline,
    monkeypatch: pytest.MonkeyPatch,
    *,
    held: bool,
    silent_seconds: float,
    is_lost: bool,
) -> None:
    run_id = make_run(instance, dg.DagsterRunStatus.STARTED, {})
    instance.report_engine_event("Something happened.", run_id=run_id, job_name="sync_source")
    assert runs.end_lost_runs(instance, opened.catalog) == []  # it has only begun
    monkeypatch.setattr(runs, "CLAIM_SECONDS", -1.0)
    monkeypatch.setattr(runs, "_SILENT_SECONDS", silent_seconds)
    monkeypatch.setattr(runs, "_WATCHED_SECONDS", -1.0)
    with opened.catalog.lease(lease_name(ENG), 60) if held else nullcontext():
        assert runs.end_lost_runs(instance, opened.catalog) == ([run_id] if is_lost else [])
    ended = instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.is_finished == is_lost


def test_a_run_that_a_person_cancels_while_it_works_is_not_made_again(
    instance: dg.DagsterInstance, opened: Pipeline
) -> None:
    say(opened, "")
    (request,) = tick(instance)

    def cancelling(_: Progress) -> None:
        (made,) = instance.get_runs(dg.RunsFilter(tags={CLAIM_TAG: request.run_key or ""}))
        instance.report_run_canceling(made)
        raise DagsterExecutionInterruptedError

    result = defs.resolve_job_def("sync_source").execute_in_process(
        partition_key=request.partition_key,
        instance=instance,
        run_config=request.run_config,
        resources={"listener": dg.ResourceDefinition.hardcoded_resource(cancelling)},
        tags=request.tags,
        raise_on_error=False,
    )
    assert not result.success
    assert opened.catalog.syncs(ENG)[0].error_code == "cancelled"
    assert not tick(instance)
    assert states(opened) == [EventState.DEAD]


def make_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, tags: Mapping[str, str]) -> str:
    """A run of the source as the daemon makes it, without a process."""
    job = defs.resolve_job_def("sync_source")
    return instance.create_run_for_job(job, status=status, tags={**tags, "dagster/partition": str(ENG)}).run_id


def test_a_page_whose_space_is_not_told_finds_it(instance: dg.DagsterInstance, opened: Pipeline, space: Space) -> None:
    sync(opened)
    say(opened, edit(space, "Pumps"), source=None)
    assert not tick(instance)
    tick(instance, "unresolved_events")
    assert [result.success for result in work(instance)] == [True]
    assert "By hand." in body(opened, "Pumps")
