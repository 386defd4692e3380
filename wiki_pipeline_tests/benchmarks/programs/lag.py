"""Edits, each recorded as an event the way a webhook is, timed until search finds it; beside requests of an empty job.

`lag SERVER PAGE ROUNDS`. The daemon and the code servers run already; the settings come from the environment.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing

import dagster as dg

from wiki_pipeline.catalog import EventBatch, EventRecord, EventState, Origin
from wiki_pipeline.defs.resources import CLAIM_TAG
from wiki_pipeline.demo.confluence.control import RemoteServer
from wiki_pipeline.freshness.figures import lag_of
from wiki_pipeline.model import ChangeHint
from wiki_pipeline.settings import load
from wiki_pipeline.store import search
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.benchmarks.measure import Clock, tell
from wiki_pipeline_tests.benchmarks.programs.empty_job import TAG, requests

_PATIENCE = 120.0
_LOOK = 0.02


def main(server: str, page: str, rounds: int) -> None:
    """Measure, and print the figures in seconds; `empty_...` are those of the empty job."""
    settings, clock = load(Settings), Clock()
    figures: dict[str, list[float]] = defaultdict(list)
    with Pipeline.open(settings) as pipeline, dg.DagsterInstance.get() as instance, closing(RemoteServer(server)) as at:
        for number in range(-1, rounds):  # the first time is for nothing: servers import, caches fill
            one = {**_edit(pipeline, instance, at, page, number), **_empty(instance, number)}
            tell(f"lag, {number + 1} of {rounds}: " + ", ".join(f"{name} {took:.2f} s" for name, took in one.items()))
            for name, took in one.items() if number >= 0 else ():
                figures[name].append(took)
    told = {name: statistics.median(values) for name, values in figures.items()}
    for name in ("found", "empty"):
        lag = lag_of(figures[name])
        if lag:
            told |= {f"{name}_p50": lag.p50, f"{name}_p95": lag.p95, f"{name}_max": lag.most}
    clock.stop(**told)


def _edit(
    pipeline: Pipeline, instance: dg.DagsterInstance, server: RemoteServer, page: str, number: int
) -> Mapping[str, float]:
    """One edit: seconds until it is found, and where they went."""
    time.sleep(random.uniform(0, 5))  # anywhere between two looks of Dagster's sensor daemon
    word = f"edited{number + 1}{random.randrange(10**9)}"
    server.do(f"pages/{page}/edit", body=f"<p>Now with {word}.</p>")
    embedder = open_embedder(pipeline.settings)
    source = pipeline.catalog.sources(pipeline.settings.tenant)[0].key
    began = time.time()
    pipeline.catalog.events.record(
        [EventBatch(source.tenant, Origin.WEBHOOK, [ChangeHint(source.kind, source, page, "edit")])]
    )
    _until(lambda: bool(search(pipeline.store, embedder, word, k=1, mode="text")))
    found = time.time()
    event = _settled(pipeline)
    of_claim = dg.RunsFilter(tags={CLAIM_TAG: event.claim_id or ""})
    record = instance.get_run_records(of_claim)[0]
    _until(lambda: instance.get_run_records(of_claim)[0].end_time is not None)
    created, started = record.create_timestamp.timestamp(), record.start_time or found
    return {
        "found": found - began,
        "sensor": created - began,
        "start": started - created,
        "stages": found - started,
    }


def _settled(pipeline: Pipeline) -> EventRecord:
    def newest() -> EventRecord:
        return pipeline.catalog.events.find(pipeline.settings.tenant, limit=1)[0]

    _until(lambda: newest().state is EventState.APPLIED)
    return newest()


def _empty(instance: dg.DagsterInstance, number: int) -> Mapping[str, float]:
    """One request of the empty job: seconds until its run is over, and where they went."""
    time.sleep(random.uniform(0, 5))
    name = f"{number + 1:06}"
    began = time.time()
    (requests() / name).touch()
    mine = dg.RunsFilter(tags={TAG: name}, statuses=[dg.DagsterRunStatus.SUCCESS])
    _until(lambda: bool(instance.get_run_records(mine)))
    (record,) = instance.get_run_records(mine)
    created, started = record.create_timestamp.timestamp(), record.start_time or 0.0
    ended = record.end_time or 0.0
    return {
        "empty": ended - began,
        "empty_sensor": created - began,
        "empty_start": started - created,
        "empty_steps": ended - started,
    }


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Nothing came of it in {_PATIENCE:.0f} s.")
        time.sleep(_LOOK)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
