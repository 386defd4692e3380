"""The figures as a table, with what they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from wiki_pipeline_tests.benchmarks.figures import Figure

TABLE, PICTURE = "figures.md", "figures.svg"
_MET = {True: "yes", False: "**no**", None: ""}

_HOW = """\
Each program is a process of its own; its start (imports, opening the catalog) is apart. Ours and the peer's take turns,
and the median of the rounds counts; of counts, the highest. Processor time and memory are those of a program with the
processes that it starts; memory is the highest sum of their proportional set sizes (PSS), looked at ten times a second.
The server is the project's Confluence test server on the same machine, sharing its cores with whichever program is
measured; it has written its answers before anyone is timed. The LangChain stack is `ConfluenceLoader` (100 pages a
request), a recursive splitter 1000/200, the same wordllama model and LanceDB; as it comes, the loader asks for the
restrictions of each page, and "without restrictions" it does not. The bare listing is an `httpx` loop, one answer after
the other, with the expansions and the page size that our own listing asks for; the leanest one expands `version` only,
which shows edits but neither moves nor labels.
"""


def table(figures: Sequence[Figure]) -> str:
    """The figures in Markdown, a line each."""
    lines = ["| figure | value | bound | kept | measured |", "| --- | ---: | --- | --- | --- |"]
    lines += [f"| {f.name} | {f.shown} | {f.bound} | {_MET[f.met]} | {f.basis} |" for f in figures]
    return "\n".join(lines) + "\n"


def page(figures: Sequence[Figure]) -> str:
    """The table with its picture, the machine, and how it was measured."""
    facts = "\n".join(f"- {name}: {value}" for name, value in _facts().items())
    return f"# Figures\n\n![The figures as bars]({PICTURE})\n\n{table(figures)}\n{_HOW}\n{facts}\n"


def _facts() -> Mapping[str, str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "Measured": f"{datetime.now(UTC):%Y-%m-%d}, wiki-pipeline {version('wiki-pipeline')}, `make bench`",
        "Machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {platform.platform()}",
        "Python": platform.python_version(),
        "Libraries": ", ".join(f"{name} {version(name)}" for name in ("lancedb", "pylance", "pyarrow", "dagster")),
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
