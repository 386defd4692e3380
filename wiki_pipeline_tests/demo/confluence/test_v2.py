"""REST v2: cursors, default statuses, bodies, the tree, labels, files, errors."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline_tests.demo.confluence.conftest import Api


def space_id(api: Api, key: str = "ENG") -> str:
    """A space's id, asked for as clients do."""
    (space,) = api.json("/api/v2/spaces", keys=key)["results"]
    return str(space["id"])


def all_of(api: Api, path: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """A whole list, by its host-relative next links."""
    answer = api.json(path, **parameters)
    results = list(answer["results"])
    while "next" in answer["_links"]:
        answer = api.follow(api.server.origin + answer["_links"]["next"])
        results += answer["results"]
    return results


def test_next_is_host_relative_and_holds_the_context_path(cloud: Api) -> None:
    answer = cloud.get(f"/api/v2/spaces/{space_id(cloud)}/pages", limit=5)
    following = answer.json()["_links"]["next"]
    assert following.startswith(f"/wiki/api/v2/spaces/{space_id(cloud)}/pages?")
    assert f'<{following}>; rel="next"' in answer.headers["link"]
    assert len(cloud.follow(cloud.server.origin + following)["results"]) == 5
    assert cloud.server.violations == []


@given(pages=st.integers(0, 40), limit=st.integers(1, 13))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cursors_bring_everything_once(pages: int, limit: int, cloud: Api) -> None:
    space = cloud.server.space(f"S{len(cloud.server.site.spaces)}")
    ids = [space.add(f"Page {number}").id for number in range(pages)]
    found = all_of(cloud, f"/api/v2/spaces/{space.id}/pages", limit=limit, status="current")
    assert [item["id"] for item in found] == ids


@pytest.mark.parametrize("sort", [None, "id", "-id"])
def test_a_cursor_leads_behind_the_last_page_whatever_comes_and_goes(cloud: Api, sort: str | None) -> None:
    space = cloud.server.space("CURSOR")
    pages = [space.add(f"Page {number}") for number in range(9)]
    order = pages[::-1] if sort == "-id" else pages
    first = cloud.get(f"/api/v2/spaces/{space.id}/pages", limit=4, **({"sort": sort} if sort else {})).json()
    for gone in (order[0], order[3], order[6]):
        gone.trash()
    rest = cloud.follow(cloud.server.origin + first["_links"]["next"])["results"]
    assert [item["id"] for item in rest] == [page.id for page in (order[4], order[5], order[7], order[8])]


def test_archived_pages_are_listed_unless_a_status_is_named(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    space.page("Runbook 1").archive()
    space.page("Runbook 2").trash()
    path = f"/api/v2/spaces/{space.id}/pages"
    titles = {
        status: {item["title"] for item in all_of(cloud, path, limit=100, status=status)}
        for status in (None, "current", "archived", "trashed")
    }
    assert "Runbook 1" in titles[None]
    assert "Runbook 2" not in titles[None]
    assert titles["archived"] == {"Runbook 1"}
    assert titles["trashed"] == {"Runbook 2"}
    assert titles["current"] == titles[None] - {"Runbook 1"}


def test_a_page_in_the_trash_is_not_found_unless_its_status_is_named(cloud: Api) -> None:
    page = cloud.server.space("ENG").page("Runbook 1")
    page.trash()
    answer = cloud.get(f"/api/v2/pages/{page.id}")
    assert answer.status_code == 404
    assert answer.json() == {"errors": [{"status": 404, "code": "NOT_FOUND", "title": "Not Found", "detail": None}]}
    assert cloud.json(f"/api/v2/pages/{page.id}", status="trashed")["status"] == "trashed"


def test_bodies_come_only_when_a_format_is_named(cloud: Api) -> None:
    page = cloud.server.space("ENG").page("Home")
    assert cloud.json(f"/api/v2/pages/{page.id}")["body"] == {}
    for name in ("storage", "view", "export_view", "styled_view"):
        body = cloud.json(f"/api/v2/pages/{page.id}", body_format=name)["body"]
        assert body == {name: {"representation": name, "value": "<p>Welcome</p>"}}
    assert (
        "Welcome"
        in cloud.json(f"/api/v2/pages/{page.id}", body_format="atlas_doc_format")["body"]["atlas_doc_format"]["value"]
    )
    assert cloud.server.violations == []
    assert cloud.get("/api/v2/pages", body_format="view").status_code == 400, "lists have no view"


def test_pages_are_brought_by_their_ids(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    ids = [space.page("Home").id, space.page("Deep").id]
    found = cloud.json("/api/v2/pages", id=",".join([*ids, "99"]), body_format="storage", limit=250)["results"]
    assert {item["id"]: item["body"]["storage"]["value"] for item in found} == {
        ids[0]: "<p>Welcome</p>",
        ids[1]: "<p>Further down</p>",
    }
    assert [item["id"] for item in cloud.json("/api/v2/pages", id=ids)["results"]] == ids


def test_parents_are_named_with_their_type(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    home = space.page("Home")
    drawer = space.add("Drawer", type="folder", parent=home)
    page = space.add("In the drawer", parent=drawer)
    found = cloud.json(f"/api/v2/pages/{page.id}")
    assert (found["parentId"], found["parentType"], found["spaceId"]) == (drawer.id, "folder", str(space.id))
    root = cloud.json(f"/api/v2/pages/{home.id}")
    assert (root["parentId"], root["parentType"]) == (None, None)
    folder = cloud.json(f"/api/v2/folders/{drawer.id}")
    assert (folder["type"], folder["title"], folder["parentId"]) == ("folder", "Drawer", home.id)
    assert cloud.get(f"/api/v2/folders/{page.id}").status_code == 404


def test_children_descendants_and_ancestors(cloud: Api) -> None:
    space = cloud.server.space("TREE")
    top = space.add("Top")
    drawer = space.add("Drawer", type="folder", parent=top)
    inner = space.add("Inner", parent=drawer)
    board = space.add("Board", type="whiteboard", parent=top)
    page = space.add("Page", parent=top)
    children = cloud.json(f"/api/v2/pages/{top.id}/children")["results"]
    assert [item["id"] for item in children] == [page.id], "pages only"
    direct = cloud.json(f"/api/v2/pages/{top.id}/direct-children")["results"]
    assert {(item["id"], item["type"]) for item in direct} == {
        (drawer.id, "folder"),
        (board.id, "whiteboard"),
        (page.id, "page"),
    }
    below = all_of(cloud, f"/api/v2/pages/{top.id}/descendants", limit=1, depth=5)
    assert {(item["id"], item["depth"], item["parentId"]) for item in below} == {
        (drawer.id, 1, top.id),
        (inner.id, 2, drawer.id),
        (board.id, 1, top.id),
        (page.id, 1, top.id),
    }
    assert len(cloud.json(f"/api/v2/pages/{top.id}/descendants", depth=1)["results"]) == 3
    assert [item["id"] for item in cloud.json(f"/api/v2/folders/{drawer.id}/direct-children")["results"]] == [inner.id]
    above = cloud.json(f"/api/v2/pages/{inner.id}/ancestors")["results"]
    assert above == [{"id": top.id, "type": "page"}, {"id": drawer.id, "type": "folder"}]


def test_labels_of_a_page_of_a_space_and_pages_of_a_label(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    cloud.server.space("OTHER").add("Elsewhere", labels=["ops"])
    home = space.page("Home")
    assert [item["name"] for item in cloud.json(f"/api/v2/pages/{home.id}/labels")["results"]] == ["start"]
    labels = {item["name"]: item["id"] for item in all_of(cloud, f"/api/v2/spaces/{space.id}/content/labels", limit=1)}
    assert labels.keys() == {"ops", "start"}
    assert len(all_of(cloud, f"/api/v2/labels/{labels['ops']}/pages", limit=5)) == 13
    assert len(all_of(cloud, f"/api/v2/labels/{labels['ops']}/pages", space_id=space.id)) == 12
    assert cloud.json(f"/api/v2/pages/{home.id}", include_labels="true")["labels"]["results"][0]["name"] == "start"


def test_files_of_a_page_can_be_downloaded(cloud: Api) -> None:
    page = cloud.server.space("ENG").page("Home")
    page.attach("net map.png", b"\x89PNG", "image/png")
    (item,) = cloud.json(f"/api/v2/pages/{page.id}/attachments")["results"]
    assert (item["mediaType"], item["fileSize"], item["pageId"]) == ("image/png", 4, page.id)
    download = cloud.get(item["downloadLink"])
    assert (download.content, download.headers["content-type"]) == (b"\x89PNG", "image/png")
    assert cloud.json(f"/api/v2/attachments/{item['id']}")["title"] == "net map.png"


def test_people_are_looked_up_in_bulk(cloud: Api) -> None:
    ada = cloud.server.site.user("Ada Lovelace")
    answer = cloud.http.post(cloud.server.url + "/api/v2/users-bulk", json={"accountIds": [ada.key, "nobody"]})
    assert [item["displayName"] for item in answer.json()["results"]] == ["Ada Lovelace"]


def test_lists_are_sorted_as_asked(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    cloud.server.site.clock.advance(hours=1)  # type: ignore[attr-defined]
    space.page("Runbook 7").edit("<p>New</p>")
    newest = cloud.json(f"/api/v2/spaces/{space.id}/pages", sort="-modified-date", limit=1)["results"]
    assert newest[0]["title"] == "Runbook 7"
    assert newest[0]["version"]["number"] == 2
    titles = [item["title"] for item in cloud.json(f"/api/v2/spaces/{space.id}/pages", sort="title")["results"]]
    assert titles == sorted(titles, key=str.casefold)


def test_spaces_are_filtered_and_sorted(cloud: Api) -> None:
    cloud.server.site.space("ABC", "Zoo", type="personal")

    def keys(**parameters: str) -> list[str]:
        return [item["key"] for item in cloud.json("/api/v2/spaces", **parameters)["results"]]

    assert keys() == ["ENG", "ABC"]
    assert keys(sort="key") == ["ABC", "ENG"]
    assert keys(sort="-name") == ["ABC", "ENG"]
    assert keys(type="personal") == ["ABC"]
    assert keys(ids=space_id(cloud)) == ["ENG"]
    assert keys(status="archived") == []
    described = cloud.json("/api/v2/spaces", keys="ENG", description_format="plain")["results"][0]
    assert described["description"]["plain"]["value"] == "How we build"


def test_only_roots_are_listed_when_asked(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    roots = cloud.json(f"/api/v2/spaces/{space.id}/pages", depth="root")["results"]
    assert [item["title"] for item in roots] == ["Home"]


@pytest.mark.parametrize(
    "path", ["/api/v2/pages/9", "/api/v2/spaces/9", "/api/v2/spaces/9/pages", "/api/v2/labels/9/pages"]
)
def test_what_does_not_exist_is_not_found(cloud: Api, path: str) -> None:
    assert cloud.get(path).json()["errors"][0]["code"] == "NOT_FOUND"
    assert cloud.server.violations == []


def test_a_storage_body_that_fails_takes_its_list_down(cloud: Api) -> None:
    page = cloud.server.space("ENG").page("Runbook 5")
    page.storage_fails = True
    failed = cloud.get(f"/api/v2/spaces/{page.space.id}/pages", body_format="storage")
    assert failed.status_code == 500
    assert failed.json()["errors"][0]["code"] == "INTERNAL_SERVER_ERROR"
    assert cloud.json(f"/api/v2/pages/{page.id}", body_format="view")["body"]["view"]["value"]


def test_data_center_has_no_v2(datacenter: Api) -> None:
    answer = datacenter.get("/api/v2/spaces", limit=1)
    assert answer.status_code == 404
    assert "html" in answer.headers["content-type"]
    assert datacenter.server.violations == [], "a client may probe once"
