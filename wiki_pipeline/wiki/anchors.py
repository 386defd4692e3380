"""Anchors of headings: handed out while a page is rendered, and found again for a chunk of it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence

from wiki_pipeline.links.wiki_addresses import title_slug
from wiki_pipeline.model import Heading

_NOT_LETTERS = re.compile(r"[\W_]+")


class Anchors:
    """The anchors of a page's headings, handed out in the order in which headings appear in its HTML.

    They are the clean page's own, so that the table of contents, search and links agree. A heading that is in the HTML
    alone gets one made of its text.
    """

    def __init__(self, headings: Iterable[Heading]) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}  # of each slug, the first number that may be free
        self._waiting: dict[tuple[int, str], deque[str]] = {}
        for heading in headings:
            self._taken.add(heading.anchor)
            self._waiting.setdefault((heading.level, _letters(heading.text)), deque()).append(heading.anchor)

    def anchor(self, level: int, text: str) -> str:
        """The anchor of the next heading."""
        alike = self._waiting.get((level, _letters(text)))
        return alike.popleft() if alike else self._new(title_slug(text) or "section")

    def _new(self, slug: str) -> str:
        anchor, number = slug, self._numbers.get(slug, 1)
        while anchor in self._taken:
            anchor = f"{slug}-{number}"
            number += 1
        self._numbers[slug] = number
        self._taken.add(anchor)
        return anchor


def anchor_below(headings: Iterable[Heading], heading_path: Sequence[str]) -> str:
    """The anchor of the heading that a chunk stands below; empty if the page has none such.

    Args:
        headings: of the page, in order.
        heading_path: the headings above the chunk, outermost first; may begin further up, with the page's title.
    """
    if not heading_path:
        return ""
    desired = [_letters(text) for text in heading_path]
    best, best_length = "", 0
    above: list[Heading] = []
    for heading in headings:
        while above and above[-1].level >= heading.level:
            above.pop()
        above.append(heading)
        alike = 0
        for name, other in zip(reversed(desired), reversed(above), strict=False):
            if name != _letters(other.text):
                break
            alike += 1
        if alike > best_length:
            best, best_length = heading.anchor, alike
    return best


def _letters(text: str) -> str:
    """What two spellings of a heading (with and without markup) have in common."""
    return _NOT_LETTERS.sub("", text).casefold()
