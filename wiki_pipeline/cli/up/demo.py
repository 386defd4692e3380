"""The demo's server as a service of `up`, and when there is a demo."""

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

PORT = 8090
_LEADING = {"CONFLUENCE_URL", "CONFLUENCE_SPACES", "WIKI_PIPELINE_GIT_REPOSITORIES"}
_SERVER = "wiki_pipeline.demo.confluence"


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's server, and what leads to its sources.

    Attributes:
        url: root of its Confluence.
        media: from where that sends files.
        clone: the second source; None without one.
    """

    server: Service
    url: str
    media: str
    clone: Path | None

    def show(self, settings: UpSettings) -> None:
        """Take its sources into the catalog."""
        with Pipeline.open(settings) as pipeline:
            sources.show(pipeline, self.url, self.media, self.clone)


def plan(clone: Path | None, listening: socket.socket, log: Path) -> Demo:
    """The demo, with its Confluence on a socket of loopback."""
    host, port = listening.getsockname()[:2]
    url = f"http://{host}:{port}/wiki"
    command = [sys.executable, "-m", _SERVER, "--handbook", "--fd", str(listening.fileno())]
    server = Service(
        name="Demo Confluence",
        command=lambda: command,
        environment={},
        log=log,
        ready=answers(f"{url}/rest/api/space?limit=1"),
        listening=listening,
    )
    # Files come from another host than pages, as those of a Cloud do.
    return Demo(server, url, f"http://localhost:{port}", clone)


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
