"""Dagster's UI as `up` starts it: pages of strangers can't drive it, and it works for those who may."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, expect

from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.security.browsers import chromium, page_of_a_stranger

JOBS = """
import dagster as dg

@dg.op
def greet(context): context.log.info("hello from the run")

@dg.job
def hello(): greet()

@dg.asset
def thing(): ...

defs = dg.Definitions(jobs=[hello], assets=[thing])
"""
INSTANCE = """
telemetry: {enabled: false}
nux: {enabled: false}
run_coordinator: {module: dagster.core.run_coordinator, class: DefaultRunCoordinator}
"""
LAUNCH = """mutation { launchRun(executionParams: {
  selector: {repositoryLocationName: "jobs.py", repositoryName: "__repository__", jobName: "hello"}, runConfigData: "{}"
}) { __typename } }"""
RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
MATERIALIZED = '{ assetOrError(assetKey: {path: ["thing"]}) { ... on Asset { assetMaterializations { runId } } } }'
_START_SECONDS = 120.0


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The UI, of a project with a job and an asset, and a client of it that is a program."""
    folder = tmp_path_factory.mktemp("dagster")
    (folder / "jobs.py").write_text(JOBS)
    (folder / "dagster.yaml").write_text(INSTANCE)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.fileno()
        command = [sys.executable, "-m", "wiki_pipeline.defs.webserver", "--fd", str(number), "-f", "jobs.py"]
        environment = {**os.environ, "DAGSTER_HOME": str(folder)}
        with (
            started(command, env=environment, cwd=folder, pass_fds=[number]),
            httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=_START_SECONDS) as client,
        ):
            assert client.get("/server_info").status_code == 200  # waits in the queue of the socket until it is served
            yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def asked(ui: httpx.Client, query: str) -> Any:
    """What a program gets for a query."""
    answer = ui.post("/graphql", json={"query": query})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def done(ui: httpx.Client) -> tuple[int, int]:
    """How many runs and materializations there are."""
    asset = asked(ui, MATERIALIZED)["assetOrError"]
    return len(asked(ui, RUNS)["runsOrError"]["results"]), len(asset.get("assetMaterializations", ()))


def opened(ui: httpx.Client, headers: Mapping[str, str]) -> int:
    """The status with which a WebSocket is answered."""
    key = base64.b64encode(os.urandom(16)).decode()
    host, port = ui.base_url.host, ui.base_url.port
    sent = {
        "Host": f"{host}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": "graphql-ws",
        **headers,
    }
    lines = ["GET /graphql HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    with socket.create_connection((host, port or 0), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "[::2]", ""])
def test_it_answers_for_no_other_host(ui: httpx.Client, host: str) -> None:
    for path in ("/", "/graphql?query={version}", "/server_info", "/report_asset_materialization/thing"):
        assert ui.get(path, headers={"host": host}).status_code == 421, path
    assert ui.post("/graphql", json={"query": RUNS}, headers={"host": host}).status_code == 421
    assert opened(ui, {"Host": host}) == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8080"])
def test_it_answers_for_this_machine(ui: httpx.Client, host: str) -> None:
    assert ui.get("/server_info", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        LAUNCH,
        f"query reads {{ version }} {LAUNCH.replace('mutation', 'mutation changes')}",
        "subscription { capturedLogs(logKey: []) { stdout } }",
        "{" * 20_000,
        "no GraphQL",
    ],
)
def test_an_address_changes_nothing(ui: httpx.Client, query: str) -> None:
    before = done(ui)
    for parameters in ({"query": query}, {"query": ["{ version }", query]}, {"query": [query, "{ version }"]}):
        answer = ui.get("/graphql", params={**parameters, "operationName": "changes"})
        assert answer.status_code == 405, answer.text
    assert done(ui) == before


def test_an_address_may_ask(ui: httpx.Client) -> None:
    assert ui.get("/graphql", params={"query": "{ version }"}).json()["data"]["version"]


OTHERS = [{"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:1"}]


@pytest.mark.parametrize("headers", [*OTHERS, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
def test_a_page_of_another_site_changes_nothing(ui: httpx.Client, headers: dict[str, str]) -> None:
    before = done(ui)
    for path in ("/report_asset_materialization/thing", "/report_asset_check/thing", "/report_asset_observation/thing"):
        assert ui.post(path, headers=headers).status_code == 403
    assert ui.post("/graphql", params={"query": LAUNCH}, headers=headers).status_code == 403
    assert ui.post("/graphql", json={"query": LAUNCH}, headers=headers).status_code == 403
    assert opened(ui, headers) == 403
    assert done(ui) == before


def test_a_page_of_its_own_and_a_program_may(ui: httpx.Client) -> None:
    own = f"http://127.0.0.1:{ui.base_url.port}"
    assert opened(ui, {}) == opened(ui, {"Origin": own}) == opened(ui, {"Sec-Fetch-Site": "same-origin"}) == 101
    assert ui.post("/graphql", json={"query": RUNS}, headers={"origin": own}).status_code == 200


def test_a_page_of_another_site_may_link_to_it_but_not_show_it(ui: httpx.Client) -> None:
    foreign = {"sec-fetch-site": "cross-site", "accept": "text/html"}
    link = {**foreign, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert ui.get("/runs", headers=link).status_code == 200
    for mode, shown in (("navigate", "iframe"), ("no-cors", "script"), ("no-cors", "image"), ("cors", "empty")):
        other = {**foreign, "sec-fetch-mode": mode, "sec-fetch-dest": shown}
        assert ui.get("/runs", headers=other).status_code == 403, shown
    for path in ("/runs", "/graphql"):
        headers = ui.get(path, headers=link).headers
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_what_a_stranger_s_page_does_in_a_browser_has_no_effect(ui: httpx.Client, browser: Browser) -> None:
    root = f"http://127.0.0.1:{ui.base_url.port}"
    before = done(ui)
    address = f"{root}/graphql?query={quote(LAUNCH)}"
    html = f"""<!doctype html><title>kittens</title><img src="{address}"><iframe src="{address}"></iframe>
      <script src="{address}"></script>
      <iframe name="sink"></iframe><form id="form" method="post" target="sink" action="{address}"></form>
      <script>
        const ends = [];
        const simple = {{method: "POST", mode: "no-cors"}};
        ends.push(fetch("{root}/report_asset_materialization/thing", simple).then(() => 1, () => 0));
        ends.push(fetch({json.dumps(address)}, simple).then(() => 1, () => 0));
        ends.push(fetch("{root}/graphql", {{...simple, body: {json.dumps(LAUNCH)}}}).then(() => 1, () => 0));
        ends.push(new Promise(resolve => {{
          const socket = new WebSocket("ws://127.0.0.1:{ui.base_url.port}/graphql", "graphql-ws");
          socket.onopen = () => resolve("open"); socket.onerror = () => resolve("refused");
        }}));
        document.getElementById("form").submit();
        Promise.all(ends).then(ended => document.title = "done " + ended.at(-1));
      </script>"""
    with page_of_a_stranger(html) as port:
        # Of another site, of another port of the same site, and under a name of its own that leads here.
        for name in ("localhost", "127.0.0.1"):
            page = browser.new_page()
            page.goto(f"http://{name}:{port}/", wait_until="load")
            expect(page).to_have_title("done refused", timeout=60_000)
            page.wait_for_load_state("networkidle")
            page.close()
    assert done(ui) == before


def test_what_the_stranger_tried_works_for_those_who_may(ui: httpx.Client) -> None:
    runs, materialized = done(ui)
    assert asked(ui, LAUNCH)["launchRun"]["__typename"] == "LaunchRunSuccess"
    assert ui.post("/report_asset_materialization/thing").status_code == 200
    assert done(ui) == (runs + 1, materialized + 1)


def test_a_person_launches_a_run_and_sees_its_log_over_the_websocket(ui: httpx.Client, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    sockets: list[str] = []
    page.on("websocket", lambda opened: sockets.append(opened.url))
    page.goto(f"{ui.base_url}/locations/jobs.py/jobs/hello/playground", wait_until="domcontentloaded")
    page.get_by_role("button", name="Launch Run").click(timeout=120_000)
    page.wait_for_url(re.compile("/runs/"), timeout=120_000)
    expect(page.get_by_text("hello from the run").first).to_be_visible(timeout=120_000)
    assert sockets
    page.close()


def test_a_port_in_use_ends_it_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(JOBS)
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        command = [sys.executable, "-m", "wiki_pipeline.defs.webserver", "--port", port, "-f", "jobs.py"]
        environment = {**os.environ, "DAGSTER_HOME": str(tmp_path)}
        ended = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert ended.returncode == 2
    assert f"can't listen on port {port} of 127.0.0.1: Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
