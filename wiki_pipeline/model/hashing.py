"""Hashes by which equal content is recognised: fingerprints, content hashes, ids of chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence


def digest(*parts: object) -> str:
    """A hash of the parts, 32 hex digits, in which no two different sequences of parts run together."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(state, part)
    return state.hexdigest()


def digests(beginning: Sequence[object], ends: Iterable[object]) -> list[str]:
    """`digest(*beginning, end)` for each of the ends, several times as quick."""
    begun = hashlib.blake2b(digest_size=16)
    for part in beginning:
        _feed(begun, part)
    hashes = []
    for end in ends:
        state = begun.copy()
        _feed(state, end)
        hashes.append(state.hexdigest())
    return hashes


def _feed(state: hashlib.blake2b, part: object) -> None:
    data = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
    state.update(len(data).to_bytes(8, "little"))
    state.update(data)
