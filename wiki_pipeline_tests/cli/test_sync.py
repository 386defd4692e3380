from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from wiki_pipeline.catalog import EventState, Origin, SyncMode, SyncStatus
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.model import Stage
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import ENG, OF_OTHERS, pipeline, sync


def test_a_sync_brings_every_page_over_and_is_recorded_as_a_run_of_its_partition(run: Run, space: Space) -> None:
    result = run("sync", "--json")
    assert (result.exit_code, result.stderr != "") == (0, True)
    (sync,) = json.loads(result.stdout)["syncs"]
    assert (sync["source"], sync["status"], sync["error"], sync["failures"]) == (str(ENG), "completed", None, [])
    assert {stage["stage"]: stage["added"] for stage in sync["stages"]} == {
        stage: 0 if stage in OF_OTHERS else 3 for stage in Stage
    }
    with dg.DagsterInstance.get() as instance:
        assert instance.get_run_by_id(sync["run_id"]).status is dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]
        for stage in Stage:
            assert str(ENG) in instance.get_materialized_partitions(dg.AssetKey(stage))


def test_a_document_that_fails_ends_a_sync_with_1_and_is_named_with_its_error(
    run: Run, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.add("Enormous", f"<p>{'x' * 3_000}</p>")
    monkeypatch.setenv("WIKI_PIPELINE_MAX_DOCUMENT_BYTES", "2000")
    result = run("sync")
    assert result.exit_code == 1
    assert "raw_pages: Enormous (" in result.stderr
    assert "3 added, 1 failed" in result.stderr
    assert "3 added; 3 chunks embedded" in result.stderr


def test_a_source_that_can_t_be_synced_ends_with_3_and_does_not_keep_the_others(
    run: Run, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"ABSENT": [], "ENG": []}')
    result = run("sync", "--json")
    assert result.exit_code == 3
    absent, eng = json.loads(result.stdout)["syncs"]
    assert (absent["status"], absent["error"]["code"]) == ("failed", "source_not_found")
    assert "ABSENT" in absent["error"]["message"]
    assert eng["status"] == "completed"
    assert absent["error"]["message"] in result.stderr
    assert "Traceback" not in result.output


def test_since_looks_only_at_what_was_changed_and_deletes_nothing(run: Run, synced: Space) -> None:
    pages = [page for page in synced.contents.values() if page.type == "page"]
    pages[0].edit("<p>Edited of late.</p>")
    pages[1].edit("<p>Edited long ago.</p>", when=datetime.now(UTC) - timedelta(days=3))
    pages[2].trash()
    result = run("sync", "confluence", "--since", "24h", "--json")
    assert result.exit_code == 0
    (sync,) = json.loads(result.stdout)["syncs"]
    assert (sync["stages"][0]["updated"], sync["stages"][0]["deleted"], sync["stages"][0]["rows"]) == (1, 0, 3)
    with pipeline() as opened:
        assert [record.mode for record in opened.catalog.syncs(ENG)] == [SyncMode.INCREMENTAL, SyncMode.FULL]
        bodies = opened.store.table(Stage.RAW_PAGES, ENG).read(columns=["body"])["body"].to_pylist()
    assert "<p>Edited of late.</p>" in bodies
    assert "<p>Edited long ago.</p>" not in bodies


@pytest.mark.parametrize("since", ["yesterday", "24", "2999-01-01", "7 months"])
def test_a_since_that_can_t_be_read_is_a_matter_of_usage(run: Run, space: Space, since: str) -> None:
    result = run("sync", "--since", since)
    assert result.exit_code == 2
    assert since in result.stderr


def test_since_is_shown_in_the_help(run: Run, empty: Path) -> None:
    assert "--since DATE|24h|7d" in run("sync", "--help").stdout


def test_an_entry_of_the_settings_that_can_t_be_used_is_named_and_ends_a_sync_with_2(
    run: Run, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"ENG": [], "O P S": []}')
    result = run("sync", "--json")
    assert result.exit_code == 2
    said = json.loads(result.stdout)
    assert [sync["status"] for sync in said["syncs"]] == ["completed"]
    assert "'O P S' is not a space key" in said["configuration"][0]
    assert "'O P S' is not a space key" in result.stderr


def test_a_source_that_the_settings_no_longer_name_is_no_error(
    run: Run, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"ABSENT": [], "ENG": []}')
    assert run("sync").exit_code == 3
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"ENG": []}')
    result = run("sync")
    assert result.exit_code == 0
    assert "default:confluence:ABSENT is no longer in the settings" in result.stderr
    assert run("sync", "ABSENT").exit_code == 3  # as it is asked for by name
    listed = {each["source"]: each["dropped"] for each in json.loads(run("sources", "list", "--json").stdout)}
    assert listed == {"default:confluence:ABSENT": True, str(ENG): False}


def test_nothing_to_sync_is_a_matter_of_configuration(run: Run, empty: Path) -> None:
    result = run("sync")
    assert result.exit_code == 2
    assert "There is nothing to sync. Set CONFLUENCE_SPACES" in result.stderr


def test_a_source_that_is_not_there_is_a_matter_of_usage(run: Run, space: Space) -> None:
    result = run("sync", "OPS")
    assert result.exit_code == 2
    assert "There is no source 'OPS'. There are: default:confluence:ENG." in result.stderr


def test_a_source_that_another_process_writes_is_left_alone_with_3(run: Run, space: Space) -> None:
    with pipeline() as opened, opened.catalog.lease(f"source {ENG}", 300):
        result = run("sync", "--json")
        assert result.exit_code == 3
        (sync,) = json.loads(result.stdout)["syncs"]
        assert sync["error"]["code"] == "source_busy"
        assert opened.catalog.leases()[0].holder in sync["error"]["message"]
        assert opened.catalog.syncs(ENG) == []


def test_a_listing_that_lacks_most_of_a_source_stops_unless_it_is_allowed(run: Run, space: Space) -> None:
    pages = [space.add(f"Page {number}", "<p>text</p>") for number in range(12)]
    with pipeline() as opened:
        sync(opened)
    for page in pages:
        page.trash()
    refused = run("sync")
    assert refused.exit_code == 3
    assert "--allow-mass-deletion" in refused.stderr
    assert run("sync", "--allow-mass-deletion").exit_code == 0


def test_a_page_that_the_settings_name_and_nobody_has_is_named(
    run: Run, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [{"page_id": space.page("Pumps").id}, {"page_id": "999999999"}]
    monkeypatch.setenv("CONFLUENCE_SPACES", json.dumps({"ENG": pages}))
    result = run("sync")
    assert "1 added, 1 left out" in result.stderr
    assert "page 999999999 not found" in result.stderr


def test_a_full_sync_fetches_what_is_the_same_and_computes_nothing_from_it(run: Run, synced: Space) -> None:
    full = json.loads(run("sync", "--full", "--json").stdout)["syncs"][0]["stages"]
    assert {stage["stage"]: (stage["updated"], stage["unchanged"]) for stage in full} == {
        **dict.fromkeys(Stage, (0, 3)), Stage.RAW_PAGES: (3, 0), **dict.fromkeys(OF_OTHERS, (0, 0))
    }  # fmt: skip


_IN_THE_BACKGROUND = ["sh", "-c", """trap '' INT; exec "$@" """, "sh"]  # as shells without job control start it


@pytest.mark.parametrize(
    ("before", "number"),
    [([], signal.SIGINT), (_IN_THE_BACKGROUND, signal.SIGTERM)],
    ids=["ctrl-c", "sigterm in the background"],
)
def test_with_a_schedule_sources_are_synced_again_until_it_is_stopped(
    space: Space, before: list[str], number: signal.Signals
) -> None:
    command = [*before, sys.executable, "-m", "wiki_pipeline.cli", "sync", "--schedule", "0.0001"]
    with started(command, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = iter(process.stderr.readline, "")
        assert any("raw_pages" in line and "3 added" in line for line in said)
        assert any("raw_pages" in line and "3 unchanged" in line for line in said)
        process.send_signal(number)
        assert process.wait(60) == 128 + signal.SIGINT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_sync_in_order_and_the_next_one_does_the_rest(
    run: Run, space: Space, confluence_cloud: ConfluenceServer, number: signal.Signals
) -> None:
    confluence_cloud.fault("*/spaces/*/pages*", faults.late(300), times=1)
    with started([sys.executable, "-m", "wiki_pipeline.cli", "sync"], stderr=subprocess.PIPE) as process:
        while not any("/pages" in request.path for request in confluence_cloud.requests):
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.1)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert said.endswith("Interrupted.\n")
    with pipeline() as opened:
        (record,) = opened.catalog.syncs(ENG)
        assert (record.status, record.error_code) == (SyncStatus.FAILED, "interrupted")
        assert opened.catalog.leases() == []
        assert run("sync").exit_code == 0


def test_a_sync_is_written_down_as_an_event_that_its_own_run_settles(run: Run, space: Space) -> None:
    assert run("sync").exit_code == 0
    with pipeline() as opened:
        (event,) = opened.catalog.events.find("default")
        assert (event.origin, event.state, event.source) == (Origin.CLI, EventState.APPLIED, ENG)
        assert opened.catalog.claims.under_way("default") == []
