"""REST v1 as both flavours speak it: lists, paging, statuses, errors, spaces, people."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import ConfluenceServer, Limits
from wiki_pipeline_tests.demo.confluence.conftest import Api


def test_a_list_names_what_it_does_not_expand(api: Api) -> None:
    page = api.json("/rest/api/content", spaceKey="ENG", limit=1)["results"][0]
    assert {"version", "history", "body", "ancestors", "space", "metadata"} <= page["_expandable"].keys()
    assert page["_expandable"]["history"] == f"/rest/api/content/{page['id']}/history"
    assert "version" not in page


def test_history_alone_does_not_bring_last_updated(api: Api) -> None:
    page_id = api.server.space("ENG").page("Home").id
    alone = api.json(f"/rest/api/content/{page_id}", expand="history")
    assert "lastUpdated" not in alone["history"]
    assert "lastUpdated" in alone["history"]["_expandable"]
    asked = api.json(f"/rest/api/content/{page_id}", expand="history.lastUpdated")
    assert asked["history"]["lastUpdated"]["number"] == 1
    assert asked["history"]["createdBy"]["displayName"] == "Ada Lovelace"


def test_ids_are_text_and_space_ids_numbers(api: Api) -> None:
    page = api.json("/rest/api/content", spaceKey="ENG", limit=1, expand="space,version")["results"][0]
    assert isinstance(page["id"], str)
    assert isinstance(page["space"]["id"], int)
    assert page["version"]["when"] == "2026-03-10T12:00:30.000Z"


def test_webui_is_joined_to_base_and_leads_to_the_page(api: Api) -> None:
    answer = api.json("/rest/api/content", spaceKey="ENG", title="Runbook 3")
    link = answer["_links"]["base"] + answer["results"][0]["_links"]["webui"]
    assert "<h1>Runbook 3</h1>" in api.http.get(link).text
    assert api.server.violations == []


def test_data_center_shows_titles_in_addresses_only_where_they_are_safe(datacenter: Api) -> None:
    space = datacenter.server.space("ENG")
    odd = space.add("What? A/B & more")
    links = {
        item["title"]: item["_links"]["webui"]
        for item in datacenter.json("/rest/api/content", spaceKey="ENG", limit=50)["results"]
    }
    assert links["Runbook 3"] == "/display/ENG/Runbook+3"
    assert links[odd.title] == f"/pages/viewpage.action?pageId={odd.id}"
    assert datacenter.get(links[odd.title]).status_code == 200


def test_data_center_may_write_times_with_an_offset(http: httpx.Client) -> None:
    with ConfluenceServer("datacenter", server_zone=ZoneInfo("Europe/Berlin")) as server:
        page = server.space("ENG").add("Home")
        version = Api(server, http).json(f"/rest/api/content/{page.id}", expand="version")["version"]
        assert version["when"].endswith(("+01:00", "+02:00"))


def test_next_lacks_the_context_path(cloud: Api, datacenter: Api) -> None:
    for api in (cloud, datacenter):
        answer = api.json("/rest/api/content", spaceKey="ENG", limit=5, type="page")
        assert answer["_links"]["next"].startswith("/rest/api/content?")
        second = api.follow(answer["_links"]["base"] + answer["_links"]["next"])
        assert second["start"] == 5
        assert {item["id"] for item in answer["results"]}.isdisjoint(item["id"] for item in second["results"])
        assert api.server.violations == []


@given(pages=st.integers(0, 30), limit=st.integers(1, 12), cap=st.integers(1, 12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_paging_brings_everything_once(pages: int, limit: int, cap: int, api: Api) -> None:
    api.server.world.limits.plain = cap
    space = api.server.space(f"S{len(api.server.site.spaces)}")
    ids = [space.add(f"Page {number}").id for number in range(pages)]
    found: list[str] = []
    answer = api.json("/rest/api/content", spaceKey=space.key, limit=limit)
    while True:
        assert answer["size"] == len(answer["results"]) <= answer["limit"] == min(limit, cap)
        found += [item["id"] for item in answer["results"]]
        if "next" not in answer["_links"]:
            break
        answer = api.follow(answer["_links"]["base"] + answer["_links"]["next"])
    assert found == ids


def test_limits_are_capped_without_a_word(datacenter: Api) -> None:
    space = datacenter.server.space("BIG")
    for number in range(210):
        space.add(f"Page {number}")
    sizes = {
        expand: datacenter.json("/rest/api/content", spaceKey="BIG", limit=5000, expand=expand)["limit"]
        for expand in (None, "version", "body.storage", "body.export_view", "body.styled_view", "version,body.view")
    }
    assert sizes == {
        None: 1000,
        "version": 200,
        "body.storage": 50,
        "body.export_view": 25,
        "body.styled_view": 25,
        "version,body.view": 50,
    }


def test_nested_lists_page_like_all_lists(http: httpx.Client) -> None:
    with ConfluenceServer("datacenter", limits=Limits(nested=2)) as server:
        page = server.space("ENG").add("Home", labels=[f"label-{number}" for number in range(5)])
        page.restrict(read=["Ada Lovelace", "Grace Hopper", "Alan Turing"])
        expand = "metadata.labels,restrictions.read.restrictions.user"
        answer = http.get(f"{server.url}/rest/api/content/{page.id}", params={"expand": expand})
        assert answer.status_code == 404, "anonymous may not see it"
        page.restrict()
        labels = http.get(f"{server.url}/rest/api/content/{page.id}", params={"expand": expand}).json()["metadata"]
        names: list[str] = []
        nested = labels["labels"]
        assert (nested["size"], nested["limit"]) == (2, 2)
        while True:
            names += [item["name"] for item in nested["results"]]
            if "next" not in nested["_links"]:
                break
            nested = http.get(server.url + nested["_links"]["next"]).json()
        assert names == [f"label-{number}" for number in range(5)]


def test_a_list_leads_back_as_well(api: Api) -> None:
    answer = api.json("/rest/api/content", spaceKey="ENG", limit=5, start=5)
    back = api.follow(answer["_links"]["base"] + answer["_links"]["prev"])
    assert (back["start"], back["size"]) == (0, 5)
    assert "prev" not in back["_links"]


def test_only_current_pages_are_listed_unless_asked(api: Api) -> None:
    space = api.server.space("ENG")
    space.page("Runbook 1").trash()
    space.page("Runbook 2").archive()
    space.add("Unfinished", status="draft")

    def titles(status: str | None) -> set[str]:
        answer = api.json("/rest/api/content", spaceKey="ENG", limit=100, status=status)
        return {item["title"] for item in answer["results"]}

    assert titles(None).isdisjoint({"Runbook 1", "Runbook 2", "Unfinished"})
    assert titles("trashed") == {"Runbook 1"}
    assert titles("archived") == {"Runbook 2"}
    assert titles("draft") == {"Unfinished"}
    assert titles("any") == titles(None) | {"Runbook 1", "Runbook 2", "Unfinished"}


def test_a_page_in_the_trash_is_not_found_unless_its_status_is_named(api: Api) -> None:
    page = api.server.space("ENG").page("Runbook 1")
    page.trash()
    path = f"/rest/api/content/{page.id}"
    assert api.get(path).status_code == 404
    assert api.json(path, status="trashed")["status"] == "trashed"
    assert api.json(path, status="any")["title"] == "Runbook 1"
    page.purge()
    assert api.get(path, status="any").status_code == 404


def test_not_found_has_confluence_s_error_body(api: Api) -> None:
    answer = api.get("/rest/api/content/404404")
    assert answer.status_code == 404
    body = answer.json()
    assert body["statusCode"] == 404
    assert body["data"]["successful"] is False
    assert "404404" in body["message"]
    assert api.get("/rest/api/content", spaceKey="NOPE").json()["message"] == "No space with key : NOPE"
    assert api.server.violations == [], "what does not exist may be asked for"


def test_spaces_and_people_are_found(cloud: Api, datacenter: Api) -> None:
    for api, parameter in ((cloud, "accountId"), (datacenter, "key")):
        space = api.json("/rest/api/space/ENG", expand="description.plain,homepage")
        assert space["description"]["plain"]["value"] == "How we build"
        assert space["homepage"]["title"] == "Home"
        assert [item["key"] for item in api.json("/rest/api/space", limit=10)["results"]] == ["ENG"]
        key = api.server.site.user("Grace Hopper").key
        assert api.json("/rest/api/user", **{parameter: key})["displayName"] == "Grace Hopper"
        assert api.get("/rest/api/user", **{parameter: "nobody"}).status_code == 404
        assert api.get("/rest/api/space/NOPE").status_code == 404
        assert api.server.violations == []


def test_cloud_refuses_a_start_beyond_its_bound(http: httpx.Client) -> None:
    with ConfluenceServer("cloud", limits=Limits(start=5)) as server:
        space = server.space("ENG")
        for number in range(8):
            space.add(f"Page {number}")
        api = Api(server, http)
        assert api.json("/rest/api/content", spaceKey="ENG", start=5)["size"] == 3
        assert api.get("/rest/api/content", spaceKey="ENG", start=6).status_code == 400
        assert api.json("/rest/api/space/ENG/content/page", start=6)["size"] == 2
