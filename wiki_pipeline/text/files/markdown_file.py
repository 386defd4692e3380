"""Markdown files, and what other formats become on their way: headings, links, title, front matter.

The text stays as it is written, line for line, so that citations by line lead to the right place and relative links
mean what they mean in the repository. pulldown-cmark finds the structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import pyromark

from wiki_pipeline.limits import is_too_deep
from wiki_pipeline.links.repository import repository_target
from wiki_pipeline.model import CleanPage, Heading, Link, RawPage
from wiki_pipeline.text.heading_anchors import Slugs
from wiki_pipeline.text.known import Known
from wiki_pipeline.text.markdown import escape
from wiki_pipeline.text.page import finished, title_of

_PARSER = pyromark.Markdown(
    options=pyromark.Options.ENABLE_TABLES
    | pyromark.Options.ENABLE_GFM
    | pyromark.Options.ENABLE_FOOTNOTES
    | pyromark.Options.ENABLE_STRIKETHROUGH
    | pyromark.Options.ENABLE_TASKLISTS
)
_FRONT_MATTER = re.compile(
    r"\ufeff?(?P<marks>---|\+\+\+)[ \t]*\n(?P<fields>.{0,65536}?)\n(?P=marks)[ \t]*(?:\n|$)", re.DOTALL
)
_FIELD = re.compile(r"^(title|description|summary)[ \t]*[:=][ \t]*(?P<value>[^\n|>&*!{\[][^\n]*)$", re.MULTILINE)
_HTML_TAG = re.compile(r"<(?P<end>/?)(?:h(?P<level>[1-6])|(?P<link>a|img))\b(?P<rest>[^<>]*)>", re.IGNORECASE)
_TARGET = re.compile(r"\b(?:href|src)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")


@dataclass
class Structure:
    """What a Markdown text holds besides words."""

    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def clean_markdown(raw: RawPage, known: Known) -> CleanPage:
    """A Markdown file; its title from its source, else the front matter, else the first heading, else its path."""
    text = raw.body.replace("\r\n", "\n")
    fields: dict[str, str] = {}
    front = _FRONT_MATTER.match(text)
    if front:
        fields = {name: value.strip().strip("\"'") for name, value in _FIELD.findall(front["fields"])}
        text = _in_place_of(front.group(), fields) + text[front.end() :]
    return from_markdown(raw, text, title=fields.get("title", ""))


def from_markdown(raw: RawPage, text: str, *, title: str = "", notes: tuple[str, ...] = ()) -> CleanPage:
    """A page from Markdown, with the headings and links that a parser finds in it."""
    structure = structure_of(text, raw.path)
    title = title_of(raw, title or (structure.headings[0].text if structure.headings else ""))
    return finished(raw, text, title=title, headings=structure.headings, links=structure.links, notes=notes)


def structure_of(text: str, path: str = "") -> Structure:
    """Headings and links of a Markdown text, also those written in HTML; relative targets as repository paths."""
    found = Structure()
    if is_too_deep(text):
        return found
    slugs = Slugs()
    for kind, words, value in _places(text):
        shown = " ".join(words.split())
        if kind == "link":
            found.links.append(Link(shown or value, repository_target(path, value)))
        elif shown:
            found.headings.append(Heading(int(value), shown, slugs.add(shown)))
    return found


def _places(text: str) -> Iterator[tuple[str, str, str]]:
    """Headings and links, each with its text and its level or target."""
    open_places: list[tuple[str, str, int]] = []
    words: list[str] = []
    html: list[str] = []
    for event in _PARSER.events(text):
        kind, value = _event(event)
        if kind in {"Text", "Code"}:
            words.append(value)
        elif kind in {"SoftBreak", "HardBreak"}:
            words.append(" ")
        elif kind == "Start":
            place = _place(value)
            if place:
                open_places.append((*place, len(words)))
        elif kind == "End" and value == "HtmlBlock":
            yield from _html_places("".join(html))
            html.clear()
        elif kind == "End" and open_places and _ends(value, open_places[-1][0]):
            name, detail, start = open_places.pop()
            yield name, "".join(words[start:]), detail
        elif kind == "Html":
            html.append(value)
        elif kind == "InlineHtml":
            yield from _html_places(value)
        if not open_places:
            words.clear()


def _event(event: Any) -> tuple[str, Any]:
    """The parser's events are a word, or a dictionary of one word and what it holds."""
    return next(iter(event.items())) if isinstance(event, dict) else (event, None)


def _place(tag: Any) -> tuple[str, str] | None:
    if not isinstance(tag, dict):
        return None
    name, detail = next(iter(tag.items()))
    if name == "Heading":
        return "heading", detail["level"][1:]
    return ("link", detail["dest_url"]) if name in {"Link", "Image"} else None


def _ends(tag: Any, name: str) -> bool:
    return (name == "link") if tag in ("Link", "Image") else name == "heading" and "Heading" in tag


def _html_places(html: str) -> Iterator[tuple[str, str, str]]:
    level, begin = "", 0  # of the heading that is open
    for tag in _HTML_TAG.finditer(html):
        if tag["link"]:
            target = None if tag["end"] else _TARGET.search(tag["rest"])
            if target:
                yield "link", "", unescape(target["double"] or target["single"] or "")
        elif not tag["end"]:
            level, begin = level or tag["level"], begin if level else tag.end()
        elif tag["level"] == level:
            yield "heading", unescape(_TAG.sub("", html[begin : tag.start()])), level
            level = ""


def _in_place_of(front_matter: str, fields: dict[str, str]) -> str:
    """As many lines as the front matter had, which readers do not see; its description is text of the page."""
    description = fields.get("description") or fields.get("summary") or ""
    return escape(description) + "\n" * front_matter.count("\n")
