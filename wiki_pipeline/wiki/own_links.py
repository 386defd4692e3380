"""The links of pages that the program makes itself: they lead into their source's wiki, and are addresses already."""

from __future__ import annotations

from collections.abc import Sequence

from wiki_pipeline.links.files import File
from wiki_pipeline.links.index import Badge
from wiki_pipeline.model import SourceKey


class OwnLinks:
    """Answers as `LinkIndex` does. Nothing that a stranger wrote becomes a link on such a page, so there is nothing to
    look up.

    Args:
        base: the source's address in the wiki, with a slash at its end.
    """

    def __init__(self, base: str) -> None:
        self._base = base

    def resolve(self, target: str, source: SourceKey, path: str = "") -> str | None:
        """The target itself, if it is in the wiki."""
        return target if target.startswith(self._base) else None

    def is_broken(self, target: str) -> bool:
        """Never: pages are made from the same rows that their links lead to."""
        return False

    def title(self, text: str, target: str, source: SourceKey, path: str = "") -> str:
        """Links have their texts."""
        return ""

    def badge(self, target: str, source: SourceKey, path: str = "") -> Badge | None:
        """None."""
        return None

    def files(self, target: str, source: SourceKey, path: str = "") -> Sequence[File]:
        """None."""
        return ()
