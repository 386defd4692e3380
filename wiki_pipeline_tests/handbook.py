"""Reads the demo handbook's files, for the tests that look into them.

Its format is described in `demo/confluence/spaces.py`. Here it is read without the server's code, so that the two
can't share a mistake.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from html.entities import name2codepoint
from pathlib import Path
from typing import Any

from lxml import etree

HANDBOOK = Path(__file__).parents[1] / "wiki_pipeline" / "demo" / "confluence" / "handbook"
# What is broken on purpose.
NOT_WELL_FORMED = "1102"

NAMESPACES = {"ac": "http://atlassian.com/content", "ri": "http://atlassian.com/resource/identifier"}

_WELL_KNOWN = {"amp", "lt", "gt", "quot"}
_DOCTYPE = (
    "<!DOCTYPE page ["
    + "".join(f'<!ENTITY {name} "&#{code};">' for name, code in name2codepoint.items() if name not in _WELL_KNOWN)
    + "]>"
)
_BOUND = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())


@dataclass(frozen=True)
class Page:
    """One file of the handbook. `depth` is the number of pages above it; `files` are the names of its attachments."""

    facts: dict[str, Any]
    body: str
    depth: int
    files: frozenset[str]

    @property
    def id(self) -> str:
        """Confluence's id of the page."""
        return str(self.facts["id"])

    @property
    def title(self) -> str:
        """The page's title, unique in the space."""
        return str(self.facts["title"])

    @property
    def tree(self) -> Any:
        """The body as XML.

        Raises:
            XMLSyntaxError: not well-formed.
        """
        return _parse(self.body)

    def find(self, xpath: str) -> list[Any]:
        """Elements, attributes or texts, in order of appearance."""
        found = self.tree.xpath(xpath, namespaces=NAMESPACES)
        assert isinstance(found, list)
        return found


@cache
def _parse(body: str) -> Any:
    return etree.fromstring(f"{_DOCTYPE}<page {_BOUND}>{body}</page>", etree.XMLParser(no_network=True))


@cache
def space() -> dict[str, Any]:
    """The facts of `space.json`."""
    facts = json.loads((HANDBOOK / "space.json").read_text("utf-8"))
    assert isinstance(facts, dict)
    return facts


@cache
def pages() -> tuple[Page, ...]:
    """All pages, by file name."""
    return tuple(_read(path) for path in sorted(HANDBOOK.rglob("*.xml")))


def _read(path: Path) -> Page:
    first, _, body = path.read_text("utf-8").partition("\n")
    comment = re.fullmatch(r"<!-- (\{.*\}) -->", first)
    assert comment, f"{path.name} does not begin with its facts"
    files = frozenset(file.name for file in path.with_suffix(".attachments").glob("*"))
    return Page(json.loads(comment[1]), body, len(path.relative_to(HANDBOOK).parts) - 1, files)


def titled(title: str) -> Page:
    """The page of that title."""
    (page,) = (page for page in pages() if page.title == title)
    return page


def well_formed() -> list[Page]:
    """All pages but the one that no XML parser accepts."""
    return [page for page in pages() if page.id != NOT_WELL_FORMED]


def macro(name: str, *rest: str) -> str:
    """XPath of a macro, and of what follows."""
    return f"//ac:structured-macro[@ac:name='{name}']" + "".join(rest)
