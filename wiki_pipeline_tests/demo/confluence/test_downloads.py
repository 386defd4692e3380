"""Files are found by search and given as each flavour gives them."""

from __future__ import annotations

import pytest

from wiki_pipeline.demo.confluence import Space
from wiki_pipeline_tests.demo.confluence.conftest import Api


def found(api: Api, **parameters: object) -> list[tuple[str, str, int]]:
    """Name, page and version of the files that a search finds."""
    cql = 'type=attachment and space="ENG" order by created'
    answer = api.json("/rest/api/content/search", cql=cql, expand="version,container", **parameters)
    return [(item["title"], item["container"]["id"], item["version"]["number"]) for item in answer["results"]]


@pytest.fixture
def space(api: Api) -> Space:
    return api.server.space("ENG")


def test_a_search_finds_the_files_of_a_space_with_their_pages(api: Api, space: Space) -> None:
    home, deep = space.page("Home"), space.page("Deep")
    home.attach("a.png", b"1", "image/png")
    home.attach("a.png", b"2", "image/png")
    deep.attach("b.pdf", b"3", "application/pdf")
    assert found(api) == [("a.png", home.id, 2), ("b.pdf", deep.id, 1)]
    assert len(found(api, limit=1)) == 1
    home.detach("a.png")
    deep.trash()
    assert found(api) == []


def test_a_search_for_pages_finds_no_files(api: Api, space: Space) -> None:
    before = len(api.json("/rest/api/content/search", cql="type=page", limit=100)["results"])
    space.page("Home").attach("a.png", b"1", "image/png")
    assert len(api.json("/rest/api/content/search", cql="type=page", limit=100)["results"]) == before


def test_a_search_lags_behind_uploads(api: Api, space: Space) -> None:
    api.server.site.index.pause()
    space.page("Home").attach("a.png", b"1", "image/png")
    assert found(api) == []
    api.server.site.index.catch_up()
    assert len(found(api)) == 1


def test_files_of_a_page_that_the_caller_may_not_see_are_not_there(api: Api, space: Space) -> None:
    home = space.page("Home")
    item = home.attach("a.png", b"1", "image/png")
    home.restrict(read=["Grace Hopper"])
    assert found(api) == []
    assert api.get(f"/download/attachments/{home.id}/a.png").status_code == 404
    if api.server.world.cloud:
        assert api.get(f"/rest/api/content/{home.id}/child/attachment/{item.id}/download").status_code == 404


def test_cloud_s_api_sends_on_to_a_media_store_that_takes_no_credentials(cloud: Api) -> None:
    cloud.server.allow(secret="token", name="ada@example.org")
    page = cloud.server.space("ENG").page("Home")
    item = page.attach("a b.png", b"bytes", "image/png")
    path = f"/rest/api/content/{page.id}/child/attachment/{item.id}/download"
    answer = cloud.http.get(cloud.server.url + path, auth=("ada@example.org", "token"))
    assert (answer.status_code, answer.content) == (302, b"")
    address = answer.headers["location"]
    assert address.startswith(cloud.server.media_origin)
    assert cloud.http.get(address).content == b"bytes"
    assert cloud.http.get(address.partition("?")[0]).status_code == 403
    assert cloud.server.violations == []
    cloud.http.get(address, auth=("ada@example.org", "token"))
    assert "credentials of the site were sent" in cloud.server.violations[0]


def test_cloud_gives_api_tokens_nothing_at_the_old_address(cloud: Api) -> None:
    cloud.server.allow(secret="token", name="ada@example.org")
    page = cloud.server.space("ENG").page("Home")
    page.attach("a.png", b"bytes", "image/png")
    old = f"{cloud.server.url}/download/attachments/{page.id}/a.png"
    assert cloud.http.get(old, auth=("ada@example.org", "token")).status_code == 401
