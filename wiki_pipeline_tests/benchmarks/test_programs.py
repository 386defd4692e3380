"""The measured programs do what the figures say of them, at a small size; how fast is not looked at."""

from __future__ import annotations

from pathlib import Path

from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.demo.jira.generated import generate_issues
from wiki_pipeline_tests.benchmarks import issues, resync
from wiki_pipeline_tests.benchmarks.confluence import LISTED_AT_ONCE, LISTING, SPACE, environment, loop, served
from wiki_pipeline_tests.benchmarks.measure import run

PAGES = 40


def test_a_first_sync_takes_all_pages_a_resync_none_and_an_edit_one(tmp_path: Path) -> None:
    with served(PAGES) as server:
        settings = environment(tmp_path, server)
        first = run("programs.sync_stages", environment=settings)
        assert first["added"] == 5 * PAGES
        assert 0 < first["until_vectors"] < first["seconds"]
        again = run("programs.sync_stages", environment=settings)
        assert (again["added"], again["updated"], again["embedded"], again["commits"]) == (0, 0, 0, 0)
        resync._edit_a_line(server, "a test")
        edited = run("programs.sync_job", environment=settings)
        assert edited["raw_pages_rows"] == PAGES
        assert edited["updated"] == 5
        assert 1 <= edited["embedded"] <= 2
        assert loop(server, LISTING, LISTED_AT_ONCE)["pages"] == PAGES == server.state()["pages"][SPACE]
        assert server.state()["violations"] == []


def test_a_first_sync_takes_all_issues_a_resync_none_and_a_comment_one(tmp_path: Path) -> None:
    with JiraServer("cloud") as server:
        generate_issues(server.site, issues.PROJECT, PAGES)
        settings = issues.environment(tmp_path, server)
        first = run("programs.sync_stages", environment=settings)
        assert first["raw_pages_rows"] == PAGES
        assert issues.loop(server, issues.BODIES, 7)["issues"] == PAGES
        figures = [*issues._unchanged(PAGES, server, settings), *issues._comment(PAGES, server, settings)]
        counted = {
            figure.name: figure.value for figure in figures if "embeddings" in figure.name or "commits" in figure.name
        }
        assert list(counted.values())[:2] == [0, 0]
        assert 1 <= counted[f"One comment among {PAGES:,} issues: embeddings"] <= 2
        assert server.violations == []
