"""Reads PDF and Word files in a process of its own: `python -I reader.py MEMORY_BYTES`, started by `extract`.

It is a program without a package, so that it starts quickly and imports nothing of ours: what it opens may be hostile.
Before it opens anything it gives up what it does not need (`_shut_in`). Jobs come on standard input, each a line of
JSON (`Job`) and the file's bytes; answers go to standard output, each a line with its length and that much JSON:
`{"blocks": [[kind, level, content], ...], "notes": [...]}` or `{"error": "..."}`.
"""

from __future__ import annotations

import io
import json
import os
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from docx import Document
from docx.table import Table
from pypdf import PdfReader
from pypdf.errors import LimitReachedError

Block = list[Any]  # [kind, level, content]: heading, paragraph, item (content a text) or table (content rows of texts)

_MOST_PARTS = 5_000
_EXPANSION = 200_000_000  # bytes of a Word file's parts together


class _TooMuchError(Exception):
    """The file is larger inside than is read."""


def _shut_in(memory: int) -> BinaryIO:
    """Bound memory, write no file, leave no dump; standard output is for answers alone and returned."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return answers


def _allow(seconds: int) -> None:
    """Let the process compute so much longer; then the system kills it, also if this process is gone by then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _read_pdf(data: bytes, pages: int, notes: list[str]) -> Iterator[Block]:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        notes.append("it is protected by a password")
        return
    for number, page in enumerate(reader.pages, start=1):
        if number > pages:
            notes.append(f"only its first {pages:,} pages were read")
            return
        text = page.extract_text()
        if text.strip():
            yield ["heading", 2, f"Page {number}"]
            for paragraph in text.split("\n\n"):
                yield ["paragraph", 0, paragraph]


def _read_word(data: bytes, _pages: int, _notes: list[str]) -> Iterator[Block]:
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        infos = parts.infolist()
        if len(infos) > _MOST_PARTS or sum(info.file_size for info in infos) > _EXPANSION:
            raise _TooMuchError
    for block in Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(block, Table):
            yield ["table", 0, [[cell.text for cell in row.cells] for row in block.rows]]
        elif block.text.strip():
            yield _paragraph((block.style.name if block.style else "") or "", block.text)


def _paragraph(style: str, text: str) -> Block:
    if style == "Title":
        return ["heading", 1, text]
    if style.startswith("Heading ") and style[8:].isdecimal():
        return ["heading", min(int(style[8:]), 6), text]
    return ["item" if style.startswith("List") else "paragraph", 0, text]


_READERS = {"pdf": _read_pdf, "word": _read_word}


def _answer(job: dict[str, Any], data: bytes) -> dict[str, Any]:
    blocks: list[Block] = []
    notes: list[str] = []
    left = job["characters"]
    try:
        for block in _READERS[job["kind"]](data, job["pages"], notes):
            left -= len(json.dumps(block[2]))
            if left < 0:
                notes.append(f"only its first {job['characters']:,} characters were read")
                break
            blocks.append(block)
    except MemoryError:
        return {"error": "it takes more memory than is allowed"}
    except (_TooMuchError, LimitReachedError):
        return {"error": "it is far larger inside than outside"}
    except RecursionError:
        return {"error": "it is nested too deeply"}
    except Exception as error:
        return {"error": f"it is damaged ({type(error).__name__})"}
    return {"blocks": blocks, "notes": notes}


def main() -> None:
    """Serve jobs until there are no more."""
    answers, jobs = _shut_in(int(sys.argv[1])), sys.stdin.buffer
    while line := jobs.readline():
        job = json.loads(line)
        _allow(job["seconds"])
        answer = json.dumps(_answer(job, jobs.read(job["size"]))).encode()
        answers.write(b"%d\n" % len(answer) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
