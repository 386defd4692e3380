"""A client that this project did not write (atlassian-python-api) reads Cloud and Data Center without a violation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from atlassian import Confluence
from atlassian.confluence.cloud.cloud import ConfluenceCloud
from atlassian.errors import ApiError, ApiValueError
from requests import HTTPError

from wiki_pipeline.demo import faults
from wiki_pipeline_tests.demo.confluence.conftest import Api


def client(api: Api, **credentials: str) -> Any:
    """The client of v1."""
    made: Any = Confluence  # it has no types
    return made(url=api.server.url, cloud=False, **credentials)


@pytest.fixture
def server_client(datacenter: Api) -> Iterator[Any]:
    """The client for Data Center with a personal access token."""
    datacenter.server.allow(secret="pat")
    yield client(datacenter, token="pat")
    assert datacenter.server.violations == []


@pytest.fixture
def cloud_client(cloud: Api) -> Iterator[Any]:
    """The client for Cloud's v2 with an API token."""
    cloud.server.allow(name="me@example.org", secret="token")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it warns of its own v1 methods
        yield ConfluenceCloud(url=cloud.server.url, username="me@example.org", password="token", api_version=2)
    assert cloud.server.violations == []


def test_data_center_s_pages_are_listed_in_pieces(server_client: Any) -> None:
    expand = "body.storage,version,ancestors,history.lastUpdated,metadata.labels,space"
    pages = list(server_client.get_all_pages_from_space_as_generator("ENG", limit=5, expand=expand))
    assert len({page["id"] for page in pages}) == 14
    deep = next(page for page in pages if page["title"] == "Deep")
    assert deep["body"]["storage"]["value"] == "<p>Further down</p>"
    assert [item["title"] for item in deep["ancestors"]] == ["Home", "Runbook 3"]
    assert deep["history"]["lastUpdated"]["by"]["displayName"] == "Grace Hopper"
    assert deep["space"]["key"] == "ENG"


def test_data_center_s_pages_are_read_one_by_one(server_client: Any, datacenter: Api) -> None:
    page = datacenter.server.space("ENG").page("Runbook 3")
    assert server_client.get_page_id("ENG", "Runbook 3") == page.id
    assert server_client.get_page_by_id(page.id, expand="body.view")["body"]["view"]["value"]
    assert server_client.get_page_space(page.id) == "ENG"
    assert [item["name"] for item in server_client.get_page_labels(page.id)["results"]] == ["ops"]
    assert server_client.get_parent_content_title(page.id) == "Home"
    assert [item["title"] for item in server_client.get_page_child_by_type(page.id, limit=10)] == ["Deep"]
    assert server_client.get_all_restrictions_for_content(page.id)["read"]["restrictions"]["user"]["size"] == 0
    with pytest.raises(ApiError):
        server_client.get_page_by_id("99")


def test_data_center_s_search_is_paged(server_client: Any) -> None:
    assert len(server_client.cql_all('space = "ENG" and label = "ops"', limit=5)) == 12


def test_data_center_refuses_what_is_no_cql(datacenter: Api) -> None:
    with pytest.raises(ApiValueError):
        client(datacenter).cql("status = current")


def test_data_center_s_files_are_downloaded(server_client: Any, datacenter: Api) -> None:
    page = datacenter.server.space("ENG").page("Home")
    page.attach("a b.txt", b"text", "text/plain")
    files = server_client.download_attachments_from_page(page.id, to_memory=True)
    assert {name: data.getvalue() for name, data in files.items()} == {"a b.txt": b"text"}


def test_data_center_s_spaces_and_people(server_client: Any, datacenter: Api) -> None:
    assert [space["key"] for space in server_client.get_all_spaces(limit=10)["results"]] == ["ENG"]
    assert server_client.get_space("ENG", expand="description.plain,homepage")["homepage"]["title"] == "Home"
    assert server_client.get_home_page_of_space("ENG")
    key = datacenter.server.site.user("Grace Hopper").key
    assert server_client.get_user_details_by_userkey(key)["displayName"] == "Grace Hopper"


def test_cloud_s_pages_are_listed_by_cursor(cloud_client: Any, cloud: Api) -> None:
    space = cloud_client.get_space_by_key("ENG")
    assert space["name"] == "Engineering"
    pages = cloud_client.get_pages(space_id=space["id"], limit=5, body_format="storage", get_body=True)
    assert len({page["id"] for page in pages}) == 14
    assert {"<p>Welcome</p>", "<p>Further down</p>"} <= {page["body"]["storage"]["value"] for page in pages}
    assert len([item for item in cloud.server.requests if item.path.endswith("/pages")]) == 3


def test_cloud_s_pages_are_read_one_by_one(cloud_client: Any, cloud: Api) -> None:
    page = cloud.server.space("ENG").page("Runbook 3")
    found = cloud_client.get_page_by_id(page.id, body_format="storage")
    assert (found["title"], found["parentType"]) == ("Runbook 3", "page")
    assert [item["name"] for item in cloud_client.get_page_labels(page.id)] == ["ops"]
    folder = cloud.server.space("ENG").add("Drawer", type="folder")
    assert cloud_client.get_folder(folder.id)["title"] == "Drawer"
    with pytest.raises(HTTPError):
        cloud_client.get_page_by_id("99", body_format="storage")


def test_cloud_s_v1_is_read_below_its_context_path(cloud: Api) -> None:
    cloud.server.allow(name="me", secret="token")
    reader = client(cloud, username="me", password="token")
    pages = list(reader.get_all_pages_from_space_as_generator("ENG", limit=5))
    assert len({page["id"] for page in pages}) == 14
    answer, found = reader.cql("space = ENG", limit=5), []
    while True:
        found += [item["content"]["id"] for item in answer["results"]]
        if "next" not in answer["_links"]:
            break
        answer = reader.get(answer["_links"]["next"].lstrip("/"))  # below the client's address, which holds /wiki
    assert len(set(found)) == len(found) == 14
    assert cloud.server.violations == []


def test_wrong_credentials_are_told(datacenter: Api) -> None:
    datacenter.server.allow(secret="pat")
    with pytest.raises(HTTPError, match="401"):
        client(datacenter, token="wrong").get_all_spaces()


def test_faults_reach_the_client(server_client: Any, datacenter: Api) -> None:
    datacenter.server.fault("*/content?*", faults.status(502), after=1)
    with pytest.raises(HTTPError):
        list(server_client.get_all_pages_from_space_as_generator("ENG", limit=5))
    datacenter.server.fault("*/content?*", faults.capped(4), times=None)
    pages = list(server_client.get_all_pages_from_space_as_generator("ENG", limit=5))
    assert len(pages) == 4, "this client takes a short page for the last one"
