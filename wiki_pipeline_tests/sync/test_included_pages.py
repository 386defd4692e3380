"""Pages that show other pages: they follow them, whichever of the two is synced, and never in vain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Content, Space, load_folder
from wiki_pipeline.freshness import Reason, follow, left_behind, stale_documents
from wiki_pipeline.model import LostWords, SourceKey, Stage
from wiki_pipeline.sync.dependents import dependents_behind
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.sources import forget
from wiki_pipeline_tests.installation import ENG, install, install_for_space, pipeline, sync, work

OPS = SourceKey("default", "confluence", "OPS")


def include(title: str, space: str = "", macro: str = "include", **parameters: str) -> str:
    """A macro that includes a page, or an excerpt of one."""
    key = f' ri:space-key="{space}"' if space else ""
    link = f'<ac:link><ri:page{key} ri:content-title="{title}"/></ac:link>'
    more = "".join(f'<ac:parameter ac:name="{name}">{value}</ac:parameter>' for name, value in parameters.items())
    nameless = f'<ac:parameter ac:name="">{link}</ac:parameter>'
    return f'<ac:structured-macro ac:name="{macro}">{nameless}{more}</ac:structured-macro>'


def excerpt(text: str, **parameters: str) -> str:
    more = "".join(f'<ac:parameter ac:name="{name}">{value}</ac:parameter>' for name, value in parameters.items())
    body = f"<ac:rich-text-body><p>{text}</p></ac:rich-text-body>"
    return f'<ac:structured-macro ac:name="excerpt">{more}{body}</ac:structured-macro>'


@pytest.fixture
def spaces(confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Space, Space]:
    """The spaces ENG and OPS of one site, both configured."""
    configured = json.dumps({"ENG": [], "OPS": []})
    install(monkeypatch, tmp_path, CONFLUENCE_URL=confluence_cloud.url, CONFLUENCE_SPACES=configured)
    return confluence_cloud.space("ENG", "Engineering"), confluence_cloud.space("OPS", "Operations")


@pytest.fixture
def eng(spaces: tuple[Space, Space]) -> Space:
    spaces[1].add("Elsewhere", "<p>Of the other space.</p>")
    return spaces[0]


@pytest.fixture
def opened(spaces: tuple[Space, Space]) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


def text(opened: Pipeline, page: Content, source: SourceKey = ENG) -> str:
    """A page's Markdown as the wiki has it."""
    found: list[str] = (
        opened.store.table(Stage.WIKI_PAGES, source).read([page.id], ["markdown"])["markdown"].to_pylist()
    )
    return found[0]


def notes(opened: Pipeline, page: Content) -> list[str]:
    found: list[list[str]] = opened.store.table(Stage.CLEAN_PAGES, ENG).read([page.id], ["notes"])["notes"].to_pylist()
    return found[0]


def test_a_page_holds_the_text_of_the_page_that_it_includes_with_that_pages_own_links(
    opened: Pipeline, eng: Space
) -> None:
    eng.add("Rota", '<h2>Who</h2><p>Ada. <ac:link ac:anchor="Who"/> <a href="sub">More</a></p>')
    top = eng.add("Runbook", f"<h2>Steps</h2><p>One.</p>{include('Rota')}<h2>After</h2>")
    sync(opened)
    shown = text(opened, top)
    assert shown.index("## Steps") < shown.index("## Who")
    assert shown.index("Ada. [Who](#who)") < shown.index("## After")
    page = opened.store.table(Stage.CLEAN_PAGES, ENG).read([top.id]).to_pylist()[0]
    assert [heading["text"] for heading in page["headings"]] == ["Steps", "Who", "After"]
    [dependency] = page["dependencies"]
    assert (dependency["title"], dependency["source"], dependency["via"]) == ("Rota", str(ENG), top.id)
    assert dependency["document_id"] == eng.page("Rota").id


def test_an_edit_reaches_every_page_that_includes_the_page_in_the_same_sync(opened: Pipeline, eng: Space) -> None:
    bottom = eng.add("Bottom", "<p>Old words.</p>")
    middle = eng.add("Middle", include("Bottom"))
    top = eng.add("Top", include("Middle"))
    eng.add("Other", "<p>On its own.</p>")
    sync(opened)
    bottom.edit("<p>New words.</p>")
    reports = sync(opened, documents=[bottom.id])
    assert "New words." in text(opened, top)
    assert "Old words." not in text(opened, top) + text(opened, middle)
    clean = reports[Stage.CLEAN_PAGES]
    assert (clean.updated, clean.dependency_changed) == (3, 2)
    assert set(clean.dependents) == {middle.id, top.id}
    assert {report.commits for report in sync(opened).values()} == {0}


def test_what_does_not_show_in_the_text_makes_no_page_again(opened: Pipeline, eng: Space) -> None:
    bottom = eng.add("Bottom", "<p>Words.</p>")
    eng.add("Top", include("Bottom"))
    sync(opened)
    bottom.label("urgent")
    clean = sync(opened)[Stage.CLEAN_PAGES]
    assert (clean.updated, clean.dependency_changed) == (1, 0)


def test_a_page_that_is_not_there_is_marked_until_it_comes(opened: Pipeline, eng: Space) -> None:
    top = eng.add("Top", include("Bottom"))
    sync(opened)
    assert "is not among the pages that are synced" in text(opened, top)
    assert notes(opened, top) == ["The included page “Bottom” is not among the pages that are synced."]
    bottom = eng.add("Bottom", "<p>Here now.</p>")
    assert sync(opened)[Stage.CLEAN_PAGES].dependency_changed == 1
    assert "Here now." in text(opened, top)
    assert notes(opened, top) == []
    bottom.trash()
    assert sync(opened)[Stage.CLEAN_PAGES].dependency_changed == 1
    assert "Here now." not in text(opened, top)


def test_pages_that_include_each_other_say_so_and_end(opened: Pipeline, eng: Space) -> None:
    one = eng.add("One", f"<p>First.</p>{include('Two')}")
    two = eng.add("Two", f"<p>Second.</p>{include('One')}{include('Two')}")
    sync(opened)
    assert text(opened, one).count("First.") == text(opened, one).count("Second.") == 1
    assert text(opened, two).count("is left out here, because it includes this page") == 2
    one.edit(f"<p>Changed.</p>{include('Two')}")
    assert sync(opened)[Stage.CLEAN_PAGES].dependents == (two.id,)
    assert "Changed." in text(opened, two)


def test_pages_that_would_double_at_every_step_are_cut_off(opened: Pipeline, eng: Space) -> None:
    for number in range(12):
        eng.add(f"P{number}", f"<p>Level {number}.</p>" + 2 * include(f"P{number + 1}"))
    sync(opened)
    first = eng.page("P0")
    assert "is left out, because this page includes too much" in text(opened, first)
    assert len(text(opened, first)) < 100_000


def test_an_excerpt_is_the_marked_passage_alone(opened: Pipeline, eng: Space) -> None:
    eng.add("Price list", f"<p>Secret.</p>{excerpt('First.')}{excerpt('Ten crowns.', name='price')}")
    framed = eng.add("Framed", include("Price list", macro="excerpt-include"))
    named = eng.add(
        "Named", f"<p>It is: {include('Price list', macro='excerpt-include', name='price', nopanel='true')}</p>"
    )
    none = eng.add("None", include("Price list", macro="excerpt-include", name="nonsense"))
    sync(opened)
    assert text(opened, framed).startswith("> **[Price list](")
    assert text(opened, framed).endswith("\n>\n> First.")
    assert " ".join(text(opened, named).split()) == "It is: Ten crowns."
    assert "has no excerpt “nonsense”" in text(opened, none)


def test_a_page_of_another_space_is_included_and_followed(opened: Pipeline, spaces: tuple[Space, Space]) -> None:
    eng, ops = spaces
    shared = ops.add("Rota", f"<p>Ada.</p>{include('Phones')}")
    phones = ops.add("Phones", "<p>One.</p>")
    top = eng.add("Runbook", include("Rota", "OPS"))
    sync(opened, OPS)
    sync(opened)
    assert "Ada." in text(opened, top)
    assert "One." in text(opened, top)
    assert dependents_behind(opened, ENG) == []

    phones.edit("<p>Two.</p>")
    sync(opened, OPS, [phones.id])
    assert "Two." in text(opened, shared, OPS)
    [behind] = dependents_behind(opened, ENG)
    assert (behind.document_id, behind.title, behind.source) == (top.id, "Runbook", ENG)
    assert [(each.title, each.source, each.via) for each in behind.changed] == [("Phones", str(OPS), shared.id)]
    assert behind.since == phones.version.when.replace(microsecond=0)
    assert dependents_behind(opened, OPS) == []
    [stale] = stale_documents(opened, ENG)
    assert (stale.document_id, stale.reason, stale.since) == (top.id, Reason.DEPENDENCY_CHANGED, behind.since)

    reports = sync(opened)
    assert reports[Stage.RAW_PAGES].commits == 0
    assert reports[Stage.CLEAN_PAGES].dependents == (top.id,)
    assert "Two." in text(opened, top)
    assert dependents_behind(opened, ENG) == []


def test_pages_of_a_source_that_is_forgotten_leave_those_that_include_them(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    eng, ops = spaces
    ops.add("Rota", "<p>Ada.</p>")
    top = eng.add("Runbook", include("Rota", "OPS"))
    sync(opened, OPS)
    sync(opened)
    forget(opened, OPS)
    [behind] = dependents_behind(opened, ENG)
    assert (behind.document_id, behind.since) == (top.id, None)
    sync(opened)
    assert "Ada." not in text(opened, top)


def test_macros_that_nobody_knows_are_counted_over_all_pages(opened: Pipeline, eng: Space) -> None:
    strange = '<ac:structured-macro ac:name="{}"/>'
    eng.add("One", 2 * strange.format("teleport"))
    eng.add("Two", strange.format("teleport") + strange.format("abacus"))
    counted = {"teleport": 3, "abacus": 1}
    assert sync(opened)[Stage.CLEAN_PAGES].unknown_macros == counted
    again = sync(opened)[Stage.CLEAN_PAGES]
    assert (again.commits, again.unknown_macros) == (0, counted)


def test_pages_that_lost_words_are_counted_and_named_until_they_are_mended(opened: Pipeline, eng: Space) -> None:
    lossy = eng.add("Lossy", "<svg><metadata>quay</metadata></svg>")  # shown nowhere
    report = sync(opened)[Stage.CLEAN_PAGES]
    assert (report.lossy, report.lost_words) == (1, (LostWords(lossy.id, "Lossy", ("quay",)),))
    again = sync(opened)[Stage.CLEAN_PAGES]
    assert (again.commits, again.lost_words) == (0, report.lost_words)
    lossy.edit("<p>quay</p>")
    assert sync(opened)[Stage.CLEAN_PAGES].lossy == 0


def test_links_to_pages_that_are_nowhere_are_marked_and_counted(opened: Pipeline, spaces: tuple[Space, Space]) -> None:
    eng, ops = spaces
    ops.add("There", "<p>Here.</p>")
    link = '<ac:link><ri:page{} ri:content-title="{}"/></ac:link>'
    bad = link.format("", "Nowhere") + link.format(' ri:space-key="OPS"', "Nor here")
    good = link.format("", "Home") + link.format(' ri:space-key="OPS"', "There")
    good += link.format(' ri:space-key="HR"', "Of a space that is not synced")
    home = eng.add("Home", f"<p>{bad}{good}</p>")
    assert sync(opened)[Stage.WIKI_PAGES].broken_links == 1  # nothing is known of OPS yet
    sync(opened, OPS)
    assert sync(opened)[Stage.WIKI_PAGES].broken_links == 2
    html = str(opened.store.table(Stage.WIKI_PAGES, ENG).read([home.id], ["html"])["html"][0])
    assert html.count('class="broken"') == 2
    eng.add("Nowhere", "<p>Somewhere.</p>")
    reports = sync(opened)
    assert (reports[Stage.WIKI_PAGES].broken_links, reports[Stage.WIKI_PAGES].updated) == (1, 1)
    assert sync(opened)[Stage.WIKI_PAGES].broken_links == 1


def test_a_link_into_another_page_lands_at_its_heading_also_when_that_is_renamed(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    eng, ops = spaces
    rota = ops.add("On call", "<h2>Who to call?</h2><h2>Rota</h2>")
    link = '<ac:link ac:anchor="{}"><ri:page ri:space-key="OPS" ri:content-title="On call"/></ac:link>'
    old = '<a href="/wiki/display/OPS/On+call#Oncall-Whotocall?">old</a>'
    page = eng.add("Guide", f"<p>{link.format('Who-to-call?')} {old} {link.format('Gone')}</p>")
    eng.add("Beside", f"<p>{link.format('Rota')}</p>")
    sync(opened, OPS)
    sync(opened)

    def html() -> str:
        return str(opened.store.table(Stage.WIKI_PAGES, ENG).read([page.id], ["html"])["html"][0])

    assert html().count('on-call#who-to-call"') == 2
    assert 'on-call#Gone"' in html()
    assert sync(opened)[Stage.WIKI_PAGES].commits == 0
    rota.edit("<h2>Gone</h2><h2>Rota</h2>")
    sync(opened, OPS)
    assert sync(opened)[Stage.WIKI_PAGES].updated == 1
    assert 'on-call#gone"' in html()


def test_the_demo_handbook_shows_all_of_it(
    confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = load_folder(confluence_cloud.site)
    install_for_space(monkeypatch, tmp_path, confluence_cloud.url, space.key)
    handbook = SourceKey("default", "confluence", space.key)
    with pipeline() as opened:
        reports = sync(opened, handbook)
        runbook, rota, operations = (text(opened, space.contents[id_], handbook) for id_ in ("1311", "1301", "1300"))
    assert runbook.index("Who to tell, in this order") < runbook.index("Phone tree, edition October 2026")
    assert "@Freya Lindqvist by day" in runbook
    assert "Snippet%3A+holiday+cover+2024) is not among the pages that are synced" in rota
    assert "> Readings travel **Bosun" in operations
    assert reports[Stage.CLEAN_PAGES].unknown_macros == {"com-harbourlight-tide-clock": 1}
    assert reports[Stage.WIKI_PAGES].broken_links == 1


def test_other_sources_follow_what_a_sync_changed_that_they_show(
    opened: Pipeline, eng: Space, spaces: tuple[Space, Space]
) -> None:
    rota = spaces[1].add("Rota", "<p>One.</p>")
    top = eng.add("Runbook", include("Rota", "OPS"))
    sync(opened, OPS)
    sync(opened)
    rota.edit("<p>Two.</p>")
    sync(opened, OPS, [rota.id])
    stale = stale_documents(opened, ENG)
    assert left_behind(stale, OPS) == {ENG: [top.id]}
    assert left_behind(stale, ENG) == {}, "a sync that leaves its own documents behind would be made for ever"
    assert follow(opened, stale, OPS) == 1
    assert follow(opened, stale_documents(opened, ENG), OPS) == 0, "it waits as an event already"
    (claim,) = work(opened)
    assert (claim.source, claim.documents) == (ENG, (top.id,))
    assert "Two." in text(opened, top)
    assert stale_documents(opened, ENG) == []
