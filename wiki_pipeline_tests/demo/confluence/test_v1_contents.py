"""REST v1's single contents: expansions, versions, the tree, what hangs on a page, rendered bodies."""

from __future__ import annotations

import json

import pytest

from wiki_pipeline_tests.demo.confluence.conftest import Api


def test_a_single_content_expands_more_by_itself_than_a_list(api: Api) -> None:
    page = api.server.space("ENG").page("Home")
    alone = api.json(f"/rest/api/content/{page.id}")
    assert (alone["space"]["key"], alone["version"]["number"]) == ("ENG", 1)
    assert "createdBy" in alone["history"]
    assert "space" not in api.json(f"/rest/api/content/{page.id}", expand="version")


def test_children_and_descendants_can_be_expanded(api: Api) -> None:
    page = api.server.space("ENG").page("Home")
    expand = "children.page.version,descendants.page,children.attachment"
    found = api.json(f"/rest/api/content/{page.id}", expand=expand)
    assert found["children"]["page"]["size"] == 12
    assert found["children"]["page"]["results"][0]["version"]["number"] == 1
    assert found["descendants"]["page"]["size"] == 13
    assert found["children"]["attachment"]["results"] == []
    listed = api.json(f"/rest/api/content/{page.id}/descendant/page", limit=100)
    assert [item["id"] for item in listed["results"]] == [
        item["id"] for item in found["descendants"]["page"]["results"]
    ]


def test_nothing_hangs_on_a_page_in_the_trash(api: Api) -> None:
    page = api.server.space("ENG").page("Runbook 3")
    page.trash(lift_children=False)
    for path in ("child/page", "child/attachment", "child/comment", "label", "restriction/byOperation"):
        assert api.get(f"/rest/api/content/{page.id}/{path}").status_code == 404


def test_ancestors_come_from_the_root_downwards(api: Api) -> None:
    page = api.server.space("ENG").page("Deep")
    ancestors = api.json(f"/rest/api/content/{page.id}", expand="ancestors")["ancestors"]
    assert [item["title"] for item in ancestors] == ["Home", "Runbook 3"]


def test_a_kept_answer_follows_edits_renames_and_moves_above_it(api: Api) -> None:
    space = api.server.space("ENG")
    page, parent = space.page("Deep"), space.page("Runbook 3")
    ask = {"spaceKey": "ENG", "title": "Deep", "expand": "ancestors,version,body.storage,metadata.labels"}

    def now() -> tuple[list[str], int, str, int]:
        item = api.json("/rest/api/content", **ask)["results"][0]
        above = [ancestor["title"] for ancestor in item["ancestors"]]
        return above, item["version"]["number"], item["body"]["storage"]["value"], item["metadata"]["labels"]["size"]

    assert now() == (["Home", "Runbook 3"], 1, "<p>Further down</p>", 0)
    parent.rename("Renamed")
    assert now()[0] == ["Home", "Renamed"]
    page.edit("<p>New</p>")
    page.label("fresh")
    assert now()[1:] == (2, "<p>New</p>", 1)
    parent.move(None)
    assert now()[0] == ["Renamed"]


def test_old_versions_can_be_asked_for(api: Api) -> None:
    page = api.server.space("ENG").page("Home")
    page.edit("<p>Second</p>", message="better", minor=True, author="Grace Hopper")
    old = api.json(f"/rest/api/content/{page.id}", status="historical", version=1, expand="body.storage,version")
    assert (old["status"], old["body"]["storage"]["value"]) == ("historical", "<p>Welcome</p>")
    new = api.json(f"/rest/api/content/{page.id}", expand="version,history.previousVersion")
    assert new["version"]["minorEdit"] is True
    assert new["version"]["message"] == "better"
    assert new["version"]["by"]["displayName"] == "Grace Hopper"
    assert new["history"]["previousVersion"]["number"] == 1


def test_children_behind_a_folder_are_no_child_pages(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    home = space.page("Home")
    folder = space.add("Drawer", type="folder", parent=home)
    hidden = space.add("In the drawer", parent=folder)
    children = cloud.json(f"/rest/api/content/{home.id}/child/page", limit=100)["results"]
    assert hidden.id not in {item["id"] for item in children}
    ancestors = cloud.json(f"/rest/api/content/{hidden.id}", expand="ancestors")["ancestors"]
    assert [item["type"] for item in ancestors] == ["page", "folder"]


def test_children_come_in_tree_order(api: Api) -> None:
    space = api.server.space("TREE")
    top = space.add("Top")
    for title, position in (("Zebra", 1), ("Ant", None), ("Bee", None), ("Yak", 0)):
        space.add(title, parent=top, position=position)
    children = api.json(f"/rest/api/content/{top.id}/child/page")["results"]
    assert [item["title"] for item in children] == ["Yak", "Zebra", "Ant", "Bee"]


def test_comments_and_attachments_hang_on_their_page(api: Api) -> None:
    page = api.server.space("ENG").page("Home")
    page.comment("<p>Well done</p>", author="Grace Hopper")
    page.attach("plan.txt", b"first", "text/plain")
    page.attach("plan.txt", b"second", "text/plain")
    comments = api.json(f"/rest/api/content/{page.id}/child/comment", expand="body.storage")["results"]
    assert comments[0]["body"]["storage"]["value"] == "<p>Well done</p>"
    plain = api.json(f"/rest/api/content/{page.id}/child/attachment")["results"][0]
    assert "version" in plain["_expandable"]
    answer = api.json(f"/rest/api/content/{page.id}/child/attachment", mediaType="text/plain", expand="version")
    (item,) = answer["results"]
    assert (item["extensions"]["fileSize"], item["version"]["number"]) == (6, 2)
    assert api.http.get(answer["_links"]["base"] + item["_links"]["download"]).content == b"second"
    assert api.json(f"/rest/api/content/{page.id}/child/attachment", filename="other.txt")["results"] == []


def test_restrictions_are_those_of_the_page_itself(api: Api) -> None:
    api.server.allow(name="me", secret="token", user="Ada Lovelace")
    api.http.auth = ("me", "token")
    space = api.server.space("ENG")
    space.page("Runbook 3").restrict(read=["Ada Lovelace"], read_groups=["engineers"])
    expand = "restrictions.read.restrictions.user,restrictions.read.restrictions.group"
    upper = api.json(f"/rest/api/content/{space.page('Runbook 3').id}", expand=expand)["restrictions"]["read"]
    assert [item["displayName"] for item in upper["restrictions"]["user"]["results"]] == ["Ada Lovelace"]
    assert [item["name"] for item in upper["restrictions"]["group"]["results"]] == ["engineers"]
    lower = api.json(f"/rest/api/content/{space.page('Deep').id}", expand=expand)["restrictions"]["read"]
    assert lower["restrictions"]["user"]["results"] == [], "empty: inherits, not nobody"


def test_restrictions_by_operation_expand_as_each_flavour_documents(cloud: Api, datacenter: Api) -> None:
    for api, expand in ((cloud, "restrictions.user"), (datacenter, "read.restrictions.user")):
        page = api.server.space("ENG").page("Home")
        page.restrict(update=["Grace Hopper"])
        found = api.json(f"/rest/api/content/{page.id}/restriction/byOperation", expand=expand)
        assert found["read"]["restrictions"]["user"]["results"] == []
        one = api.json(f"/rest/api/content/{page.id}/restriction/byOperation/update", expand="restrictions.user")
        assert one["restrictions"]["user"]["results"][0]["displayName"] == "Grace Hopper"
    both = datacenter.json(f"/rest/api/content/{page.id}/restriction/byOperation")
    assert both["update"]["restrictions"]["user"]["size"] == 1, "Data Center expands all by itself"


def test_restrictions_below_a_trashed_page_fail_the_whole_list(api: Api) -> None:
    space = api.server.space("ENG")
    space.page("Runbook 3").trash(lift_children=False)
    ask = {"spaceKey": "ENG", "limit": 50}
    assert api.json("/rest/api/content", **ask)["size"] == 13
    assert api.get("/rest/api/content", **ask, expand="restrictions.read.restrictions.user").status_code == 404


def test_a_page_whose_storage_fails_takes_its_list_down_but_can_be_viewed(api: Api) -> None:
    page = api.server.space("ENG").page("Runbook 5")
    page.storage_fails = True
    assert api.get("/rest/api/content", spaceKey="ENG", expand="body.storage").status_code == 500
    assert api.get(f"/rest/api/content/{page.id}", expand="body.storage").status_code == 500
    view = api.json(f"/rest/api/content/{page.id}", expand="body.view")["body"]["view"]["value"]
    assert view == "<p>Restart number 5.</p>"


def test_anonymous_authors_have_neither_name_nor_key(datacenter: Api) -> None:
    page = datacenter.server.space("ENG").add("Guest book", author="Anonymous")
    author = datacenter.json(f"/rest/api/content/{page.id}", expand="version")["version"]["by"]
    assert author["type"] == "anonymous"
    assert author.keys() == {"type", "profilePicture", "displayName"}


def test_view_renders_what_storage_holds(api: Api) -> None:
    storage = (
        '<h1>Title &amp; &nbsp;more</h1><ac:structured-macro ac:name="code"><ac:parameter ac:name="language">sql'
        "</ac:parameter><ac:plain-text-body><![CDATA[SELECT 1 > 0; <b>x</b>]]></ac:plain-text-body>"
        '</ac:structured-macro><ac:structured-macro ac:name="info"><ac:rich-text-body><p>Mind</p></ac:rich-text-body>'
        "</ac:structured-macro><ac:task-list><ac:task><ac:task-id>1</ac:task-id><ac:task-status>complete"
        "</ac:task-status><ac:task-body>Done</ac:task-body></ac:task></ac:task-list><ac:link><ri:page "
        'ri:content-title="Home"/></ac:link>'
    )
    page = api.server.space("ENG").add("Rich", storage)
    view = api.json(f"/rest/api/content/{page.id}", expand="body.view")["body"]["view"]["value"]
    assert "<h1>Title &amp; \xa0more</h1>" in view
    assert "SELECT 1 &gt; 0; &lt;b&gt;x&lt;/b&gt;</pre>" in view
    assert 'confluence-information-macro-body"><p>Mind</p>' in view
    assert '<li class="checked">Done</li>' in view
    assert "/display/ENG/Home" in view
    assert "ac:" not in view
    assert "sql</" not in view


@pytest.mark.parametrize("storage", ["<p>open", "<ac:unknown/>", "plain & simple", "<p>&bogus;</p>"])
def test_view_never_fails(api: Api, storage: str) -> None:
    page = api.server.space("ENG").add("Broken", storage)
    answer = api.get(f"/rest/api/content/{page.id}", expand="body.view,body.export_view,body.storage")
    assert json.loads(answer.text)["body"]["storage"]["value"] == storage
