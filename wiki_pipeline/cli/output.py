"""What commands print: results to standard output, as a table or as JSON for programs; all else to standard error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def console() -> Console:
    """Standard output."""
    return _console(stderr=False)


def progress_console() -> Console:
    """Standard error: progress and remarks, so that results can be piped."""
    return _console(stderr=True)


def print_json(value: object) -> None:
    """One JSON document; times as ISO 8601 in UTC."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Rows under headings; a sentence if there are none. Text is shown as it is, numbers are put to the right."""
    collected = [list(row) for row in rows]
    if not collected:
        console().print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        numbers = all(isinstance(row[index], int | float) for row in collected)
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in collected:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    console().print(table)


def local_time(moment: datetime | None) -> str:
    """A moment for people, in the time zone of the machine; empty for none."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def printable(text: str) -> str:
    """Text from strangers without the control characters by which it could command the terminal."""
    return _CONTROLS.sub("\ufffd", text)


def _console(*, stderr: bool) -> Console:
    opened = Console(stderr=stderr, highlight=False)
    # Into a file or a pipe, lines are as long as they are.
    return opened if opened.is_terminal else Console(stderr=stderr, highlight=False, width=10_000)


def _shown(cell: object) -> str:
    return local_time(cell) if isinstance(cell, datetime) else "" if cell is None else printable(str(cell))


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


tenant_option = click.option("--tenant", default="", metavar="NAME", help="Of this tenant; else of the default one.")
"""For the commands of an operator."""
