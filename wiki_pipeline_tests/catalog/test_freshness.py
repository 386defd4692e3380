"""Events, claims, jobs and the picture of what is upstream, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.catalog import Catalog, EventBatch, EventState, JobStatus, Origin, Retry
from wiki_pipeline.errors import CatalogError
from wiki_pipeline.model import ChangeHint, DocumentRef, SourceKey

OTHER = SourceKey("default", "confluence", "ENG")
AT_ONCE = Retry(attempts=3, first=0.0)
LATER = Retry(attempts=3, first=1000.0)


def said(source: SourceKey | None, *document_ids: str, delivery: str = "", job_id: str | None = None) -> EventBatch:
    hints = [ChangeHint("git", source, document_id, "push", "7") for document_id in document_ids]
    return EventBatch("default", Origin.WEBHOOK, hints, delivery, job_id)


def states(catalog: Catalog) -> list[tuple[str, str]]:
    """Document and state of all events, in the order of their arrival."""
    found = catalog.events.find("default", limit=10_000)
    return [(event.document_id, event.state.value) for event in reversed(found)]


def test_a_delivery_that_comes_twice_is_taken_once(catalog: Catalog, source: SourceKey) -> None:
    assert catalog.events.record([said(source, "a", "b", delivery="1"), said(source, "a", delivery="2")]) == [2, 1]
    assert catalog.events.record([said(source, "a", "b", delivery="1")]) == [0]
    assert catalog.events.record([said(source, "a"), said(source, "a")]) == [1, 1]
    assert catalog.events.counts("default")[EventState.PENDING] == 5


def test_events_are_in_the_order_of_their_arrival_however_many_come_at_once(
    catalog: Catalog, source: SourceKey
) -> None:
    ids = [str(number * 7919 % 1000) for number in range(1000)]
    assert catalog.events.record([said(source, *ids[:3]), *(said(source, id_) for id_ in ids[3:])]) == [3] + [1] * 997
    assert [document_id for document_id, _ in states(catalog)] == ids


_ANY_TEXT = st.text(st.characters(codec=None), max_size=30)  # with NUL, quotes and lone surrogates


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document_id=_ANY_TEXT, what=_ANY_TEXT, version=_ANY_TEXT, delivery=_ANY_TEXT)
def test_any_text_of_a_stranger_is_taken_in_once(
    catalog: Catalog, source: SourceKey, document_id: str, what: str, version: str, delivery: str
) -> None:
    sent = EventBatch(
        "default", Origin.WEBHOOK, [ChangeHint("git", source, document_id, what, version)], f"{delivery} {uuid4()}"
    )
    assert catalog.events.record([sent]) == [1]
    assert catalog.events.record([sent, said(source, "next")]) == [0, 1]
    record = catalog.events.find("default", limit=2)[1]
    for kept, told in ((record.document_id, document_id), (record.what, what), (record.version, version)):
        storable = "".join("\ufffd" if c == "\x00" else c for c in told if not 0xD800 <= ord(c) <= 0xDFFF)
        assert kept.replace("\ufffd", "") == storable.replace("\ufffd", "")


def test_events_for_a_source_that_is_not_known_are_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogError):
        catalog.events.record([said(OTHER, "a")])
    assert states(catalog) == []


def test_all_events_of_a_source_are_one_piece_of_work(catalog: Catalog, source: SourceKey) -> None:
    catalog.add_source(OTHER, "{}")
    catalog.events.record([said(source, "b"), said(OTHER, "1"), said(source, "a"), said(source, "b")])
    first, second = catalog.claims.claim("default", 60)
    assert (first.source, first.documents, first.events) == (source, ("a", "b"), 3)
    assert (second.source, second.documents, second.events) == (OTHER, ("1",), 1)
    catalog.events.record([said(source, "c")])
    assert catalog.claims.claim("default", 60) == []  # one writer a source
    assert catalog.claims.settle(first.claim_id, {}, AT_ONCE)
    (third,) = catalog.claims.claim("default", 60)
    assert third.documents == ("c",)
    assert states(catalog)[:4] == [("b", "superseded"), ("1", "claimed"), ("a", "applied"), ("b", "applied")]


def test_an_event_of_the_whole_source_covers_its_documents(catalog: Catalog, source: SourceKey) -> None:
    catalog.events.record([said(source, "a"), said(source, "")])
    (claim,) = catalog.claims.claim("default", 60)
    assert claim.documents == ()
    catalog.claims.settle(claim.claim_id, {}, AT_ONCE)
    assert states(catalog) == [("a", "applied"), ("", "applied")]


def test_a_document_that_fails_is_tried_again_until_it_is_dead_and_can_be_revived(
    catalog: Catalog, source: SourceKey
) -> None:
    catalog.events.record([said(source, "a", "b")])
    for attempt in range(3):
        (claim,) = catalog.claims.claim("default", 60)
        assert claim.documents == (("a", "b") if attempt == 0 else ("a",))
        catalog.claims.settle(claim.claim_id, {"a": "no title"}, AT_ONCE)
    assert states(catalog) == [("a", "dead"), ("b", "applied")]
    assert catalog.claims.claim("default", 60) == []
    (dead,) = catalog.events.find("default", states=[EventState.DEAD])
    assert (dead.reason, dead.attempts) == ("no title", 3)
    assert catalog.events.revive("default", event_ids=[dead.event_id]) == 1
    assert [claim.documents for claim in catalog.claims.claim("default", 60)] == [("a",)]


@pytest.mark.parametrize("document_id", ["a", ""])
def test_what_was_given_up_is_done_once_a_later_event_is_applied(
    catalog: Catalog, source: SourceKey, document_id: str
) -> None:
    catalog.events.record([said(source, "a"), said(source, "b")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.settle(claim.claim_id, {"a": "broken", "b": "broken"}, Retry(attempts=1))
    catalog.events.record([said(source, document_id)])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.settle(claim.claim_id, {}, AT_ONCE)
    left = "superseded" if document_id == "" else "dead"
    assert states(catalog) == [("a", "superseded"), ("b", left), (document_id, "applied")]


def test_what_fails_again_stays_to_be_tried_when_its_source_is_done(catalog: Catalog, source: SourceKey) -> None:
    catalog.events.record([said(source, "a"), said(source, "b")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.settle(claim.claim_id, {"a": "broken", "b": "broken"}, LATER)
    catalog.events.record([said(source, "")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.settle(claim.claim_id, {"b": "still broken"}, LATER)
    assert states(catalog) == [("a", "superseded"), ("b", "failed"), ("", "applied")]


def test_a_source_that_fails_is_left_alone_for_a_while_also_by_new_events(catalog: Catalog, source: SourceKey) -> None:
    catalog.add_source(OTHER, "{}")
    catalog.events.record([said(source, "a")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.fail(claim.claim_id, "out of reach", LATER)
    catalog.events.record([said(source, "b"), said(OTHER, "1")])
    assert [claim.source for claim in catalog.claims.claim("default", 60)] == [OTHER]
    work = catalog.claims.of(source)
    assert work is not None
    assert (work.failures, work.error, work.claim_id) == (1, "out of reach", None)
    urgent = catalog.claims.claim_source(source, 60)  # a person doesn't wait
    assert urgent is not None
    assert urgent.documents == ("a", "b")
    assert catalog.claims.claim_source(source, 60) is None


def test_a_claim_that_is_given_back_counts_as_no_attempt(catalog: Catalog, source: SourceKey) -> None:
    catalog.events.record([said(source, "a")])
    (claim,) = catalog.claims.claim("default", 60)
    assert catalog.claims.started(claim.claim_id, "run", 60)
    assert catalog.claims.release(claim.claim_id, "its run is gone")
    assert not catalog.claims.keep(claim.claim_id, 60)
    assert not catalog.claims.settle(claim.claim_id, {}, AT_ONCE)  # too late: others may have taken it
    (event,) = catalog.events.find("default")
    assert (event.state, event.attempts, event.reason) == (EventState.PENDING, 0, "its run is gone")
    assert len(catalog.claims.claim("default", 60)) == 1


def test_an_event_without_its_source_waits_until_that_is_found(catalog: Catalog, source: SourceKey) -> None:
    catalog.add_source(OTHER, "{}")
    catalog.events.record([said(None, "a", "b", delivery="1")])
    assert catalog.claims.claim("default", 60) == []
    first, second = catalog.events.unresolved("default")
    catalog.events.resolve({first.event_id: [source, OTHER], second.event_id: []})
    assert [(claim.source, claim.documents) for claim in catalog.claims.claim("default", 60)] == [
        (source, ("a",)),
        (OTHER, ("a",)),
    ]
    assert states(catalog) == [("a", "claimed"), ("b", "superseded"), ("a", "claimed")]
    assert catalog.events.record([said(None, "a", "b", delivery="1")]) == [0]


def test_what_was_applied_long_ago_goes_and_what_is_dead_stays(catalog: Catalog, source: SourceKey) -> None:
    catalog.events.record([said(source, "a", "b")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.settle(claim.claim_id, {"b": "broken"}, Retry(attempts=1))
    assert [lag >= 0 for _, lag in catalog.events.lags("default")] == [True]
    assert catalog.events.expire(timedelta(days=1)) == 0
    assert catalog.events.expire(timedelta(seconds=-1)) == 1
    assert states(catalog) == [("b", "dead")]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("say"), st.lists(st.sampled_from("abc"), min_size=1, max_size=3)),
            st.tuples(st.just("claim"), st.just([])),
            st.tuples(st.just("settle"), st.lists(st.sampled_from("abc"), max_size=2)),
            st.tuples(st.just("fail"), st.just([])),
            st.tuples(st.just("release"), st.just([])),
        ),
        max_size=25,
    )
)
def test_every_event_ends_applied_superseded_or_dead_whatever_happens(steps: Sequence[tuple[str, list[str]]]) -> None:
    """Invariant 1: nothing is lost, and of each document the newest event is the one that is applied."""
    key = SourceKey("default", "git", "org/repo")
    with TemporaryDirectory() as folder, Catalog(f"sqlite:///{Path(folder) / 'c.sqlite'}") as catalog:
        catalog.add_source(key, "{}")
        recorded, claim_id = 0, ""
        to_the_end: list[tuple[str, list[str]]] = [("settle", []), ("claim", []), ("settle", [])]
        for step, documents in [*steps, *to_the_end]:
            if step == "say":
                recorded += sum(catalog.events.record([said(key, *documents)]))
            elif step == "claim":
                claim_id = next((claim.claim_id for claim in catalog.claims.claim("default", 60)), claim_id)
            elif step == "settle":
                catalog.claims.settle(claim_id, dict.fromkeys(documents, "broken"), AT_ONCE)
            elif step == "fail":
                catalog.claims.fail(claim_id, "out of reach", AT_ONCE)
            else:
                catalog.claims.release(claim_id, "gone")
        found = catalog.events.find("default", limit=1000)
        assert len(found) == recorded
        assert {event.state for event in found} <= {EventState.APPLIED, EventState.SUPERSEDED, EventState.DEAD}
        for event in found:
            if event.state is EventState.SUPERSEDED:
                later = [other for other in found if other.document_id == event.document_id]
                assert any(other.event_id > event.event_id and other.state is EventState.APPLIED for other in later)


def test_a_job_is_followed_from_its_event_to_its_end(catalog: Catalog, source: SourceKey) -> None:
    job = catalog.jobs.create(source, "Page 7 and all below it")
    catalog.events.record([said(source, "7", job_id=job.job_id)])
    (claim,) = catalog.claims.claim("default", 60)
    assert claim.jobs == (job.job_id,)
    catalog.jobs.start(claim.jobs, "run")
    assert not catalog.jobs.advance(claim.jobs, total=5, progress=2, failed=1)
    working = catalog.jobs.get(job.job_id)
    assert working is not None
    assert (working.status, working.total, working.progress, working.failed) == (JobStatus.IN_PROGRESS, 5, 2, 1)
    assert catalog.jobs.terminate(job.job_id) is not None
    assert catalog.jobs.advance(claim.jobs, total=5, progress=3, failed=1)
    catalog.jobs.finish(claim.jobs, JobStatus.TERMINATED, ["7: no title"])
    catalog.jobs.finish(claim.jobs, JobStatus.COMPLETED)
    (ended,) = catalog.jobs.find("default", source=source)
    assert (ended.status, ended.errors) == (JobStatus.TERMINATED, ("7: no title",))
    assert ended.finished_at is not None
    assert catalog.jobs.terminate("nothing") is None
    assert catalog.jobs.expire(timedelta(seconds=-1)) == 1


def test_a_job_goes_on_until_its_events_are_applied_or_dead(catalog: Catalog, source: SourceKey) -> None:
    both = catalog.jobs.create(
        source, "Pages 7 and 8", [ChangeHint("git", source, "7"), ChangeHint("git", source, "8")]
    )
    one = catalog.jobs.create(source, "Page 8", [ChangeHint("git", source, "8")])

    def status(job_id: str) -> tuple[JobStatus, tuple[str, ...], bool]:
        job = catalog.jobs.get(job_id)
        assert job is not None
        assert (job.finished_at is None) == (job.status is JobStatus.IN_PROGRESS)
        return job.status, job.errors, job.next_attempt_at is not None

    for attempt in range(3):
        (claim,) = catalog.claims.claim("default", 60)
        catalog.jobs.start(claim.jobs, f"run {attempt}")
        if attempt == 1:
            catalog.claims.fail(claim.claim_id, "no network", AT_ONCE)
        else:
            catalog.claims.settle(claim.claim_id, {"8": "no title"}, AT_ONCE)
        if attempt < 2:
            error = "no network" if attempt else "8: no title"
            assert status(both.job_id) == status(one.job_id) == (JobStatus.IN_PROGRESS, (error,), True)
    assert status(both.job_id) == (JobStatus.COMPLETED_WITH_ERRORS, ("8: no title",), False)
    assert status(one.job_id) == (JobStatus.FAILED, ("8: no title",), False)


def test_a_job_that_nobody_works_on_yet_takes_its_events_with_it(catalog: Catalog, source: SourceKey) -> None:
    job = catalog.jobs.create(source, "Page 7")
    catalog.events.record([said(source, "7", job_id=job.job_id)])
    assert catalog.events.cancel_job(job.job_id, "The job was terminated.") == 1
    assert catalog.claims.claim("default", 60) == []


def refs(versions: dict[str, int]) -> list[DocumentRef]:
    return [DocumentRef(document_id, str(version)) for document_id, version in versions.items()]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3), max_size=5),
            st.sets(st.sampled_from("abcde")),
        ),
        max_size=8,
    )
)
def test_what_is_known_of_a_source_does_not_depend_on_how_it_came_to_be_known(
    steps: Sequence[tuple[bool, dict[str, int], set[str]]],
) -> None:
    key, fresh = SourceKey("default", "git", "org/repo"), SourceKey("default", "git", "org/fresh")
    with TemporaryDirectory() as folder, Catalog(f"sqlite:///{Path(folder) / 'c.sqlite'}") as catalog:
        catalog.add_source(key, "{}")
        catalog.add_source(fresh, "{}")
        holds: dict[str, int] = {}
        for complete, versions, gone in steps:
            if complete:
                holds = dict(versions)
                catalog.upstream.observe_all(key, refs(versions))
            else:
                holds = {**{id_: key for id_, key in holds.items() if id_ not in gone - versions.keys()}, **versions}
                catalog.upstream.observe(key, refs(versions), gone - versions.keys())
        one, other = catalog.upstream.observe(key, []), catalog.upstream.observe_all(fresh, refs(holds))
        assert (one.data_version, one.documents) == (other.data_version, len(holds))
        assert {(d.document_id, d.version_key) for d in catalog.upstream.documents(key)} == {
            (id_, str(version)) for id_, version in holds.items()
        }


def test_since_when_a_version_is_known_does_not_move_while_it_is_the_same(catalog: Catalog, source: SourceKey) -> None:
    catalog.upstream.observe_all(source, refs({"a": 1, "b": 1}))
    before = {document.document_id: document.changed_at for document in catalog.upstream.documents(source)}
    catalog.upstream.observe_all(source, refs({"a": 1, "b": 2}))
    after = {document.document_id: document.changed_at for document in catalog.upstream.documents(source)}
    assert after["a"] == before["a"]
    assert after["b"] > before["b"]
    assert catalog.upstream.holders("default", "git", ["a", "z"]) == {"a": [source]}
    assert catalog.upstream.holders("default", "confluence", ["a"]) == {}
    catalog.upstream.polled(source, "2026-11-21")
    seen = catalog.upstream.observation(source)
    assert seen is not None
    assert (seen.documents, seen.cursor) == (2, "2026-11-21")
    assert seen.listed_at is not None


def test_what_waits_to_be_claimed_is_counted_since_it_could_have_been(catalog: Catalog, source: SourceKey) -> None:
    assert catalog.claims.waiting("default") is None
    catalog.events.record([said(source, "a", "b")])
    catalog.events.record([said(None, "c")])  # its source is to be found first
    waiting = catalog.claims.waiting("default")
    assert waiting is not None
    first = min(event.received_at for event in catalog.events.find("default"))
    assert (waiting.events, waiting.since) == (3, first)
    assert waiting.at >= waiting.since
    assert catalog.claims.waiting("another") is None


def test_what_is_worked_on_or_left_alone_for_a_while_does_not_wait(catalog: Catalog, source: SourceKey) -> None:
    catalog.events.record([said(source, "a")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.events.record([said(source, "b")])
    assert catalog.claims.waiting("default") is None  # until the work is done
    catalog.claims.fail(claim.claim_id, "The site is away.", LATER)
    catalog.events.record([said(source, "c")])
    assert catalog.claims.waiting("default") is None


def test_a_source_that_was_left_alone_waits_from_when_that_was_over(catalog: Catalog, source: SourceKey) -> None:
    catalog.events.record([said(source, "a")])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.events.record([said(source, "b")])
    catalog.claims.fail(claim.claim_id, "The site is away.", Retry(attempts=3, first=0.0))
    waiting, record = catalog.claims.waiting("default"), catalog.claims.of(source)
    assert waiting is not None
    assert record is not None
    assert (waiting.events, waiting.since) == (2, record.due_at)
