"""Webhook intake: signed deliveries a second, accepted durably, on each database; then the gateway is killed and the
catalog is compared with what was accepted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import ROOT, Run, run, tell
from wiki_pipeline_tests.benchmarks.programs.webhook_load import SPACE
from wiki_pipeline_tests.catalog.postgresql import find_programs, running_server

DELIVERIES = 30_000
RATE = 1_000
SITE = "https://load.atlassian.net/wiki"
SECRET = "of the benchmark"
_STARTS_WITHIN = 60.0


def measure(deliveries: int | None = None) -> Iterator[Figure]:
    """The figures at the usual number of deliveries, or at another."""
    total = deliveries or DELIVERIES
    yield from _figures("SQLite", total, *intake(total))
    programs = find_programs()
    if programs is None:
        tell("webhook_intake: PostgreSQL is not installed")
        return
    with running_server(programs, durable=True) as address:
        yield from _figures("PostgreSQL", total, *intake(total, address))


def intake(total: int, database: str = "", rate: float = RATE) -> tuple[Run, int]:
    """Deliveries to a gateway that is then killed. What the sender saw, and how many accepted ones were lost."""
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        url = database or f"sqlite:///{home}/catalog.sqlite"
        settings = {
            "WIKI_PIPELINE_HOME": home,
            "WIKI_PIPELINE_DATABASE_URL": url,
            "CONFLUENCE_URL": SITE,
            "CONFLUENCE_WEBHOOK_SECRET": SECRET,
        }
        with Catalog(url) as catalog:
            catalog.add_source(SourceKey("default", "confluence", SPACE), SourceConfig(SITE, SPACE).dump())
        accepted = Path(home, "accepted")
        with gateway(settings) as (process, address):
            done = run("programs.webhook_load", address, SECRET, rate, total, accepted)
            process.kill()
        catalog = stack.enter_context(Catalog(url))
        kept = {event.delivery_id for event in catalog.events.find("default", limit=2 * total)}
        desired = {f"confluence {line} for default:confluence:{SPACE}" for line in accepted.read_text().splitlines()}
    return done, len(desired - kept)


@contextmanager
def gateway(settings: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A gateway of its own process, and its address, once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    with subprocess.Popen(
        [sys.executable, "-m", "wiki_pipeline.gateway"],
        env={**environment, **settings, "WIKI_PIPELINE_GATEWAY_PORT": str(port)},
        cwd=settings["WIKI_PIPELINE_HOME"],
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address)
            yield process, address
        finally:
            process.kill()


def _wait(address: str) -> None:
    end = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            httpx.get(f"{address}/readyz").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def _figures(database: str, total: int, done: Run, lost: int) -> Iterator[Figure]:
    what = f"Webhook intake, {database}, {total:,} signed deliveries"
    times = f"p50 {1000 * done['p50']:.1f} ms, longest {1000 * done['longest']:.0f} ms"
    basis = f"{RATE:,} a second sent for {total / RATE:.0f} s; {times}"
    tell(f"{what}: {basis}")
    yield Figure(
        f"{what}: accepted durably", done["accepted"] / done["seconds"], "deliveries/s", basis, least=0.99 * RATE
    )
    late = f"from when it was due; of that the sender was late itself by {1000 * done['late']:.1f} ms (p99)"
    yield Figure(f"{what}: p99 of the time to answer", 1000 * done["p99"], "ms", late, most=100)
    yield Figure(f"{what}: refused", total - done["accepted"], "", most=0)
    yield Figure(f"{what}: lost when the gateway is killed", lost, "", "accepted, but not in the catalog", most=0)
