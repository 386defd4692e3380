"""Conversion of issues in memory, on one core: those of a made-up project, and the demo's, which hold every node.

Usage: `python -m ...issues ISSUES`; prints the seconds of each and how many there were.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC

from wiki_pipeline.demo.jira.documents import Writer
from wiki_pipeline.demo.jira.generated import generate_issues
from wiki_pipeline.demo.jira.project import load_project
from wiki_pipeline.demo.jira.site import Site
from wiki_pipeline.model import RawPage
from wiki_pipeline.settings import load
from wiki_pipeline.sources.jira.issue import Fields, Reader
from wiki_pipeline.sources.jira.settings import JiraSettings
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline_tests.benchmarks.measure import Clock

_ADDRESS = "https://acme.atlassian.net"
_WARM = 50


def main(issues: int) -> None:
    """Convert each kind, after a few for nothing (imports, compiled patterns)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    made = _pages(lambda site: generate_issues(site, "BIG", issues))
    demo = _pages(load_project)
    demo = (demo * (issues // len(demo) + 1))[:issues]
    for page in [*made[:_WARM], *demo[:_WARM]]:
        clean_page(page)
    clock = Clock()
    for page in made:
        clean_page(page)
    generated = clock.seconds
    for page in demo:
        clean_page(page)
    clock.stop(
        generated=generated,
        demo=clock.seconds - generated,
        bytes=sum(len(page.body) for page in made) / issues,
        demo_bytes=sum(len(page.body) for page in demo) / issues,
    )


def _pages(fill: Callable[[Site], object]) -> list[RawPage]:
    site = Site()
    fill(site)
    writer = Writer(site, _ADDRESS, "3", adf=True, cloud=True, zone=UTC)
    reader = Reader(load(JiraSettings), Fields("", "", {}), _ADDRESS, 10_000_000, {})
    rows = (reader.row(writer.issue(issue, {"*all"}, set()), None, None) for issue in site.issues.values())
    return [row for row in rows if isinstance(row, RawPage)]


if __name__ == "__main__":
    main(int(sys.argv[1]))
