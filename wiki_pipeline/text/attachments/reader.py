"""Reads PDF and Word files and drawings in a process of its own: `python -I reader.py MEMORY_BYTES`.

`extract` starts it. It is a program without a package, so that it starts quickly and imports nothing of ours: what it
opens may be hostile. Before it opens anything it gives up what it does not need (`_shut_in`). Jobs come on standard
input, each a line of JSON (`Job`) and the file's bytes; answers go to standard output, each a line with its length and
that much JSON: `{"blocks": [[kind, level, content], ...], "notes": [...]}` or `{"error": "..."}`.
"""

from __future__ import annotations

import base64
import io
import json
import os
import resource
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import unquote

from docx import Document
from docx.table import Table
from lxml import etree, html
from pypdf import PdfReader
from pypdf.errors import LimitReachedError

Block = list[Any]  # [kind, level, content]: heading, paragraph, item (content a text) or table (content rows of texts)

_MOST_PARTS = 5_000
_DRAWN = 20_000_000  # characters of a drawing that is packed
_MOST_LABELS = 20_000
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


# --- drawings: the words in them, one item a label, in the order of the file ---


def _read_svg(data: bytes, _pages: int, _notes: list[str]) -> Iterator[Block]:
    yield from _items(
        " ".join("".join(node.itertext()).split())
        for node in _xml(data).iter("{*}text", "{*}title", "{*}desc", "{*}foreignObject")
    )


def _read_bpmn(data: bytes, _pages: int, _notes: list[str]) -> Iterator[Block]:
    yield from _items(
        text
        for node in _xml(data).iter("{*}*")
        for text in (node.get("name") or "", (node.text or "") if etree.QName(node).localname in _BPMN_TEXTS else "")
    )


_BPMN_TEXTS = {"documentation", "text", "conditionExpression"}


def _read_drawio(data: bytes, _pages: int, _notes: list[str]) -> Iterator[Block]:
    root = _xml(data)
    diagrams = list(root.iter("diagram")) or [root]
    for diagram in diagrams:
        if len(diagrams) > 1 and diagram.get("name"):
            yield ["heading", 2, diagram.get("name")]
        packed = (diagram.text or "").strip()
        graph = _xml(_unpacked(packed).encode()) if packed and not len(diagram) else diagram
        yield from _items(_shown(node.get("value") or node.get("label") or "") for node in graph.iter("*"))


def _unpacked(packed: str) -> str:
    """A page of draw.io: deflated, in base64, percent-encoded before."""
    unpacker = zlib.decompressobj(-15)
    text = unpacker.decompress(base64.b64decode(packed), _DRAWN)
    if unpacker.unconsumed_tail:
        raise _TooMuchError
    return unquote(text.decode())


def _read_gliffy(data: bytes, _pages: int, _notes: list[str]) -> Iterator[Block]:
    yield from _items(_shown(text) for text in _values(json.loads(data), "html"))


def _read_excalidraw(data: bytes, _pages: int, _notes: list[str]) -> Iterator[Block]:
    elements = [element for element in json.loads(data).get("elements", []) if not element.get("isDeleted")]
    yield from _items(str(element["text"]) for element in elements if element.get("text"))


def _values(value: Any, name: str) -> Iterator[str]:
    """Texts of that name anywhere in JSON."""
    todo = [value]
    while todo:
        found = todo.pop()
        if isinstance(found, dict):
            if isinstance(found.get(name), str):
                yield found[name]
            todo += reversed(list(found.values()))
        elif isinstance(found, list):
            todo += reversed(found)


def _xml(data: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True)
    return etree.fromstring(data, parser)


def _shown(label: str) -> str:
    """The words of a label that may be HTML."""
    if "<" not in label and "&" not in label:
        return label
    root = html.fragment_fromstring(label, create_parent="div")
    for line_end in root.iter("br", "p", "div", "li", "tr"):
        line_end.tail = " " + (line_end.tail or "")
    return "".join(root.itertext())


def _items(labels: Iterator[str]) -> Iterator[Block]:
    """Labels as items, each once: a drawing repeats the same words in many places."""
    seen: dict[str, None] = {}
    for label in labels:
        text = " ".join(label.split())
        if text and text not in seen and any(map(str.isalnum, text)):
            seen[text] = None
            if len(seen) > _MOST_LABELS:
                raise _TooMuchError
            yield ["item", 0, text]


_READERS = {
    "pdf": _read_pdf,
    "word": _read_word,
    "svg": _read_svg,
    "bpmn": _read_bpmn,
    "drawio": _read_drawio,
    "gliffy": _read_gliffy,
    "excalidraw": _read_excalidraw,
}


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
