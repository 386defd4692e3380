"""The source of diagrams that are written as text, in whichever form an app stores it.

Apps keep it as it is, in JSON beside settings of theirs, or deflated and in base64. All of it is bounded: what is
larger inside than `MOST_CHARACTERS` counts as unreadable.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

MOST_CHARACTERS = 1_000_000
_MOST_DEPTH = 6
# Where apps keep a diagram's text in their JSON, the surest first.
_KEYS = (
    "umlDefinition",
    "diagramDefinition",
    "definition",
    "source",
    "code",
    "diagram",
    "body",
    "content",
    "text",
    "data",
)
# Raw deflate, zlib, gzip.
_WINDOWS = (-zlib.MAX_WBITS, zlib.MAX_WBITS | 32)


def diagram_source(stored: str) -> str:
    """The text of a diagram as its author wrote it; what is stored as plain text comes back as it is."""
    text = stored.strip("\n")
    if text.lstrip()[:1] in {"{", "["}:
        try:
            found = next(_texts(json.loads(text), _MOST_DEPTH), "")
        except (ValueError, RecursionError):
            return text
        return found.strip("\n") or text
    return text


def inflated(packed: str) -> str:
    """What was deflated, in base64, and perhaps percent-encoded before; empty if it is nothing of the kind."""
    try:
        data = base64.b64decode("".join(packed.split()), validate=True)
    except (binascii.Error, ValueError):
        return ""
    for window in _WINDOWS:
        reader = zlib.decompressobj(window)
        try:
            text = reader.decompress(data, MOST_CHARACTERS).decode()
        except (zlib.error, UnicodeDecodeError):
            continue
        if not reader.eof:
            continue
        return unquote(text) if "%" in text and "\n" not in text else text
    return ""


def _texts(value: Any, depth: int) -> Iterator[str]:
    """Texts of diagrams in an app's JSON, the surest first."""
    if depth == 0:
        return
    if isinstance(value, str):
        if value.strip():
            yield value
    elif isinstance(value, dict):
        for key in _KEYS:
            if key in value:
                yield from _texts(value[key], depth - 1)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item, depth - 1)
