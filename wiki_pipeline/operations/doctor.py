"""Whether all that an installation needs works: looked at one after the other, each with what to do if it does not.

Nothing is changed, but for a probe in the bucket, and the catalog, which is made or upgraded as any command does.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from wiki_pipeline.catalog import Catalog, EventState, SourceRecord
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.freshness import stalled
from wiki_pipeline.machine import cores, memory
from wiki_pipeline.model import Stage
from wiki_pipeline.settings import Mode
from wiki_pipeline.sources import kinds
from wiki_pipeline.store import Store, probe
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.pipeline import Pipeline, check_mode
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder

SOURCE_SECONDS = 30.0
_SOURCES_AT_ONCE = 8
_LEAST_MEMORY = 1_000_000_000


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        about: what, as `storage` or a source's key.
        found: what was seen.
        advice: what to do; empty if nothing is.
    """

    about: str
    state: State
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Check]:
    """Everything but Dagster, as it is found. What can't be looked at because something before failed is left out."""
    yield _machine()
    mode = checked("mode", lambda: _mode(settings))
    yield mode
    if mode.state is State.FAILED:
        return
    with Catalog(settings.catalog_url) as catalog:
        database = checked("database", lambda: _database(catalog, settings))
        yield database
        storage = checked("storage", lambda: _storage(settings))
        yield storage
        yield checked("embedding model", lambda: _embedding(settings))
        yield _git()
        if State.FAILED in {database.state, storage.state}:
            return
        pipeline = Pipeline(
            settings, catalog, Store(settings.storage, settings.tenant, catalog.table_names(settings.tenant))
        )
        yield from _sources(pipeline)
        yield checked("events", lambda: _events(pipeline))


def checked(about: str, look: Callable[[], Check]) -> Check:
    """What a look finds; an error that it ends in is a failed check."""
    try:
        return look()
    except WikiPipelineError as error:
        return Check(about, State.FAILED, error.message, error.advice or "")


def _machine() -> Check:
    found = f"{cores()} cores and {memory() / 1e9:.1f} GB of memory for this process"
    if memory() < _LEAST_MEMORY:
        return Check("machine", State.WARNING, found, "Give it 1 GB at least; a first sync of a large source needs 2.")
    return Check("machine", State.OK, found)


def _mode(settings: Settings) -> Check:
    check_mode(settings)
    return Check("mode", State.OK, f"{settings.mode}: {_MODES[settings.mode]}")


_MODES = {
    Mode.LAPTOP: "state may be in folders and SQLite",
    Mode.CLUSTER: "state is in PostgreSQL and a bucket",
    Mode.STATELESS: "nothing is kept",
}


def _database(catalog: Catalog, settings: Settings) -> Check:
    number = len(catalog.sources(settings.tenant))
    return Check("database", State.OK, f"{catalog!r}".removeprefix("Catalog(").rstrip(")") + f": {number} sources")


def _storage(settings: Settings) -> Check:
    storage = settings.storage
    probe(storage)
    if not storage.is_folder:
        return Check("storage", State.OK, f"{storage.url} keeps conditional writes, reads parts, lists what is new")
    place = settings.home
    place.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(place).free
    found = f"{storage.url}, {free / 1e9:.1f} GB free"
    if free < _LEAST_MEMORY:
        return Check("storage", State.WARNING, found, "Free some space: a sync that fills the disk stops.")
    return Check("storage", State.OK, found)


def _embedding(settings: Settings) -> Check:
    embedder = open_embedder(settings)
    embedder.embed(["Is anybody there?"])
    return Check("embedding model", State.OK, f"{embedder.model}, {embedder.dimension} numbers a text")


def _git() -> Check:
    program = shutil.which("git")
    if program is None:
        return Check("git", State.WARNING, "Git is not installed", "Install Git 2.32 or newer to read repositories.")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
    return Check("git", State.OK, said.stdout.strip() or "Git says nothing of its version")


def _sources(pipeline: Pipeline) -> Iterator[Check]:
    problems = checked("sources", lambda: _configured(pipeline))
    yield problems
    if problems.state is State.FAILED:
        return
    records = pipeline.active_sources()
    for start in range(0, len(records), _SOURCES_AT_ONCE):
        yield from signals.run_interruptibly(_asked(pipeline, records[start : start + _SOURCES_AT_ONCE]))


def _configured(pipeline: Pipeline) -> Check:
    pipeline.add_configured_sources()
    number = len(pipeline.active_sources())
    if problems := pipeline.configuration_problems():
        return Check("sources", State.WARNING, " ".join(problems), "Correct these settings; the others are used.")
    if not number:
        return Check("sources", State.WARNING, "There are none", "Add one: wiki-pipeline sources add ADDRESS.")
    return Check("sources", State.OK, f"{number} of {', '.join(sorted(kinds()))}")


async def _asked(pipeline: Pipeline, records: Sequence[SourceRecord]) -> list[Check]:
    return list(await asyncio.gather(*(_ask(pipeline, record) for record in records)))


async def _ask(pipeline: Pipeline, record: SourceRecord) -> Check:
    about = str(record.key)
    try:
        async with asyncio.timeout(SOURCE_SECONDS), aclosing(pipeline.open_source(record.key)) as source:
            description = await source.describe()
    except TimeoutError:
        hint = "See whether its server is reachable from here."
        return Check(about, State.FAILED, f"No answer within {SOURCE_SECONDS:.0f} s", hint)
    except WikiPipelineError as error:
        return Check(about, State.FAILED, error.message, error.advice or "")
    failing = len(pipeline.catalog.failures(record.key))
    last = pipeline.catalog.last_completed_sync(record.key)
    rows = pipeline.store.table(Stage.CLEAN_PAGES, record.key).row_count()
    found = f"{description.title or record.key.name} answers; {rows} documents"
    if last is None:
        return Check(about, State.WARNING, f"{found}, never synced", f"Run wiki-pipeline sync {record.key}.")
    if failing:
        return Check(
            about,
            State.WARNING,
            f"{found}, {failing} of them failing",
            "wiki-pipeline status --stale says which, and why.",
        )
    return Check(about, State.OK, found)


def _events(pipeline: Pipeline) -> Check:
    counts = pipeline.catalog.events.counts(pipeline.tenant)
    waiting = stalled(pipeline)
    dead = counts.get(EventState.DEAD, 0)
    if waiting is not None:
        return Check("events", State.FAILED, str(waiting), "See whether Dagster's daemon and code server run.")
    if dead:
        return Check("events", State.WARNING, f"{dead} were given up", "POST /v1/events/retry tries them again.")
    return Check("events", State.OK, f"{counts.get(EventState.PENDING, 0)} wait")
