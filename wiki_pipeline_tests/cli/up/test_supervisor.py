from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from wiki_pipeline.cli.up import supervisor
from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import (
    CantTellError,
    Service,
    ServiceError,
    answers,
    keep_running,
    run,
    until_ready,
)
from wiki_pipeline.settings import load
from wiki_pipeline_tests.children import started

SERVER = """
    import http.server, os, socket, subprocess, sys
    folder, descriptor = sys.argv[1], int(sys.argv[2])
    grandchild = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    for pid in (os.getpid(), grandchild.pid):
        open(os.path.join(folder, f"pid-{pid}"), "w").close()
    print("serving", flush=True)
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler, bind_and_activate=False)
    server.socket = socket.socket(fileno=descriptor)
    server.serve_forever()
"""


def service(folder: Path, program: str = SERVER) -> Service:
    """A service of two processes, which leave their ids in `folder`."""
    listening = Ports(load(UpSettings), lambda _: None).listen("it", "127.0.0.1", 0)
    command = [sys.executable, "-c", textwrap.dedent(program), str(folder), str(listening.fileno())]
    return Service(
        name="The test service",
        command=lambda: command,
        environment={},
        log=folder / "logs" / "service.log",
        ready=answers(f"http://127.0.0.1:{listening.getsockname()[1]}/"),
        listening=listening,
    )


def pids(folder: Path) -> set[int]:
    """All processes that were ever started."""
    return {int(file.name.removeprefix("pid-")) for file in folder.glob("pid-*")}


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children_of(pid: int) -> list[str]:
    """Ids of what a process started."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


async def until(condition: Callable[[], bool]) -> None:
    """Look at a condition until it holds; fail after a bound that no working machine needs."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_service_is_stopped_with_everything_that_it_started(tmp_path: Path) -> None:
    async def scenario() -> None:
        served = service(tmp_path)
        task = asyncio.create_task(keep_running(served, lambda _: None))
        await until_ready(served, 60)
        assert [is_alive(pid) for pid in pids(tmp_path)] == [True, True]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert [is_alive(pid) for pid in pids(tmp_path)] == [False, False]
    assert "serving" in (tmp_path / "logs" / "service.log").read_text()


def test_a_service_that_ignores_the_request_to_stop_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.5)
    monkeypatch.setattr(supervisor, "_SWEEP_SECONDS", 0.5)
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + textwrap.dedent(SERVER)

    async def scenario() -> None:
        served = service(tmp_path, stubborn)
        task = asyncio.create_task(keep_running(served, lambda _: None))
        await until_ready(served, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert [is_alive(pid) for pid in pids(tmp_path)] == [False, False]


def test_a_service_that_dies_is_reported_and_started_again(tmp_path: Path) -> None:
    told: list[str] = []

    async def scenario() -> None:
        served = service(tmp_path)
        task = asyncio.create_task(keep_running(served, told.append))
        await until_ready(served, 60)
        first = pids(tmp_path)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: len(pids(tmp_path)) == 4)
        await until_ready(served, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert len(told) == 1
    assert told[0].startswith("The test service was ended by SIGKILL and is started again.")
    assert not any(is_alive(pid) for pid in pids(tmp_path))


def test_a_service_that_never_comes_up_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MAX_STARTS", 3)
    told: list[str] = []
    broken = service(tmp_path, "import sys; sys.exit('the port is on fire')")
    with pytest.raises(ServiceError, match=r"ended 3 times in a row\..*(?s:.)*the port is on fire"):
        asyncio.run(keep_running(broken, told.append))
    assert len(told) == 2
    assert broken.log.read_text().count("the port is on fire") == 3


@pytest.mark.parametrize(
    ("before", "worked", "after"),
    [
        (0, 0.0, 1),  # each start in vain makes the next wait longer
        (5, 0.0, 6),
        (5, 5.0, 6),  # and so does work that ends at once
        (5, 30.0, 3),
        (1, 45.0, 1),  # who is killed once in a while is there again at once
        (6, 100.0, 1),
    ],
)
def test_waits_grow_with_what_ends_soon_and_not_with_what_worked(before: int, worked: float, after: int) -> None:
    assert supervisor._after(before, worked, time.monotonic()) == after
    assert supervisor._after(before, 0.0, time.monotonic() - 1_000) == 1


def test_a_service_that_once_answered_is_never_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "MAX_STARTS", 2)
    monkeypatch.setattr(supervisor, "_WAIT_SECONDS", 0.01)
    told: list[str] = []
    seen: list[None] = []  # by its supervisor, as answering

    async def trouble(client: httpx.AsyncClient) -> str:
        seen.append(None)
        return ""

    async def scenario() -> None:
        served = replace(service(tmp_path), trouble=trouble)
        task = asyncio.create_task(keep_running(served, told.append))
        for dead in range(1, 6):
            seen.clear()
            await until(lambda: bool(seen))
            for pid in pids(tmp_path):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await until(lambda dead=dead: len(told) == dead)  # type: ignore[misc]
        await until_ready(served)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())


@pytest.mark.parametrize("fault", ["it hangs", "it does nothing"])
def test_a_service_that_lives_but_does_not_work_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(supervisor, "_PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(supervisor, "_STOP_SECONDS", 0.5)
    monkeypatch.setattr(supervisor, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "_ANSWER_SECONDS", 0.3)
    told: list[str] = []
    troubles: list[str] = []

    seen: list[None] = []  # by its supervisor, as answering

    async def trouble(client: httpx.AsyncClient) -> str:
        seen.append(None)
        return troubles[-1] if troubles else ""

    async def scenario() -> None:
        served = replace(service(tmp_path), trouble=trouble)
        task = asyncio.create_task(keep_running(served, told.append))
        await until(lambda: bool(seen))
        first = pids(tmp_path)
        if fault == "it hangs":
            for pid in first:
                os.kill(pid, signal.SIGSTOP)
        else:
            troubles.append("3 changes wait")
        await until(lambda: bool(told))
        troubles.clear()
        await until(lambda: len(pids(tmp_path)) == 4)
        await until_ready(served)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not any(is_alive(pid) for pid in first)

    asyncio.run(scenario())
    reason = "it does not answer" if fault == "it hangs" else "3 changes wait"
    assert f"The test service does not do its work ({reason}) and is started again." in told[0]


def test_what_can_not_be_told_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(supervisor, "_LOOK_SECONDS", 0.01)
    asked: list[None] = []

    async def trouble(client: httpx.AsyncClient) -> str:
        asked.append(None)
        raise CantTellError

    async def scenario() -> None:
        task = asyncio.create_task(keep_running(replace(service(tmp_path), trouble=trouble), pytest.fail))
        await until(lambda: len(asked) > 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert len(pids(tmp_path)) == 2


def test_runs_go_on_when_their_server_dies_and_end_with_the_supervisor(tmp_path: Path) -> None:
    told: list[str] = []

    async def scenario() -> None:
        served = replace(service(tmp_path), keeps_children=True)
        task = asyncio.create_task(keep_running(served, told.append))
        await until_ready(served)
        first, second = pids(tmp_path), set[int]()
        (server,) = {pid for pid in first if children_of(pid)}
        os.kill(server, signal.SIGKILL)
        await until(lambda: len(pids(tmp_path)) == 4)
        second = pids(tmp_path) - first
        assert [is_alive(pid) for pid in first - {server}] == [True]
        await until(lambda: all(is_alive(pid) for pid in second))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert len(pids(tmp_path)) == 4
    assert not any(is_alive(pid) for pid in pids(tmp_path))


def test_a_service_waits_for_the_one_that_it_needs(tmp_path: Path) -> None:
    order: list[str] = []

    async def scenario() -> None:
        first = service(tmp_path / "first")
        second = replace(service(tmp_path / "second"), after=first)
        late = asyncio.create_task(keep_running(second, order.append))
        await asyncio.sleep(0.5)
        assert not pids(tmp_path / "second")
        early = asyncio.create_task(keep_running(first, order.append))
        await until_ready(second)
        for task in (late, early):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
    asyncio.run(scenario())


def test_a_service_that_never_answers_is_an_error_with_its_log(tmp_path: Path) -> None:
    silent = service(tmp_path)
    with pytest.raises(ServiceError, match=r"did not answer within 0 s\. Its log is .*service\.log"):
        asyncio.run(until_ready(silent, 0.3))


def test_a_program_is_run_to_its_end_and_gives_its_status() -> None:
    assert asyncio.run(run([sys.executable, "-c", "import sys; sys.exit(3)"], {})) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_children_end_with_a_supervisor_that_is_killed_outright(tmp_path: Path) -> None:
    pausing = f"""
        import os, signal, sys
        open(os.path.join({str(tmp_path)!r}, f"pid-{{os.getpid()}}"), "w").close()
        signal.pause()
    """
    program = f"""
        import asyncio, sys
        from wiki_pipeline.cli.up.supervisor import run
        asyncio.run(run([sys.executable, "-c", {textwrap.dedent(pausing)!r}], {{}}))
    """
    with started([sys.executable, "-c", textwrap.dedent(program)]) as parent:
        asyncio.run(until(lambda: len(pids(tmp_path)) == 1))
        parent.kill()
        parent.wait()
        (child,) = pids(tmp_path)
        asyncio.run(until(lambda: not is_alive(child)))
