"""What `up` runs: gateway, Dagster, and the demo's Confluence where nothing is configured."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.cli.jobs import clone, use_dagster_home
from wiki_pipeline.cli.up import demo
from wiki_pipeline.cli.up.dagster import LOOPBACK, Dagster
from wiki_pipeline.cli.up.demo import Demo
from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import Service, answers
from wiki_pipeline.demo.sources import mark_old, of_the_demo
from wiki_pipeline.gateway.access import check_binding
from wiki_pipeline.model import SourceKey
from wiki_pipeline.running import Running
from wiki_pipeline.sync.pipeline import Pipeline

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that `up` does.

    Attributes:
        before_sync: services that the first sync needs.
        others: services that start beside it.
        environment: settings for every process, beside those of this one.
        running: what other commands find.
        demo: what is shown where there are no sources of the user's own.
        leftovers: sources of an earlier demo, to be removed now that there are sources of the user's own.
        sources: whether there is anything to sync.
        dagster: where its UI is.
        logs: folder of the services' output.
    """

    before_sync: Sequence[Service]
    others: Sequence[Service]
    environment: Mapping[str, str]
    running: Running
    demo: Demo | None
    leftovers: Sequence[SourceKey]
    sources: bool
    dagster: Dagster
    logs: Path

    @property
    def shows_demo(self) -> bool:
        """Whether it is the demo that is served."""
        return self.demo is not None

    @property
    def addresses(self) -> Mapping[str, str]:
        """What people open, by name."""
        gateway = self.running.gateway
        return {"Dagster UI": self.dagster.url, "Wiki": f"{gateway}/wiki/", "API": f"{gateway}/docs"}


def plan(settings: UpSettings, tell: Tell) -> Plan:
    """Look at what is configured and what is free, and decide. Starts nothing, but holds ports from here on.

    Raises:
        ConfigurationError: a setting is wrong, or a port that was asked for is in use.
        CatalogError: the catalog can't be opened.
    """
    check_binding(settings)
    with Pipeline.open(settings) as pipeline:
        mark_old(pipeline)
        pipeline.add_configured_sources()
        records = pipeline.catalog.sources(settings.tenant)
    leaving = of_the_demo(records)
    own = [record.key for record in records if record.key not in leaving]
    logs = settings.home / "logs"
    ports = Ports(settings, tell)
    shown = None if own else _demo(ports, logs, tell)
    environment = {"WIKI_PIPELINE_HOME": str(settings.home)}
    gateway, gateway_url = _gateway(settings, ports, environment, logs)
    dagster = Dagster(ports, settings, use_dagster_home(settings), clone(), environment, gateway_url)
    return Plan(
        before_sync=shown.servers if shown else [],
        others=[gateway, *dagster.services()],
        environment=environment,
        running=Running(gateway_url, demo=shown is not None),
        demo=shown,
        leftovers=[] if shown else sorted(leaving),
        sources=bool(own or shown),
        dagster=dagster,
        logs=logs,
    )


def _demo(ports: Ports, logs: Path, tell: Tell) -> Demo | None:
    if theirs := demo.settings_in_the_way():
        tell(f"There is no demo, because {' and '.join(theirs)} {'is' if len(theirs) == 1 else 'are'} set.")
        return None
    confluence = ports.listen("the demo's Confluence", LOOPBACK, demo.PORT)
    return demo.plan(clone(), confluence, ports.listen("the demo's Jira", LOOPBACK, demo.JIRA_PORT), logs)


def _gateway(settings: UpSettings, ports: Ports, environment: Mapping[str, str], logs: Path) -> tuple[Service, str]:
    host = settings.gateway_host
    listening = ports.listen("the gateway", host, settings.gateway_port, "gateway_port")
    port = listening.getsockname()[1]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    command = [sys.executable, "-m", "wiki_pipeline.gateway", "--fd", str(listening.fileno())]
    service = Service(
        name="The gateway",
        command=lambda: command,
        environment={**environment, "WIKI_PIPELINE_GATEWAY_PORT": str(port)},
        log=logs / "gateway.log",
        ready=answers(f"{url}/livez"),
        listening=listening,
    )
    return service, url
