"""The demo's servers as services of `up`, and when there is a demo."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import Service, answers
from wiki_pipeline.demo import sources
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync.pipeline import Pipeline

PORT, JIRA_PORT = 8090, 8091
_LEADING = {"CONFLUENCE_URL", "CONFLUENCE_SPACES", "JIRA_URL", "JIRA_PROJECTS", "WIKI_PIPELINE_GIT_REPOSITORIES"}
_SERVER, _JIRA_SERVER = "wiki_pipeline.demo.confluence", "wiki_pipeline.demo.jira"


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's servers, and what leads to its sources.

    Attributes:
        url: root of its Confluence.
        media: from where that sends files.
        clone: a source too; None without one.
        jira: root of its Jira.
    """

    servers: list[Service]
    url: str
    media: str
    clone: Path | None
    jira: str

    def show(self, settings: UpSettings) -> None:
        """Take its sources into the catalog."""
        with Pipeline.open(settings) as pipeline:
            sources.show(pipeline, self.url, self.media, self.clone, self.jira)


def plan(clone: Path | None, listening: socket.socket, listening_jira: socket.socket, logs: Path) -> Demo:
    """The demo, with its Confluence and its Jira on sockets of loopback."""
    host, port = listening.getsockname()[:2]
    url = f"http://{host}:{port}/wiki"
    command = [sys.executable, "-m", _SERVER, "--handbook", "--fd", str(listening.fileno())]
    server = Service(
        name="Demo Confluence",
        command=lambda: command,
        environment={},
        log=logs / "confluence.log",
        ready=answers(f"{url}/rest/api/space?limit=1"),
        listening=listening,
    )
    jira_host, jira_port = listening_jira.getsockname()[:2]
    jira = f"http://{jira_host}:{jira_port}"
    jira_command = [sys.executable, "-m", _JIRA_SERVER, "--project", "--fd", str(listening_jira.fileno())]
    jira_server = Service(
        name="Demo Jira",
        command=lambda: jira_command,
        environment={},
        log=logs / "jira.log",
        ready=answers(f"{jira}/rest/api/2/serverInfo"),
        listening=listening_jira,
    )
    # Files come from another host than pages, as those of a Cloud do.
    return Demo([server, jira_server], url, f"http://localhost:{port}", clone, jira)


def settings_in_the_way() -> list[str]:
    """Variables by which a person leads to sources of their own, although none is named: with them there is no demo."""
    theirs = []
    for kind in kinds().values():
        loaded = load(kind.settings_group)
        for field in sorted(loaded.model_fields_set):
            variable = str(type(loaded).model_fields[field].validation_alias)
            if variable in _LEADING and getattr(loaded, field):
                theirs.append(variable)
    return theirs
