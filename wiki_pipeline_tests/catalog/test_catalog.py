from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.catalog import Catalog, SyncMode, SyncStatus
from wiki_pipeline.catalog import catalog as catalog_module
from wiki_pipeline.errors import CatalogError, ConfigurationError, SourceUnreachableError
from wiki_pipeline.model import DocumentFailure, SourceKey, Stage, StageReport
from wiki_pipeline_tests.catalog import other_process

ENG = SourceKey("default", "confluence", "ENG")
REPO = SourceKey("default", "git", "org/repo")


def failure(document_id: str, message: str = "broken", title: str = "A page") -> DocumentFailure:
    return DocumentFailure(document_id, title, Stage.CLEAN_PAGES, message)


def test_sources_are_listed_per_tenant_by_kind_and_name(catalog: Catalog) -> None:
    elsewhere = SourceKey("other", "git", "org/repo")
    for key in (REPO, elsewhere, ENG):
        catalog.add_source(key, "{}")
    assert [record.key for record in catalog.sources("default")] == [ENG, REPO]
    assert [record.key for record in catalog.sources("other")] == [elsewhere]


def test_adding_a_source_again_changes_how_it_is_opened_but_not_since_when_it_is_there(catalog: Catalog) -> None:
    first = catalog.add_source(REPO, '{"branch": "main"}', "Repo", "https://example.org/repo")
    second = catalog.add_source(REPO, '{"branch": "next"}', "Renamed", "https://example.org/renamed")
    assert (second.config, second.title, second.url) == (
        '{"branch": "next"}',
        "Renamed",
        "https://example.org/renamed",
    )
    assert second.added_at == first.added_at
    assert catalog.source(REPO) == second


def test_times_are_in_utc_and_by_a_clock_that_agrees_with_this_machine(catalog: Catalog) -> None:
    added_at = catalog.add_source(REPO, "{}").added_at
    assert added_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - added_at) < timedelta(minutes=1)


def test_a_specification_that_is_not_json_is_refused(catalog: Catalog) -> None:
    with pytest.raises(ConfigurationError, match="default:git:org/repo"):
        catalog.add_source(REPO, "{branch: main")
    assert catalog.source(REPO) is None


def test_removing_a_source_removes_its_failures_and_syncs(catalog: Catalog, source: SourceKey) -> None:
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("1")])
    catalog.start_sync(source, SyncMode.FULL)
    assert catalog.remove_source(source)
    assert not catalog.remove_source(source)
    catalog.add_source(source, "{}")
    assert catalog.failures(source) == []
    assert catalog.syncs(source) == []


def test_a_failure_that_comes_again_is_counted_and_keeps_its_beginning(catalog: Catalog, source: SourceKey) -> None:
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("1", "first")])
    (first,) = catalog.failures(source)
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("1", "second", "New title")])
    (second,) = catalog.failures(source)
    assert (second.attempts, second.message, second.title) == (2, "second", "New title")
    assert second.first_failed_at == first.first_failed_at
    assert second.last_failed_at >= first.last_failed_at


def test_only_documents_that_are_named_as_cleared_stop_failing(catalog: Catalog, source: SourceKey) -> None:
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("1"), failure("2"), failure("3")])
    catalog.record_failures(source, Stage.CHUNKS, [failure("1")])
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("2")], cleared=["1", "2", "never failed"])
    left = {(record.document_id, record.stage, record.attempts) for record in catalog.failures(source)}
    assert left == {("2", Stage.CLEAN_PAGES, 2), ("3", Stage.CLEAN_PAGES, 1), ("1", Stage.CHUNKS, 1)}


def test_a_document_that_fails_twice_in_one_report_is_one_failure(catalog: Catalog, source: SourceKey) -> None:
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("1", "first"), failure("1", "last")])
    assert [(record.message, record.attempts) for record in catalog.failures(source)] == [("last", 1)]


def test_failures_of_an_unknown_source_are_an_error_for_people(catalog: Catalog) -> None:
    with pytest.raises(CatalogError) as caught:
        catalog.record_failures(REPO, Stage.CLEAN_PAGES, [failure("1")])
    assert "INSERT" not in str(caught.value)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec=None), max_size=50))
def test_any_text_from_a_source_can_be_recorded(catalog: Catalog, source: SourceKey, text: str) -> None:
    catalog.record_failures(source, Stage.CLEAN_PAGES, [failure("1", message=text, title=text)])
    (record,) = catalog.failures(source)
    assert record.title == record.message
    storable = "".join("\ufffd" if c == "\x00" else c for c in text if not 0xD800 <= ord(c) <= 0xDFFF)
    assert record.title.replace("\ufffd", "") == storable.replace("\ufffd", "")


def test_a_sync_keeps_what_its_stages_reported(catalog: Catalog, source: SourceKey) -> None:
    reports = [
        StageReport(
            stage=Stage.RAW_PAGES, source=source, added=3, seconds=0.5, skipped={"binary": 2}, data_version="v"
        ),
        StageReport(stage=Stage.CHUNKS, source=source, updated=1, tokens=7),
    ]
    sync_id = catalog.start_sync(source, SyncMode.INCREMENTAL, "run-1")
    (running,) = catalog.syncs(source)
    assert (running.status, running.finished, running.reports) == (SyncStatus.RUNNING, None, ())
    assert catalog.finish_sync(sync_id, reports) is SyncStatus.COMPLETED
    (record,) = catalog.syncs(source)
    assert record.reports == tuple(reports)
    assert (record.mode, record.run_id, record.status) == (SyncMode.INCREMENTAL, "run-1", SyncStatus.COMPLETED)
    assert record.finished is not None
    assert record.finished >= record.started


def test_a_sync_with_a_failed_document_completes_with_errors(catalog: Catalog, source: SourceKey) -> None:
    report = StageReport(stage=Stage.CLEAN_PAGES, source=source, failed=1, failures=(failure("1"),))
    status = catalog.finish_sync(catalog.start_sync(source, SyncMode.FULL), [report])
    assert status is SyncStatus.COMPLETED_WITH_ERRORS


def test_a_failed_sync_says_why(catalog: Catalog, source: SourceKey) -> None:
    error = SourceUnreachableError("The server did not answer.", "Try again.")
    assert catalog.finish_sync(catalog.start_sync(source, SyncMode.FULL), error=error) is SyncStatus.FAILED
    (record,) = catalog.syncs(source)
    assert (record.error_code, record.error_message) == ("source_unreachable", "The server did not answer. Try again.")


def test_a_sync_that_never_ended_is_marked_interrupted_by_the_next(catalog: Catalog, source: SourceKey) -> None:
    catalog.start_sync(source, SyncMode.FULL)
    catalog.start_sync(source, SyncMode.FULL)
    assert [record.status for record in catalog.syncs(source)] == [SyncStatus.RUNNING, SyncStatus.INTERRUPTED]


def test_only_the_last_syncs_of_a_source_are_kept(
    catalog: Catalog, source: SourceKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "SYNCS_KEPT", 3)
    catalog.add_source(ENG, "{}")
    other = catalog.start_sync(ENG, SyncMode.FULL)
    started = [catalog.start_sync(source, SyncMode.FULL) for _ in range(5)]
    assert [record.sync_id for record in catalog.syncs(source)] == started[:1:-1]
    assert [record.sync_id for record in catalog.syncs(ENG)] == [other]


def test_the_last_sync_that_ended_well_is_kept_however_many_failed_since(
    catalog: Catalog, source: SourceKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "SYNCS_KEPT", 3)
    assert catalog.last_completed_sync(source) is None
    for _ in range(2):
        well = catalog.start_sync(source, SyncMode.FULL)
        catalog.finish_sync(well)
    for _ in range(6):
        catalog.finish_sync(catalog.start_sync(source, SyncMode.FULL), error=SourceUnreachableError("No."))
    last = catalog.last_completed_sync(source)
    assert (last and last.sync_id, len(catalog.syncs(source))) == (well, 4)


def test_concurrent_writers_in_several_processes_lose_nothing(catalog: Catalog, url: str) -> None:
    shared = SourceKey("default", "git", "shared")
    catalog.add_source(shared, "{}")
    count, names = 20, ["a", "b", "c"]
    with ExitStack() as stack:
        writers = [stack.enter_context(other_process.start("add", url, str(count), name)) for name in names]
        assert [writer.line() for writer in writers] == ["ready"] * len(writers)
        for writer in writers:
            writer.go_on()
        assert [writer.line() for writer in writers] == ["done"] * len(writers)
    assert len(catalog.sources("default")) == count * len(names) + 1
    assert [record.attempts for record in catalog.failures(shared)] == [count * len(names)]
