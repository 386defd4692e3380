"""CQL: what is found, when, and in which pieces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import ConfluenceServer, cql
from wiki_pipeline.demo.confluence.site import Site
from wiki_pipeline_tests.demo.confluence.conftest import Api, Clock


def found(api: Api, query: str, **parameters: Any) -> list[str]:
    """Titles found, first piece."""
    return [item["title"] for item in api.json("/rest/api/content/search", cql=query, **parameters)["results"]]


@pytest.fixture
def site() -> Site:
    """A site with pages of three days."""
    site = Site(clock=Clock())
    eng, ops = site.space("ENG"), site.space("OPS")
    top = eng.add("Top", when=datetime(2026, 3, 1, 10, 15, 30, tzinfo=UTC), labels=["a"])
    eng.add("Below", parent=top, when=datetime(2026, 3, 2, 23, 59, 59, tzinfo=UTC), labels=["a", "b"])
    ops.add("Apart", when=datetime(2026, 3, 3, 0, 0, 1, tzinfo=UTC))
    ops.add("News", type="blogpost", when=datetime(2026, 3, 3, 8, tzinfo=UTC))
    return site


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("space = ENG", ["Top", "Below"]),
        ('space = "eng" and type = page', ["Top", "Below"]),
        ("space in (ENG, OPS) and type=page", ["Top", "Below", "Apart"]),
        ("space != ENG", ["Apart", "News"]),
        ("type in (page, blogpost) and space not in (ENG)", ["Apart", "News"]),
        ("label = a", ["Top", "Below"]),
        ("label in (b, c)", ["Below"]),
        ("label != b and type = page", ["Top", "Apart"]),
        ('title = "Top"', ["Top"]),
        ("title ~ elo", ["Below"]),
        ("space = ENG or title = Apart", ["Top", "Below", "Apart"]),
        ("space = ENG AND (label = b OR title = Nope)", ["Below"]),
        ("not space = ENG and type = page", ["Apart"]),
        ("space = ENG order by created desc", ["Below", "Top"]),
        ("type = page order by space desc, title", ["Apart", "Below", "Top"]),
        ('lastmodified >= "2026-03-02"', ["Below", "Apart", "News"]),
        ('lastmodified > "2026/03/02 23:58"', ["Below", "Apart", "News"]),
        ('lastmodified < "2026-03-01 10:15"', []),
        ('lastmodified <= "2026-03-01 10:15"', ["Top"]),
        ('created = "2026-03-03 08:00"', ["News"]),
        ('lastmodified >= now("-8d")', ["Below", "Apart", "News"]),
        ('lastmodified >= now("-7d") and type = page', []),
    ],
)
def test_a_query_finds(site: Site, query: str, titles: list[str]) -> None:
    ids = cql.parse(query, UTC, site.now()).run(site.index.entries())
    assert [site.contents[content_id].title for content_id in ids] == titles


def test_ids_parents_and_ancestors_are_found(site: Site) -> None:
    eng = site.space("ENG")
    top, below = eng.page("Top"), eng.page("Below")

    def ids(query: str) -> list[str]:
        return cql.parse(query, UTC, site.now()).run(site.index.entries())

    assert ids(f"id in ({top.id}, {below.id})") == [top.id, below.id]
    assert ids(f"id = {below.id}") == [below.id]
    assert ids(f"ancestor = {top.id}") == ids(f"parent = {top.id}") == [below.id]


NO_CQL = [
    "",
    "space",
    "space =",
    "space = ENG and",
    "status = current",
    "space > ENG",
    "lastmodified >= yesterday",
    "(space=ENG",
    "space = ENG title = x",
    'lastmodified ~ "2026-01-01"',
    'title = "open',
    "space = ENG order title",
]


@pytest.mark.parametrize("query", NO_CQL)
def test_what_is_no_cql_is_refused(query: str) -> None:
    with pytest.raises(cql.CqlError):
        cql.parse(query, UTC, datetime.now(UTC))


WORDS = ["space", "id", "title", "=", "!=", ">=", "~", "in", "not", "(", ")", ",", "and", "or", "order", "by", "desc"]
WORDS += ['"2026-01-01 10:00"', "ENG", "1", "lastmodified", "now", "'", '"', "\\"]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    try:
        query = cql.parse(text, UTC, datetime(2026, 1, 1, tzinfo=UTC))
    except cql.CqlError:
        return
    assert query.run([]) == []


def test_a_later_second_of_the_same_minute_is_not_after_it(site: Site) -> None:
    """Trap: `lastmodified > minute` loses what was edited within that minute."""

    def titles(query: str) -> list[str]:
        ids = cql.parse(query, UTC, site.now()).run(site.index.entries())
        return [site.contents[content_id].title for content_id in ids]

    assert "Top" not in titles('lastmodified > "2026-03-01 10:15"')
    assert "Top" in titles('lastmodified >= "2026-03-01 10:15"')


@pytest.mark.parametrize(
    ("zone", "literal"), [("America/New_York", "2026-03-10 08:00"), ("Asia/Tokyo", "2026-03-10 21:00")]
)
def test_dates_are_read_in_the_user_s_time_zone(http: httpx.Client, clock: Clock, zone: str, literal: str) -> None:
    with ConfluenceServer("datacenter", clock=clock, user_zone=ZoneInfo(zone)) as server:
        server.space("ENG").add("Edited at noon UTC")
        api = Api(server, http)
        assert found(api, f'lastmodified >= "{literal}"') == ["Edited at noon UTC"]
        later = (datetime.fromisoformat(literal) + timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M")
        assert found(api, f'lastmodified >= "{later}"') == []


def test_cloud_pages_by_cursor_and_ignores_start(cloud: Api) -> None:
    first = cloud.json("/rest/api/content/search", cql="space = ENG", limit=5)
    second = cloud.follow(first["_links"]["base"] + first["_links"]["next"])
    assert second["start"] == 5
    assert first["results"][0]["id"] != second["results"][0]["id"]
    assert cloud.server.violations == []
    by_start = cloud.json("/rest/api/content/search", cql="space = ENG", limit=5, start=5)
    assert by_start["results"] == first["results"], "start is ignored"
    assert "ignores start" in cloud.server.violations[0]


def test_data_center_pages_by_start(datacenter: Api) -> None:
    titles: list[str] = []
    for start in (0, 6, 12):
        titles += found(datacenter, "space = ENG", limit=6, start=start)
    assert len(set(titles)) == 14
    assert datacenter.json("/rest/api/content/search", cql="space=ENG", limit=6)["totalSize"] == 14
    assert datacenter.server.violations == []


def test_bodies_and_rendered_bodies_cap_a_search(datacenter: Api) -> None:
    space = datacenter.server.space("BIG")
    for number in range(40):
        space.add(f"Page {number}")
    assert len(found(datacenter, "space = BIG", limit=200)) == 40
    assert len(found(datacenter, "space = BIG", limit=200, expand="body.export_view")) == 25


def test_the_index_lags_behind_edits(http: httpx.Client, clock: Clock) -> None:
    with ConfluenceServer("cloud", clock=clock, index_lag=timedelta(seconds=90)) as server:
        page = server.space("ENG").add("Old title")
        api = Api(server, http)
        assert found(api, "space = ENG") == []
        clock.advance(seconds=90)
        assert found(api, "space = ENG") == ["Old title"]
        page.rename("New title")
        assert found(api, 'title = "New title"') == []
        assert found(api, 'title = "Old title"') == ["New title"], "found as it was, shown as it is"
        server.site.index.catch_up()
        assert found(api, 'title = "New title"') == ["New title"]


def test_what_was_trashed_since_makes_a_short_page(cloud: Api) -> None:
    cloud.server.site.index.pause()
    cloud.server.space("ENG").page("Runbook 0").trash()
    answer = cloud.json("/rest/api/content/search", cql="space = ENG and title ~ runbook", limit=5)
    assert answer["size"] == 4
    assert "next" in answer["_links"], "a short page is not the last page"


def test_only_current_pages_are_found(api: Api) -> None:
    space = api.server.space("ENG")
    space.page("Runbook 1").archive()
    space.page("Runbook 2").trash()
    assert set(found(api, 'title in ("Runbook 1", "Runbook 2", "Runbook 3")')) == {"Runbook 3"}
    space.page("Runbook 1").restore()
    assert set(found(api, 'title in ("Runbook 1", "Runbook 2", "Runbook 3")')) == {"Runbook 1", "Runbook 3"}


def test_search_wraps_what_it_finds(api: Api) -> None:
    answer = api.json("/rest/api/search", cql="space = ENG and title = Deep", expand="content.version")
    (result,) = answer["results"]
    assert result["content"]["version"]["number"] == 1
    assert (result["title"], result["entityType"], result["excerpt"]) == ("Deep", "content", "Further down")
    assert answer["totalSize"] == 1
