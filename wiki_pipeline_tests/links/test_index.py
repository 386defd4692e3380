"""Links written for upstream lead to the wiki's own pages where it has them."""

from __future__ import annotations

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.links import confluence, forges
from wiki_pipeline.links.forges import FORGES
from wiki_pipeline.links.index import LinkIndex
from wiki_pipeline.links.keys import Record
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import Link, SourceKey
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests.wiki.pages import BLOBS, CLOUD, REPOSITORY, SPACE, columns_of, file, index, space_page

GUIDE = "/wiki/confluence-ENG/98487/on-call-guide"
HOME = f"/wiki/{REPOSITORY.slug}/"


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("https://acme.atlassian.net/wiki/spaces/ENG/pages/98487/On-call+Guide", GUIDE),
        ("https://ACME.atlassian.net:443/wiki/spaces/ENG/pages/98487", GUIDE),
        ("http://acme.atlassian.net/wiki/spaces/ENG/pages/98487/Old+title?focusedCommentId=7", GUIDE),
        ("https://acme.atlassian.net/wiki/spaces/ENG/pages/edit-v2/98487", GUIDE),
        ("https://acme.atlassian.net/wiki/spaces/ENG/pages/98487/x#Who-to-call", f"{GUIDE}#Who-to-call"),
        ("https://acme.atlassian.net/wiki/pages/viewpage.action?pageId=98487", GUIDE),
        ("https://acme.atlassian.net/wiki/pages/viewpage.action?spaceKey=eng&title=on-call+guide", GUIDE),
        ("https://acme.atlassian.net/wiki/display/ENG/On-call+Guide", GUIDE),
        ("https://acme.atlassian.net/wiki/display/eng/On-call%20Guide", GUIDE),
        (
            "https://acme.atlassian.net/wiki/display/ENG/R%26D+%2B+more+%2F+100%25",
            "/wiki/confluence-ENG/300/r-d-more-100",
        ),
        ("https://acme.atlassian.net/wiki/x/t4AB", GUIDE),
        ("https://acme.atlassian.net/wiki/spaces/ENG/overview", "/wiki/confluence-ENG/"),
        ("https://acme.atlassian.net/wiki/display/ENG", "/wiki/confluence-ENG/"),
        ("https://acme.atlassian.net/wiki/spaces/OPS/pages/98487/Guide", GUIDE),  # moved here: the id counts
    ],
)
def test_a_confluence_address_leads_to_the_page(target: str, address: str) -> None:
    assert index().resolve(target, SPACE, "") == address


@pytest.mark.parametrize(
    "target",
    [
        "https://other.atlassian.net/wiki/spaces/ENG/pages/98487/Guide",  # another site
        "https://acme.atlassian.net:8443/wiki/spaces/ENG/pages/98487/Guide",
        "https://acme.atlassian.net/spaces/ENG/pages/98487/Guide",  # another context path
        "https://acme.atlassian.net/wiki/spaces/ENG/pages/424242/Unknown",
        "https://acme.atlassian.net/wiki/display/OPS/On-call+Guide",
        "https://acme.atlassian.net/wiki/x/____________",
        "ftp://acme.atlassian.net/wiki/spaces/ENG/pages/98487",
        "https://[broken/wiki/spaces/ENG/pages/98487",
        "//acme.atlassian.net/wiki/spaces/ENG/pages/98487",
        "javascript:alert(1)",
        "#On-call-Guide",
        "docs/intro.md",  # a page of a space is in no folder
        "",
    ],
)
def test_what_the_wiki_does_not_have_is_left_to_upstream(target: str) -> None:
    assert index().resolve(target, SPACE, "") is None


def test_a_data_center_address_with_a_context_path_leads_to_the_page() -> None:
    space = SourceKey("default", "confluence", "OPS")
    page = space_page("7", "Runbook", url="http://wiki.acme.org:8090/confluence/display/OPS/Runbook", space_key="OPS")
    links = LinkIndex({space: columns_of([page])})
    for target in ("display/OPS/Runbook", "pages/viewpage.action?pageId=7", "x/BwAA"):
        assert (
            links.resolve(f"http://wiki.acme.org:8090/confluence/{target}", space, "")
            == "/wiki/confluence-OPS/7/runbook"
        )


def test_a_tiny_link_as_a_real_server_made_it_leads_to_the_page() -> None:
    page = space_page("201819180", "About BigPicture", url="https://wiki.example.com/display/DOC/About+BigPicture")
    links = LinkIndex({SPACE: columns_of([page])})
    found = links.resolve("https://wiki.example.com/x/LIQHD", SPACE, "")
    assert found == "/wiki/confluence-ENG/201819180/about-bigpicture"


@pytest.mark.parametrize(
    ("target", "path", "address"),
    [
        ("intro.md", "docs/README.md", "docs/intro.md"),
        ("./intro.md#start", "docs/README.md", "docs/intro.md#start"),
        ("../README.md", "docs/intro.md", "README.md"),
        ("../../../../README.md", "docs/intro.md", "README.md"),
        ("/docs/intro.md", "docs/deep/a b.md", "docs/intro.md"),
        ("docs/intro.md", "docs/deep/a b.md", "docs/intro.md"),  # written from the root, though not so marked
        ("deep/a%20b.md", "docs/intro.md", "docs/deep/a%20b.md"),
        ("deep", "docs/intro.md", "docs/deep/"),
        ("../docs/", "src/app.py", "docs/"),
        ("..", "docs/intro.md", ""),
        ("src/app.py#L12", "README.md", "src/app.py#L12"),
    ],
)
def test_a_relative_link_leads_to_the_file_or_folder(target: str, path: str, address: str) -> None:
    assert index().resolve(target, REPOSITORY, path) == HOME + address


@pytest.mark.parametrize(
    ("target", "address"),
    [
        (BLOBS + "src/app.py#L3", "src/app.py#L3"),
        ("https://github.com/acme/rocket/blob/main/docs/deep/a%20b.md", "docs/deep/a%20b.md"),
        ("https://github.com/acme/rocket/blob/feature/new-thing/docs/intro.md?plain=1", "docs/intro.md"),
        ("https://github.com/acme/rocket/tree/main/docs", "docs/"),
        ("https://github.com/acme/rocket", ""),
        ("https://github.com/acme/rocket.git", ""),
        (f"https://github.com/acme/rocket/blob/{'b' * 40}/src/app.py", "src/app.py"),
        ("https://GitHub.com/Acme/Rocket/raw/main/src/app.py", "src/app.py"),
        ("https://raw.githubusercontent.com/acme/rocket/main/docs/intro.md", "docs/intro.md"),
        ("https://github.com/acme/rocket/tree/main", ""),
    ],
)
def test_an_address_on_the_repository_s_host_leads_to_the_file(target: str, address: str) -> None:
    assert index().resolve(target, SPACE, "") == HOME + address


def test_a_line_of_another_commit_is_left_to_the_host() -> None:
    assert index().resolve(f"https://github.com/acme/rocket/blob/{'b' * 40}/src/app.py#L3", SPACE, "") is None


def test_gitlab_and_bitbucket_addresses_lead_to_the_file() -> None:
    for base in ("https://gitlab.acme.org/a/b/-/blob/", "https://bitbucket.org/a/b/src/"):
        links = LinkIndex({REPOSITORY: columns_of([file("x/y.md", url=f"{base}{'a' * 40}/x/y.md")])})
        assert links.resolve(f"{base}main/x/y.md", SPACE, "") == f"{HOME}x/y.md"
        assert links.resolve(base.split("/-/")[0].removesuffix("/src/"), SPACE, "") == HOME


@pytest.mark.parametrize("name", FORGES)
def test_what_a_forge_writes_is_read_and_at_branches_too(name: str) -> None:
    address = Address.parse(f"https://git.acme.org/acme/tools/{'_git/rocket' if name == 'azure' else 'rocket.git'}")
    url, at_branch = (
        FORGES[name].file_page(address, reference, b"src/a b/blob/x.md") for reference in ("a" * 40, "main")
    )
    links = LinkIndex({REPOSITORY: columns_of([file("src/a b/blob/x.md", url=url)])})
    for target in (url, at_branch.replace("GCmain", "GBmain")):
        assert links.resolve(target, SPACE, "") == f"{HOME}src/a%20b/blob/x.md"
    assert links.resolve(FORGES[name].repository_page(address), SPACE, "") == HOME
    assert links.resolve(url.replace("rocket", "racket"), SPACE, "") is None


def test_keys_are_as_others_write_them_down() -> None:
    page = Record("98487", "On-call Guide", f"{CLOUD}98487/x", "", "ENG")
    assert [str(key) for key in confluence.SYSTEM.keys_of(page)] == [
        "confluence:acme.atlassian.net/wiki/:id:98487",
        "confluence:acme.atlassian.net/wiki/:title:eng:on-call guide",
        "confluence:acme.atlassian.net/wiki/:title:eng",
    ]
    found = forges.SYSTEM.keys_of(Record("docs/intro.md", "intro", f"{BLOBS}docs/intro.md", "docs/intro.md", ""))
    assert [str(key) for key in found] == ["git:github.com/acme/rocket:docs/intro.md", "git:github.com/acme/rocket"]


def test_a_page_that_is_named_by_its_id_is_never_broken_and_one_by_its_title_is_where_its_space_is_complete() -> None:
    links = LinkIndex({SPACE: columns_of([space_page("1", "Home")])}, complete=[SPACE])
    assert links.is_broken("https://acme.atlassian.net/wiki/display/ENG/Gone")
    for target in (
        "display/ENG/Home",
        "display/ENG",
        "display/OPS/Gone",
        "spaces/ENG/pages/7/Gone",
        "spaces/ENG/boards",
    ):
        assert not links.is_broken(f"https://acme.atlassian.net/wiki/{target}")


def test_targets_differ_exactly_when_a_linked_page_comes_goes_or_is_renamed() -> None:
    links = (Link("guide", "https://acme.atlassian.net/wiki/display/ENG/Guide"), Link("out", "https://example.org/"))
    pages = {
        "without": [space_page("1", "Home")],
        "with": [space_page("1", "Home"), space_page("2", "Guide")],
        "beside": [space_page("1", "Home"), space_page("2", "Guide"), space_page("3", "Other")],
    }
    seen = {name: LinkIndex({SPACE: columns_of(rows)}).targets(SPACE, "", links) for name, rows in pages.items()}
    assert seen == {
        "without": ("", ""),
        "with": ("/wiki/confluence-ENG/2/guide", ""),
        "beside": ("/wiki/confluence-ENG/2/guide", ""),
    }
    as_column = [{"text": link.text, "target": link.target} for link in links]
    assert LinkIndex({SPACE: columns_of(pages["with"])}).targets(SPACE, "", as_column) == seen["with"]


def test_a_link_that_shows_an_address_or_an_id_has_the_title_of_its_page() -> None:
    links, guide = index(), "https://acme.atlassian.net/wiki/spaces/ENG/pages/98487"
    assert links.title(guide, guide, SPACE) == links.title("98487", guide, SPACE) == "On-call Guide"
    assert links.title("100", guide, SPACE) == links.title("Guide", guide, SPACE) == ""
    assert links.title("https://example.org/", "https://example.org/", SPACE) == ""
    assert links.title(f"{BLOBS}src/app.py", f"{BLOBS}src/app.py", REPOSITORY) == ""
    page = space_page(
        "7", "Plan", markdown=f"[{guide}]({guide}) [98487]({guide}) [Guide]({guide}) [https://e.org](https://e.org)"
    )
    shown = re.findall("<a[^>]*>([^<]*)</a>", render_page(page, SPACE, links).html)
    assert shown == ["On-call Guide", "On-call Guide", "Guide", "https://e.org"]
    named = [Link(guide, guide)]
    renamed = LinkIndex({SPACE: columns_of([space_page("98487", "On-Call Guide")])})
    assert renamed.targets(SPACE, "", named) != links.targets(SPACE, "", named)


def test_a_fragment_leads_to_the_anchor_that_the_target_has_for_it() -> None:
    links = index().with_anchors({(SPACE, "98487"): str.lower, (REPOSITORY, "docs/intro.md"): str.lower})
    for known in (links, pickle.loads(pickle.dumps(links))):  # noqa: S301 - as other processes are given it
        for target in ("display/ENG/On-call+Guide", "pages/viewpage.action?pageId=98487"):
            assert known.resolve(f"https://acme.atlassian.net/wiki/{target}#Who-To", SPACE, "") == f"{GUIDE}#who-to"
        assert known.resolve("intro.md#Start", REPOSITORY, "docs/README.md") == f"{HOME}docs/intro.md#start"
        assert known.resolve(f"{BLOBS}docs/intro.md#Start", SPACE, "") == f"{HOME}docs/intro.md#start"
        assert known.resolve("src/app.py#L12", REPOSITORY, "README.md") == f"{HOME}src/app.py#L12"


@given(st.text(max_size=80), st.sampled_from(["", "docs/intro.md"]))
def test_no_target_is_too_strange(target: str, path: str) -> None:
    links = index()
    for prefix in ("", "https://github.com/acme/rocket/blob/", "https://acme.atlassian.net/wiki/"):
        found = links.resolve(prefix + target, REPOSITORY, path)
        assert found is None or found.startswith("/wiki/")
