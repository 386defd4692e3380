"""What there is to see when nothing is configured: the clone itself, and a handbook in a Confluence of our own."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.cli.up.supervisor import Service
from wiki_pipeline.model import SourceKey

SPACE = "HANDBOOK"
REPOSITORY = "wiki-pipeline"


def keys(tenant: str) -> set[SourceKey]:
    """The demo's sources."""
    return {SourceKey(tenant, "confluence", SPACE), SourceKey(tenant, "git", REPOSITORY)}


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo's server and the settings that lead to its sources."""

    server: Service
    environment: Mapping[str, str]


def plan(clone: Path, port: int, log: Path) -> Demo:
    """The demo of a clone, with its Confluence on a port of loopback."""
    url = f"http://127.0.0.1:{port}/wiki"
    module = "wiki_pipeline_tests.confluence_server"
    return Demo(
        Service(
            name="Demo Confluence",
            command=[sys.executable, "-m", module, "--handbook", "--port", str(port)],
            environment={},
            log=log,
            ready_url=f"{url}/rest/api/space?limit=1",
        ),
        {
            "CONFLUENCE_URL": url,
            "CONFLUENCE_SPACES": json.dumps({SPACE: []}),
            "WIKI_PIPELINE_GIT_REPOSITORIES": json.dumps([{"url": str(clone), "name": REPOSITORY}]),
        },
    )
