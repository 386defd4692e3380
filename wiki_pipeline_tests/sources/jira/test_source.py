"""A project as a source: listings, fetches, moves, restrictions, lags, limits; mistakes that other connectors made."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson
import pytest

from wiki_pipeline.demo import faults
from wiki_pipeline.demo.jira import JiraServer, Limits
from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError
from wiki_pipeline.model import DocumentFailure
from wiki_pipeline_tests.sources.jira.conftest import fetched, gone, listed, opened, page

T = TypeVar("T")


def run(call: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(call)


def test_a_listing_is_complete_whatever_the_server_caps(server: JiraServer) -> None:
    server.world.limits.cloud_ids = server.world.limits.search = 7
    issues = [server.site.add("OPS", f"Issue {number}") for number in range(50)]
    server.site.add("DEV", "Not ours")

    async def read() -> None:
        source = opened(server)
        assert {ref.document_id for ref in await listed(source)} == {issue.id for issue in issues}
        await source.aclose()

    run(read())


def test_a_listing_says_what_a_fetch_says(server: JiraServer) -> None:
    for number in range(3):
        server.site.add("OPS", f"Issue {number}").comment("Seen")

    async def read() -> None:
        source = opened(server)
        refs = await listed(source)
        answers = await fetched(source, [ref.document_id for ref in refs])
        assert {ref.document_id: ref.version_key for ref in refs} == {
            id_: page(answer).version_key for id_, answer in answers.items()
        }
        await source.aclose()

    run(read())


def test_facts_have_the_same_names_on_both_flavours(server: JiraServer) -> None:
    epic = server.site.add("OPS", "Fewer calls at night", type="Epic")
    issue = server.site.add(
        "OPS", "Pump, stalls", "At *night*", type="Bug", parent=epic, labels=["pump"], assignee="Grace Hopper",
        sprint="Sprint 1, first", components=["Firmware"], status="In Progress",
    )  # fmt: skip

    async def read() -> None:
        source = opened(server)
        row = page((await fetched(source, [issue.id]))[issue.id])
        assert row.title == "OPS-2 Pump, stalls"
        assert row.url == f"{server.url}/browse/OPS-2"
        assert row.parent_id == epic.id
        assert set(row.facets) >= {
            "key=OPS-2", "project=OPS", "type=Bug", "status=In Progress", "category=indeterminate",
            "assignee=Grace Hopper", "parent=OPS-1", "component=Firmware", "sprint=Sprint 1, first",
        }  # fmt: skip
        assert row.labels == ("pump",)
        await source.aclose()

    run(read())


def test_an_issue_that_moved_is_gone_here_and_keeps_its_id_and_old_key_there(server: JiraServer) -> None:
    server.site.project("DEV")
    issue = server.site.add("OPS", "Pump stalls")
    back = server.site.add("DEV", "Came back")
    back.move(server.site.project("OPS"))
    issue.move(server.site.project("DEV"))

    async def read() -> None:
        source = opened(server)
        answers = await fetched(source, [issue.id, back.id])
        assert "DEV-2" in gone(answers[issue.id])
        assert "alias=DEV-1" in page(answers[back.id]).facets
        await source.aclose()

    run(read())


def test_restricted_comments_and_secured_issues_are_left_out_unless_asked_for(server: JiraServer) -> None:
    open_ = server.site.add("OPS", "Open")
    secret = server.site.add("OPS", "Secret", security="Staff")
    open_.comment("For all")
    open_.comment("For some", visibility=("role", "Administrators"))
    open_.comment("For agents", public=False)

    async def read() -> None:
        source, other = opened(server), opened(server, restricted=True)
        assert [ref.document_id for ref in await listed(source)] == [open_.id]
        assert source.skipped == {"with a security level": 1}
        assert len(await listed(other)) == 2
        answers = await fetched(source, [open_.id, secret.id])
        assert "security" in gone(answers[secret.id])
        comments = orjson.loads(page(answers[open_.id]).body)["comments"]
        assert len(comments) == (1 if server.world.cloud else 2)  # Data Center knows no comments for agents
        assert len(orjson.loads(page((await fetched(other, [open_.id]))[open_.id]).body)["comments"]) == 3
        await source.aclose()
        await other.aclose()

    run(read())


def test_all_comments_come_where_jira_cuts_the_oldest_off(server: JiraServer) -> None:
    issue = server.site.add("OPS", "Much talk")
    for number in range(130):
        issue.comment(f"Number {number}", author="Ada Lovelace")

    async def read() -> None:
        source = opened(server)
        comments = orjson.loads(page((await fetched(source, [issue.id]))[issue.id]).body)["comments"]
        assert len(comments) == 130
        assert comments[0]["author"] == "Ada Lovelace"
        assert "Number 0" in str(comments[0]["body"])
        await source.aclose()

    run(read())


def test_worklogs_come_whole_where_they_are_wanted(server: JiraServer) -> None:
    issue = server.site.add("OPS", "Much work")
    for _ in range(30):
        issue.log_work(600)

    async def read() -> None:
        source = opened(server, worklogs=True)
        assert len(orjson.loads(page((await fetched(source, [issue.id]))[issue.id]).body)["worklogs"]) == 30
        await source.aclose()

    run(read())


def test_more_issues_than_a_bulk_fetch_takes_come_all_and_what_is_gone_says_so(server: JiraServer) -> None:
    issues = [server.site.add("OPS", f"Issue {number}") for number in range(230)]
    for issue in issues[::50]:
        issue.delete()

    async def read() -> None:
        source = opened(server)
        answers = await fetched(source, [issue.id for issue in issues])
        assert len(answers) == 230
        assert sum("deleted" in getattr(answer, "reason", "") for answer in answers.values()) == 5
        await source.aclose()

    run(read())


def test_an_issue_that_breaks_its_batch_is_alone_in_failing() -> None:
    with JiraServer("cloud") as server:
        issues = [server.site.add("OPS", f"Issue {number}", "x" * 200) for number in range(20)]
        issues[7].edit(description="y" * 300_000)

        async def read() -> None:
            source = opened(server, max_response_bytes=150_000)
            answers = await fetched(source, [issue.id for issue in issues])
            failed = [id_ for id_, answer in answers.items() if isinstance(answer, DocumentFailure)]
            assert failed == [issues[7].id]
            await source.aclose()

        run(read())


def test_the_window_is_exact_in_any_time_zone() -> None:
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles"):
        with JiraServer("cloud", zone=ZoneInfo(zone)) as server:
            now = datetime.now(UTC)
            old = server.site.add("OPS", "Old", created=now - timedelta(hours=3))
            new = server.site.add("OPS", "New")

            async def read(server: JiraServer = server, now: datetime = now) -> list[str]:
                source = opened(server)
                try:
                    return list(await source.changed_since(now - timedelta(minutes=1)))
                finally:
                    await source.aclose()

            assert run(read()) == [new.id], old


def test_a_poll_finds_edits_once_and_again_when_the_index_was_late() -> None:
    with JiraServer("cloud") as server:
        late = server.site.add("OPS", "Valve leaks", created=datetime.now(UTC) - timedelta(hours=2))
        issue = server.site.add("OPS", "Pump stalls")

        async def read() -> None:
            source = opened(server)
            first = await source.poll("")
            assert first.whole
            await listed(source)
            cursor = source.cursor
            assert list((await source.poll(cursor)).documents) == [issue.id]  # within the overlap, once
            after = await source.poll((await source.poll(cursor)).cursor)
            assert list(after.documents) == []
            server.site.pause_index()
            late.edit(summary="Valve leaks at night")
            held = await source.poll(after.cursor)
            assert list(held.documents) == []
            server.site.catch_up()
            assert list((await source.poll(held.cursor)).documents) == [late.id]
            await source.aclose()

        run(read())


def test_a_query_narrows_the_project_and_its_order_by_is_cut(server: JiraServer) -> None:
    ours = server.site.add("OPS", 'The "order by" of things', components=["Firmware"])
    other = server.site.add("OPS", "Other")

    async def read() -> None:
        source = opened(server, 'component = Firmware OR summary ~ "order by nothing" ORDER BY rank')
        assert [ref.document_id for ref in await listed(source)] == [ours.id]
        answers = await fetched(source, [ours.id, other.id])
        assert page(answers[ours.id])
        assert "query" in gone(answers[other.id])
        await source.aclose()

    run(read())


def test_a_project_that_can_t_be_seen_is_no_empty_one(server: JiraServer) -> None:
    issue = server.site.add("OPS", "Pump stalls")
    server.site.project("OPS").hidden = True

    async def read() -> None:
        source = opened(server)
        with pytest.raises(SourceNotFoundError):
            await listed(source)
        with pytest.raises(SourceNotFoundError):
            await fetched(source, [issue.id])
        await source.aclose()

    run(read())


def test_a_token_that_may_not_list_projects_still_syncs_one() -> None:
    with JiraServer("cloud") as server:
        server.site.add("OPS", "Pump stalls")
        server.world.list_projects = False
        server.fault("*/project/OPS*", faults.status(403, '{"errorMessages":["no"]}'), times=None)

        async def read() -> None:
            source = opened(server)
            assert (await source.describe()).title == "OPS"
            assert len(await listed(source)) == 1
            await source.aclose()

        run(read())


@pytest.mark.parametrize(("name", "username"), [("me@example.org", "me@example.org"), ("", "me@example.org")])
def test_a_scoped_token_goes_to_the_gateway_with_the_name_or_alone(name: str, username: str) -> None:
    with JiraServer("cloud") as server:
        issue = server.site.add("OPS", "Pump stalls")
        server.allow(secret="t", name=name, scoped=True)

        async def read() -> None:
            source = opened(server, username=username, gateway=server.origin)
            row = page((await fetched(source, [issue.id]))[issue.id])
            assert row.url == f"{server.url}/browse/OPS-1"  # people stay on the site
            assert len(await listed(source)) == 1
            await source.aclose()

        run(read())


def test_wrong_credentials_say_so() -> None:
    with JiraServer("cloud") as server:
        server.allow(secret="right", name="me@example.org")

        async def read() -> None:
            source = opened(server, username="me@example.org", gateway=server.origin)
            with pytest.raises(AccessDeniedError, match="JIRA_TOKEN"):
                await listed(source)
            await source.aclose()

        run(read())


def test_both_kinds_of_429_are_waited_for(server: JiraServer) -> None:
    server.site.add("OPS", "Pump stalls")
    server.fault("*/search*", faults.rate_limited(2))
    server.fault("*/search*", faults.rate_limited(), after=1)

    async def read() -> None:
        source = opened(server)
        assert len(await listed(source)) == 1
        await source.aclose()

    run(read())


def test_a_token_that_comes_again_ends_no_listing_in_silence() -> None:
    with JiraServer("cloud", limits=Limits(cloud_ids=5)) as server:
        for number in range(12):
            server.site.add("OPS", f"Issue {number}")

        def again(answer: Any) -> None:
            data = orjson.loads(answer.body)
            data["nextPageToken"], data["isLast"] = "W10=", False
            answer.body = orjson.dumps(data)

        server.fault("*/search/jql*", faults.Effect(spoil=again), times=None)
        server.app.violations.clear()

        async def read() -> None:
            source = opened(server)
            with pytest.raises(Exception, match=r"again|never gave"):
                await listed(source)
            await source.aclose()

        run(read())


def test_an_archived_project_says_so() -> None:
    with JiraServer("datacenter") as server:
        server.site.add("OPS", "Pump stalls")
        server.site.project("OPS").archived = True

        async def read() -> None:
            source = opened(server)
            with pytest.raises(SourceNotFoundError, match="archived"):
                await source.describe()
            await source.aclose()

        run(read())


def test_files_are_listed_and_brought_without_sending_credentials_on(server: JiraServer) -> None:
    issue = server.site.add("OPS", "Pump stalls")
    issue.attach("pump & valve.png", b"\x89PNG")
    server.site.add("OPS", "Bare")

    async def read() -> None:
        source = opened(server, media_hosts=(server.media_origin,))
        refs = [ref async for portion in source.list_attachments() for ref in portion]
        named = [ref async for portion in source.list_attachments([issue.id]) for ref in portion]
        assert refs == named
        found = [answer async for answer in source.download(refs, 1_000)]  # type: ignore[arg-type]
        assert [answer.data for answer in found] == [b"\x89PNG"]  # type: ignore[union-attr]
        await source.aclose()

    run(read())
