"""A Jira project: first sync against a bare loop and against LlamaIndex's reader, resync, one comment, conversion."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.demo.jira.generated import generate_issues
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import PEERS, ROOT, Run, highest, median, run, start_seconds, tell

PROJECT = "BIG"
ISSUES = 10_000
ROUNDS = 3
CONVERTED = 2_000
LATENCY_MS = 50  # of each answer to a resync
# What a sync asks a listing for, and how much at a time; and the least that brings an issue's text.
LISTING, LISTED_AT_ONCE = "updated,security", 1_000
BODIES, BODIES_AT_ONCE = "summary,description,status,assignee,reporter,labels,comment,updated", 100
_OURS = "programs.sync_stages"


def measure(issues: int | None = None) -> Iterator[Figure]:
    """The figures at the usual size, or at another."""
    size = issues or ISSUES
    yield from _conversion()
    with JiraServer("datacenter") as server:
        generate_issues(server.site, PROJECT, size)
        yield from _peer(size, server)
    with JiraServer("cloud") as server, tempfile.TemporaryDirectory() as home:
        generate_issues(server.site, PROJECT, size)
        settings = environment(Path(home), server)
        yield from _first(size, server, settings)
        yield from _unchanged(size, server, settings)
        yield from _comment(size, server, settings)


def environment(home: Path, server: JiraServer) -> Mapping[str, str]:
    """The settings of a sync of that server into that folder; all else is as it comes."""
    (home / "dagster").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home / "dagster")
    return {
        "WIKI_PIPELINE_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
        "JIRA_URL": server.url,
        "JIRA_TOKEN": "any",
        # As an address below atlassian.net says.
        "WIKI_PIPELINE_JIRA_FLAVOUR": "cloud" if server.world.cloud else "datacenter",
        "JIRA_PROJECTS": json.dumps({PROJECT: []}),
    }


def loop(server: JiraServer, fields: str, limit: int) -> Run:
    """The bare httpx loop over the project."""
    return run("peers.jira_loop", server.url, PROJECT, limit, fields)


def _conversion() -> Iterator[Figure]:
    runs = [run("programs.issues", CONVERTED) for _ in range(ROUNDS)]
    for name, size, what in (("generated", "bytes", "made up"), ("demo", "demo_bytes", "the demo's")):
        speed = CONVERTED / median(runs, name)
        basis = f"{CONVERTED:,} issues of {median(runs, size):,.0f} bytes on average"
        yield Figure(f"One core, conversion of issues, {what}", speed, "issues/s", basis, least=2_000)


def _peer(issues: int, server: JiraServer) -> Iterator[Figure]:
    """Ours and the reader on Data Center, whose old search that knows; one round each: it takes long."""
    with tempfile.TemporaryDirectory() as home:
        ours = run(_OURS, environment=environment(Path(home), server))
    theirs = run("peers.jira_stack", server.url, PROJECT, issues, python=PEERS)
    tell(f"first sync of {issues:,} issues: ours {ours['seconds']:.1f} s, LlamaIndex {theirs['seconds']:.1f} s")
    at = f"against LlamaIndex's reader, {issues:,} issues"
    against = f"s against {theirs['seconds']:.2f} s"
    searchable = ours["until_vectors"]
    yield Figure(
        f"First sync up to vectors {at}", theirs["seconds"] / searchable, "x", f"{searchable:.2f} {against}", least=1.5
    )
    used, needed = theirs["cpu_seconds"], ours["cpu_seconds"]
    basis = f"{needed:.2f} s, with comments, against {used:.2f} s, without"
    yield Figure(f"Processor time with wiki_pages {at}", used / needed, "x", basis)
    yield Figure(
        f"First sync with wiki_pages {at}", theirs["seconds"] / ours["seconds"], "x", f"{ours['seconds']:.2f} {against}"
    )


def _first(issues: int, server: JiraServer, settings: Mapping[str, str]) -> Iterator[Figure]:
    loop(server, BODIES, BODIES_AT_ONCE)  # once for nothing
    bare = loop(server, BODIES, BODIES_AT_ONCE)
    ours = run(_OURS, environment=settings)
    if ours["failed"] or ours["deleted"]:
        raise RuntimeError(f"this was no first sync: {dict(ours.figures)}")
    tell(f"first sync of {issues:,} issues: loop {bare['seconds']:.1f} s, ours {ours['seconds']:.1f} s")
    basis = f"{ours['cpu_seconds']:.2f} s"
    yield Figure(f"First sync of {issues:,} issues: processor time", ours["cpu_seconds"], "s", basis)
    for name, what in (("raw_pages_seconds", "raw_pages"), ("until_vectors", "up to vectors"), ("seconds", "all")):
        basis = f"{ours[name]:.2f} s against {bare['seconds']:.2f} s"
        yield Figure(
            f"First sync of {issues:,} issues, {what}, against a bare loop", ours[name] / bare["seconds"], "x", basis
        )
    yield Figure(f"{issues:,} issues: ours with wiki_pages", issues / ours["seconds"], "issues/s", speed=True)
    yield Figure(f"{issues:,} issues: a bare httpx loop", issues / bare["seconds"], "issues/s", speed=True)


def _unchanged(issues: int, server: JiraServer, settings: Mapping[str, str]) -> Iterator[Figure]:
    run(_OURS, environment=settings)
    server.app.latency = LATENCY_MS / 1000
    runs: dict[str, list[Run]] = {"ours": [], "loop": []}
    for number in range(1, ROUNDS + 1):
        runs["ours"].append(run(_OURS, environment=settings))
        runs["loop"].append(loop(server, LISTING, LISTED_AT_ONCE))
        took = ", ".join(f"{name} {done[-1]['seconds']:.2f} s" for name, done in runs.items())
        tell(f"resync of {issues:,} issues, nothing changed, round {number} of {ROUNDS}: {took}")
    server.app.latency = 0.0
    seconds, bare = median(runs["ours"]), median(runs["loop"])
    at = f"Resync of {issues:,} unchanged issues"
    basis = f"{seconds:.2f} s against {bare:.2f} s; start of the process {start_seconds(runs['ours']):.1f} s more"
    yield Figure(f"{at} against a bare listing", seconds / bare, "x", basis, most=1.2)
    yield Figure(f"{at}: embeddings", highest(runs["ours"], "embedded"), "", most=0)
    yield Figure(f"{at}: commits", highest(runs["ours"], "commits"), "", most=0)


def _comment(issues: int, server: JiraServer, settings: Mapping[str, str]) -> Iterator[Figure]:
    runs = []
    for number in range(ROUNDS):
        issue = next(each for each in server.site.issues.values() if each.number == issues - number)
        issue.comment(f"Seen again, for the {number}th time, near the harbour.")
        runs.append(run(_OURS, *([issue.id] if number else []), environment=settings))
        if not runs[-1]["updated"]:
            raise RuntimeError("the sync did not see the comment")
    at = f"One comment among {issues:,} issues"
    yield Figure(at, median(runs[1:]), "s", "the stages, told which issue", most=2)
    yield Figure(f"{at}: embeddings", highest(runs, "embedded"), "", "found by listing all, and told which", most=2)
