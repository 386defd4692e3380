from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from wiki_pipeline.cli.up import supervisor
from wiki_pipeline.cli.up.dagster import Dagster
from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import Service, ServiceError, answers, keep_running, run, until_ready
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


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what was given to services."""
    given: list[socket.socket] = []

    def listen(self: Ports, what: str, host: str, desired: int) -> socket.socket:
        given.append(plainly(self, what, host, desired))
        return given[-1]

    plainly = Ports.listen
    monkeypatch.setattr(Ports, "listen", listen)
    yield
    for each in given:
        each.close()


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


def test_a_service_that_does_not_stay_up_is_given_up_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "MAX_RESTARTS", 2)
    told: list[str] = []
    broken = service(tmp_path, "import sys; sys.exit('the port is on fire')")
    with pytest.raises(ServiceError, match=r"ended 3 times in a row\..*(?s:.)*the port is on fire"):
        asyncio.run(keep_running(broken, told.append))
    assert len(told) == 2
    assert broken.log.read_text().count("the port is on fire") == 3


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


@pytest.mark.parametrize(
    ("answer", "is_ours"),
    [
        ('{"data": {"instance": {"info": "base_dir: /home/ana/dagster\\nnext: 1"}}}', True),
        ('{"data": {"instance": {"info": "base_dir: \'/home/ana/dagster\'"}}}', True),
        ('{"data": {"instance": {"info": "base_dir: /home/ana/dagster2"}}}', False),
        ('{"data": {"instance": {"info": "base_dir: /home/bo/dagster"}}}', False),
        ('{"data": null}', False),
        ("<html>", False),
    ],
)
def test_only_a_dagster_with_our_state_is_taken_for_ours(answer: str, is_ours: bool) -> None:
    ours = Dagster(Ports(load(UpSettings), lambda _: None), "/home/ana/dagster ", None, 3000)

    async def asked() -> bool:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, text=answer))
        async with httpx.AsyncClient(transport=transport) as client:
            return await ours.ready(client)

    assert asyncio.run(asked()) is is_ours
