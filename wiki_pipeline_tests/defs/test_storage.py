"""Dagster's state as `dagster.yaml` has it kept: seen by every process, told while it is written, and quick."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from wiki_pipeline.defs import storage
from wiki_pipeline.defs.instance import prepare
from wiki_pipeline.defs.storage import EventLog
from wiki_pipeline_tests import open_databases
from wiki_pipeline_tests.children import started

CONFIGURATION = Path(__file__).parents[2] / "dagster_home" / "dagster.yaml"
PARTITIONS = dg.DynamicPartitionsDefinition(name="numbers")


@dg.asset(partitions_def=PARTITIONS)
def number(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """An asset that says which partition it is."""
    return dg.MaterializeResult(metadata={"number": context.partition_key}, data_version=dg.DataVersion("1"))


@dg.asset(partitions_def=PARTITIONS, deps=[number])
def after(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """An asset after it."""
    return dg.MaterializeResult(metadata={"number": context.partition_key})


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    shutil.copy(CONFIGURATION, tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as instance:
        yield instance


def run(instance: dg.DagsterInstance, partition: str) -> str:
    instance.add_dynamic_partitions("numbers", [partition])
    result = dg.materialize([number, after], instance=instance, partition_key=partition)
    assert result.success
    return result.run_id


def latest(instance: dg.DagsterInstance) -> str:
    event = instance.get_latest_materialization_event(number.key)
    assert event is not None
    assert event.asset_materialization is not None
    return str(event.asset_materialization.metadata["number"].value)


@pytest.mark.parametrize("name", list(storage._DATABASES))
@pytest.mark.parametrize("left", [b"", "no tables", "half its tables"])
def test_a_database_that_was_left_half_made_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, left: bytes | str
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True)
    if isinstance(left, bytes):
        file.write_bytes(left)
    else:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            if left == "half its tables":
                connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
                connection.execute("CREATE TABLE secondary_indexes (id INTEGER)")
            connection.commit()
    shutil.copy(CONFIGURATION, tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as opened:
        run(opened, "7")
        assert latest(opened) == "7"
        assert opened.get_dynamic_partitions("numbers") == ["7"]
        assert opened.get_ticks("origin", "selector") == []


def test_kills_while_the_databases_are_made_leave_nothing_that_must_be_mended(tmp_path: Path) -> None:
    shutil.copy(CONFIGURATION, tmp_path)
    program = [sys.executable, "-m", "wiki_pipeline.defs.instance"]
    environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
    files = [tmp_path / name for name in storage._DATABASES]
    for number in range(len(files) + 1):
        with started(program, env=environment) as process:
            while process.poll() is None and not any(tmp_path.glob(".making-*/*")):
                time.sleep(0.001)
            for _ in range(number * 40):  # a bit later each time
                if process.poll() is None:
                    time.sleep(0.001)
            process.kill()
    subprocess.run(program, env=environment, check=True)
    for name, (table, _) in storage._DATABASES.items():
        assert storage._is_complete(tmp_path / name, table)
    assert open_databases.damaged(tmp_path) == []


@pytest.mark.parametrize("name", list(storage._DATABASES))
def test_a_damaged_database_is_set_aside_and_made_anew(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(CONFIGURATION, tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get() as opened:
        run(opened, "1")
        opened.event_log_storage.dispose()
    content = bytearray((tmp_path / name).read_bytes())
    content[4096:] = b"\x00" * (len(content) - 4096)
    (tmp_path / name).write_bytes(content)
    (said,) = prepare(tmp_path)
    assert str(tmp_path / name) in said
    assert "was damaged" in said
    with dg.DagsterInstance.get() as opened:
        run(opened, "2")
        assert latest(opened) == "2"
    assert prepare(tmp_path) == []


def test_the_configuration_names_the_storage(instance: dg.DagsterInstance) -> None:
    events = instance.event_log_storage
    assert isinstance(events, EventLog)
    assert events.has_table("event_logs")
    assert not events.has_table("no_such_table")


def test_processes_read_and_keep_what_others_write(instance: dg.DagsterInstance) -> None:
    run_id = run(instance, "1")
    program = (
        "import sys, dagster as dg\n"
        "from wiki_pipeline_tests.defs.test_storage import latest, run\n"
        "with dg.DagsterInstance.get() as other:\n"
        "    print(latest(other) != '', flush=True)\n"
        "    run(other, sys.argv[1])\n"
    )
    with ExitStack() as running:
        command = [sys.executable, "-c", program]
        others = [running.enter_context(started([*command, name], stdout=subprocess.PIPE)) for name in "23"]
        assert [(other.communicate(timeout=300)[0].strip(), other.returncode) for other in others] == [("True", 0)] * 2
    assert set(instance.get_materialized_partitions(number.key)) == {"1", "2", "3"}
    assert latest(instance) in {"2", "3"}
    runs = [record.dagster_run for record in instance.get_run_records()]
    assert {one.status for one in runs} == {dg.DagsterRunStatus.SUCCESS}
    assert len({len(instance.all_logs(one.run_id)) for one in runs}) == 1
    instance.delete_run(run_id)
    assert instance.all_logs(run_id) == []


def test_events_are_told_while_the_run_goes_on(instance: dg.DagsterInstance) -> None:
    seen: list[str] = []
    told, run_id = threading.Event(), "8d1f9a4e-0000-4000-8000-000000000000"

    def tell(entry: dg.EventLogEntry, _: str) -> None:
        seen.append(entry.dagster_event.message or "" if entry.dagster_event else "")
        told.set()

    instance.watch_event_logs(run_id, None, tell)
    with dg.DagsterInstance.get() as writer:
        writer.report_engine_event("under way", run_id=run_id, job_name="job")
        assert told.wait(30)
    assert seen == ["under way"]
    instance.end_watch_event_logs(run_id, tell)


def test_a_run_opens_the_event_log_once(instance: dg.DagsterInstance) -> None:
    run(instance, "1")
    opened: Counter[str] = Counter()

    def count(_dialect: object, _record: object, arguments: list[str], _parameters: object) -> None:
        opened[Path(arguments[0]).name] += 1

    sa.event.listen(sa.Engine, "do_connect", count)
    try:
        run(instance, "2")
    finally:
        sa.event.remove(sa.Engine, "do_connect", count)
    assert opened["event_log.db"] <= 1
