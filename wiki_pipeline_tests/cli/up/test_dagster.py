from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from wiki_pipeline.cli.up.dagster import Dagster
from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import CantTellError, Service, run, until_ready
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import load

GATEWAY = "http://127.0.0.1:8080"


def dagster(home: Path, root: Path | None = None) -> Dagster:
    """The services of an installation, not started."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").touch()
    return Dagster(Ports(load(UpSettings), lambda _: None), load(UpSettings), home, root, {}, GATEWAY)


def service(services: Dagster, name: str) -> Service:
    """One of the three."""
    (found,) = [each for each in services.services() if name in each.name]
    return found


def asked(question: Any, *, graphql: object = None, readyz: object = None) -> Any:
    """What a question finds out from these answers; None: no answer."""

    def answer(request: httpx.Request) -> httpx.Response:
        body = readyz if request.url.path == "/readyz" else graphql
        if isinstance(body, list):  # one after the other
            body = body.pop(0)
        if body is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, text=body if isinstance(body, str) else json.dumps(body))

    async def ask() -> Any:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            return await question(client)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("answer", "is_ours"),
    [
        ('{"data": {"instance": {"info": "base_dir: /HOME\\nnext: 1"}}}', True),
        ('{"data": {"instance": {"info": "base_dir: \'/HOME\'"}}}', True),
        ('{"data": {"instance": {"info": "base_dir: /HOME2"}}}', False),
        ('{"data": {"instance": {"info": "base_dir: /elsewhere"}}}', False),
        ('{"data": null}', False),
        ("<html>", False),
    ],
)
def test_only_a_dagster_with_our_state_is_taken_for_ours(tmp_path: Path, answer: str, is_ours: bool) -> None:
    webserver = service(dagster(tmp_path / "home"), "webserver")
    assert asked(webserver.ready, graphql=answer.replace("/HOME", str(tmp_path / "home"))) is is_ours


def heartbeats(*ages: float | None) -> dict[str, object]:
    """The webserver's answer, with threads of the daemon that wrote so many seconds ago; None: never."""
    moment = time.time()
    threads: list[dict[str, object]] = [
        {"required": True, "lastHeartbeatTime": None if age is None else moment - age} for age in ages
    ]
    for number, thread in enumerate(threads):
        thread["daemonType"] = str(number)
    threads.append({"daemonType": "OTHER", "required": False, "lastHeartbeatTime": None})
    return {"data": {"instance": {"daemonHealth": {"allDaemonStatuses": threads}}}}


@pytest.mark.parametrize(("ages", "beats"), [((1, 60), True), ((1, 3600), False), ((1, None), False), ((), False)])
def test_a_daemon_works_as_long_as_all_of_its_threads_do(
    tmp_path: Path, ages: tuple[float | None, ...], beats: bool
) -> None:
    daemon = service(dagster(tmp_path), "daemon")
    assert asked(daemon.ready, graphql=heartbeats(*ages)) is beats


def test_what_an_earlier_daemon_wrote_does_not_count_for_a_new_one(tmp_path: Path) -> None:
    daemon = service(dagster(tmp_path), "daemon")
    daemon.command()
    assert asked(daemon.ready, graphql=heartbeats(1)) is False
    assert asked(daemon.ready, graphql=heartbeats(-1)) is True


def test_a_daemon_is_not_blamed_for_a_webserver_that_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(CantTellError):
        asked(service(dagster(tmp_path), "daemon").ready, graphql=None)


def sensor(status: str) -> dict[str, object]:
    """The webserver's answer about the sensor that takes up work."""
    results = [{"name": "freshness_events", "sensorState": {"status": status}}]
    return {"data": {"sensorsOrError": {"results": results}}}


@pytest.mark.parametrize("name", ["code server", "daemon"])
@pytest.mark.parametrize(
    ("readyz", "graphql", "trouble"),
    [
        ({"stalled": "3 changes wait"}, sensor("RUNNING"), "3 changes wait"),
        ({"stalled": "3 changes wait"}, {"data": {"sensorsOrError": {}}}, "3 changes wait"),  # not even loaded
        ({"stalled": "3 changes wait"}, sensor("STOPPED"), ""),  # a person's decision
        ({"stalled": ""}, sensor("RUNNING"), ""),
    ],
)
def test_work_that_is_not_taken_up_is_trouble_of_those_who_should(
    tmp_path: Path, name: str, readyz: object, graphql: object, trouble: str
) -> None:
    assert asked(service(dagster(tmp_path), name).trouble, graphql=graphql, readyz=readyz) == trouble


@pytest.mark.parametrize("readyz", [None, "<html>", [[]]])
def test_a_gateway_that_does_not_answer_is_no_trouble_of_dagster(tmp_path: Path, readyz: object) -> None:
    with pytest.raises(CantTellError):
        asked(service(dagster(tmp_path), "daemon").trouble, graphql=sensor("RUNNING"), readyz=readyz)


def test_other_code_locations_of_the_workspace_stay_and_ours_becomes_a_server(tmp_path: Path) -> None:
    other = {"python_file": {"relative_path": "theirs.py"}}
    ours = {"python_module": {"module_name": "wiki_pipeline.definitions", "location_name": "wiki"}}
    (tmp_path / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [other, ours]}))
    services = dagster(tmp_path / "home", tmp_path)
    command = list(service(services, "webserver").command())
    written = yaml.safe_load(Path(command[command.index("--workspace") + 1]).read_text())["load_from"]
    assert written[0]["grpc_server"]["location_name"] == "wiki"
    assert written[1]["python_file"]["relative_path"] == str(tmp_path / "theirs.py")
    code = list(service(services, "code server").command())
    assert code[code.index("--location-name") + 1] == "wiki"
    assert code[code.index("--socket") + 1] == written[0]["grpc_server"]["socket"]


@pytest.mark.parametrize("text", ["", "load_from: []", "load_from: [python_module: somebody.elses]", "{", "3"])
def test_a_workspace_without_our_code_location_is_an_error_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "workspace.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"workspace\.yaml has no code location"):
        dagster(tmp_path / "home", tmp_path)


def test_a_real_code_server_is_ready_when_it_serves_and_not_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    code = replace(service(dagster(tmp_path), "code server"), log=tmp_path / "code.log")

    async def scenario() -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            with pytest.raises(httpx.HTTPError):
                await code.ready(client)
            with code.log.open("wb") as log:
                running = asyncio.create_task(run(code.command(), {}, log))
                await until_ready(code)
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
            with pytest.raises(httpx.HTTPError):
                await code.ready(client)

    asyncio.run(scenario())
