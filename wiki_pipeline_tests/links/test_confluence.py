"""Addresses that people write and copy, and those that only look like the site's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence.v1_json import tiny
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.confluence import Site, Target, join_link, read_target, read_tiny

CLOUD = Site.parse("https://yourcompany.atlassian.net/wiki")
SERVER = Site.parse("https://docs.example.com:8443/confluence")


@pytest.mark.parametrize(
    ("written", "root"),
    [
        ("https://yourcompany.atlassian.net", "https://yourcompany.atlassian.net/wiki"),
        ("https://YourCompany.Atlassian.net/wiki/", "https://yourcompany.atlassian.net/wiki"),
        ("https://yourcompany.atlassian.net/wiki/spaces/DEV/overview", "https://yourcompany.atlassian.net/wiki"),
        ("https://api.atlassian.com/ex/confluence/1-2", "https://api.atlassian.com/ex/confluence/1-2/wiki"),
        ("https://api.atlassian.com/ex/confluence/1-2/wiki/", "https://api.atlassian.com/ex/confluence/1-2/wiki"),
        ("http://localhost:8090", "http://localhost:8090"),
        ("https://docs.example.com:443/confluence/", "https://docs.example.com/confluence"),
        ("http://[::1]:8090/a/b", "http://[::1]:8090/a/b"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        (" https://docs.example.com ", "https://docs.example.com"),
    ],
)
def test_a_site_is_known_by_its_root(written: str, root: str) -> None:
    assert Site.parse(written).root == root


@pytest.mark.parametrize(
    "written",
    [
        "docs.example.com",
        "ftp://docs.example.com",
        "https://",
        "https://me:secret@docs.example.com",
        "https://@docs.example.com",
        "https://docs.example.com?x=1",
        "https://docs.example.com/#top",
        "https://docs.example.com:99999",
        "https://docs.example.com:0",
        "https://docs..example.com",
        "https://docs.example.com\\@evil.example",
        "https://docs.exa\tmple.com",
        "https://docs%2eexample.com",
        "https://[::1",
    ],
)
def test_what_is_no_root_of_a_site_is_refused_without_repeating_secrets(written: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Site.parse(written)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("/spaces/DEV", Target("DEV")),
        ("/spaces/DEV/", Target("DEV")),
        ("/spaces/DEV/overview", Target("DEV")),
        ("/spaces/DEV/overview?homepageId=5", Target("DEV")),
        ("/spaces/~712020abc/pages", Target("~712020abc")),
        ("/spaces/%7Ejdoe", Target("~jdoe")),
        ("/spaces/viewspace.action?key=DEV", Target("DEV")),
        ("/spaces/DEV/pages/98487/Some+Title", Target("DEV", "98487")),
        ("/spaces/DEV/pages/98487", Target("DEV", "98487")),
        ("/spaces/DEV/pages/edit-v2/98487?draftShareId=x", Target("DEV", "98487")),
        ("/spaces/DEV/pages/98487/12345", Target("DEV", "98487")),
        ("/display/DEV", Target("DEV")),
        ("/display/DEV/Some+Title%3F", Target("DEV", title="Some Title?")),
        ("/display/~jdoe/Home", Target("~jdoe", title="Home")),
        ("/pages/viewpage.action?pageId=98487", Target(page_id="98487")),
        ("/pages/viewpage.action?spaceKey=DEV&title=Some+Title", Target("DEV", title="Some Title")),
        ("/x/tu32Cg", Target(page_id="183954870")),
    ],
)
@pytest.mark.parametrize("site", [CLOUD, SERVER], ids=["cloud", "server"])
def test_addresses_of_spaces_and_pages_are_understood(site: Site, address: str, target: Target) -> None:
    parts = site.below(site.root + address)
    assert parts is not None
    assert read_target(parts) == target


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/",
        "/spaces",
        "/dashboard.action",
        "/spaces/DEV/blog/2024/01/02/98487/Title",
        "/spaces/DEV/folder/98487",
        "/spaces/DEV/whiteboard/98487",
        "/spaces/D%2FV",
        "/spaces/<script>",
        "/pages/viewpage.action?pageId=1%20or%201",
        "/pages/viewpage.action",
        "/pages/createpage.action?pageId=1",
        "/x/",
        "/x/../../etc",
        "/display/DEV/2024/01/02/Post",
    ],
)
def test_other_addresses_of_the_site_are_explained(address: str) -> None:
    parts = CLOUD.below(CLOUD.root + address)
    if parts is not None:
        with pytest.raises(ConfigurationError):
            read_target(parts)


@pytest.mark.parametrize(
    "address",
    [
        "http://yourcompany.atlassian.net/wiki/spaces/DEV",
        "https://yourcompany.atlassian.net:8443/wiki/spaces/DEV",
        "https://yourcompany.atlassian.net/spaces/DEV",
        "https://yourcompany.atlassian.net/wikis/spaces/DEV",
        "https://yourcompany.atlassian.net/wiki/../admin/spaces/DEV",
        "https://yourcompany.atlassian.net/wiki/%2e%2e/spaces/DEV",
        "https://yourcompany.atlassian.net.evil.example/wiki/spaces/DEV",
        "https://evil.example/https://yourcompany.atlassian.net/wiki/spaces/DEV",
        "https://yourcompany.atlassian.net@evil.example/wiki/spaces/DEV",
        "https://evil.example#@yourcompany.atlassian.net/wiki/spaces/DEV",
        "https://me:secret@yourcompany.atlassian.net/wiki/spaces/DEV",
        "https://evil.example\\@yourcompany.atlassian.net/wiki/spaces/DEV",
        "https://yourcompany。atlassian。net.evil.example/wiki",
        "https://уourcompany.atlassian.net/wiki/spaces/DEV",  # the first letter is Cyrillic
        "https://yourcompany%2eatlassian.net/wiki/spaces/DEV",
        "//yourcompany.atlassian.net/wiki/spaces/DEV",
        "javascript:https://yourcompany.atlassian.net/wiki",
        "https://yourcompany.atlassian.net./wiki/spaces/DEV",
        "file:///etc/passwd",
        "",
        "https://[",
    ],
)
def test_addresses_that_only_look_like_the_site_s_are_not(address: str) -> None:
    assert CLOUD.below(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "HTTPS://YOURCOMPANY.ATLASSIAN.NET/wiki/spaces/DEV",
        "https://yourcompany.atlassian.net:443/wiki/spaces/DEV",
        " https://yourcompany.atlassian.net/wiki/spaces/DEV\n",
    ],
)
def test_addresses_that_mean_the_same_site_are_the_site_s(address: str) -> None:
    parts = CLOUD.below(address)
    assert parts is not None
    assert read_target(parts) == Target("DEV")


@given(address=st.text(max_size=60))
def test_no_text_at_all_breaks_the_reading_of_addresses(address: str) -> None:
    for text in (address, f"https://{address}", f"{CLOUD.root}/{address}"):
        parts = CLOUD.below(text)
        if parts is not None:
            try:
                read_target(parts)
            except ConfigurationError:
                continue


@given(number=st.integers(1, 2**63 - 1))
def test_every_short_link_leads_back_to_its_page(number: int) -> None:
    assert read_tiny(tiny(str(number))) == str(number)


@pytest.mark.parametrize(
    ("base", "link", "joined"),
    [
        ("https://x.atlassian.net/wiki", "/spaces/DEV/pages/1/T", "https://x.atlassian.net/wiki/spaces/DEV/pages/1/T"),
        ("https://docs.example.com/confluence/", "/display/DEV/T", "https://docs.example.com/confluence/display/DEV/T"),
        (
            "https://docs.example.com",
            "pages/viewpage.action?pageId=1",
            "https://docs.example.com/pages/viewpage.action?pageId=1",
        ),
        ("https://docs.example.com", "https://docs.example.com/x", "https://docs.example.com/x"),
        ("https://docs.example.com", "", "https://docs.example.com"),
    ],
)
def test_links_for_people_are_joined_to_their_base(base: str, link: str, joined: str) -> None:
    assert join_link(base, link) == joined


def test_the_site_s_part_of_ids_is_the_connector_s_before() -> None:
    assert CLOUD.datasource_prefix == "src_confluence___yourcompany_atlassian_net"
    assert SERVER.datasource_prefix == "src_confluence___docs_example_com_8443"
