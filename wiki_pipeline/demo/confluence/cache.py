"""Contents already written as JSON, so that a benchmark measures its client and not this server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import orjson

from wiki_pipeline.demo.confluence.site import Content

# About 20,000 pages with everything expanded.
_MOST_BYTES = 256 * 1024 * 1024


class WrittenContents:
    """The least recently used go when the bound on memory is reached. Used under the site's lock."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._written: OrderedDict[Hashable, tuple[Hashable, bytes]] = OrderedDict()

    def get(self, content: Content, form: Hashable, write: Callable[[], Any]) -> orjson.Fragment:
        """A content in some form, written anew if it, or anything above it, has changed since."""
        key, stamp = (content.id, form), _stamp(content)
        known = self._written.get(key)
        if known and known[0] == stamp:
            self._written.move_to_end(key)
            return orjson.Fragment(known[1])
        # A copy: orjson's own result keeps the slack of its buffer, half as much again.
        data = bytes(memoryview(orjson.dumps(write())))
        self._bytes += len(data) - (len(known[1]) if known else 0)
        self._written[key] = (stamp, data)
        self._written.move_to_end(key)
        while self._bytes > self._most_bytes:
            _, (_, oldest) = self._written.popitem(last=False)
            self._bytes -= len(oldest)
        return orjson.Fragment(data)


def _stamp(content: Content) -> Hashable:
    """Revisions only grow: the greatest one up to the root changes with any of them."""
    home = content.space.homepage
    newest, above = content.revision, content.parent
    while above is not None:
        newest = max(newest, above.revision)
        above = above.parent
    return newest, home.id if home else ""
