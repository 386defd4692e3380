"""The command itself: start, sync, say where to look, and stop in order."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.text import Text

from wiki_pipeline.cli.jobs import use_dagster_home
from wiki_pipeline.cli.output import progress_console
from wiki_pipeline.cli.up.plan import Plan, plan
from wiki_pipeline.cli.up.supervisor import ServiceError, adopt_orphans, keep_running, run, until_ready
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import Settings, load

_READY_SECONDS = 180.0


@click.command("up")
def command() -> None:
    """Start everything: first sync, Dagster UI, wiki and API.

    Ctrl-C stops it. Without sources in the settings, a clone of the project shows itself and a demo handbook.
    """
    settings = load(Settings)
    with only_one(settings):
        use_dagster_home(settings)
        adopt_orphans()
        asyncio.run(_until_stopped(plan(settings)))


async def _until_stopped(planned: Plan) -> None:
    everything = asyncio.create_task(_everything(planned))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, everything.cancel)
    try:
        await everything
    except asyncio.CancelledError:
        _tell("Stopped.")


async def _everything(planned: Plan) -> None:
    """Run all services until cancelled, or until one can't be kept running; all are stopped at the end."""
    for remark in planned.remarks:
        _tell(remark)
    addresses = ", ".join(f"{name} ({url})" for name, url in planned.addresses.items())
    _tell(f"Starting {addresses}. Logs are in {planned.logs}.")
    # Alone, before anything else that uses Dagster: the services and the first sync start at the same time.
    await run([sys.executable, "-m", "wiki_pipeline.defs.instance"], planned.environment)
    try:
        async with asyncio.TaskGroup() as tasks:
            for service in (*planned.before_sync, *planned.others):
                tasks.create_task(keep_running(service, _tell))
            for service in planned.before_sync:
                await until_ready(service, _READY_SECONDS)
            await _first_sync(planned)
            for service in planned.others:
                await until_ready(service, _READY_SECONDS)
            _tell_addresses(planned)
    except* ServiceError as failed:
        raise failed.exceptions[0] from None


async def _first_sync(planned: Plan) -> None:
    program = [sys.executable, "-m", "wiki_pipeline.cli"]
    for source in planned.leftovers:
        await run([*program, "sources", "remove", str(source)], planned.environment)
    if not planned.sources:
        _tell("There is nothing to sync yet. Add a source: wiki-pipeline sources add ADDRESS")
        return
    status = await run([*program, "sync"], planned.environment)
    if status > 1:
        _tell("The first sync did not bring everything over; the next one tries again.")


def _tell_addresses(planned: Plan) -> None:
    _tell("")
    for name, url in planned.addresses.items():
        _tell(f"{name:<12} {url}")
    _tell("\nCtrl-C stops everything.")


def _tell(text: str) -> None:
    progress_console().print(Text(text), soft_wrap=True)


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Be the only `up` on this state: two daemons would start every run twice. The system lifts the lock at our end.

    Raises:
        ConfigurationError: another one runs; says which process.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "up.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigurationError(
                f"wiki-pipeline is running on {settings.home} already, as process {file.read().strip()}.",
                "Stop that one, or set WIKI_PIPELINE_HOME to another folder.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
