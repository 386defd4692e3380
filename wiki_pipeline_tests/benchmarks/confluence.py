"""What the benchmarks on Confluence share: a server full of generated pages, and how each program is pointed at it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from wiki_pipeline.demo.confluence.control import RemoteServer, server_process
from wiki_pipeline_tests.benchmarks.measure import PEERS, ROOT, Run, run

SPACE = "ENG"
# What a sync asks a listing for, and how much at a time; and what it asks for with the bodies.
LISTING = "version,ancestors,metadata.labels"
LISTED_AT_ONCE = 250
BODIES = "version,ancestors,metadata.labels,history,body.storage"
# The least that tells whether a page's text has changed; moves, labels and renamed ancestors stay unseen.
LEAN_LISTING = "version"
# What ConfluenceLoader asks for.
PEER_BODIES = "body.storage,version"
BODIES_AT_ONCE = 100


@contextmanager
def served(pages: int, *, latency_ms: int = 0) -> Iterator[RemoteServer]:
    """A Data Center site with so many pages, as a process of its own."""
    arguments = ("--generated", f"{SPACE}:{pages}", "--flavour", "datacenter", "--latency", str(latency_ms))
    with server_process(*arguments) as server:
        yield server


def environment(home: Path, server: RemoteServer) -> Mapping[str, str]:
    """The settings of a sync of that server into that folder; all else is as it comes."""
    (home / "dagster").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home / "dagster")
    return {
        "WIKI_PIPELINE_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
        "CONFLUENCE_URL": server.url,
        "CONFLUENCE_TOKEN": "any",
        "CONFLUENCE_SPACES": json.dumps({SPACE: []}),
    }


def loop(server: RemoteServer, expand: str, limit: int) -> Run:
    """The bare httpx loop over the space; also what has the server write its answers before anyone is timed."""
    return run("peers.httpx_loop", server.url, SPACE, limit, expand)


def langchain(server: RemoteServer, pages: int, mode: Literal["usual", "quick"]) -> Run:
    """The LangChain stack on the space: as it is usually set, or without a request a page for its restrictions."""
    return run("peers.langchain_stack", server.url, SPACE, pages, mode, python=PEERS)
