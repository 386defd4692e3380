"""The text of PDF and Word files and the words of drawings as Markdown.

They are read by a process that is killed when it takes too long.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wiki_pipeline.text import markdown
from wiki_pipeline.text.attachments.media import BPMN, DRAWIO, EXCALIDRAW, GLIFFY, PDF, SVG, WORD

# To be raised when the same file becomes another text.
CODE_VERSION = "2"

_READER = Path(__file__).with_name("reader.py")  # a program; importing it would bring its libraries in here
_KINDS = {
    PDF: "pdf",
    WORD: "word",
    SVG: "svg",
    DRAWIO: "drawio",
    GLIFFY: "gliffy",
    EXCALIDRAW: "excalidraw",
    BPMN: "bpmn",
}
_FILES_A_PROCESS = 100  # what leaks in a library stays small
_CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(55296, 57344), 65534, 65535], " ")


@dataclass(frozen=True, slots=True)
class ExtractionLimits:
    """What reading one file may take.

    Attributes:
        seconds: of wall time, and of computing.
        memory: bytes of the process that reads.
        characters: of text that are kept.
        pages: of a PDF that are read.
    """

    seconds: int = 20
    memory: int = 768_000_000
    characters: int = 1_000_000
    pages: int = 2_000


@dataclass(frozen=True, slots=True)
class Extracted:
    """A file's text as Markdown; empty if it has none. `notes` tell people what was left out, or why there is none."""

    text: str = ""
    notes: tuple[str, ...] = ()


class Extractor:
    """Reads files, one at a time, in a process that it starts when needed and again after each that went wrong."""

    def __init__(self, limits: ExtractionLimits) -> None:
        self.limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._files = 0

    def extract(self, data: bytes, media_type: str) -> Extracted:
        """The text of a file; of other types than `_KINDS` there is none. Never fails: a note says why."""
        kind = _KINDS.get(media_type)
        if kind is None:
            return Extracted()
        answer = self._ask(kind, data)
        if "error" in answer:
            return Extracted(notes=(f"Its text can't be searched: {answer['error']}.",))
        notes = tuple(f"Of its text, {note}." for note in answer["notes"])
        return Extracted("\n\n".join(_written(answer["blocks"])), notes)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _ask(self, kind: str, data: bytes) -> dict[str, Any]:
        if self._process is None or self._files >= _FILES_A_PROCESS or self._process.poll() is not None:
            self.close()
            self._process, self._files = _start(self.limits.memory), 0
        self._files += 1
        process, expired = self._process, threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(self.limits.seconds, expire)
        timer.start()
        try:
            return _exchange(process, {"kind": kind, "size": len(data), **asdict(self.limits)}, data)
        except (OSError, ValueError, KeyError):
            self.close()
            # The system's own limit on computing may strike in the same moment as ours on waiting.
            slow = expired.is_set() or process.returncode == -24
            return {
                "error": f"reading it takes longer than {self.limits.seconds} s"
                if slow
                else "the process that reads it broke down"
            }
        finally:
            timer.cancel()


def _start(memory: int) -> subprocess.Popen[bytes]:
    # Isolated (-I), and without our environment: it holds secrets.
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-I", str(_READER), str(memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"},
        cwd="/",
        start_new_session=True,
    )


def _exchange(process: subprocess.Popen[bytes], job: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Hand a job over and wait for its answer.

    Raises:
        OSError, ValueError, KeyError: the process died, or answered nonsense.
    """
    jobs, answers = process.stdin, process.stdout
    if jobs is None or answers is None:
        raise OSError
    jobs.write(json.dumps(job).encode() + b"\n" + data)
    jobs.flush()
    size = int(answers.readline(20))
    if size > 16 * job["characters"] + 10_000:
        raise ValueError
    answer = json.loads(answers.read(size))
    if not isinstance(answer, dict) or not ({"error"} == answer.keys() or {"blocks", "notes"} == answer.keys()):
        raise ValueError
    return answer


def _written(blocks: list[list[Any]]) -> Iterator[str]:
    for kind, level, content in blocks:
        if kind == "table":
            rows = [[markdown.cell(_shown(cell)) for cell in row] for row in content]
            written = markdown.table(rows)
        else:
            text = _shown(content)
            prefix = {"heading": "#" * level + " ", "item": "- "}.get(kind, "")
            written = prefix + (text if kind == "heading" else markdown.paragraph(text)) if text else ""
        if written:
            yield written


def _shown(text: str) -> str:
    return markdown.escape(text.translate(_CONTROL)).strip()
