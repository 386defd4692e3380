"""Dagster as three services, each started again by itself: the code server, the webserver and the daemon.

`dagster dev` runs the same three, but looks at two of them only: a code server that dies under it stays dead.
"""

from __future__ import annotations

import atexit
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import CantTellError, Service
from wiki_pipeline.errors import ConfigurationError

LOOPBACK = "127.0.0.1"  # Dagster's UI has no authentication: it never listens elsewhere
MODULE = "wiki_pipeline.definitions"
# The gRPC health checking protocol, for the service `DagsterApi`: messages in protobuf, each behind five bytes of
# length. The gRPC library would bring threads into a process that forks.
_HEALTH = "/grpc.health.v1.Health/Check"
_GRPC = {"content-type": "application/grpc", "te": "trailers"}
_HEALTH_ASKED = b"\x00\x00\x00\x00\x0c\x0a\x0aDagsterApi"
_SERVING = b"\x00\x00\x00\x00\x02\x08\x01"
_SETTING = "dagster_port"
_INFO = "{ instance { info } }"
_HEARTBEATS = "{ instance { daemonHealth { allDaemonStatuses { daemonType required lastHeartbeatTime } } } }"
_HEARTBEAT_SECONDS = 240.0  # the daemon's threads beat every 30 s, and later on a machine that is busy
_SENSORS = "{ sensorsOrError(repositorySelector: %s) { ... on Sensors { results { name sensorState { status } } } } }"
_TAKES_UP_WORK = "freshness_events"


@dataclass(frozen=True, slots=True)
class _Beat:
    """The last sign of life of a thread of the daemon.

    Attributes:
        moment: that it wrote.
        since: when it was first seen, by this process's own count.
        counts: it is of the daemon that runs now.
    """

    moment: float
    since: float
    counts: bool


class Dagster:
    """The services, on one workspace.

    Attributes:
        url: where the UI is, or will be.
    """

    def __init__(
        self,
        ports: Ports,
        settings: UpSettings,
        home: Path,
        root: Path | None,
        environment: Mapping[str, str],
        gateway: str,
    ) -> None:
        """On the port of the settings, or one near it.

        Args:
            home: `DAGSTER_HOME`.
            root: the clone whose `workspace.yaml` is shown; None for the installed package.
            environment: of all three, beside this process's.
            gateway: root address of the gateway, which knows whether work is taken up.

        Raises:
            ConfigurationError: the port was asked for and is in use, or the workspace can't be read.
        """
        self._environment = environment
        self._gateway = gateway
        self._logs = settings.home / "logs"
        # A person may have put the files elsewhere; then any folder will do.
        elsewhere = "local_artifact_storage" in (home / "dagster.yaml").read_text(encoding="utf-8")
        self._state = "" if elsewhere else f"{home} "
        self._listening = ports.listen("Dagster", LOOPBACK, settings.dagster_port, _SETTING)
        self.url = f"http://{LOOPBACK}:{self._listening.getsockname()[1]}"
        # Private to this user, and short: the path of a socket has 107 bytes. Who reaches the socket can run code.
        folder = Path(tempfile.mkdtemp(prefix="wiki-pipeline-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self._socket, self._workspace = folder / "code.sock", folder / "workspace.yaml"
        self._daemon_started = 0.0
        self._beat_seen: dict[str, _Beat] = {}  # by thread
        self._location = _write_workspace(self._workspace, self._socket, root)

    def services(self) -> Sequence[Service]:
        """Code server, webserver and daemon. The others start when the first serves: to find it missing costs them
        ten seconds."""
        code = Service(
            name="Dagster's code server",
            command=self._code_server,
            environment=self._environment,
            log=self._logs / "dagster-code.log",
            ready=self._serves_code,
            trouble=self._work_waits,
            keeps_children=True,  # runs, which end their work without it
        )
        webserver = Service(
            name="Dagster's webserver",
            command=self._webserver,
            environment=self._environment,
            log=self._logs / "dagster-webserver.log",
            ready=self._shows_our_state,
            listening=self._listening,
            after=code,
        )
        daemon = Service(
            name="Dagster's daemon",
            command=self._daemon,
            environment=self._environment,
            log=self._logs / "dagster-daemon.log",
            ready=self._beats,
            trouble=self._work_waits,
            after=code,
        )
        return code, webserver, daemon

    # --- programs ---

    def _code_server(self) -> Sequence[str]:
        self._socket.unlink(missing_ok=True)
        module = ["--module-name", MODULE, "--location-name", self._location]
        return [sys.executable, "-m", "dagster", "api", "grpc", "--socket", str(self._socket), *module]

    def _webserver(self) -> Sequence[str]:
        at = ["--host", LOOPBACK, "--fd", str(self._listening.fileno())]
        return [sys.executable, "-m", "wiki_pipeline.defs.webserver", *at, "--workspace", str(self._workspace)]

    def _daemon(self) -> Sequence[str]:
        self._daemon_started = time.time()
        self._beat_seen = {}
        return [sys.executable, "-m", "wiki_pipeline.defs.daemon", "run", "--workspace", str(self._workspace)]

    # --- what they do ---

    async def _serves_code(self, client: httpx.AsyncClient) -> bool:
        """Whether the code server has loaded the definitions and answers: the health check of gRPC, which is a POST."""
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket), http1=False, http2=True)
        async with httpx.AsyncClient(transport=transport, timeout=client.timeout) as grpc:
            answer = await grpc.post(f"http://localhost{_HEALTH}", content=_HEALTH_ASKED, headers=_GRPC)
        return answer.content == _SERVING

    async def _shows_our_state(self, client: httpx.AsyncClient) -> bool:
        """Whether a Dagster answers that keeps its state where ours does; another one would show other things."""
        data = await self.ask(client, _INFO)
        try:
            info = str(data["instance"]["info"])
        except (LookupError, TypeError):  # not Dagster's
            return False
        # YAML: a path may be quoted, and is folded where it has spaces.
        return f"base_dir: {_plain(self._state)}" in f"{_plain(info)} "

    async def _beats(self, client: httpx.AsyncClient) -> bool:
        """Whether all threads of the daemon that are needed wrote lately that they live. The webserver can read it.

        Raises:
            CantTellError: the webserver does not answer, which is no fault of the daemon.
        """
        try:
            data = await self.ask(client, _HEARTBEATS)
            threads = data["instance"]["daemonHealth"]["allDaemonStatuses"]
            last = {each["daemonType"]: float(each["lastHeartbeatTime"] or 0) for each in threads if each["required"]}
        except (httpx.HTTPError, LookupError, TypeError, ValueError):
            raise CantTellError from None
        beaten = [self._has_beaten(thread, moment) for thread, moment in last.items()]  # each is looked at
        return bool(beaten) and all(beaten)

    def _has_beaten(self, thread: str, moment: float) -> bool:
        """Whether a thread's last beat is of the daemon that runs, and was another one not long ago. Only that it
        changes is sure to mean something: the clock that it is measured by may jump."""
        now = time.monotonic()
        seen = self._beat_seen.get(thread)
        if seen is None:
            counts = moment > max(self._daemon_started, time.time() - _HEARTBEAT_SECONDS)
            seen = self._beat_seen[thread] = _Beat(moment, now, counts)
        elif seen.moment != moment:
            seen = self._beat_seen[thread] = _Beat(moment, now, counts=True)
        return seen.counts and now - seen.since < _HEARTBEAT_SECONDS

    async def _work_waits(self, client: httpx.AsyncClient) -> str:
        """What the gateway says of work that is not taken up. Nothing if a person switched the sensor off."""
        try:
            stalled = (await client.get(f"{self._gateway}/readyz")).json().get("stalled") or ""
        except (httpx.HTTPError, ValueError, AttributeError):
            raise CantTellError from None
        return str(stalled) if stalled and await self._takes_up_work(client) else ""

    async def _takes_up_work(self, client: httpx.AsyncClient) -> bool:
        where = f'{{repositoryLocationName: "{self._location}", repositoryName: "__repository__"}}'
        try:
            data = await self.ask(client, _SENSORS % where)
            states = {each["name"]: each["sensorState"]["status"] for each in data["sensorsOrError"]["results"]}
        except (httpx.HTTPError, LookupError, TypeError):
            return True  # the code location is not even loaded
        return bool(states.get(_TAKES_UP_WORK) == "RUNNING")

    async def ask(self, client: httpx.AsyncClient, query: str) -> Any:
        """The data of a GraphQL query; None if what answers is no Dagster.

        Raises:
            httpx.HTTPError: nothing answers.
        """
        answer = await client.post(f"{self.url}/graphql", json={"query": query})
        try:
            return answer.json()["data"] if answer.status_code == httpx.codes.OK else None
        except (ValueError, LookupError, TypeError):
            return None


def _write_workspace(file: Path, code_socket: Path, root: Path | None) -> str:
    """Write a workspace in which our code location is what serves on the socket, and any others are as the clone's
    `workspace.yaml` has them. Returns the name of ours.

    Raises:
        ConfigurationError: that file has no such location.
    """
    name, others = MODULE, []
    if root is not None:
        origin = root / "workspace.yaml"
        try:
            locations = yaml.safe_load(origin.read_text(encoding="utf-8"))["load_from"]
            ours = next(each["python_module"] for each in locations if _module(each) == MODULE)
        except (OSError, yaml.YAMLError, LookupError, TypeError, StopIteration):
            raise ConfigurationError(
                f"{origin} has no code location of the module {MODULE}.", "Restore the file from the repository."
            ) from None
        name = ours.get("location_name", MODULE) if isinstance(ours, dict) else MODULE
        others = [_from(root, each) for each in locations if _module(each) != MODULE]
    server = {"grpc_server": {"socket": str(code_socket), "location_name": name}}
    file.write_text(yaml.safe_dump({"load_from": [server, *others]}), encoding="utf-8")
    return str(name)


def _from(root: Path, location: Any) -> Any:
    """A code location with the paths that were relative to the file's folder, which Dagster reads elsewhere now."""
    if not isinstance(location, dict):
        return location
    return {
        kind: {
            name: str(root / value) if name in {"relative_path", "working_directory"} else value
            for name, value in given.items()
        }
        if isinstance(given, dict)
        else (str(root / given) if kind == "python_file" else given)
        for kind, given in location.items()
    }


def _module(location: Any) -> object:
    module = location.get("python_module") if isinstance(location, dict) else None
    return module.get("module_name") if isinstance(module, dict) else module


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub("['\"]", "", text))
