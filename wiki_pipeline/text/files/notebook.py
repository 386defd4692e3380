"""Jupyter notebooks: Markdown cells as they are, code cells as fences, the beginning of what they print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text import markdown
from wiki_pipeline.text.files.markdown_file import from_markdown
from wiki_pipeline.text.files.source_code import clean_code
from wiki_pipeline.text.known import Known
from wiki_pipeline.text.page import noted

MAX_OUTPUT_LINES = 20
MAX_OUTPUT_CHARACTERS = 2000
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def clean_notebook(raw: RawPage, known: Known) -> CleanPage:
    """A notebook, version 3 or 4; one that is not valid JSON is kept as text, with a note."""
    try:
        notebook = json.loads(raw.body)
        cells = notebook.get("cells") or [cell for sheet in notebook.get("worksheets", []) for cell in sheet["cells"]]
        parts = [part for cell in cells for part in _cell(cell, _language(notebook))]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        return noted(clean_code(raw, known), "This notebook can't be read; its source is shown.")
    return from_markdown(raw, "\n\n".join(part for part in parts if part.strip()))


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata") or {}
    info, kernel = metadata.get("language_info") or {}, metadata.get("kernelspec") or {}
    return str(info.get("name") or kernel.get("language") or "python").lower()


def _cell(cell: dict[str, Any], language: str) -> Iterator[str]:
    source = _text(cell.get("source", cell.get("input", "")))
    match cell.get("cell_type"):
        case "markdown":
            yield source.strip("\n")
        case "heading":
            yield f"{'#' * int(cell.get('level', 1))} {source}"
        case "code":
            if source.strip():
                yield markdown.fence(source, language)
            for output in cell.get("outputs") or []:
                yield _output(output)
        case _:
            yield markdown.fence(source) if source.strip() else ""


def _output(output: dict[str, Any]) -> str:
    if output.get("output_type") in {"error", "pyerr"}:
        return markdown.fence(f"{output.get('ename', 'Error')}: {output.get('evalue', '')}")
    data = output.get("data") or output
    printed = _trimmed(_COLOURS.sub("", _text(data.get("text/plain", data.get("text", "")))))
    if any(kind.startswith(("image/", "png", "jpeg", "svg")) for kind in data):
        return "*[Picture]*"
    if data.get("text/markdown"):
        return _trimmed(_text(data["text/markdown"]))
    return markdown.fence(printed) if printed.strip() else ""


def _trimmed(text: str) -> str:
    lines = text.strip("\n").split("\n")
    kept = "\n".join(lines[:MAX_OUTPUT_LINES])[:MAX_OUTPUT_CHARACTERS]
    return kept if len(kept) == len("\n".join(lines)) else f"{kept}\n…"


def _text(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value or "")
