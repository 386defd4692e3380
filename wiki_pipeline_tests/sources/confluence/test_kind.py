"""From settings and addresses to sources, and which API a source takes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, faults
from wiki_pipeline.errors import (
    AccessDeniedError,
    ConfigurationError,
    SourceError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.confluence import KIND
from wiki_pipeline_tests.sources.confluence.conftest import Open, Site
from wiki_pipeline_tests.sources.confluence.scripted import Reply, scripted

URL = "https://yourcompany.atlassian.net/wiki"
DEV = SourceKey("default", "confluence", "DEV")


def test_confluence_is_found_among_the_kinds() -> None:
    assert kinds()["confluence"] is KIND


def test_each_configured_space_is_a_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", URL)
    monkeypatch.setenv("CONFLUENCE_TOKEN", "s3cr3t")
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"DEV": [], "~jdoe": [{"page_id": "1", "get_child_pages": true}]}')
    sources = KIND.configured("default")
    assert {str(key): json.loads(config) for key, config in sources.items()} == {
        "default:confluence:DEV": {"url": URL, "space": "DEV", "pages": []},
        "default:confluence:~jdoe": {
            "url": URL,
            "space": "~jdoe",
            "pages": [{"page_id": "1", "get_child_pages": True}],
        },
    }
    assert "s3cr3t" not in str(sources)


def test_spaces_without_a_site_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"DEV": []}')
    with pytest.raises(ConfigurationError, match="CONFLUENCE_URL"):
        KIND.configured("default")


def test_without_settings_nothing_is_configured() -> None:
    assert KIND.configured("default") == {}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, "src_confluence___yourcompany_atlassian_net__DEV"),
        ("https://my-wiki.example.com/confluence", "src_confluence___my_wiki_example_com__DEV"),
    ],
)
def test_the_datasource_id_is_the_connector_s_before(url: str, expected: str) -> None:
    assert KIND.datasource_id(DEV, json.dumps({"url": url, "space": "DEV", "pages": []})) == expected


def test_credentials_go_to_the_configured_site_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", URL)
    other = json.dumps({"url": "https://evil.example", "space": "DEV", "pages": []})
    with pytest.raises(ConfigurationError, match=r"evil\.example"):
        KIND.open(DEV, other, tmp_path)
    source = KIND.open(DEV, json.dumps({"url": f"{URL}/", "space": "DEV", "pages": []}), tmp_path)
    assert source.key == DEV
    asyncio.run(source.aclose())


def test_a_source_without_settings_can_t_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CONFLUENCE_URL"):
        KIND.open(DEV, json.dumps({"url": URL, "space": "DEV", "pages": []}), tmp_path)


# --- addresses ---------------------------------------------------------------------------------------------------


def test_addresses_of_spaces_and_pages_become_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", URL)
    monkeypatch.setenv("WIKI_PIPELINE_TENANT", "t")
    space, page = (
        KIND.from_address("t", f"{URL}/spaces/DEV/overview"),
        KIND.from_address("t", f"{URL}/spaces/DEV/pages/7/X"),
    )
    assert space is not None
    assert page is not None
    assert (str(space[0]), json.loads(space[1])["pages"]) == ("t:confluence:DEV", [])
    assert (str(page[0]), json.loads(page[1])["pages"]) == (
        "t:confluence:DEV",
        [{"page_id": "7", "get_child_pages": False}],
    )


def test_other_addresses_are_left_to_other_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in (None, URL):
        if url:
            monkeypatch.setenv("CONFLUENCE_URL", url)
        for address in ("https://github.com/org/repo", "/srv/git/repo", "git@github.com:org/repo.git", "https://[", ""):
            assert KIND.from_address("default", address) is None


@pytest.mark.parametrize(
    "address", ["https://other.atlassian.net/wiki/spaces/DEV", f"{URL}/spaces/DEV/blog/1", f"{URL}/"]
)
def test_addresses_that_can_t_be_used_are_explained(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", URL)
    with pytest.raises(ConfigurationError):
        KIND.from_address("default", address)


def test_people_s_addresses_are_known_where_the_api_gateway_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", "https://api.atlassian.com/ex/confluence/1-2")
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_SITE_URL", URL)
    found = KIND.from_address("default", f"{URL}/spaces/DEV/pages/7/X")
    assert found is not None
    assert json.loads(found[1])["url"] == "https://api.atlassian.com/ex/confluence/1-2/wiki"


def test_pages_named_by_id_or_title_alone_are_looked_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page = site.space.add("A + B: 100%")
    monkeypatch.setenv("CONFLUENCE_URL", site.server.url)
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_API", site.api)
    for address in (
        f"/pages/viewpage.action?pageId={page.id}",
        "/display/ENG/A+%2B+B%3A+100%25",
        "/pages/viewpage.action?spaceKey=ENG&title=A+%2B+B%3A+100%25",
    ):
        found = KIND.from_address("default", site.server.url + address)
        assert found is not None
        assert str(found[0]) == "default:confluence:ENG"
        assert json.loads(found[1])["pages"] == [{"page_id": page.id, "get_child_pages": False}]
    for address in ("/pages/viewpage.action?pageId=999999999", "/display/ENG/Nothing", "/display/NONE/Nothing"):
        with pytest.raises(SourceNotFoundError):
            KIND.from_address("default", site.server.url + address)


def test_looking_up_works_within_an_event_loop_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    page = site.space.add("Page")
    monkeypatch.setenv("CONFLUENCE_URL", site.server.url)

    async def look_up() -> object:
        return KIND.from_address("default", f"{site.server.url}/pages/viewpage.action?pageId={page.id}")

    assert asyncio.run(look_up()) is not None


# --- which API, and who may ask ----------------------------------------------------------------------------------


def test_a_source_says_what_it_is_and_which_api_it_takes(site: Site) -> None:
    description = site.open().describe()
    assert description.title == "Engineering"
    assert description.details == (("Space", "ENG"), ("API", site.api))
    assert description.url.startswith(site.server.url)
    assert description.url.endswith("/ENG")


@pytest.mark.parametrize(("flavour", "api"), [("cloud", "v2"), ("datacenter", "v1")])
def test_the_api_is_found_out_once(open_source: Open, flavour: str, api: str) -> None:
    with ConfluenceServer(flavour) as server:  # type: ignore[arg-type]
        server.space("ENG", "Engineering").add("Page")
        source = open_source(server.url)
        assert ("API", api) in source.describe().details
        probes = len(server.requests)
        source.list()
        assert probes <= 2
        assert not [request for request in server.requests[probes:] if request.path.endswith("/spaces")]
        assert server.violations == []


def test_oauth_tokens_for_which_v1_is_gone_read_by_v2(confluence_cloud: ConfluenceServer, open_source: Open) -> None:
    page = confluence_cloud.space("ENG").add("Page")
    # Of v1 search and restrictions stay.
    confluence_cloud.fault("*/rest/api/space/*", faults.status(410, '{"message": "Gone"}'), times=None)
    source = open_source(confluence_cloud.url)
    assert source.list().keys() == {page.id}
    with pytest.raises(SourceError, match="410"):
        open_source(confluence_cloud.url, api="v1").list()


def test_a_site_in_trouble_is_not_taken_for_one_without_v2(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    confluence_cloud.space("ENG")
    confluence_cloud.fault("*/api/v2/*", faults.status(503), times=None)
    with pytest.raises(SourceUnreachableError, match="503"):
        open_source(confluence_cloud.url).describe()
    assert not [request for request in confluence_cloud.requests if "/rest/api/" in request.path]


@pytest.mark.parametrize("settings", [{"username": "me@example.org", "token": "wrong"}, {"token": "wrong"}, {}])
def test_wrong_credentials_are_told(site: Site, settings: dict[str, str]) -> None:
    site.server.allow(name="me@example.org", secret="right")
    for api in (site.api, "auto"):
        with pytest.raises(AccessDeniedError, match="401") as caught:
            site._open(site.server.url, api=api, **settings).describe()
        assert "CONFLUENCE_TOKEN" in caught.value.advice


def test_right_credentials_are_taken(site: Site) -> None:
    site.server.allow(name="me@example.org", secret="right")
    site.server.allow(secret="personal-access-token")
    assert site.open(username="me@example.org", token="right").describe()
    assert site.open(token="personal-access-token").describe()


def test_an_unknown_space_is_told_by_its_key(site: Site) -> None:
    for read in (lambda: site.open("NONE").describe(), lambda: site.open("NONE").list()):
        with pytest.raises(SourceNotFoundError, match="no space NONE"):
            read()


def test_an_unknown_space_of_a_site_with_v2_is_not_asked_for_again(
    confluence_cloud: ConfluenceServer, open_source: Open
) -> None:
    with pytest.raises(SourceNotFoundError):
        open_source(confluence_cloud.url, "NONE").describe()
    assert len(confluence_cloud.requests) == 1


def test_an_address_without_its_context_path_is_told(open_source: Open) -> None:
    with ConfluenceServer("datacenter", context="/confluence") as server:
        server.space("ENG")
        with pytest.raises(SourceUnreachableError, match="context path"):
            open_source(server.origin).describe()


def test_a_login_page_instead_of_the_api_is_told(site: Site) -> None:
    site.server.fault("*", faults.login_page(), times=None)
    with pytest.raises(SourceUnreachableError, match="login page"):
        site.open().describe()


def test_something_else_than_confluence_is_told(open_source: Open) -> None:
    with (
        scripted(lambda *_: Reply(200, {"hello": "world"})) as server,
        pytest.raises(SourceError, match="no list of results"),
    ):
        open_source(server.url).list()
