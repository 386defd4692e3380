"""Macros that the server draws when a page is shown: their data is kept, as a table, where the page holds it; what the
server makes of other things becomes a short mark, so that the gap is seen.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.macro_parameters import parameters, rich_body
from wiki_pipeline.text.confluence.registry import AC, PLAIN, RICH, Element, macro
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


# --- marks ----------------------------------------------------------------------------------------------------------

_MARKS = {
    "Attachments of the space": "space-attachments",
    "Blog posts": "blog-posts",
    "Calendar": "calendar team-calendar",
    "Change history": "change-history",
    "Create a page": "create-from-template create-space-button add-page-form",
    "Excerpts": "excerpt-report",
    "Favourite pages": "favpages",
    "Feed": "rss",
    "Gadget": "gadget",
    "Jira chart": "jirachart",
    "Jira plan": "jiraroadmap",
    "Labels": "recently-used-labels related-labels popular-labels",
    "Messenger": "im",
    "Network": "network",
    "People": "userlister",
    "Reports": "global-reports",
    "Roadmap": "roadmap-planner",
    "Search": "pagetreesearch livesearch search",
    "Space details": "space-details",
    "Spaces": "spaces spaces-list space-list",
    "Table of contents": "toc toc-zone",
    "Task report": "tasks-report-macro task-report",
    "Test report": "junitreport",
    "Views": "viewtracker",
}
_MARK_OF = {name: mark for mark, names in _MARKS.items() for name in names.split()}


@macro(*_MARK_OF, reads=(RICH,))
def mark(node: Element, page: PageWriter) -> str:
    """A short mark that names what Confluence shows here."""
    body = node.find(RICH)
    shown = page.placeholder(_MARK_OF[(node.get(AC + "name") or "").lower()])
    return f"{shown}\n\n{page.blocks(body)}".strip() if body is not None else shown


@macro("loremipsum", "page-info", "scrollbar", "redirect", "alias")
def silent(node: Element, page: PageWriter) -> str:
    """Nothing: no content of the page."""
    return ""


@macro("htmlcomment", "comment-macro", "style", "css-stylesheet", reads=(RICH, PLAIN))
def hidden(node: Element, page: PageWriter) -> str:
    """Nothing, whatever is in it: remarks and styles, which no reader sees."""
    return ""


@macro("button", "ui-button", "aui-button", block=False)
def button(node: Element, page: PageWriter) -> str:
    """A link with the button's text."""
    values = parameters(node)
    target = page.upstream.absolute(values.get("url") or values.get("href") or values.get("link") or "")
    return page.link(values.get("title") or values.get("text") or values.get("name") or target, target)
