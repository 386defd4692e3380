"""Mistakes that other connectors of Jira made; those that no other test of this room looks for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
import pytest

from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.settings import load
from wiki_pipeline.sources.jira.issue import Fields, Reader
from wiki_pipeline.sources.jira.settings import JiraSettings
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline_tests.sources.jira.conftest import fetched, listed, opened, page

T = TypeVar("T")


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def test_an_issue_beyond_100_kib_comes_whole(server: JiraServer) -> None:
    words = " ".join(f"word{number}" for number in range(30_000))
    issue = server.site.add("OPS", "A long log", words)

    async def read() -> None:
        source = opened(server)
        text = clean_page(page((await fetched(source, [issue.id]))[issue.id])).markdown
        assert len(text) > 200_000
        assert "word29999" in text
        await source.aclose()

    run(read())


@pytest.mark.parametrize("empty", [None, "missing"])
def test_an_issue_without_any_of_its_fields_is_a_page(empty: str | None) -> None:
    names: tuple[str, ...] = ("issuetype", "status", "priority", "resolution", "project", "labels", "components")
    names += ("fixVersions", "assignee", "reporter", "parent", "subtasks", "issuelinks", "attachment", "comment")
    names += ("versions", "created", "updated", "summary", "description", "customfield_10020")
    fields = {} if empty else dict.fromkeys(names)
    reader = Reader(load(JiraSettings), Fields("customfield_10020", "", {}), "https://acme.example.org", 1_000_000, {})
    row = page(reader.row({"id": "7", "key": "OPS-7", "fields": fields}, None, None))
    assert row.title == "OPS-7"
    assert row.space_key == "OPS"
    assert clean_page(row).title == "OPS-7"
    # Without a moment it is fetched each time, rather than never again.
    assert row.version_key.startswith("unknown")


def test_worklogs_and_custom_fields_are_there_after_every_sync(server: JiraServer) -> None:
    server.site.custom_field("customfield_20311", "Team", "com.example:team")
    issue = server.site.add("OPS", "Much work")
    server.site.custom["customfield_20311"] = {issue.id: "Night watch"}
    issue.log_work(600)

    async def read() -> tuple[list[Any], str]:
        source = opened(server, worklogs=True, fields="Team")
        await listed(source)
        row = page((await fetched(source, [issue.id]))[issue.id])
        await source.aclose()
        return orjson.loads(row.body)["worklogs"], clean_page(row).markdown

    logs, text = run(read())
    assert len(logs) == 1
    assert "Night watch" in text
    assert "customfield" not in text
    issue.log_work(1200)
    logs, text = run(read())
    assert len(logs) == 2
    assert "Night watch" in text


def test_no_listing_is_without_an_order_or_bounded_from_above_and_no_fetch_takes_all_fields(
    server: JiraServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issues = [server.site.add("OPS", f"Issue {number}") for number in range(3)]

    async def read() -> list[tuple[str, list[str]]]:
        source = opened(server)
        asked: list[tuple[str, list[str]]] = []
        search = source._site.search

        async def noted(jql: str, fields: Any, *more: Any, **options: Any) -> Any:
            asked.append((jql, list(fields)))
            return await search(jql, fields, *more, **options)

        monkeypatch.setattr(source._site, "search", noted)
        await listed(source)
        await source.changed_since(datetime.now(UTC))
        await fetched(source, [issue.id for issue in issues])
        await source.aclose()
        return asked

    asked = run(read())
    # What names its ids is one answer, and needs no order.
    listings = [jql for jql, _ in asked if not jql.startswith("id in")]
    assert len(listings) >= 2
    assert all("ORDER BY created ASC, key ASC" in jql or "ORDER BY updated DESC" in jql for jql in listings)
    assert not any("updated <" in jql for jql in listings)
    assert not any(name.startswith("*") for _, fields in asked for name in fields)


def test_an_issue_that_is_edited_while_it_is_listed_costs_no_other_its_place(
    server: JiraServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.world.limits.cloud_ids = server.world.limits.search = 5
    issues = [server.site.add("OPS", f"Issue {number}") for number in range(20)]

    async def read() -> set[str]:
        source = opened(server, max_concurrency=1)
        search = source._site.search

        async def edited(*arguments: Any, **options: Any) -> Any:
            found = await search(*arguments, **options)
            issues[0].edit(summary="Edited")
            return found

        monkeypatch.setattr(source._site, "search", edited)
        found = {ref.document_id for ref in await listed(source)}
        await source.aclose()
        return found

    assert run(read()) == {issue.id for issue in issues}
