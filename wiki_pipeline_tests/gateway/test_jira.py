"""Jira through the whole program: signed deliveries over real HTTP, requests, the wiki, search and its filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner

from wiki_pipeline.cli import main
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.demo.jira.site import Issue
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import serving
from wiki_pipeline_tests.gateway.test_mcp import call
from wiki_pipeline_tests.installation import ENG, install, pipeline, sync, work
from wiki_pipeline_tests.sources.git.upstream import Upstream

OPS, SECRET = SourceKey("default", "jira", "OPS"), "of Jira"


@dataclass
class World:
    """A Jira with the project OPS beside a space and a repository that name its issues, all synced, and a gateway.

    Attributes:
        told: what the gateway answered to Jira's deliveries.
        raw: the last delivery.
    """

    jira: JiraServer
    upstream: Upstream
    opened: Pipeline
    address: str
    client: httpx.Client
    told: list[httpx.Response]
    raw: list[tuple[dict[str, str], bytes]]

    def issue(self, key: str) -> Issue:
        found = self.jira.site.find(key)
        assert found is not None
        return found

    def hits(self, query: str, **filters: Any) -> set[str]:
        """Keys of the issues that a search finds."""
        answer = self.client.get("/v1/search", params={"q": query, "k": 50, "source": str(OPS), **filters})
        assert answer.status_code == 200, answer.text
        return {hit["title"].partition(" ")[0] for hit in answer.json()["hits"]}

    def page(self, issue: Issue) -> httpx.Response:
        return self.client.get(f"/wiki/{OPS.slug}/{issue.id}", follow_redirects=True)

    def mentions(self, issue: Issue) -> str:
        """What its page shows below "Mentioned by"."""
        text = self.page(issue).text
        return text.partition("Mentioned by</h2>")[2].partition("</section>")[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """See `World`. A Data Center: its comments are told without their issue."""
    home = tmp_path_factory.mktemp("jira")
    told: list[httpx.Response] = []
    raw: list[tuple[dict[str, str], bytes]] = []
    with pytest.MonkeyPatch.context() as patch, JiraServer("datacenter") as jira, ConfluenceServer("cloud") as wiki:
        site = jira.site
        site.add("OPS", "The pager is silent", "See OPS-2.", assignee="Ada Lovelace", type="Bug", labels=["night"])
        site.add("OPS", "The rota has a gap", "It follows OPS-1 and OPS-3.", assignee="Ben Ito")
        site.add("OPS", "The battery is flat", "Charge it.", status="Done")
        site.add("OPS", "The antenna is bent", "Straighten it.")
        space = wiki.space("ENG", "Engineering")
        space.add("Night watch", "<p>Known: OPS-1 and OPS-3.</p>")
        upstream = Upstream(home / "pager")
        upstream.commit({"README.md": "# Pager"}, message="OPS-1: wake it up\n\nRelates to OPS-3, in UTF-8.")
        install(
            patch,
            home,
            CONFLUENCE_URL=wiki.url,
            CONFLUENCE_SPACES=json.dumps({"ENG": []}),
            CONFLUENCE_TOKEN="any",
            JIRA_URL=jira.url,
            JIRA_TOKEN="any",
            JIRA_PROJECTS=json.dumps({"OPS": []}),
            JIRA_WEBHOOK_SECRET=SECRET,
            WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([{"url": upstream.folder.as_uri(), "name": "pager"}]),
        )
        with pipeline() as opened:
            for record in opened.catalog.sources("default"):
                sync(opened, record.key)
            sync(opened, ENG)
            with (
                serving(load(GatewaySettings, gateway_port=0)) as address,
                httpx.Client(base_url=address, timeout=30) as client,
            ):

                def deliver(headers: dict[str, str], body: bytes) -> None:
                    raw.append((headers, body))
                    told.append(client.post("/webhook/jira", headers=headers, content=body))

                jira.webhook(SECRET, deliver)
                yield World(jira, upstream, opened, address, client, told, raw)


def test_an_issue_page_lists_the_pages_and_commits_that_mention_it(world: World) -> None:
    shown = world.mentions(world.issue("OPS-1"))
    assert "Night watch" in shown
    assert "OPS-2" in shown
    assert "OPS-1: wake it up" in shown
    assert "Ada Lovelace" in shown
    assert "wake it up" in world.mentions(world.issue("OPS-3"))
    assert not world.mentions(world.issue("OPS-4"))
    # One commit more is one commit read, whatever the history; a history that is rewritten is read anew.
    world.upstream.commit({"a.md": "a"}, message="Bend it back (OPS-4)")
    (git,) = (record.key for record in world.opened.catalog.sources("default") if record.key.kind == "git")
    sync(world.opened, git)
    assert "Bend it back" in world.mentions(world.issue("OPS-4"))
    assert "wake it up" in world.mentions(world.issue("OPS-1"))
    world.upstream.git("commit", "--quiet", "--amend", "-m", "Straighten it for OPS-2")
    sync(world.opened, git)
    assert "Straighten" in world.mentions(world.issue("OPS-2"))
    assert not world.mentions(world.issue("OPS-4"))


def test_what_happens_to_an_issue_is_told_signed_and_shown(world: World) -> None:
    world.told.clear()
    new = world.jira.site.add("OPS", "The mast hums", "In the wind.")
    new.edit(summary="The mast sings")
    new.comment("Tightened the zephyrbolt.")
    assert {answer.status_code for answer in world.told} == {202}
    assert len(world.told) == 4  # the comment is told twice, once without its issue
    assert b'"issue"' not in next(body for _, body in world.raw if b"comment_created" in body)
    headers, body = world.raw[-1]
    before = len(world.opened.catalog.events.unsettled(OPS))
    assert world.client.post("/webhook/jira", headers=headers, content=body).status_code == 202
    assert len(world.opened.catalog.events.unsettled(OPS)) == before  # it had come before
    headers["X-Hub-Signature"] = "sha256=" + "0" * 64
    assert world.client.post("/webhook/jira", headers=headers, content=body).status_code == 401
    (claim,) = work(world.opened)
    assert (claim.source, list(claim.documents)) == (OPS, [new.id])
    assert new.key in world.hits("zephyrbolt", mode="text")
    assert "The mast sings" in world.page(new).text


def test_an_issue_that_is_deleted_is_gone_from_search_wiki_and_mentions(world: World) -> None:
    gone = world.issue("OPS-2")
    assert gone.key in world.mentions(world.issue("OPS-1"))
    assert gone.key in world.hits("rota gap")
    world.told.clear()
    gone.delete()
    assert [answer.status_code for answer in world.told] == [202]
    (claim,) = work(world.opened)
    assert list(claim.documents) == [gone.id]
    assert gone.key not in world.hits("rota gap")
    assert world.page(gone).status_code == 404
    assert gone.key not in world.mentions(world.issue("OPS-1"))
    assert not world.opened.catalog.events.unsettled(OPS)


def test_the_fallout_of_a_bulk_edit_is_one_run(world: World) -> None:
    issues = [world.jira.site.add("OPS", f"Bulk {number}") for number in range(3)]
    work(world.opened)
    for issue in issues:
        issue.edit(labels=["swept"])
    # Of a bulk edit Jira tells later, and tries again: with the same identifier that counts once.
    again = [
        world.client.post("/webhook/jira", headers={**headers, "X-Atlassian-Webhook-Flow": "Secondary"}, content=body)
        for headers, body in world.raw[-3:]
    ]
    assert {answer.status_code for answer in again} == {202}
    assert len(world.opened.catalog.events.unsettled(OPS)) == 3
    (claim,) = work(world.opened)
    assert sorted(claim.documents) == sorted(issue.id for issue in issues)
    assert world.hits("bulk", label="swept") == {issue.key for issue in issues}


def test_facets_restrict_every_way_of_asking(world: World) -> None:
    assert world.hits("the", facet="category=done") == {"OPS-3"}
    assert world.hits("the pager", facet=["is=open", "assignee=ada lovelace"]) == {"OPS-1"}
    assert world.hits("pager battery", facet=["type=bug", "project=OPS"]) == {"OPS-1"}
    assert world.client.get("/v1/search", params={"q": "x", "facet": "nonsense"}).status_code == 422
    found = call(world.address, "search_passages", query="pager battery", facets=["status=done"])["passages"]
    assert {each["title"] for each in found} == {"OPS-3 The battery is flat"}
    told = call(world.address, "ask", question="Is the battery flat?", facets=["status=done"])
    assert {each["title"] for each in told["references"]} <= {"OPS-3 The battery is flat"}
    body = {"question": "Is the battery flat?", "facets": ["status=done"]}
    answer = world.client.post("/v1/ask", json=body).json()
    assert "battery" in json.dumps(answer)
    assert "pager is silent" not in json.dumps(answer)
    assert world.client.post("/v1/research", json={**body, "facets": ["nonsense"]}).status_code == 422
    page = world.client.get("/search", params={"q": "pager battery", "facet": "status=Done"}).text
    assert "The battery is flat" in page
    assert "The pager is silent" not in page
    typed = world.client.get("/v1/search", params={"q": "OPS-3", "k": 3}).json()["hits"]
    assert typed[0]["title"].startswith("OPS-3")


def test_an_issue_and_a_project_can_be_asked_for_over_http(world: World) -> None:
    issue = world.jira.site.add("OPS", "The hatch leaks")
    work(world.opened)
    issue.edit(quiet=True, summary="The hatch drips")  # nobody is told, and `updated` stays
    asked = world.client.post("/v1/ingest/jira/issue", json={"key": issue.key.lower()})
    assert asked.status_code == 202, asked.text
    (claim,) = work(world.opened)
    assert list(claim.documents) == [issue.id]
    job = world.client.get(f"/v1/jobs/{asked.json()['job_id']}").json()
    assert job["status"] == "COMPLETED", job
    unknown = world.client.post("/v1/ingest/jira/issue", json={"key": "NOPE-1"})
    assert unknown.status_code in {404, 422}
    assert "JIRA_PROJECTS" in unknown.text
    reload = world.client.post("/v1/ingest/jira/reload", json={"datasource_id": asked.json()["datasource_id"]})
    assert reload.status_code == 202, reload.text
    (claim,) = work(world.opened)
    assert claim.source == OPS


def test_the_command_line_syncs_since_a_date_and_searches_by_facets(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(main, [*arguments, "--json"])
        assert result.exit_code == 0, result.output
        return orjson.loads(result.stdout)

    issue = world.issue("OPS-4")
    issue.edit(summary="The antenna is straight")
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    run("sync", "jira", "--since", since)
    rows = world.opened.store.table(Stage.RAW_PAGES, OPS).read([issue.id], ["title"]).to_pylist()
    assert rows == [{"title": "OPS-4 The antenna is straight"}]
    found = run("search", "antenna battery", "--facet", "status=done", "--source", str(OPS))
    assert {hit["title"] for hit in found} == {"OPS-3 The battery is flat"}
    outcomes = run("sync", "all")
    assert "jira" in json.dumps(outcomes)
    assert "confluence" in json.dumps(outcomes)
