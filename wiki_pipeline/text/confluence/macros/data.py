"""Macros that draw data: the data is kept, as a table."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.macro_parameters import parameters, rich_body
from wiki_pipeline.text.confluence.registry import RICH, Element, macro
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.markdown import escape


@macro("chart", "chart-from-table", reads=(RICH,))
def chart(node: Element, page: PageWriter) -> str:
    """The chart's title and its data as a table."""
    body = rich_body(node)
    title = parameters(node).get("title", "")
    data = page.blocks(body) if body is not None else ""
    return "\n\n".join(part for part in (f"**{escape(title)}**" if title else "", data) if part) or page.placeholder(
        "Chart"
    )


@macro("roadmap")
def roadmap(node: Element, page: PageWriter) -> str:
    """The roadmap's bars and markers as a table of lane, name, start and length."""
    values = parameters(node)
    try:
        plan = json.loads(unquote_plus(values.get("source", "")))
        rows = [*_bars(plan), *_markers(plan)]
        title = str(plan.get("title") or values.get("title") or "")
    except (ValueError, AttributeError, TypeError):
        rows, title = [], values.get("title", "")
    if not rows:
        return page.placeholder(f"Roadmap: {title}" if title else "Roadmap")
    table = markdown.table([["Lane", "Name", "Start", "Duration"], *rows])
    return f"**{escape(title)}**\n\n{table}" if title else table


def _bars(plan: dict[str, Any]) -> list[list[str]]:
    unit = str((plan.get("timeline") or {}).get("displayOption", "")).lower().rstrip("s")
    return [
        _row(lane.get("title", ""), _name(bar), bar.get("startDate", ""), _duration(bar, unit))
        for lane in plan.get("lanes", [])
        for bar in lane.get("bars", [])
    ]


def _markers(plan: dict[str, Any]) -> list[list[str]]:
    """Marked days, which belong to no lane."""
    return [_row("", _name(marker), marker.get("markerDate", ""), "") for marker in plan.get("markers") or []]


def _name(thing: dict[str, Any]) -> str:
    return " – ".join(str(thing[key]) for key in ("title", "description") if thing.get(key))


def _duration(bar: dict[str, Any], unit: str) -> str:
    number = bar.get("duration", "")
    return f"{number:g} {unit}{'' if number == 1 else 's'}" if unit and isinstance(number, int | float) else str(number)


def _row(lane: object, name: str, start: object, duration: str) -> list[str]:
    return [markdown.cell(escape(str(value))) for value in (lane, name, str(start)[:10], duration)]
