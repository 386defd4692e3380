"""Macros that list pages: what they show is what is synced, and follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import ConfluenceServer, Content, Space
from wiki_pipeline.freshness import Reason, stale_documents
from wiki_pipeline.links.page_lists import Kind, Order, PageList, page_list
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, install, pipeline, sync

OPS = SourceKey("default", "confluence", "OPS")


def macro(kind: str, **parameters: str) -> str:
    given = "".join(
        f'<ac:parameter ac:name="{name}">{escape(value)}</ac:parameter>' for name, value in parameters.items()
    )
    return f'<ac:structured-macro ac:name="{kind}">{given}</ac:structured-macro>'


def named(kind: str, title: str, **parameters: str) -> str:
    page = f'<ac:parameter ac:name="page"><ac:link><ri:page ri:content-title="{title}"/></ac:link></ac:parameter>'
    return macro(kind, **parameters).replace("</ac:structured-macro>", f"{page}</ac:structured-macro>")


def details(identifier: str = "", **properties: str) -> str:
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in properties.items())
    about = f'<ac:parameter ac:name="id">{identifier}</ac:parameter>' if identifier else ""
    body = f"<ac:rich-text-body><table><tbody>{rows}</tbody></table></ac:rich-text-body>"
    return f'<ac:structured-macro ac:name="details">{about}{body}</ac:structured-macro>'


@pytest.fixture
def spaces(confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Space, Space]:
    """The spaces ENG and OPS of one site, both configured."""
    configured = json.dumps({"ENG": [], "OPS": []})
    install(monkeypatch, tmp_path, CONFLUENCE_URL=confluence_cloud.url, CONFLUENCE_SPACES=configured)
    return confluence_cloud.space("ENG", "Engineering"), confluence_cloud.space("OPS", "Operations")


@pytest.fixture
def eng(spaces: tuple[Space, Space]) -> Space:
    return spaces[0]


@pytest.fixture
def opened(spaces: tuple[Space, Space]) -> Iterator[Pipeline]:
    spaces[1].add("Elsewhere", "<p>Of the other space.</p>", labels=["runbook"])
    with pipeline() as opened:
        yield opened


def text(opened: Pipeline, page: Content) -> str:
    """A page's Markdown, addresses of links left out."""
    found: str = opened.store.table(Stage.CLEAN_PAGES, ENG).read([page.id], ["markdown"])["markdown"].to_pylist()[0]
    return "".join(part.partition(")")[2] if at else part for at, part in enumerate(found.split("](")))


def test_children_are_listed_as_deep_as_is_asked_and_followed(opened: Pipeline, eng: Space) -> None:
    home = eng.add("Home", macro("children"))
    one = eng.add("Ships", "<p>x</p>", parent=home)
    eng.add("Cranes", "<p>x</p>", parent=home)
    deep = eng.add("Tugs", "<p>x</p>", parent=one)
    two = eng.add("Everything", named("children", "Home", all="true", sort="title"))
    three = eng.add("Two levels", named("children", "Home", depth="2", sort="title", reverse="true", first="1"))
    sync(opened)
    assert text(opened, home) == "- [Ships\n- [Cranes"
    assert text(opened, two) == "- [Cranes\n- [Ships\n  - [Tugs"
    assert text(opened, three) == "- [Ships\n  - [Tugs"
    assert "/wiki/confluence-ENG/" in html(opened, home), "the links lead to the wiki's own pages"

    deep.edit("<p>other words</p>")
    sync(opened)
    assert stale_documents(opened, ENG) == []
    deep.edit(title="Tug boats")
    report = sync(opened)
    assert text(opened, two) == "- [Cranes\n- [Ships\n  - [Tug boats"
    clean = report[Stage.CLEAN_PAGES]
    assert set(clean.dependents) == {two.id, three.id}, "of the home only its children are shown"


def html(opened: Pipeline, page: Content) -> str:
    found: str = opened.store.table(Stage.WIKI_PAGES, ENG).read([page.id], ["html"])["html"].to_pylist()[0]
    return found


def test_a_tree_of_the_space_begins_below_its_home(opened: Pipeline, eng: Space) -> None:
    home = eng.add("Home", macro("pagetree"))
    below = eng.add("Ships", macro("pagetree", root="@self"), parent=home)
    deep = eng.add("Tugs", macro("page-tree", root="Ships"), parent=below)
    other = eng.add("As editors write it", named("pagetree", "@self").replace('"page"', '"root"'), parent=home)
    eng.add("Boats", "<p>x</p>", parent=other)
    sync(opened)
    assert text(opened, home) == "- [Ships\n  - [Tugs\n- [As editors write it\n  - [Boats"
    assert text(opened, below) == text(opened, deep) == "- [Tugs"
    assert text(opened, other) == "- [Boats"


def test_excerpts_stand_below_the_pages_that_have_one(opened: Pipeline, eng: Space) -> None:
    home = eng.add("Home", macro("children", excerptType="simple"))
    marked = (
        '<ac:structured-macro ac:name="excerpt"><ac:rich-text-body><p>In short.</p></ac:rich-text-body>'
        "</ac:structured-macro><p>At length.</p>"
    )
    ships = eng.add("Ships", marked, parent=home)
    eng.add("Cranes", "<p>x</p>", parent=home)
    sync(opened)
    assert text(opened, home) == "- [Ships\n\n  In short.\n\n- [Cranes"
    ships.edit(marked.replace("In short", "In brief"))
    sync(opened)
    assert "In brief." in text(opened, home)


def test_pages_by_label_come_from_the_spaces_that_are_named(opened: Pipeline, eng: Space) -> None:
    eng.add("Pumps", "<p>x</p>", labels=["runbook", "water"])
    eng.add("Cables", "<p>x</p>", labels=["runbook"])
    here = eng.add("Here", macro("contentbylabel", cql='label = "runbook" and space = currentSpace()', sort="title"))
    both = eng.add("Both", macro("contentbylabel", labels="runbook,water", operator="AND", spaces="@self"))
    old = eng.add("Old", macro("content-by-label", labels="runbook", sort="title", max="2"))
    nowhere = eng.add("Nowhere", macro("contentbylabel", cql='label = "runbook" and space = "HR"'))
    hard = eng.add("Hard", macro("contentbylabel", cql="text ~ tides"))
    sync(opened, OPS)
    sync(opened)
    assert text(opened, here) == "- [Cables\n- [Pumps"
    assert text(opened, both) == "- [Pumps"
    assert text(opened, old) == "- [Cables\n- [Elsewhere\n\n*Of the spaces that are synced.*"
    assert text(opened, nowhere) == "*[Pages by label]*"
    assert text(opened, hard) == "*[Pages by label]*"


def test_a_label_that_comes_and_goes_is_a_changed_dependency(opened: Pipeline, eng: Space) -> None:
    top = eng.add("Top", macro("contentbylabel", labels="runbook", spaces="@self"))
    pumps = eng.add("Pumps", "<p>x</p>")
    sync(opened)
    assert text(opened, top) == "*No page.*"
    pumps.label("runbook")
    sync(opened)
    assert text(opened, top) == "- [Pumps"
    assert stale_documents(opened, ENG) == []


def test_a_page_of_another_source_that_gets_the_label_makes_the_list_stale(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    top = spaces[0].add("Top", macro("contentbylabel", labels="runbook", sort="title"))
    sync(opened)
    sync(opened, OPS)
    [stale] = stale_documents(opened, ENG)
    assert (stale.document_id, stale.reason) == (top.id, Reason.DEPENDENCY_CHANGED)
    sync(opened)
    assert text(opened, top) == "- [Elsewhere\n\n*Of the spaces that are synced.*"


def test_page_properties_become_a_table_of_a_row_a_page(opened: Pipeline, eng: Space) -> None:
    report = macro("detailssummary", cql='label = "service" and space = currentSpace()', firstcolumn="Service")
    top = eng.add("Services", report)
    chosen = eng.add(
        "Chosen", macro("detailssummary", labels="service", spaces="@self", id="facts", headings="Tier,Owner")
    )
    pumps = eng.add("Pumps", details(Owner="<p>Ada | Bo</p>", State="up"), labels=["service"])
    eng.add("Cables", details(State="<ul><li>one</li><li>two</li></ul>"), labels=["service"])
    eng.add("Tanks", details("facts", Owner="Cy", Tier="1"), labels=["service"])
    eng.add("Bare", "<p>None.</p>", labels=["service"])
    sync(opened)
    lines = text(opened, top).splitlines()
    assert lines[0] == "| Service | State | Owner |"
    assert lines[2:] == ["| [Cables | - one - two |  |", "| [Pumps | up | Ada \\| Bo |"]
    assert text(opened, chosen).splitlines()[0::2] == ["| Title | Tier | Owner |", "| [Tanks | 1 | Cy |"]
    pumps.edit(details(Owner="Dee", State="down"))
    sync(opened)
    assert "| [Pumps | down | Dee |" in text(opened, top)


def test_what_changed_last_comes_first_with_who_and_when(opened: Pipeline, eng: Space) -> None:
    top = eng.add("News", macro("recently-updated", max="2"))
    eng.add("Old", "<p>x</p>")
    pumps = eng.add("Pumps", "<p>x</p>", author="Ada Lovelace")
    pumps.edit("<p>y</p>", author="Ada Lovelace")
    sync(opened)
    lines = text(opened, top).splitlines()
    assert lines[0] == "| Page | Changed by | On |"
    assert lines[2].startswith("| [Pumps | Ada Lovelace | 20")
    assert len(lines) == 4


def test_labels_of_a_space_and_who_changed_the_pages_below(opened: Pipeline, eng: Space) -> None:
    home = eng.add("Home", macro("listlabels", excludedLabels="secret") + macro("contributors", scope="descendants"))
    eng.add("Pumps", "<p>x</p>", parent=home, labels=["water", "secret"], author="Ada Lovelace")
    sync(opened)
    assert text(opened, home) == "water\n\nLast changed by Ada Lovelace."


@given(
    kind=st.sampled_from(Kind),
    site=st.text(),
    space=st.text(),
    root=st.text(),
    depth=st.integers(0, 1000),
    cql=st.text(),
    order=st.sampled_from(Order),
    reverse=st.booleans(),
    most=st.integers(1, 1000),
    dated=st.booleans(),
)
def test_a_list_is_read_from_its_address(**given: object) -> None:
    asked = PageList(**given)  # type: ignore[arg-type]
    assert page_list(asked.address) == asked


@given(st.text())
def test_what_is_no_address_of_a_list_is_none(written: str) -> None:
    assert page_list(written) is None
    page_list(f"confluence-list:{written}")  # whatever it holds
