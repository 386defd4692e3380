"""The last commits with the paths that they changed, as `Objects.log` tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wiki_pipeline.sources.git.page import printable, time_of
from wiki_pipeline.sources.git.survey import readable
from wiki_pipeline.sources.protocol import Revision

_BEGINS = b"\x1e"
_MOST_PATHS = 200
_SUBJECT = 300


def revisions(fields: Iterable[bytes]) -> Iterator[Revision]:
    """Commits from the fields of `Objects.log`, in their order."""
    head: bytes | None = None
    paths: list[str] = []
    for raw in fields:
        text = raw.lstrip(b"\n")
        if text.startswith(_BEGINS) and text.count(b"\x1f") >= 3:
            if head is not None:
                yield _revision(head, paths)
            head, paths = text[1:], []
        elif text and len(paths) < _MOST_PATHS:
            paths.append(readable(text))
    if head is not None:
        yield _revision(head, paths)


def _revision(head: bytes, paths: list[str]) -> Revision:
    commit, committed_at, author, subject = head.decode("utf-8", "replace").split("\x1f", 3)
    seconds = int(committed_at) if committed_at.isdecimal() and len(committed_at) < 12 else 0
    return Revision(commit, printable(author), time_of(seconds), printable(subject)[:_SUBJECT], tuple(paths))
