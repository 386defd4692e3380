"""What there is to see when nothing is configured: the clone itself, and a handbook in a Confluence of our own."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import Service, answers
from wiki_pipeline.model import SourceKey
from wiki_pipeline.running import DemoSource, demo_sources, remember_demo
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds

PORT = 8090
_SPACE = "HANDBOOK"
_REPOSITORY = "wiki-pipeline"
_LEADING = {"CONFLUENCE_URL", "CONFLUENCE_SPACES", "WIKI_PIPELINE_GIT_REPOSITORIES"}
_SERVER = "wiki_pipeline.demo.confluence"


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's server and the settings that lead to its sources."""

    server: Service
    settings: Mapping[str, str]


def plan(clone: Path, listening: socket.socket, log: Path) -> Demo:
    """The demo of a clone, with its Confluence on a socket of loopback."""
    host, port = listening.getsockname()[:2]
    url = f"http://{host}:{port}/wiki"
    command = [sys.executable, "-m", _SERVER, "--handbook", "--fd", str(listening.fileno())]
    return Demo(
        Service(
            name="Demo Confluence",
            command=lambda: command,
            environment={},
            log=log,
            ready=answers(f"{url}/rest/api/space?limit=1"),
            listening=listening,
        ),
        {
            "CONFLUENCE_URL": url,
            "CONFLUENCE_SPACES": json.dumps({_SPACE: []}),
            # Files come from another host than pages, as those of a Cloud do.
            "WIKI_PIPELINE_CONFLUENCE_MEDIA_HOSTS": f"http://localhost:{port}",
            # Credentials are for a site of the user's own.
            "CONFLUENCE_USERNAME": "",
            "CONFLUENCE_TOKEN": "",
            "WIKI_PIPELINE_GIT_REPOSITORIES": json.dumps([{"url": str(clone), "name": _REPOSITORY}]),
        },
    )


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


def remember(settings: UpSettings) -> None:
    """Take down the sources of the demo that runs, before they are added to the catalog."""
    configured = (kind.configured(settings.tenant) for kind in kinds().values())
    remember_demo(
        settings.home,
        (
            DemoSource(str(key), config, served=key.name == _SPACE)
            for sources in configured
            for key, config in sources.items()
        ),
    )


def of_a_demo(settings: UpSettings, records: Sequence[SourceRecord]) -> set[SourceKey]:
    """Those of the sources that were made for a demo, and by nobody else since."""
    made = {source.source: source.config for source in demo_sources(settings.home)}
    return {record.key for record in records if made.get(str(record.key)) == record.config}
