"""Work that is shared with other processes: same results, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
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
from wiki_pipeline.errors import WorkerError
from wiki_pipeline.limits import DocumentLimits
from wiki_pipeline.model import Stage
from wiki_pipeline.sync import workers as room
from wiki_pipeline.sync.parts import packed, parts_of
from wiki_pipeline.sync.workers import LARGE, Workers
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.installation import ENG, OF_OTHERS, install_for_space, pipeline, sync
from wiki_pipeline_tests.sync import shared_work
from wiki_pipeline_tests.sync.shared_work import Where, ready

NUMBERS = [*range(200)]
LIMITS = DocumentLimits(seconds=1, memory=200_000_000)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    monkeypatch.setattr(room, "cores", lambda: 2)
    with Workers(2, LIMITS) as workers:
        yield workers
    room.end_spares()


def rows(numbers: list[int]) -> pa.Table:
    return pa.table({"number": pa.array(numbers, pa.int64())})


def numbers_of(done: list[tuple[list[int | str], int]]) -> list[int | str]:
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
    others = ready(workers)
    done = workers.map(Where(), rows(NUMBERS), 7)
    assert numbers_of(done) == NUMBERS
    assert {process for _, process in done} == {*others}
    logged = [record for record in caplog.records if record.name == "shared"]
    assert {(record.message, record.process) for record in logged} == {("done elsewhere", other) for other in others}
    assert len(logged) == len(done)


def test_few_rows_are_worth_one_process_and_none_make_one_part(workers: Workers) -> None:
    done = workers.map(Where(), rows([1, 2, 3]), 1)
    assert numbers_of(done) == [1, 2, 3]
    assert len({process for _, process in done}) == 1
    assert os.getpid() not in {process for _, process in done}
    assert numbers_of(workers.map(Where(), rows([]), 8)) == []


def test_a_part_takes_no_more_of_its_table_along_than_its_rows() -> None:
    table = pa.table({"text": ["x" * 10_000] * 100})
    assert len(packed(table.slice(3, 2))) < 25_000


@given(st.integers(0, 3_000), st.integers(1, 40), st.integers(1, 64))
def test_parts_are_all_of_the_rows_in_order_and_never_grow(count: int, least: int, processes: int) -> None:
    parts = list(parts_of(count, least, processes))
    assert [row for first, last in parts for row in range(first, last)] == [*range(count)]
    sizes = [last - first for first, last in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert all(size >= least for size in sizes[:-1])


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("compute", "takes more than 1 s of computing"),
        ("a regular expression", "takes more than 1 s of computing"),
        ("allocate", "takes more than 200 MB of memory"),
        ("kill", "breaks the process that does it down (SIGKILL)"),
        ("raise", "fails with an unexpected ValueError, a defect of wiki-pipeline"),
    ],
)
@pytest.mark.parametrize("harmful", [[13], [0, 13, 14, 199]])
def test_a_row_that_takes_too_much_costs_itself_alone(
    workers: Workers, harmful: list[int], harm: str, why: str
) -> None:
    done = workers.map(Where(dict.fromkeys(harmful, harm)), rows(NUMBERS), 7)
    assert numbers_of(done) == [f"{number} {why}" if number in harmful else number for number in NUMBERS]
    assert numbers_of(workers.map(Where(), rows(NUMBERS), 7)) == NUMBERS


def test_a_row_that_waits_for_ever_is_ended_by_the_clock(workers: Workers) -> None:
    workers._limits = DocumentLimits(seconds=0.1)
    assert numbers_of(workers.map(Where({2: "sleep"}), rows([1, 2, 3]), 8)) == [1, "2 takes more than 3 s", 3]


def test_a_process_that_somebody_kills_costs_no_row(workers: Workers, tmp_path: Path) -> None:
    killed_once = Where({13: "kill"}, str(tmp_path / "killed"))
    assert numbers_of(workers.map(killed_once, rows(NUMBERS), 7)) == NUMBERS
    ready(workers)
    for worker in workers._workers:
        os.killpg(worker._process.pid, signal.SIGKILL)
    assert numbers_of(workers.map(Where(), rows(NUMBERS), 7)) == NUMBERS


def test_an_idle_process_waits_for_the_next_sync_and_a_busy_one_is_ended(workers: Workers) -> None:
    idle = ready(workers)
    workers.close()
    with Workers(2, LIMITS) as again:
        assert sorted(ready(again)) == sorted(idle)
        with pytest.raises(AttributeError):
            again.map(len, rows(NUMBERS), 7)  # type: ignore[arg-type] # which says nothing of failures
    assert all(gone(process) for process in idle)
    with Workers(2, DocumentLimits(seconds=2)) as others:
        assert not set(ready(others)) & set(idle)


def test_processes_that_cannot_be_started_are_named(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(WorkerError, match="can't be started; it ended 3 times"):
        workers.map(Where(), rows(NUMBERS), 7)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_with_whom_it_works_for(how: signal.Signals) -> None:
    command = [sys.executable, "-m", shared_work.__name__]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        processes = [int(process) for process in parent.stdout.readline().split()]
        parent.send_signal(how)
        parent.wait(60)
        assert all(gone(process) for process in processes)


def test_a_terminal_that_interrupts_everyone_leaves_the_end_to_this_process(workers: Workers) -> None:
    others = ready(workers)
    for other in others:
        os.kill(other, signal.SIGINT)
    assert {process for _, process in workers.map(Where(), rows(NUMBERS), 7)} == {*others}


def test_a_large_sync_gives_the_same_rows_whoever_converts_them(
    confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = confluence_cloud.space("ENG", "Engineering")
    for number in range(2 * LARGE):
        other = f'<ac:link><ri:page ri:content-title="Page {number - 1}"/></ac:link>'
        space.add(f"Page {number}", f"<h2>Part</h2><p>Number <b>{number}</b> of the handbook after {other}.</p>")
    monkeypatch.setattr(room, "cores", lambda: 2)
    seen = []
    for processes in (1, 2):
        home = tmp_path / str(processes)
        home.mkdir()
        install_for_space(monkeypatch, home, confluence_cloud.url)
        monkeypatch.setenv("WIKI_PIPELINE_PROCESSES", str(processes))
        with pipeline() as opened:
            reports = sync(opened)
            assert {r.added for r in reports.values() if r.stage not in OF_OTHERS} == {2 * LARGE}
            tables = {stage: opened.store.table(stage, ENG) for stage in Stage if stage is not Stage.VECTORS}
            (vectors,) = [name for name in opened.store.names() if name.startswith("vectors.")]
            dataset = opened.store.snapshot(vectors)
            assert dataset is not None
            seen.append(({stage: table.read() for stage, table in tables.items()}, dataset.to_table()))
    assert seen[0] == seen[1]
