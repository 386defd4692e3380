"""Work that is shared with other processes: same results, and nothing is left behind."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.model import Stage
from wiki_pipeline.sync import workers as room
from wiki_pipeline.sync.parts import MOST, Parts
from wiki_pipeline.sync.workers import LARGE, Workers
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync
from wiki_pipeline_tests.sync import shared_work
from wiki_pipeline_tests.sync.shared_work import Where, ready

NUMBERS = [number for number in range(200) if number != 13]


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(room, "_cores", lambda: 2)
    with Workers(2) as workers:
        yield workers


def rows(numbers: list[int]) -> pa.Table:
    return pa.table({"number": numbers})


def numbers_of(done: list[tuple[list[int], int]]) -> list[int]:
    return [number for numbers, _ in done for number in numbers]


def gone(process: int) -> bool:
    """Whether the process ends within some seconds; one that nobody has waited for counts as ended."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def test_each_part_is_done_once_in_order_by_whoever_is_free(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    (other,) = ready(workers)
    done = workers.map(Where(os.getpid()), rows(NUMBERS), 7)
    assert numbers_of(done) == NUMBERS
    assert {process for _, process in done} == {os.getpid(), other}
    logged = [record for record in caplog.records if record.name == "shared"]
    assert {(record.message, record.process) for record in logged} == {("done elsewhere", other)}
    assert len(logged) == sum(process == other for _, process in done)


def test_a_table_of_many_rows_is_cut_into_no_more_parts_than_can_be_numbered(workers: Workers) -> None:
    ready(workers)
    done = workers.map(len, rows([*range(100_000)]), 1)
    assert len(done) <= MOST
    assert sum(done) == 100_000


def test_a_part_takes_no_more_of_its_table_along_than_its_rows() -> None:
    table = pa.table({"text": ["x" * 10_000] * 100})
    packed, _ = Parts.of(table.slice(3, 2), 1, 2).packed()
    assert len(packed) < 25_000


@given(st.integers(0, 3_000), st.integers(1, 40), st.integers(2, 64))
def test_parts_are_all_of_the_rows_in_order_and_never_grow(count: int, least: int, processes: int) -> None:
    parts = Parts.of(rows([*range(count)]), least, processes)
    cut = [parts[number]["number"].to_pylist() for number in range(len(parts))]
    assert [number for part in cut for number in part] == [*range(count)]
    sizes = [len(part) for part in cut]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) <= MOST
    assert all(size >= least for size in sizes[:-1])


def test_one_process_does_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_cores", lambda: 2)
    for alone in (Workers(1), Workers(2)):  # the second is not started
        if alone._count == 0:
            alone.start()
        assert alone.map(Where(os.getpid()), rows(NUMBERS), 7) == [(NUMBERS, os.getpid())]


def test_a_worker_that_dies_is_done_without(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    ready(workers)
    for _ in range(2):
        done = workers.map(Where(os.getpid(), fatal=True), rows(NUMBERS), 7)
        assert numbers_of(done) == NUMBERS
        assert {process for _, process in done} == {os.getpid()}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_error_is_met_by_this_process_and_ends_the_others(workers: Workers) -> None:
    (other,) = ready(workers)
    with pytest.raises(ValueError, match="13 is not a number"):
        workers.map(Where(os.getpid()), rows([*NUMBERS, 13]), 7)
    assert gone(other)
    assert workers.map(Where(os.getpid()), rows([1]), 7) == [([1], os.getpid())]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_with_whom_it_works_for(how: signal.Signals) -> None:
    command = [sys.executable, "-m", shared_work.__name__]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(how)
        parent.wait(60)
        assert gone(worker)


def test_a_terminal_that_interrupts_everyone_leaves_the_end_to_this_process(workers: Workers) -> None:
    (other,) = ready(workers)
    os.kill(other, signal.SIGINT)
    done = workers.map(Where(os.getpid()), rows(NUMBERS), 7)
    assert other in {process for _, process in done}


def test_a_large_sync_gives_the_same_rows_whoever_converts_them(
    confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = confluence_cloud.space("ENG", "Engineering")
    for number in range(2 * LARGE):
        other = f'<ac:link><ri:page ri:content-title="Page {number - 1}"/></ac:link>'
        space.add(f"Page {number}", f"<h2>Part</h2><p>Number <b>{number}</b> of the handbook after {other}.</p>")
    monkeypatch.setattr(room, "_cores", lambda: 2)
    shared: list[int] = []
    monkeypatch.setattr(room.Workers, "start", _start_and_wait(shared))
    seen = []
    for processes in (1, 2):
        home = tmp_path / str(processes)
        home.mkdir()
        install_for_space(monkeypatch, home, confluence_cloud.url)
        monkeypatch.setenv("WIKI_PIPELINE_PROCESSES", str(processes))
        with pipeline() as opened:
            reports = sync(opened)
            assert {r.added for r in reports.values() if r.stage is not Stage.ATTACHMENTS} == {2 * LARGE}
            tables = {stage: opened.store.table(stage, ENG) for stage in Stage if stage is not Stage.VECTORS}
            (vectors,) = [name for name in opened.store.names() if name.startswith("vectors.")]
            dataset = opened.store.searched(vectors)
            assert dataset is not None
            seen.append(({stage: table.read() for stage, table in tables.items()}, dataset.to_arrow()))
    assert seen[0] == seen[1]
    assert shared == [1]


def _start_and_wait(shared: list[int]) -> object:
    start = Workers.start

    def start_and_wait(workers: Workers) -> None:
        began = workers._numbers is None
        start(workers)
        if began and workers._workers:
            shared.append(len(workers._workers))
        while not all(worker.ready() for worker in workers._workers):
            time.sleep(0.01)

    return start_and_wait
