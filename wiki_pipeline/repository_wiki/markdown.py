"""Markdown that says what strangers wrote without letting it be markup: names, signatures, docstrings, paths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~$^:@=-])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SPAN = re.compile(r"(?::[\w:.+-]{1,40}:)?(`+)~?([^`]+)\1")  # a Sphinx role too
_RUN = re.compile(r"`+")
_ROWS = 500


def plain(text: str) -> str:
    """Text that is nothing but text, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(_CONTROL.sub("", text).split()).translate(_ENTITIES))


def said(text: str) -> str:
    """A sentence of a docstring, on one line: code in it stays code, everything else is text."""
    parts: list[str] = []
    at = 0
    for found in _SPAN.finditer(text):
        parts += [plain_keeping_ends(text[at : found.start()]), code(found[2])]
        at = found.end()
    return "".join([*parts, plain_keeping_ends(text[at:])]).strip()


def plain_keeping_ends(text: str) -> str:
    """As `plain`, with a space at an end where there was one."""
    inner = plain(text)
    left, right = text[:1].isspace(), text[-1:].isspace()
    return f"{' ' if left else ''}{inner}{' ' if right and inner else ''}" if text else ""


def code(text: str) -> str:
    """A span of code, on one line, that is safe in a cell of a table."""
    bare = " ".join(_CONTROL.sub("", text).split())
    if not bare:
        return ""
    longest = max((len(run) for run in _RUN.findall(bare)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if bare.startswith("`") or bare.endswith("`") else ""
    return f"{fence}{pad}{bare}{pad}{fence}"


def cell(text: str) -> str:
    """For a cell of a table: a bar ends no cell."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def fenced(text: str, language: str = "") -> str:
    """A block of text as it is."""
    bare = _CONTROL.sub("", text.replace("\t", "    "))
    fence = "`" * max(3, max((len(run) for run in _RUN.findall(bare)), default=0) + 1)
    return f"{fence}{language}\n{bare}\n{fence}"


def link(shown: str, address: str) -> str:
    """A link; `shown` is Markdown already."""
    return f"[{shown}]({address})" if address else shown


def path_in_address(path: str) -> str:
    """A path as a part of an address."""
    return quote(path, safe="/")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], most: int = _ROWS) -> str:
    """A table, with how many rows were left out if there are more than fit; empty without rows."""
    some = list(rows)
    if not some:
        return ""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    lines += [f"| {' | '.join(map(cell, row))} |" for row in some[:most]]
    text = "\n".join(lines)
    return f"{text}\n\nand {len(some) - most:,} more." if len(some) > most else text


def bullets(items: Iterable[str], most: int = _ROWS) -> str:
    """A list, bounded as `table` is."""
    some = list(items)
    text = "\n".join(f"- {item}" for item in some[:most])
    return f"{text}\n- and {len(some) - most:,} more" if len(some) > most else text


def section(title: str, body: str, level: int = 2) -> str:
    """A heading with what stands below it; nothing if that is empty."""
    return f"{'#' * level} {title}\n\n{body}" if body else ""


def joined(*parts: str) -> str:
    """Blocks with empty lines between them."""
    return "\n\n".join(part for part in parts if part) + "\n"
