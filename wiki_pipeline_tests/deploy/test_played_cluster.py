"""What the chart deploys, run on a played Kubernetes with a real PostgreSQL, a bucket, and Dagster's own daemon,
webserver, code location and launcher. Not a real cluster: `played` says what is missing."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import create_engine, text

from wiki_pipeline.catalog import Catalog, EventState
from wiki_pipeline.demo.confluence import ConfluenceServer, Content, Space, faults
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.session import lease_name
from wiki_pipeline_tests.buckets import moto
from wiki_pipeline_tests.catalog.postgresql import find_programs, running_server
from wiki_pipeline_tests.deploy import chart, tools
from wiki_pipeline_tests.deploy.played import Job, PlayedCluster, Pod
from wiki_pipeline_tests.e2e.deliveries import signed
from wiki_pipeline_tests.e2e.services import SECRET, wait_for
from wiki_pipeline_tests.e2e.upstream import page_told

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.e2e,
    pytest.mark.skipif(
        "WIKI_PIPELINE_PLAYED_CLUSTER" not in os.environ,
        reason="ten processes and many minutes: make deploy-cluster-test",
    ),
]

TOKEN = "0123456789abcdef0123456789abcdef"
SOURCE = SourceKey("default", "confluence", "ENG")
_RUNS = "{ runsOrError(limit: 50) { ... on Runs { results { runId status tags { key value } } } } }"
_STOP = 'mutation { terminateRun(runId: "%s") { __typename ... on PythonError { message } } }'


@dataclass
class Installation:
    """All pods, and the world around them."""

    cluster: PlayedCluster
    confluence: ConfluenceServer
    space: Space
    gateways: list[httpx.Client]
    webserver: httpx.Client
    readers: httpx.Client
    database: str
    code: Pod
    folder: Path

    def tell(self, page: Content, version: int, gateway: int = 0) -> None:
        """Deliver a webhook to one of the replicas."""
        told = page_told("page_updated", page, version)
        answer = self.gateways[gateway].post(
            f"/webhook/{told.path}", content=told.body, headers=signed(told, uuid.uuid4().hex)
        )
        assert answer.status_code == 202, answer.text

    def found(self, words: str, gateway: int = 0) -> bool:
        """Whether a replica finds the words."""
        answer = self.gateways[gateway].get("/v1/search", params={"q": words, "mode": "text"})
        return any(words in hit["text"] for hit in answer.raise_for_status().json()["hits"])

    def settled(self) -> bool:
        """Whether every event is applied or superseded."""
        with Catalog(self.database) as catalog:
            counts = catalog.events.counts("default")
        return not any(
            number for state, number in counts.items() if state not in {EventState.APPLIED, EventState.SUPERSEDED}
        )

    def runs(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Status and tags of the runs."""
        found = self.readers.post("/graphql", json={"query": _RUNS}).json()["data"]["runsOrError"]["results"]
        return {run["runId"]: (run["status"], {tag["key"]: tag["value"] for tag in run["tags"]}) for run in found}

    def one_running(self) -> Job:
        """The Job that runs, once its run has begun."""
        (job,) = self.cluster.running()
        assert self.runs()[run_id(job)][0] == "STARTED"
        return job

    def held(self) -> Job:
        """Edit a page of a source that answers late: the Job that works on it."""
        self.confluence.fault("*/content*", faults.late(20), times=None)
        self.confluence.fault("*/pages*", faults.late(20), times=None)
        page = self.space.page("Page 0")
        version = page.edit(f"<p>Held {uuid.uuid4().hex}.</p>")
        self.tell(page, version.number)
        found: list[Job] = []

        def runs() -> bool:
            found[:] = [self.one_running()]
            return self._leased()

        wait_for("a Job works on it", lambda: _without_assertions(runs), 240)
        return found[0]

    def _leased(self) -> bool:
        with Catalog(self.database) as catalog:
            return catalog.is_held(lease_name(SOURCE))

    def recovered(self) -> None:
        """Wait until all that was told is served, once the source answers as usual."""
        self.confluence.heal()
        wait_for("every event is settled", self.settled, 300)


def _without_assertions(holds: Callable[[], object]) -> object:
    try:
        return holds()
    except (AssertionError, ValueError):
        return False


def _answers(client: httpx.Client, path: str) -> bool:
    return client.get(path).is_success


def run_id(job: Job) -> str:
    """The run of a Job."""
    label: str = job.body["metadata"]["labels"]["dagster/run-id"]
    return label


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _rendered(values: Mapping[str, Any], folder: Path) -> list[chart.Object]:
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    said = tools.run("helm", "template", chart.RELEASE, chart.CHART, "--namespace", chart.NAMESPACE, "--values", file)
    return [each for each in yaml.safe_load_all(said) if each]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    folder, database_port, code_port = tmp_path_factory.mktemp("cluster"), _port(), _port()
    with ExitStack() as stack:
        address = stack.enter_context(running_server(programs, port=database_port))
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE dagster"))
        engine.dispose()
        buckets = stack.enter_context(moto())
        buckets.make("wiki")
        confluence = stack.enter_context(ConfluenceServer("cloud"))
        space = confluence.space("ENG", "Engineering")
        for number in range(5):
            space.add(f"Page {number}", f"<p>Number {number} of the handbook.</p>")
        bucket = buckets.environment("wiki")
        made = _rendered(
            {
                "storage": {"url": bucket["WIKI_PIPELINE_STORAGE_URL"], "endpoint": buckets.endpoint},
                "database": {
                    "host": "127.0.0.1",
                    "port": database_port,
                    "user": "tests",
                    "name": "postgres",
                    "sslmode": "disable",
                },
                "runs": {"startTimeoutSeconds": 20, "terminationGracePeriodSeconds": 30},
                "settings": {
                    "CONFLUENCE_URL": confluence.url,
                    "CONFLUENCE_SPACES": json.dumps({"ENG": []}),
                    "WIKI_PIPELINE_SMALL_RUN_DOCUMENTS": 0,  # each run a Job, but where a test says otherwise
                    "WIKI_PIPELINE_LEASE_SECONDS": 10,
                    "WIKI_PIPELINE_PROCESSES": 1,
                    "WIKI_PIPELINE_EVENT_RETRY_SECONDS": 1,
                },
            },
            folder,
        )
        secrets = {
            "wiki-pipeline-database": {"password": "any"},
            "wiki-pipeline-storage": {
                "access-key-id": bucket["AWS_ACCESS_KEY_ID"],
                "secret-access-key": bucket["AWS_SECRET_ACCESS_KEY"],
            },
            "wiki-pipeline-gateway": {
                "api-tokens": TOKEN,
                "confluence-webhook-secret": SECRET,
                "git-webhook-secret": SECRET,
            },
            "wiki-pipeline-sources": {"confluence-username": "", "confluence-token": "any", "git-token": "any"},
        }
        cluster = stack.enter_context(PlayedCluster(made, secrets, folder))
        _move_to_this_machine(cluster.config_map(f"{chart.RELEASE}-dagster"), code_port)
        migration = cluster.start(f"{chart.RELEASE}-migration")
        assert migration.process is not None
        assert migration.process.wait(900) == 0, migration.log.read_text()
        code = cluster.start(f"{chart.RELEASE}-code", changed=_here(4000, code_port))
        ports = {name: _port() for name in ("first", "second", "webserver", "readers")}
        for name in ("first", "second"):
            at = {"WIKI_PIPELINE_GATEWAY_HOST": "127.0.0.1", "WIKI_PIPELINE_GATEWAY_PORT": str(ports[name])}
            cluster.start(f"{chart.RELEASE}-gateway", f"gateway-{name}", at)
        cluster.start(f"{chart.RELEASE}-webserver", changed=_here(3000, ports["webserver"]))
        cluster.start(f"{chart.RELEASE}-webserver-readonly", changed=_here(3000, ports["readers"]))
        cluster.start(f"{chart.RELEASE}-daemon")
        yield Installation(
            cluster,
            confluence,
            space,
            [_client(stack, ports[name], TOKEN) for name in ("first", "second")],
            _client(stack, ports["webserver"], host=f"{chart.RELEASE}-webserver"),
            _client(stack, ports["readers"], host=f"{chart.RELEASE}-webserver-readonly"),
            f"postgresql+psycopg://tests@127.0.0.1:{database_port}/postgres",
            code,
            folder,
        )


def _here(port: int, instead: int) -> dict[str, str]:
    return {f"--port={port}": f"--port={instead}", "--host=0.0.0.0": "--host=127.0.0.1"}


def _client(stack: ExitStack, port: int, token: str = "", host: str = "") -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"} if token else {"host": host}
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60, trust_env=False)
    return stack.enter_context(client)


def _move_to_this_machine(config: dict[str, str], code_port: int) -> None:
    """What differs without a cluster's network: where the code is, how the API server is found; and a quicker clock."""
    settings = yaml.safe_load(config["dagster.yaml"])
    settings["run_launcher"]["config"]["large"]["config"]["load_incluster_config"] = False
    settings["run_monitoring"] |= {"poll_interval_seconds": 1, "cancel_timeout_seconds": 40}
    config["dagster.yaml"] = yaml.safe_dump(settings)
    workspace = yaml.safe_load(config["workspace.yaml"])
    workspace["load_from"][0]["grpc_server"] |= {"host": "127.0.0.1", "port": code_port}
    config["workspace.yaml"] = yaml.safe_dump(workspace)


def test_a_webhook_becomes_a_run_and_is_searchable(installation: Installation) -> None:
    """First sync, then an edit told to one replica, and served by both; runs are Jobs of the size of their tags."""
    for gateway in installation.gateways:
        wait_for("a gateway is ready", partial(_answers, gateway, "/readyz"), 600)
    for ui in (installation.webserver, installation.readers):
        wait_for("a UI answers", partial(_answers, ui, "/server_info"), 600)
    assert installation.gateways[0].post("/v1/ingest/confluence/reload-all").status_code == 202
    wait_for("the first sync is searchable", lambda: installation.found("Number 4 of the handbook"), 300)
    wait_for("and settled", installation.settled, 120)

    page = installation.space.page("Page 1")
    version = page.edit("<p>Beware of the wet gravel.</p>")
    told = time.monotonic()
    installation.tell(page, version.number)
    wait_for("an edit is found", lambda: installation.found("wet gravel"), 240)
    print(f"From webhook to search, as a Job: {time.monotonic() - told:.1f} s")
    wait_for("by the other replica too", lambda: installation.found("wet gravel", gateway=1), 60)
    assert installation.cluster.violations == []
    assert len(installation.cluster.jobs) >= 2
    limits = {
        job.body["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
        for job in installation.cluster.jobs.values()
    }
    assert limits <= {"1Gi", "2Gi"}, "by their tags, not the launcher's own"


def test_the_reading_ui_changes_nothing(installation: Installation) -> None:
    some = next(iter(installation.runs()))
    answer = installation.readers.post("/graphql", json={"query": _STOP % some}).json()
    assert answer.get("errors") or answer["data"]["terminateRun"]["__typename"] == "UnauthorizedError"


# --- what happens to runs ---


def _ended(installation: Installation, job: Job, *statuses: str, seconds: float = 240) -> None:
    wait_for(f"its run is {statuses}", lambda: installation.runs()[run_id(job)][0] in statuses, seconds)


def test_a_run_whose_process_is_killed_is_made_again(installation: Installation) -> None:
    job = installation.held()
    job.pod.kill()
    _ended(installation, job, "FAILURE")
    installation.recovered()
    assert installation.cluster.violations == []


def test_a_run_whose_node_is_lost_is_made_again(installation: Installation) -> None:
    job = installation.held()
    installation.cluster.lose_node(job)
    _ended(installation, job, "FAILURE")
    installation.recovered()
    assert installation.cluster.violations == []


def test_a_run_that_a_person_stops_gives_its_lease_back(installation: Installation) -> None:
    """Through the writing UI: the Job is deleted, its pod is told, and ends within its grace."""
    job = installation.held()
    answer = installation.webserver.post("/graphql", json={"query": _STOP % run_id(job)}).json()
    assert answer["data"]["terminateRun"]["__typename"] == "TerminateRunSuccess", answer
    _ended(installation, job, "CANCELED")
    assert job.gone
    assert job.pod.process is not None
    job.pod.process.wait(60)

    def free() -> bool:
        with Catalog(installation.database) as catalog:
            return not catalog.is_held(lease_name(SOURCE)) or bool(installation.cluster.running())

    wait_for("the lease is free", free, 60)
    assert ("wiki-webserver", "delete", "jobs") in installation.cluster.calls
    installation.recovered()
    assert installation.cluster.violations == []


def test_a_second_writer_is_refused_by_the_lease(installation: Installation) -> None:
    """Somebody syncs by hand, past the queue, in a pod of the same kind."""
    job = installation.held()
    container = job.body["spec"]["template"]["spec"]["containers"][0]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        **installation.cluster.variables(container),
        "WIKI_PIPELINE_HOME": str(installation.folder / "by-hand"),
        "DAGSTER_HOME": str(installation.folder / "pods" / f"{chart.RELEASE}-daemon" / "opt/dagster"),
    }
    second = subprocess.run(
        [sys.executable, "-m", "wiki_pipeline.cli", "sync", str(SOURCE)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert second.returncode != 0
    assert str(SOURCE) in second.stdout + second.stderr
    assert installation.runs()[run_id(job)][0] == "STARTED"
    installation.recovered()


def test_a_pod_that_starts_too_late_changes_nothing(installation: Installation) -> None:
    """No node has room until the run is given up; Kubernetes starts the pod nevertheless, later."""
    installation.cluster.full = True
    page = installation.space.page("Page 2")
    version = page.edit("<p>The hawser is in the locker.</p>")
    installation.tell(page, version.number, gateway=1)
    waiting: list[Job] = []

    def one_waits() -> bool:
        waiting[:] = [job for job in installation.cluster.jobs.values() if job.pod.process is None and not job.gone]
        return bool(waiting)

    wait_for("a Job waits for a node", one_waits, 240)
    _ended(installation, waiting[0], "FAILURE")
    installation.cluster.make_room()
    wait_for("the edit is found", lambda: installation.found("hawser is in the locker"), 300)
    late = waiting[0].pod.process
    assert late is None or late.wait(120) is not None
    assert installation.runs()[run_id(waiting[0])][0] == "FAILURE", "it stays given up"
    installation.recovered()
    assert installation.cluster.violations == []


def test_two_replicas_take_the_same_edit_as_one(installation: Installation) -> None:
    """A sender that is not answered in time asks the other replica: one of both is superseded."""
    page = installation.space.page("Page 3")
    version = page.edit("<p>Fenders hang to starboard.</p>")
    for gateway in (0, 1, 0, 1):
        installation.tell(page, version.number, gateway)
    wait_for("the edit is found", lambda: installation.found("hang to starboard", gateway=1), 240)
    installation.recovered()


def test_the_launcher_made_no_call_beyond_its_role(installation: Installation) -> None:
    """And none of what it may do is idle, but for what it asks when a run fails in a way that this test has not."""
    used = {(verb, resource) for _, verb, resource in installation.cluster.calls}
    assert {
        ("create", "jobs"),
        ("get", "jobs/status"),
        ("delete", "jobs"),
        ("list", "pods"),
        ("delete", "pods"),
    } <= used
    assert {account for account, _, _ in installation.cluster.calls} == {"wiki-daemon", "wiki-webserver"}
    assert installation.cluster.violations == []
    for pod in (installation.cluster.folder / "pods").iterdir():
        said = (pod / "log.txt").read_text(encoding="utf-8", errors="replace")
        assert SECRET not in said, f"{pod.name} told a secret"


def test_what_the_pods_take_was_measured(installation: Installation) -> None:
    """The requests of the chart are what these pods have, and some more."""
    made = chart.objects()
    for name in ("gateway", "webserver", "daemon", "code"):
        (container,) = chart.named(made, "Deployment", f"{chart.RELEASE}-{name}")["spec"]["template"]["spec"][
            "containers"
        ]
        asked = int(container["resources"]["requests"]["memory"].removesuffix("Mi")) * 1_048_576
        pod = "gateway-first" if name == "gateway" else f"{chart.RELEASE}-{name}"
        held = _resident(installation.cluster.pod(pod))
        print(f"{name}: {held / 1_048_576:.0f} MiB")
        assert held < asked, name


def _resident(pod: Pod) -> int:
    assert pod.process is not None
    status = Path(f"/proc/{pod.process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
