"""How far a sync has come: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from wiki_pipeline.model import Progress as StageProgress
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.session import Listener

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
