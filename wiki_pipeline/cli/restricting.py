"""Options that say which documents a search or a question looks at; the same for both."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import Filters
from wiki_pipeline.store.filters import KINDS

_FACET = re.compile(r"[a-z]+=.")


def _facets(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for facet in given:
        if not _FACET.match(facet):
            raise click.BadParameter(f"{facet!r} is no name and value, as status=Done.")
    return given


_OPTIONS = (
    click.option("--source", "sources", multiple=True, metavar="SOURCE", help="Only this source; may be given again."),
    click.option(
        "--kind", "kinds", multiple=True, metavar="KIND", help=f"Only {', '.join(KINDS)}, or a kind of source."
    ),
    click.option("--label", "labels", multiple=True, metavar="LABEL", help="Only pages with this label, or another."),
    click.option("--author", "authors", multiple=True, metavar="NAME", help="Only what this person changed last."),
    click.option(
        "--facet",
        "facets",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_facets,
        help="Only what the source says this of, as category=open, status=Done, assignee='Ada Lovelace', type=Bug, "
        "project=OPS; any value of one name, all names.",
    ),
    click.option("--path", "path_prefix", default="", metavar="FOLDER", help="Only files below it, as docs/."),
    click.option("--language", "languages", multiple=True, metavar="CODE", help="Only texts in it, as de."),
    click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Only what changed since."),
    click.option("--before", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Only what changed before."),
)


def restricting(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options; it hands them to `filters`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def filters(chosen: Sequence[SourceKey], options: dict[str, Any]) -> Filters:
    """What the options say.

    Args:
        chosen: the sources that are meant.
        options: the command's own arguments; those of `restricting` are taken.
    """
    return Filters(
        sources=tuple(chosen),
        kinds=options["kinds"],
        labels=options["labels"],
        authors=options["authors"],
        path_prefix=options["path_prefix"],
        languages=options["languages"],
        facets=options["facets"],
        modified_from=_utc(options["since"]),
        modified_before=_utc(options["before"]),
    )


def _utc(day: datetime | None) -> datetime | None:
    return None if day is None else day.replace(tzinfo=UTC)
