"""`wiki-pipeline sync`: bring sources up to date without the daemon, showing progress. Each is a Dagster run of this
process.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from wiki_pipeline.catalog import FailureRecord, Origin, SyncRecord, SyncStatus
from wiki_pipeline.cli.jobs import open_jobs
from wiki_pipeline.cli.output import json_option, print_json, printable, progress_console, tenant_option
from wiki_pipeline.cli.selection import select
from wiki_pipeline.demo.sources import served_by_demo
from wiki_pipeline.errors import ConfigurationError, SourceUnreachableError
from wiki_pipeline.freshness import stale_documents
from wiki_pipeline.freshness.left_behind import COMPARED
from wiki_pipeline.model import SourceKey
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.stages import declared
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.sync.since import read_since

if TYPE_CHECKING:
    from wiki_pipeline.defs.in_process import Run


from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from wiki_pipeline.model import Progress as StageProgress
from wiki_pipeline.model import Stage
from wiki_pipeline.sync.session import Listener

_FAILURES_SHOWN = 10
_USAGE = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the sync of one source ended.

    Attributes:
        record: what the catalog holds of it; None if it could not begin.
        failures: the documents that are failing now.
    """

    source: SourceKey
    succeeded: bool
    error_code: str
    error_message: str
    record: SyncRecord | None
    failures: Sequence[FailureRecord]

    @property
    def exit_status(self) -> int:
        """0 all well, 1 something could not be read of it, 3 the source could not be synced."""
        if not self.succeeded:
            return 3
        return 1 if self.record is not None and self.record.status is SyncStatus.COMPLETED_WITH_ERRORS else 0


@click.command("sync")
@click.argument("sources", nargs=-1, metavar="[all|KIND|SOURCE]...")
@click.option(
    "--full", is_flag=True, help="Fetch every document again, also where the source says that it is the same."
)
@click.option("--allow-mass-deletion", is_flag=True, help="Go on although more than half of a source is gone upstream.")
@click.option(
    "--since",
    metavar="DATE|24h|7d",
    help="Only what was changed since then, as 2025-01-01, 2025-01-01T08:30, 24h or 7d. Deletes nothing.",
)
@click.option("--schedule", "hours", type=click.FloatRange(min=0, min_open=True), help="Again every so many hours.")
@tenant_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    sources: tuple[str, ...],
    full: bool,
    allow_mass_deletion: bool,
    since: str | None,
    hours: float | None,
    tenant: str,
    as_json: bool,
) -> None:
    """Bring sources up to date, with progress.

    All of them, those of a kind (confluence, git), or those named. Each is listed completely, and what changed is
    fetched; with --full, everything is. With --since nothing is listed: only what the source says was changed since
    then is looked at.

    Ends with 0 if all is well, 1 if some documents, or something beside them, could not be read, 2 for usage or
    configuration, 3 if it could not be done for a source; the others are synced all the same.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stop is an interruption: leases are given back
    if since is not None and (full or allow_mass_deletion):
        raise click.UsageError("--since looks only at what changed: not with --full or --allow-mass-deletion.")
    moment = read_since(since) if since is not None else None
    if hours is not None:
        flags = {"--full": full, "--allow-mass-deletion": allow_mass_deletion, "--json": as_json}
        given = [flag for flag, given in flags.items() if given] + (["--since", since] if since is not None else [])
        given += ["--tenant", tenant] if tenant else []
        ctx.exit(_again_and_again([*given, "--", *sources], hours))
    outcomes = run(
        load(Settings), sources, full=full, allow_mass_deletion=allow_mass_deletion, since=moment, tenant=tenant
    )
    problems = Pipeline.configuration_problems()
    if as_json:
        print_json({"syncs": [_as_json(outcome) for outcome in outcomes], "configuration": problems})
    ctx.exit(max(*(outcome.exit_status for outcome in outcomes), _USAGE if problems else 0))


def _again_and_again(arguments: Sequence[str], hours: float) -> int:
    """Sync every so many hours, each time in a process of its own, until interrupted or until the settings are wrong.

    Dagster handles signals while it runs, and forgets one that comes after a run's last step: a loop in the same
    process would go on. In a session of its own, the process is stopped by this one alone.
    """
    command = [sys.executable, "-m", "wiki_pipeline.cli", "sync", *arguments]
    while True:
        began = time.monotonic()
        with subprocess.Popen(command, start_new_session=True) as process:  # noqa: S603 - this program
            try:
                status = process.wait()
            except KeyboardInterrupt:
                process.send_signal(signal.SIGINT)
                process.wait()
                raise
        if status == _USAGE:
            return status
        time.sleep(max(0.0, began + hours * 3600 - time.monotonic()))


def run(
    settings: Settings,
    asked: Sequence[str],
    *,
    full: bool = False,
    allow_mass_deletion: bool = False,
    since: datetime | None = None,
    tenant: str = "",
) -> list[Outcome]:
    """Sync the sources asked for, one after the other, with progress on standard error. Those that the settings no
    longer name are left out unless they are named one by one; entries of the settings that can't be used are reported.

    Raises:
        ConfigurationError: a setting is wrong, there is no such source, or there are none at all.
    """
    console = progress_console()
    with Pipeline.open(settings, tenant) as pipeline:
        pipeline.add_configured_sources()
        known = [record.key for record in pipeline.catalog.sources(pipeline.tenant)]
        if not known:
            raise ConfigurationError(
                "There is nothing to sync.",
                "Set CONFLUENCE_SPACES or WIKI_PIPELINE_GIT_REPOSITORIES, or use `wiki-pipeline sources add ADDRESS`.",
            )
        dropped = pipeline.dropped()
        chosen = [key for key in select(known, asked) if key not in dropped or _is_named(key, asked)]
        for key in sorted(dropped.difference(chosen)):
            left = f"{key} is no longer in the settings: it is served as it is. `wiki-pipeline sources remove {key}`"
            console.print(Text(f"{left} removes it.", style="dim"))
        for problem in pipeline.configuration_problems():
            console.print(Text(printable(problem), style="red"))
        if not chosen:
            raise ConfigurationError(
                "There is nothing to sync: the settings name none of the sources any more.",
                "Name them there again, or name one here to sync it all the same.",
            )
        jobs = open_jobs(settings)  # after all that can be wrong with what was asked: Dagster takes seconds
        jobs.publish(pipeline.catalog, pipeline.tenant)
        unserved = _without_server(pipeline)
        how = partial(jobs.sync, full=full, allow_mass_deletion=allow_mass_deletion, since=since)
        outcomes = []
        for source in chosen:
            if source in unserved:
                outcomes.append(_out_of_reach(source, pipeline.catalog.failures(source)))
                console.print(Text(str(source), style="bold"))
            else:
                outcomes.append(_sync(console, pipeline, how, source))
            _show(console, outcomes[-1])
        for at, source in enumerate(chosen):
            # Documents that show what a later one of the sources brought, as pages do that name an issue.
            if source not in unserved and len(chosen) > 1 and _shows_what_changed(pipeline, source):
                outcomes[at] = _sync(console, pipeline, how, source)
                _show(console, outcomes[at])
        return outcomes


def _shows_what_changed(pipeline: Pipeline, source: SourceKey) -> bool:
    return any(document.reason in COMPARED for document in stale_documents(pipeline, source)) or any(
        event.origin is Origin.SYNC for event in pipeline.catalog.events.unsettled(source)
    )


def _without_server(pipeline: Pipeline) -> set[SourceKey]:
    """Sources of the demo whose server is down: no run could do more than turn the graph red."""
    up = running(pipeline.settings.home)
    return set() if up and up.demo else served_by_demo(pipeline)


def _out_of_reach(source: SourceKey, failures: Sequence[FailureRecord]) -> Outcome:
    message = "This is the demo's, whose server is there only while `wiki-pipeline up` (`make run`) runs."
    return Outcome(source, False, SourceUnreachableError.code, message, None, failures)


def _is_named(key: SourceKey, asked: Sequence[str]) -> bool:
    return not {str(key), f"{key.kind}:{key.name}", key.name}.isdisjoint(asked)


def _sync(console: Console, pipeline: Pipeline, bring: Callable[..., Run], source: SourceKey) -> Outcome:
    with shown(console, source) as listener:
        run = bring(pipeline.catalog, source, listener)
    # A run that found the source taken by another has no record of its own.
    last = next(iter(pipeline.catalog.syncs(source, limit=1)), None)
    record = last if last is not None and last.run_id == run.run_id else None
    failures = pipeline.catalog.failures(source)
    return Outcome(source, run.succeeded, run.error_code, run.error_message, record, failures)


def _show(console: Console, outcome: Outcome) -> None:
    reports = outcome.record.reports if outcome.record else ()
    for report in reports:
        counts = {
            "added": report.added,
            "updated": report.updated,
            "deleted": report.deleted,
            "unchanged": report.unchanged,
            "failed": report.failed,
            "left out": sum(report.skipped.values()),
        }
        said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        if not said and report is not reports[0]:
            continue  # of the files of a wiki's pages, or the code of a space, nobody expects anything
        if summary := declared(report.stage).summary(report):
            said += f"; {summary}"
        console.print(Text(f"  {report.stage:<17} {said or 'empty'} ({report.seconds:.1f} s)"))
        if report.skipped:
            reasons = ", ".join(f"{reason} ({count})" for reason, count in report.skipped.items())
            console.print(Padding(Text(f"left out: {printable(reasons)}", style="dim"), (0, 0, 0, 20), expand=False))
        for warning, count in report.warnings.items():
            text = f"not read: {printable(warning)} ({count} documents)"
            console.print(Padding(Text(text, style="yellow"), (0, 0, 0, 20), expand=False))
    for failure in outcome.failures[:_FAILURES_SHOWN]:
        text = f"  {failure.stage}: {failure.title} ({failure.document_id}): {failure.message}"
        console.print(Text(printable(text), style="yellow"))
    if len(outcome.failures) > _FAILURES_SHOWN:
        more = len(outcome.failures) - _FAILURES_SHOWN
        console.print(Text(f"  and {more} more: see `wiki-pipeline status --stale`", style="yellow"))
    if not outcome.succeeded:
        # Most errors name the source, which stands above already.
        message = printable(outcome.error_message).removeprefix(f"{outcome.source}: ")
        console.print(Padding(Text(message, style="red"), (0, 0, 0, 2), expand=False))


def _as_json(outcome: Outcome) -> dict[str, object]:
    record = outcome.record
    return {
        "source": str(outcome.source),
        "status": record.status if record else SyncStatus.FAILED,
        "run_id": record.run_id if record else "",
        "error": None if outcome.succeeded else {"code": outcome.error_code, "message": outcome.error_message},
        "stages": [
            {name: value for name, value in asdict(report).items() if name not in {"source", "failures"}}
            for report in (record.reports if record else ())
        ],
        "failures": [
            {
                "document_id": failure.document_id,
                "title": failure.title,
                "stage": failure.stage,
                "message": failure.message,
                "attempts": failure.attempts,
                "since": failure.first_failed_at,
            }
            for failure in outcome.failures
        ],
    }


_SECONDS_BETWEEN_LINES = 10.0


@contextmanager
def shown(console: Console, source: SourceKey) -> Iterator[Listener]:
    """Show the progress of one source's sync while the block runs; yields the listener for its progress."""
    console.print(Text(str(source), style="bold"))
    if not console.is_terminal:
        yield _Lines(console)
        return
    bars = Progress(
        TextColumn("  {task.description:<12}"),
        BarColumn(bar_width=36),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}", style="red"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bars:
        yield _Bars(bars)


class _Bars:
    """One bar a stage."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[Stage, TaskID] = {}

    def __call__(self, progress: StageProgress) -> None:
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._bars.add_task(progress.stage, total=None, failed="")
        self._bars.update(
            self._tasks[progress.stage],
            completed=progress.done,
            total=progress.total,
            failed=f"{progress.failed} failed" if progress.failed else "",
        )


class _Lines:
    """A line when a stage is through, and every ten seconds meanwhile."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._through: set[Stage] = set()
        self._last = time.monotonic()

    def __call__(self, progress: StageProgress) -> None:
        if progress.stage in self._through or progress.total == 0:
            return
        moment = time.monotonic()
        if progress.done == progress.total:
            self._through.add(progress.stage)
        if progress.stage in self._through or moment - self._last > _SECONDS_BETWEEN_LINES:
            self._last = moment
            total = "?" if progress.total is None else progress.total
            failed = f", {progress.failed} failed" if progress.failed else ""
            self._console.print(Text(f"  {progress.stage}: {progress.done} of {total}{failed}"))
