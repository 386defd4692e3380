"""First sync of a space: ours, up to `vectors` and with `wiki_pages`, against LangChain and against a bare loop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from wiki_pipeline.demo.confluence.control import RemoteServer
from wiki_pipeline_tests.benchmarks.confluence import (
    BODIES,
    BODIES_AT_ONCE,
    LISTED_AT_ONCE,
    LISTING,
    PEER_BODIES,
    environment,
    langchain,
    loop,
    served,
)
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import Run, median, run, start_seconds, tell

SIZES = (1_000, 10_000)
ROUNDS = 3
# From so many pages on: one round, and only ours against LangChain as it comes; that alone takes minutes.
LARGE = 5_000
_STAGES = ("raw_pages", "clean_pages", "attachments", "chunks", "vectors", "wiki_pages")


def measure(pages: int | None = None) -> Iterator[Figure]:
    """The figures at the usual sizes, or at one."""
    for size in (pages,) if pages else SIZES:
        yield from _measure(size)


def _measure(pages: int) -> Iterator[Figure]:
    programs: dict[str, Callable[[], Run]] = {
        "stages": lambda: _fresh("programs.sync_stages", server),
        "langchain": lambda: langchain(server, pages, "usual"),
        "job": lambda: _fresh("programs.sync_job", server),
        "langchain quick": lambda: langchain(server, pages, "quick"),
        "loop": lambda: loop(server, PEER_BODIES, BODIES_AT_ONCE),
    }
    rounds = ROUNDS
    if pages >= LARGE:
        rounds = 1
        del programs["job"], programs["langchain quick"]
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    with served(pages) as server:
        for expand, limit in ((LISTING, LISTED_AT_ONCE), (BODIES, BODIES_AT_ONCE), (PEER_BODIES, BODIES_AT_ONCE)):
            loop(server, expand, limit)
        for number in range(1, rounds + 1):
            for name, program in programs.items():
                runs[name].append(program())
            took = ", ".join(f"{name} {done[-1]['seconds']:.1f} s" for name, done in runs.items())
            tell(f"first sync, {pages:,} pages, round {number} of {rounds}: {took}")
    yield from _ratios(pages, runs)
    yield from _speeds(pages, runs)


def _fresh(program: str, server: RemoteServer) -> Run:
    with tempfile.TemporaryDirectory() as home:
        done = run(program, environment=environment(Path(home), server))
        if done["failed"] or done["deleted"] or done["updated"]:
            raise RuntimeError(f"{program} did more or less than a first sync does: {dict(done.figures)}")
        return done


def _ratios(pages: int, runs: dict[str, list[Run]]) -> Iterator[Figure]:
    searchable, readable = median(runs["stages"], "until_vectors"), median(runs["stages"])
    processor = median(runs["stages"], "cpu_seconds")
    for name, peer in (("langchain", "LangChain"), ("langchain quick", "LangChain without restrictions")):
        if name not in runs:
            continue
        theirs = median(runs[name])
        at = f"against {peer}, {pages:,} pages"
        against = f"s against {theirs:.2f} s"
        yield Figure(f"First sync up to vectors {at}", theirs / searchable, "x", f"{searchable:.2f} {against}", least=3)
        yield Figure(f"First sync with wiki_pages {at}", theirs / readable, "x", f"{readable:.2f} {against}", least=1.5)
        used = median(runs[name], "cpu_seconds")
        basis = f"{processor:.2f} s against {used:.2f} s"
        yield Figure(f"Processor time with wiki_pages {at}", used / processor, "x", basis)


def _speeds(pages: int, runs: dict[str, list[Run]]) -> Iterator[Figure]:
    stages = runs["stages"]
    spent = ", ".join(f"{stage} {median(stages, f'{stage}_seconds'):.2f}" for stage in _STAGES)
    shown = {
        "loop": ("a bare httpx loop that only brings the bodies", "seconds", "one answer after the other"),
        "stages until": ("ours up to vectors", "until_vectors", ""),
        "stages": ("ours with wiki_pages", "seconds", f"seconds a stage: {spent}"),
        "job": ("ours with wiki_pages, as a Dagster job", "seconds", ""),
        "langchain": ("LangChain", "seconds", ""),
        "langchain quick": ("LangChain without restrictions", "seconds", ""),
    }
    for key, (name, figure, basis) in shown.items():
        if done := runs.get(key.removesuffix(" until")):
            told = basis or _started(done)
            yield Figure(f"{pages:,} pages: {name}", pages / median(done, figure), "pages/s", told, speed=True)


def _started(runs: list[Run]) -> str:
    return f"start of the process {start_seconds(runs):.1f} s more"
