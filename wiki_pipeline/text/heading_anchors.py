"""Names of places on a page: anchors of headings by GitHub's rule, and finding the one that a link means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote

from wiki_pipeline.model import Heading

# As `PageWriter.named_place` writes it.
_NAMED = re.compile(r'<a id="([\w.:-]+)"></a>')
_NOT_IN_NAMES = re.compile(r"[^\w.:-]+")
_DROPPED = re.compile(r"[^\w\- ]")


def slug(text: str) -> str:
    """`Getting Started!` as `getting-started`; `section` if nothing is left."""
    return _DROPPED.sub("", text.strip().lower()).replace(" ", "-") or "section"


def identifier(name: str) -> str:
    """The name of a place as an HTML id that the wiki lets pass: `Who to call?` as `Who-to-call-`."""
    return _NOT_IN_NAMES.sub("-", name)[:200] or "-"


def folded(text: str) -> str:
    """Letters and digits only, for comparing names that tools spell differently (`My-Heading`, `my heading`)."""
    return "".join(character for character in text.casefold() if character.isalnum())


class Slugs:
    """Hands out each name once: the second `setup` is `setup-1`."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def add(self, text: str) -> str:
        """The anchor of the next heading with this text."""
        desired = slug(text)
        name = desired
        while name in self._taken:
            self._taken[desired] += 1
            name = f"{desired}-{self._taken[desired]}"
        self._taken[name] = 0
        return name


@dataclass
class Places:
    """The places on a page that a link can lead to, by the names that people and tools give them.

    Attributes:
        page_title: old Confluence anchors begin with it (`PageTitle-HeadingText`).
        named: anchors by their exact name.
        headings: anchors of headings by the folded text of the heading, and by the folded anchor.
    """

    page_title: str = ""
    named: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, page_title: str, places: Iterable[tuple[str, tuple[str, ...]]]) -> Places:
        """From the page's headings in order: each one's text and the other names that lead to it; places that are no
        headings have no text."""
        slugs = Slugs()
        named: dict[str, str] = {}
        headings: list[tuple[str, str]] = []
        for text, names in places:
            name = slugs.add(text) if text else ""
            if name:
                headings.append((text, name))
            for other in names:
                named.setdefault(other, name or identifier(other))
        return cls(page_title, named, _by_spelling(headings))

    @classmethod
    def of_page(cls, title: str, headings: Iterable[Heading], markdown: str) -> Places:
        """From a page that is converted."""
        named = {name: name for name in _NAMED.findall(markdown)}
        return cls(title, named, _by_spelling([(heading.text, heading.anchor) for heading in headings]))

    def find(self, name: str) -> str:
        """The anchor on the rendered page that a link to `#name` means; the name itself if nothing fits."""
        name_as_text = unquote(name)
        for exact in (name, name_as_text):
            if exact in self.named:
                return self.named[exact]
        for desired in self._spellings(folded(name_as_text)):
            if desired in self.headings:
                return self.headings[desired]
            if desired in self._folded_names:
                return self._folded_names[desired]
        return name

    def _spellings(self, desired: str) -> Iterator[str]:
        """A folded name as it stands, without the page's title, and without what Cloud writes before digits (`id-`)."""
        title = folded(self.page_title)
        for start in (desired, desired.removeprefix("id")):
            yield start
            yield start.removeprefix(title)

    @cached_property
    def _folded_names(self) -> Mapping[str, str]:
        return {folded(name): place for name, place in list(self.named.items())[::-1]}


def _by_spelling(headings: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Anchors by folded text, the first of those that are alike; and by folded anchor, which has a number for each of
    the others, as Confluence has (`Setup.1`)."""
    found: dict[str, str] = {}
    for text, anchor in headings:
        found.setdefault(folded(text), anchor)
    for _, anchor in headings:
        found.setdefault(folded(anchor), anchor)
    return found
