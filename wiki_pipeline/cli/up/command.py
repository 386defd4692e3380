"""The command itself: start, sync, say where to look, and stop in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import click
from rich.text import Text

from wiki_pipeline.catalog import recover
from wiki_pipeline.cli.output import progress_console
from wiki_pipeline.cli.up.plan import Plan, plan
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.cli.up.supervisor import ServiceError, adopt_orphans, keep_running, run, until_ready
from wiki_pipeline.demo.sources import withdraw
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.running import announce, only_one
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline


@click.command("up")
def command() -> None:
    """Start everything: first sync, Dagster UI, wiki and API.

    Ctrl-C stops it. Without sources of your own it shows a demo handbook, and the project's clone if run from one.
    """
    settings = load(UpSettings)
    with only_one(settings.home):
        if recovered := recover(settings.catalog_url):
            _tell(str(recovered))
        planned = plan(settings, _tell)
        announce(settings.home, planned.running)
        if planned.demo is not None:
            planned.demo.show(settings)
        adopt_orphans()
        asyncio.run(_until_stopped(settings, planned))


async def _until_stopped(settings: UpSettings, planned: Plan) -> None:
    everything = asyncio.create_task(_everything(settings, planned))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, everything)
    try:
        await everything
    except asyncio.CancelledError:
        _tell("Stopped.")


def _stop(everything: asyncio.Task[None]) -> None:
    if not everything.cancelling():  # impatient people press it again
        _tell("\nStopping ...")
    everything.cancel()


async def _everything(settings: UpSettings, planned: Plan) -> None:
    """Run all services until cancelled, or until one does not come up; all are stopped at the end."""
    _tell(f"Starting Dagster, the wiki and the API. Logs are in {_near(planned.logs)}.")
    # Alone, before anything else that uses Dagster: the services and the first sync start at the same time.
    if await run([sys.executable, "-m", "wiki_pipeline.defs.instance"], planned.environment):
        raise ServiceError("Dagster's own state can't be used; see above.")
    try:
        async with asyncio.TaskGroup() as tasks:
            for service in (*planned.before_sync, *planned.others):
                tasks.create_task(keep_running(service, _tell))
            for service in planned.before_sync:
                await until_ready(service)
            await _first_sync(settings, planned)
            for service in planned.others:
                await until_ready(service)
            _tell_addresses(planned)
    except* WikiPipelineError as failed:
        raise failed.exceptions[0] from None


async def _first_sync(settings: UpSettings, planned: Plan) -> None:
    program = [sys.executable, "-m", "wiki_pipeline.cli"]
    if planned.leftovers:
        leaving = " and ".join(map(str, planned.leftovers))
        _tell(f"There are sources of your own now, or settings for them, so the demo's leave: {leaving}.")
    for source in planned.leftovers:
        await run([*program, "sources", "remove", str(source)], planned.environment)
    if planned.leftovers:
        with Pipeline.open(settings) as pipeline:
            withdraw(pipeline)
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


def _near(path: Path) -> str:
    """A path as people would type it here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _tell(text: str) -> None:
    progress_console().print(Text(text), soft_wrap=True)
