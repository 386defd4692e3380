"""The index behind CQL, which learns of edits late."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wiki_pipeline.demo.confluence.records import User


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the search index knows of a content: its state when it was indexed, not its state now."""

    id: str
    type: str
    space_key: str
    title: str
    labels: tuple[str, ...]
    parent: str
    ancestors: tuple[str, ...]
    created: datetime
    modified: datetime
    creator: User


class SearchIndex:
    """The index behind CQL. Edits arrive in it after `lag`, or when a test says `catch_up()`.

    Args:
        read: what is to be found of a content now: itself and its files; nothing if it is gone.
    """

    def __init__(self, clock: Callable[[], datetime], read: Callable[[str], Sequence[Indexed]], lag: timedelta) -> None:
        self.lag = lag
        self.paused = False
        self._clock = clock
        self._read = read
        self._waiting: dict[str, datetime] = {}
        self._entries: dict[str, Indexed] = {}
        self._files: dict[str, tuple[str, ...]] = {}

    def note(self, content_id: str) -> None:
        """A content changed now."""
        self._waiting[content_id] = self._clock() + self.lag

    def pause(self) -> None:
        """Stop learning of changes until `catch_up`."""
        self.entries()
        self.paused = True

    def catch_up(self) -> None:
        """Learn of all changes at once and go on."""
        self.paused = False
        self._learn(list(self._waiting))

    def entries(self) -> Iterable[Indexed]:
        """What is found at the moment, in order of ids."""
        if self._waiting and not self.paused:
            now = self._clock()
            self._learn([content_id for content_id, due in self._waiting.items() if due <= now])
        return self._entries.values()

    def _learn(self, content_ids: Iterable[str]) -> None:
        for content_id in content_ids:
            del self._waiting[content_id]
            for file_id in self._files.pop(content_id, ()):
                self._entries.pop(file_id, None)
            found = {entry.id: entry for entry in self._read(content_id)}
            if not found:
                self._entries.pop(content_id, None)
            self._entries |= found
            self._files[content_id] = tuple(found.keys() - {content_id})
