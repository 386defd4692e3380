"""Names of places on a page: anchors of headings by GitHub's rule, and finding the one that a link means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

_DROPPED = re.compile(r"[^\w\- ]")


def slug(text: str) -> str:
    """`Getting Started!` as `getting-started`; `section` if nothing is left."""
    return _DROPPED.sub("", text.strip().lower()).replace(" ", "-") or "section"


def folded(text: str) -> str:
    """Letters and digits only, for comparing names that tools spell differently (`My-Heading`, `my heading`)."""
    return "".join(character for character in text.casefold() if character.isalnum())


class Slugs:
    """Hands out each name once: the second `setup` is `setup-1`."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def add(self, text: str) -> str:
        """The anchor of the next heading with this text."""
        wanted = slug(text)
        name = wanted
        while name in self._taken:
            self._taken[wanted] += 1
            name = f"{wanted}-{self._taken[wanted]}"
        self._taken[name] = 0
        return name


@dataclass
class Places:
    """The places on a page that a link can lead to, by the names that people and tools give them.

    Attributes:
        page_title: old Confluence anchors begin with it (`PageTitle-HeadingText`).
        named: anchors by their exact name.
        headings: anchors of headings by the folded text of the heading.
    """

    page_title: str = ""
    named: Mapping[str, str] = field(default_factory=dict)
    headings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, page_title: str, places: Iterable[tuple[str, tuple[str, ...]]]) -> Places:
        """From the page's headings in order: each one's text and the other names that lead to it."""
        slugs = Slugs()
        named: dict[str, str] = {}
        headings: dict[str, str] = {}
        for text, names in places:
            name = slugs.add(text) if text else ""
            if name:
                headings.setdefault(folded(text), name)
            for other in names:
                named.setdefault(other, name or other)
        return cls(page_title, named, headings)

    def find(self, name: str) -> str:
        """The anchor on the rendered page that a link to `#name` means; the name itself if nothing fits."""
        if name in self.named:
            return self.named[name]
        wanted = folded(unquote(name))
        found = self.headings.get(wanted)
        if found is None and self.page_title:
            found = self.headings.get(wanted.removeprefix(folded(self.page_title)))
        if found is None and wanted.startswith("id"):  # Cloud writes `id-` before names that begin with a digit
            found = self.headings.get(wanted.removeprefix("id").removeprefix(folded(self.page_title)))
        return found or name
