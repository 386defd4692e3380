"""What `up` runs: gateway, Dagster, and the demo's Confluence where nothing is configured."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wiki_pipeline.cli.jobs import clone
from wiki_pipeline.cli.up import demo
from wiki_pipeline.cli.up.ports import choose
from wiki_pipeline.cli.up.supervisor import Service
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import Settings
from wiki_pipeline.stages.pipeline import Pipeline

LOOPBACK = "127.0.0.1"  # Dagster's UI has no authentication: it never listens elsewhere
_DEMO_PORT = 8090


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `up` does.

    Attributes:
        before_sync: services that the first sync needs.
        others: services that start beside it.
        environment: settings for every process, beside those of this one.
        leftovers: sources of an earlier demo, to be removed now that there are sources of the user's own.
        sources: whether there is anything to sync.
        addresses: what people open, by name.
        logs: folder of the services' output.
        remarks: what people should know about the choices made.
    """

    before_sync: Sequence[Service]
    others: Sequence[Service]
    environment: Mapping[str, str]
    leftovers: Sequence[SourceKey]
    sources: bool
    addresses: Mapping[str, str]
    logs: Path
    remarks: Sequence[str]


@dataclass
class Ports:
    """Ports given away, with a remark for each that is not the one expected."""

    settings: Settings
    taken: set[int] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    def choose(self, what: str, host: str, wanted: int, setting: str = "") -> int:
        insist = setting in self.settings.model_fields_set
        port = choose(host, wanted, insist=insist, taken=self.taken)
        if wanted not in {port, 0}:
            self.remarks.append(f"Port {wanted} is in use; {what} listens on {port}.")
        return port


def plan(settings: Settings) -> Plan:
    """Look at what is configured and what is free, and decide. Starts nothing.

    Raises:
        ConfigurationError: a setting is wrong, or a port that was asked for is in use.
        CatalogError: the catalog can't be opened.
    """
    demo_keys = demo.keys(settings.tenant)
    with Pipeline.open(settings) as pipeline:
        configured = pipeline.add_configured_sources()
        known = {record.key for record in pipeline.catalog.sources(settings.tenant)}
    root = clone()
    shows_demo = root is not None and not configured and known <= demo_keys
    logs = settings.home / "logs"
    ports = Ports(settings)
    gateway_port = ports.choose("the gateway", settings.gateway_host, settings.gateway_port, "gateway_port")
    dagster_port = ports.choose("Dagster", LOOPBACK, settings.dagster_port, "dagster_port")
    shown = None
    if shows_demo and root is not None:
        shown = demo.plan(root, ports.choose("the demo's Confluence", LOOPBACK, _DEMO_PORT), logs / "confluence.log")
    environment = {"WIKI_PIPELINE_HOME": str(settings.home), **(shown.environment if shown else {})}
    gateway_url = f"http://{_in_url(settings.gateway_host)}:{gateway_port}"
    dagster_url = f"http://{LOOPBACK}:{dagster_port}"
    return Plan(
        before_sync=[shown.server] if shown else [],
        others=[
            _gateway(environment | {"WIKI_PIPELINE_GATEWAY_PORT": str(gateway_port)}, logs, gateway_url),
            _dagster(environment, logs, dagster_port, root),
        ],
        environment=environment,
        leftovers=[] if shows_demo else sorted((known & demo_keys) - set(configured)),
        sources=bool(configured or known or shown),
        addresses={"Dagster UI": dagster_url, "Wiki": f"{gateway_url}/wiki/", "API": f"{gateway_url}/docs"},
        logs=logs,
        remarks=ports.remarks,
    )


def _gateway(environment: Mapping[str, str], logs: Path, url: str) -> Service:
    return Service(
        name="The gateway",
        command=[sys.executable, "-m", "wiki_pipeline.gateway"],
        environment=environment,
        log=logs / "gateway.log",
        ready_url=f"{url}/livez",
    )


def _dagster(environment: Mapping[str, str], logs: Path, port: int, root: Path | None) -> Service:
    """Webserver and daemon with one code server for both, as `dagster dev` runs them."""
    target = ["--workspace", str(root / "workspace.yaml")] if root else ["--module-name", "wiki_pipeline.definitions"]
    return Service(
        name="Dagster",
        command=[sys.executable, "-m", "dagster", "dev", "--host", LOOPBACK, "--port", str(port), *target],
        environment=environment,
        log=logs / "dagster.log",
        ready_url=f"http://{LOOPBACK}:{port}/server_info",
    )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
