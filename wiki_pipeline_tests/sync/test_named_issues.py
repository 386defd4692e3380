"""Pages that name issues: what makes them stale, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline.catalog.mentions import DOCUMENT
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.freshness import Reason, StaleDocument, follow, stale_documents
from wiki_pipeline.links.jira import issue_meant
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.store import StageTable
from wiki_pipeline.sync import mentions
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync, work

OPS = SourceKey("default", "jira", "OPS")
MACRO = '<ac:structured-macro ac:name="jira"><ac:parameter ac:name="{}">{}</ac:parameter></ac:structured-macro>'


@pytest.fixture
def jira() -> Iterator[JiraServer]:
    """A Jira with the project OPS of two issues."""
    with JiraServer("cloud") as started:
        project = started.site.project("OPS", "Operations")
        started.site.add(project, "The pager is silent")
        started.site.add(project, "The rota has a gap")
        yield started


@pytest.fixture
def opened(
    jira: JiraServer, confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """A synced space whose pages name an issue in their text, by a macro, in a list, by a link, or none."""
    install_for_space(monkeypatch, tmp_path, confluence_cloud.url)
    space = confluence_cloud.space("ENG", "Engineering")
    space.add("Key", "<p>We wait for OPS-1, in UTF-8.</p>")
    space.add("Macro", f"<p>We wait for {MACRO.format('key', 'OPS-1')}.</p>")
    space.add("List", f"<p>Open: {MACRO.format('jqlQuery', 'project = OPS AND status != Done')}</p>")
    space.add("Link", f'<p>We wait for <a href="{jira.url}/browse/OPS-1">{jira.url}/browse/OPS-1</a>.</p>')
    space.add("Other", "<p>The file is in UTF-8, as RFC-3629 has it.</p>")
    with pipeline() as opened:
        sync(opened, ENG)
        monkeypatch.setenv("JIRA_URL", jira.url)
        monkeypatch.setenv("JIRA_TOKEN", "any")
        monkeypatch.setenv("JIRA_PROJECTS", json.dumps({"OPS": []}))
        yield opened


def stale(opened: Pipeline) -> dict[str, StaleDocument]:
    """The space's stale pages by title."""
    return {document.title: document for document in stale_documents(opened, ENG)}


def test_a_project_that_is_added_makes_those_pages_stale_that_name_its_issues_and_no_others(opened: Pipeline) -> None:
    assert not stale(opened)
    opened.add_configured_sources()
    behind = stale(opened)
    assert behind.keys() == {"Key", "Macro", "List", "Link"}
    assert {page.reason for page in behind.values()} == {Reason.DEPENDENCY_CHANGED}
    assert "OPS" in behind["Key"].detail
    assert behind["Key"].since == opened.catalog.source(OPS).added_at  # type: ignore[union-attr]
    sync(opened, OPS)
    follow(opened, list(stale(opened).values()), OPS)
    work(opened)
    assert not stale(opened)
    report = sync(opened, ENG)
    assert report[Stage.CLEAN_PAGES].commits == report[Stage.WIKI_PAGES].commits == 0
    opened.catalog.remove_source(OPS)
    assert stale(opened).keys() == {"Key", "Macro", "List", "Link"}


def test_an_issue_that_changes_makes_pages_stale_that_show_it_until_the_next_sync(
    opened: Pipeline, jira: JiraServer
) -> None:
    opened.add_configured_sources()
    for source in (OPS, ENG):
        sync(opened, source)
    assert not stale(opened)
    issue = jira.site.find("OPS-1")
    assert issue is not None
    issue.transition("Done")
    sync(opened, OPS)
    behind = stale(opened)
    assert behind.keys() == {"Key", "Macro", "List", "Link"}
    assert {page.reason for page in behind.values()} == {Reason.DEPENDENCY_CHANGED}
    assert "The pager is silent" in behind["Key"].detail
    assert behind["Key"].since is not None
    assert follow(opened, list(behind.values()), OPS) == 4
    work(opened)
    assert not stale(opened)
    pages = opened.store.table(Stage.WIKI_PAGES, ENG).read(columns=["title", "html"]).to_pylist()
    assert all("Done" in page["html"] for page in pages if page["title"] in {"Key", "Macro", "Link"})
    # Of what the pages say themselves nothing changed.
    assert sync(opened, ENG)[Stage.VECTORS].embedded == 0


def mentioning(opened: Pipeline, jira: JiraServer, key: str) -> set[str]:
    """Titles of the space's pages that the index knows to mention an issue."""
    name = str(issue_meant(f"{jira.url}/browse/{key}"))
    rows = opened.store.table(Stage.RAW_PAGES, ENG).read(columns=["document_id", "title"]).to_pylist()
    titles = {row["document_id"]: row["title"] for row in rows}
    return {titles[each.holder] for each in opened.catalog.mentions.of([ENG], DOCUMENT, [name], 50)}


def test_the_index_of_mentions_follows_what_changes(
    opened: Pipeline, jira: JiraServer, confluence_cloud: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.add_configured_sources()
    for source in (OPS, ENG):
        sync(opened, source)
    assert mentioning(opened, jira, "OPS-1") == {"Key", "Macro", "List", "Link"}
    assert mentioning(opened, jira, "OPS-2") == {"List"}

    def refused(*_: object) -> None:
        raise AssertionError("all links were read for one page that changed")

    space = confluence_cloud.site.spaces["ENG"]
    pages = {page.title: page for page in space.contents.values()}
    pages["Key"].edit("<p>We wait for OPS-2.</p>")
    with monkeypatch.context() as patch:
        patch.setattr(mentions, "_COLUMNS", ["links", "document_id"])  # to tell them from what other stages read
        patch.setattr(StageTable, "batches", _only(StageTable.batches, refused))
        sync(opened, ENG, [pages["Key"].id])
    assert mentioning(opened, jira, "OPS-1") == {"Macro", "List", "Link"}
    assert mentioning(opened, jira, "OPS-2") == {"Key", "List"}
    pages["Link"].trash()
    sync(opened, ENG)
    assert mentioning(opened, jira, "OPS-1") == {"Macro", "List"}
    # An index that lacks what a killed sync committed is made anew.
    opened.catalog.mentions.record(ENG, DOCUMENT, [], "", None)
    sync(opened, ENG)
    assert mentioning(opened, jira, "OPS-1") == {"Macro", "List"}


def _only(batches: Callable[..., Any], refused: Callable[..., None]) -> Callable[..., Any]:
    def read(table: StageTable, columns: list[str] | None = None) -> Any:
        return refused() if columns == ["links", "document_id"] else batches(table, columns)

    return read
