"""Resync of a space that is known: with nothing changed, and with one line edited on one page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from wiki_pipeline.demo.confluence.control import RemoteServer
from wiki_pipeline_tests.benchmarks.confluence import (
    LEAN_LISTING,
    LISTED_AT_ONCE,
    LISTING,
    SPACE,
    environment,
    loop,
    served,
)
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import Run, highest, median, run, start_seconds, tell

PAGES = 10_000
ROUNDS = 5
LATENCY_MS = 50
_OURS = {"stages": "programs.sync_stages", "job": "programs.sync_job"}


def measure(pages: int | None = None) -> Iterator[Figure]:
    """The figures at the usual size, or at another."""
    size = pages or PAGES
    with served(size) as server, tempfile.TemporaryDirectory() as home:
        settings = environment(Path(home), server)
        run("programs.sync_stages", environment=settings)
        server.do("latency", seconds=LATENCY_MS / 1000)
        yield from _unchanged(size, _rounds_unchanged(server, settings))
        yield from _edited(size, _rounds_edited(server, settings))


def _rounds_unchanged(server: RemoteServer, settings: Mapping[str, str]) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in (*_OURS, "loop", "lean")}
    # Once for nothing: the server writes its answers, Dagster makes its database.
    loop(server, LEAN_LISTING, LISTED_AT_ONCE)
    run(_OURS["job"], environment=settings)
    for number in range(1, ROUNDS + 1):
        for name, program in _OURS.items():
            runs[name].append(run(program, environment=settings))
        runs["loop"].append(loop(server, LISTING, LISTED_AT_ONCE))
        runs["lean"].append(loop(server, LEAN_LISTING, LISTED_AT_ONCE))
        took = ", ".join(f"{name} {done[-1]['seconds']:.2f} s" for name, done in runs.items())
        tell(f"resync, nothing changed, round {number} of {ROUNDS}: {took}")
    return runs


def _rounds_edited(server: RemoteServer, settings: Mapping[str, str]) -> dict[str, list[Run]]:
    programs = {"named": _OURS["stages"], **_OURS}
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for number in range(1, ROUNDS + 1):
        for name, program in programs.items():
            page = _edit_a_line(server, f"{name} {number}")
            documents = [page] if name == "named" else []
            runs[name].append(run(program, *documents, environment=settings))
            if not runs[name][-1]["updated"]:
                raise RuntimeError("the sync did not see the edit")
        took = ", ".join(f"{name} {done[-1]['seconds']:.2f} s" for name, done in runs.items())
        tell(f"resync, one page edited, round {number} of {ROUNDS}: {took}")
    return runs


def _edit_a_line(server: RemoteServer, mark: str) -> str:
    """Edit the first paragraph of the space's last page, which has no pages below it; the page's id."""
    query = {"spaceKey": SPACE, "type": "page", "status": "current", "expand": "body.storage"}
    with httpx.Client(base_url=server.url, timeout=60) as client:
        total = server.state()["pages"][SPACE]
        answer = client.get("/rest/api/content", params={**query, "start": str(total - 1), "limit": "1"})
        page = answer.raise_for_status().json()["results"][0]
    body: str = page["body"]["storage"]["value"]
    server.do(f"pages/{page['id']}/edit", body=body.replace("</p>", f" Edited for {mark}.</p>", 1))
    return str(page["id"])


def _unchanged(pages: int, runs: dict[str, list[Run]]) -> Iterator[Figure]:
    full, lean = median(runs["loop"]), median(runs["lean"])
    for name, what in (("stages", "the stages"), ("job", "the whole Dagster job")):
        seconds = median(runs[name])
        basis = f"{seconds:.2f} s against {full:.2f} s; start of the process {start_seconds(runs[name]):.1f} s more"
        at = f"resync of {pages:,} unchanged pages"
        yield Figure(f"{at}, {what} against a bare listing", seconds / full, "x", basis, most=1.5)
        yield Figure(f"{at}, {what} against the leanest listing", seconds / lean, "x", f"against {lean:.2f} s")
        yield Figure(f"{at}, {what}: embeddings", highest(runs[name], "embedded"), "", most=0)
        yield Figure(f"{at}, {what}: commits", highest(runs[name], "commits"), "", most=0)


def _edited(pages: int, runs: dict[str, list[Run]]) -> Iterator[Figure]:
    for name, what, how in (
        ("named", "the stages, told which page", "no listing"),
        ("stages", "the stages", "found by listing all"),
        ("job", "the whole Dagster job", "found by listing all"),
    ):
        at = f"One line edited among {pages:,} pages, {what}"
        basis = f"{how}; start of the process {start_seconds(runs[name]):.1f} s more"
        yield Figure(at, median(runs[name]), "s", basis, most=2)
        yield Figure(f"{at}: embeddings", highest(runs[name], "embedded"), "", most=2)
