"""What access costs: the same pages and searches, asked in turn on this machine and by a member with an audience.

Both gateways serve one installation in this process, without sockets; which is asked first changes with each pair, so
that what else the machine does is shared. Medians are compared.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from starlette.testclient import TestClient

from wiki_pipeline.access import How, Principal, Role, Scope
from wiki_pipeline.catalog import Audience, Readers
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import SourceKey
from wiki_pipeline.serving.asgi import Scope as Asgi
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import tell
from wiki_pipeline_tests.gateway.conftest import SPECIFICATION, bring
from wiki_pipeline_tests.gateway.documents import FILES, PAGES, REPOSITORY, SPACE
from wiki_pipeline_tests.gateway.someone import Someone

MOST = 3.0  # milliseconds
PAIRS = 150
_SOURCES = 50  # beside the two: what a member may read is one more than half of them
_PLACES = {
    "page": f"/wiki/{SPACE.slug}/110/on-call-guide",
    "search": "/v1/search?q=who+is+called+first+at+night",
}


def _member(_scope: Asgi) -> Principal:
    """A member of one group. What finding out costs comes on top, for whoever finds out."""
    groups, read = frozenset({"platform"}), Role.READER.actions
    return Principal("ada", "default", How.SESSION, Scope("default", actions=read), Role.READER, "ada", groups)


def measure(pairs: int | None = None) -> Iterator[Figure]:
    """How much longer a page and a search take at the median."""
    pairs = pairs or PAIRS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        settings = load(GatewaySettings, home=Path(folder), account_rate=10**6, address_rate=10**6)
        with Pipeline.open(settings) as pipeline:
            catalog = pipeline.catalog
            catalog.add_source(SPACE, SPECIFICATION, "Engineering")
            catalog.add_source(REPOSITORY, json.dumps({"url": "https://example.org/r"}), "rocket")
            bring(pipeline, REPOSITORY, FILES)
            bring(pipeline, SPACE, PAGES)
            for number in range(_SOURCES):
                key = SourceKey("default", "git", f"org/r{number}")
                catalog.add_source(key, json.dumps({"url": f"https://example.org/{number}"}))
                catalog.audiences.set(key, Audience(Readers.GROUPS, ("platform" if number % 2 else "board",)))
        open_ = stack.enter_context(TestClient(create_app(settings), base_url="http://localhost"))
        member = stack.enter_context(TestClient(create_app(settings, Someone(_member)), base_url="http://localhost"))
        tell(f"access: {pairs} pairs of each")
        for what, place in _PLACES.items():
            for client in (open_, member):
                for _ in range(5):
                    assert client.get(place).status_code == 200
            taken: dict[int, list[float]] = {0: [], 1: []}
            worked: dict[int, list[float]] = {0: [], 1: []}
            for pair in range(pairs):
                for which in (0, 1) if pair % 2 else (1, 0):
                    began, before = time.perf_counter(), time.process_time()
                    (open_, member)[which].get(place)
                    taken[which].append(1_000 * (time.perf_counter() - began))
                    worked[which].append(1_000 * (time.process_time() - before))
            # Processor time says the same on a machine that has other things to do.
            for name, found in (("", taken), (" of processor time", worked)):
                without, with_ = median(found[0]), median(found[1])
                basis = f"{pairs} pairs; {without:.1f} ms without, {with_:.1f} ms with"
                yield Figure(f"Access: more for a {what}, median{name}", with_ - without, "ms", basis, most=MOST)
