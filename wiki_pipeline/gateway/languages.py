"""The language of the reader, as the browser says it."""

from __future__ import annotations

import re

_WANTED = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*")


def language_wanted(header: str) -> str:
    """The first choice of an `Accept-Language` header, as "de"; empty if it names none."""
    accepted = [
        (float(found[2] or 1), found[1].lower()) for part in header.split(",") if (found := _WANTED.fullmatch(part))
    ]
    return max(accepted, key=lambda each: each[0])[1] if accepted else ""
