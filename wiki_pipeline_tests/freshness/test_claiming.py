"""From an event to tables that are up to date."""

from __future__ import annotations

from datetime import timedelta

import pytest

from wiki_pipeline.catalog import Claim, EventBatch, EventState, JobStatus, Origin, SyncMode
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.errors import SyncTerminatedError
from wiki_pipeline.freshness import claim_work, free_lost_claims, poll, request_resync, stale_documents
from wiki_pipeline.model import ChangeHint, Progress, SourceKey, Stage
from wiki_pipeline.stages import raw_pages
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name, open_sync
from wiki_pipeline_tests.installation import ENG, sync, work
from wiki_pipeline_tests.synced import both_flavours


def say(opened: Pipeline, *document_ids: str, source: SourceKey | None = ENG, version: str = "", job: str = "") -> None:
    hints = [ChangeHint("confluence", source, document_id, "page_updated", version) for document_id in document_ids]
    opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, hints, job_id=job or None)])


def states(opened: Pipeline) -> list[EventState]:
    return [event.state for event in reversed(opened.catalog.events.find("default"))]


def body(opened: Pipeline, document_id: str) -> str:
    rows = opened.store.table(Stage.WIKI_PAGES, ENG).read([document_id], ["markdown"])
    return "".join(rows["markdown"].to_pylist())


@both_flavours
def test_an_edit_that_was_told_reaches_every_table(opened: Pipeline, space: Space) -> None:
    page = space.page("Page 3")
    page.edit("<p>Now with gravel.</p>")
    say(opened, str(page.id), version="2")
    (claim,) = work(opened)
    assert claim.documents == (str(page.id),)
    assert "gravel" in body(opened, str(page.id))
    assert states(opened) == [EventState.APPLIED]
    assert opened.catalog.syncs(ENG)[0].mode is SyncMode.INCREMENTAL


@both_flavours
def test_a_page_in_the_trash_leaves_every_table(opened: Pipeline, space: Space) -> None:
    page = space.page("Page 3")
    page.trash()
    say(opened, str(page.id))
    work(opened)
    assert body(opened, str(page.id)) == ""
    assert stale_documents(opened, ENG) == []


def test_late_and_doubled_deliveries_do_no_work(opened: Pipeline, space: Space) -> None:
    page = space.page("Page 3")
    page.edit("<p>Second.</p>")
    page.edit("<p>Third.</p>")
    say(opened, str(page.id), version="3")
    assert len(work(opened)) == 1
    say(opened, str(page.id), version="2")
    say(opened, str(page.id), version="3")
    assert claim_work(opened) == []
    assert states(opened) == [EventState.APPLIED, EventState.SUPERSEDED, EventState.SUPERSEDED]


def test_a_burst_of_events_becomes_one_look_at_the_whole_source(opened: Pipeline) -> None:
    say(opened, *(str(number) for number in range(10_000, 10_000 + opened.settings.batch_documents + 1)))
    (claim,) = claim_work(opened)
    assert (claim.documents, claim.events) == ((), opened.settings.batch_documents + 1)


@both_flavours
def test_a_thin_event_finds_its_source_where_the_page_is_known_and_where_it_is_new(
    opened: Pipeline, space: Space
) -> None:
    known, new = space.page("Page 3"), space.add("Page 12", "<p>Fresh gravel.</p>")
    elsewhere = space.site.space("OPS").add("Other", "<p>Not ours.</p>")
    known.edit("<p>Now with gravel.</p>")
    say(opened, str(known.id), str(new.id), str(elsewhere.id), source=None)
    (claim,) = work(opened)
    assert claim.documents == tuple(sorted([str(known.id), str(new.id)]))
    assert "Fresh gravel" in body(opened, str(new.id))
    assert states(opened) == [EventState.APPLIED, EventState.APPLIED, EventState.SUPERSEDED]


def test_events_of_a_site_that_cannot_be_asked_wait(opened: Pipeline, server: ConfluenceServer, space: Space) -> None:
    new = space.add("Page 12", "<p>Fresh gravel.</p>")
    say(opened, str(new.id), source=None)
    server.fault("*", faults.login_page(), times=None)
    assert work(opened) == []
    (event,) = opened.catalog.events.find("default")
    assert event.state is EventState.FAILED
    assert event.reason


def test_a_full_sync_covers_what_waited_when_it_began(opened: Pipeline) -> None:
    say(opened, str(1), str(2))
    sync(opened)
    assert states(opened) == [EventState.SUPERSEDED, EventState.SUPERSEDED]


def test_what_a_dead_worker_claimed_is_claimed_again_and_counts_as_an_attempt(opened: Pipeline, space: Space) -> None:
    say(opened, str(space.page("Page 3").id))
    (claim,) = claim_work(opened)
    catalog = opened.catalog
    catalog.claims.started(claim.claim_id, "run of a process that was killed", -1)
    with catalog.lease(lease_name(ENG), 60):
        assert free_lost_claims(opened, lambda _: False) == []  # its source is being written
    catalog.claims.started(claim.claim_id, "run of a process that was killed", -1)
    assert free_lost_claims(opened, lambda _: True) == []
    catalog.claims.started(claim.claim_id, "run of a process that was killed", -1)
    assert [record.source for record in free_lost_claims(opened, lambda _: False)] == [ENG]
    (event,) = catalog.events.find("default")
    assert (event.state, event.attempts) == (EventState.FAILED, 1)


def test_what_was_claimed_for_a_run_that_was_never_made_is_due_at_once(opened: Pipeline, space: Space) -> None:
    say(opened, str(space.page("Page 3").id))
    (claim,) = claim_work(opened)
    assert free_lost_claims(opened, lambda _: None) == []  # it may be about to be made
    opened.catalog.claims.keep(claim.claim_id, -1)
    assert len(free_lost_claims(opened, lambda _: None)) == 1
    assert [again.documents for again in claim_work(opened)] == [claim.documents]


def test_what_a_run_left_that_ended_before_it_began_is_tried_again_and_counts_as_an_attempt(
    opened: Pipeline, space: Space
) -> None:
    say(opened, str(space.page("Page 3").id))
    claim_work(opened)
    assert free_lost_claims(opened, lambda _: True) == []
    assert len(free_lost_claims(opened, lambda _: False)) == 1  # long before the claim runs out
    (event,) = opened.catalog.events.find("default")
    assert (event.state, event.attempts) == (EventState.FAILED, 1)


def test_a_job_whose_source_is_out_of_reach_goes_on_until_it_is_done(
    opened: Pipeline, server: ConfluenceServer
) -> None:
    job = opened.catalog.jobs.create(ENG, "Everything")
    opened.catalog.events.record(
        [EventBatch("default", Origin.API, [ChangeHint("confluence", ENG, what="reload")], job_id=job.job_id)]
    )
    server.fault("*", faults.login_page(), times=None)
    work(opened)
    waiting = opened.catalog.jobs.get(job.job_id)
    assert waiting is not None
    assert waiting.status is JobStatus.IN_PROGRESS
    assert "CONFLUENCE" in waiting.errors[0] or "Confluence" in waiting.errors[0]
    assert waiting.next_attempt_at is not None
    assert states(opened) == [EventState.FAILED]
    server.heal()
    sync(opened)  # whoever does the work: the job is done
    ended = opened.catalog.jobs.get(job.job_id)
    assert ended is not None
    assert (ended.status, ended.next_attempt_at) == (JobStatus.COMPLETED, None)


@pytest.mark.parametrize("begun", [False, True])
def test_what_a_person_cancelled_does_not_start_again_by_itself(opened: Pipeline, space: Space, begun: bool) -> None:
    page = space.page("Page 3")
    page.edit("<p>Now with gravel.</p>")
    job = opened.catalog.jobs.create(ENG, "Page 3", [ChangeHint("confluence", ENG, str(page.id), "reload")])
    request_resync(opened, "today")
    (claim,) = claim_work(opened)
    if begun:
        opened.catalog.claims.started(claim.claim_id, "run", -1)
    assert len(free_lost_claims(opened, lambda _: False, lambda _: True)) == 1
    assert claim_work(opened) == []
    assert states(opened) == [EventState.DEAD, EventState.SUPERSEDED]  # the resync comes again tomorrow
    ended = opened.catalog.jobs.get(job.job_id)
    assert ended is not None
    assert ended.status is JobStatus.TERMINATED
    assert "gravel" not in body(opened, str(page.id))
    poll(opened, ENG)
    work(opened)
    assert "gravel" in body(opened, str(page.id))


def test_a_job_counts_what_was_done(opened: Pipeline, space: Space) -> None:
    job = opened.catalog.jobs.create(ENG, "Everything")
    space.page("Page 3").edit("<p>Now with gravel.</p>")
    opened.catalog.events.record(
        [EventBatch("default", Origin.API, [ChangeHint("confluence", ENG, what="reload")], job_id=job.job_id)]
    )
    work(opened)
    ended = opened.catalog.jobs.get(job.job_id)
    assert ended is not None
    assert (ended.status, ended.total, ended.progress, ended.failed) == (JobStatus.COMPLETED, 12, 12, 0)
    assert ended.run_id == "run"


def test_a_job_whose_work_a_full_sync_did_is_complete(opened: Pipeline) -> None:
    job = opened.catalog.jobs.create(ENG, "Everything", [ChangeHint("confluence", ENG, what="reload")])
    sync(opened)
    ended = opened.catalog.jobs.get(job.job_id)
    assert ended is not None
    assert ended.status is JobStatus.COMPLETED
    assert claim_work(opened) == []


def test_a_job_that_is_terminated_stops_its_sync_between_batches(opened: Pipeline, space: Space) -> None:
    page = space.page("Page 3")
    page.edit("<p>Now with gravel.</p>")
    job = opened.catalog.jobs.create(ENG, "Page 3")
    say(opened, str(page.id), job=job.job_id)
    (claim,) = claim_work(opened)
    opened.catalog.jobs.terminate(job.job_id)
    with pytest.raises(SyncTerminatedError):
        _sync_until_told_to_stop(opened, claim)
    ended = opened.catalog.jobs.get(job.job_id)
    assert ended is not None
    assert ended.status is JobStatus.TERMINATED
    assert "gravel" not in body(opened, str(page.id))
    assert claim_work(opened) == []
    assert opened.catalog.events.expire(timedelta(seconds=-1)) == 1


def _sync_until_told_to_stop(opened: Pipeline, claim: Claim) -> None:
    mode = SyncMode.INCREMENTAL
    with open_sync(opened, ENG, mode, lambda _: None, run_id="run", claim_id=claim.claim_id) as under_way:
        under_way.tell(Progress(Stage.RAW_PAGES, ENG, 0, 1))
        raw_pages.update(under_way, claim.documents)
