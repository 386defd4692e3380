"""What pages show of other sources, where not all who read them may read those."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.catalog import Audience, Cap, Catalog, EventState, Kind, Period, Readers
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.demo.confluence.site import Flavour
from wiki_pipeline.freshness.audience import set_audience
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.store import Filters, search
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.installation import install, pipeline, sync, work
from wiki_pipeline_tests.sync.test_included_pages import include
from wiki_pipeline_tests.synced import both_flavours

OPEN, CLOSED = (SourceKey("default", "confluence", name) for name in ("ENG", "HR"))
TENANT, ADMINS = Audience(), Audience(Readers.ADMINS)


def groups(*names: str) -> Audience:
    return Audience(Readers.GROUPS, names)


@pytest.mark.parametrize(
    ("shown", "page", "covers"),
    [
        (TENANT, TENANT, True),
        (TENANT, ADMINS, True),
        (groups("a"), groups("a"), True),
        (groups("a", "b"), groups("a"), True),
        (groups("a"), groups("a", "b"), False),
        (groups("a"), TENANT, False),
        (groups("a"), ADMINS, True),
        (ADMINS, ADMINS, True),
        (ADMINS, groups("a"), False),
        (ADMINS, TENANT, False),
    ],
)
def test_a_page_may_show_what_all_its_readers_may_read(shown: Audience, page: Audience, *, covers: bool) -> None:
    assert shown.covers(page) is covers


US = ("us@example.org", "Wiki Reader")  # whose credentials are used


@pytest.fixture
def spaces(flavour: Flavour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Space, Space]]:
    """The spaces ENG and HR of one site, both configured."""
    with ConfluenceServer(flavour) as server:
        server.allow(name=US[0], secret="ours", user=US[1])
        install(
            monkeypatch,
            tmp_path,
            CONFLUENCE_URL=server.url,
            CONFLUENCE_SPACES=json.dumps({"ENG": [], "HR": []}),
            CONFLUENCE_USERNAME=US[0],
            CONFLUENCE_TOKEN="ours",
        )
        yield server.space("ENG", "Engineering"), server.space("HR", "People")


@pytest.fixture
def opened(spaces: tuple[Space, Space]) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


def texts(opened: Pipeline, source: SourceKey = OPEN) -> str:
    """All that a source's pages say, to readers and to the search."""
    clean = opened.store.table(Stage.CLEAN_PAGES, source).read(columns=["markdown"])["markdown"].to_pylist()
    rendered = opened.store.table(Stage.WIKI_PAGES, source).read(columns=["html"])["html"].to_pylist()
    hits = search(opened.store, open_embedder(opened.settings), "gold", k=50, filters=Filters(sources=(source,)))
    return "\n".join([*clean, *rendered, *(hit.text for hit in hits)])


@pytest.mark.parametrize("flavour", ["cloud"])
def test_text_and_addresses_of_a_source_leave_pages_whose_readers_may_not_read_it(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    salaries = spaces[1].add("Salaries", "<p>The director earns a mountain of gold.</p>")
    link = f'<p><a href="{os.environ["CONFLUENCE_URL"]}/spaces/HR/pages/{salaries.id}/x">more</a></p>'
    including = spaces[0].add("Team", f"<p>Before.</p>{include('Salaries', 'HR')}{link}")
    sync(opened, CLOSED)
    sync(opened, OPEN)
    assert "mountain of gold" in texts(opened)
    assert CLOSED.slug in texts(opened)
    assert set_audience(opened, CLOSED, ADMINS) >= 1
    waiting = opened.catalog.events.find("default", states=[EventState.PENDING], source=OPEN)
    assert [event.document_id for event in waiting] == [including.id]
    work(opened)
    assert "gold" not in texts(opened)
    assert CLOSED.slug not in texts(opened)
    assert salaries.id in texts(opened), "the link leads where it always led"
    set_audience(opened, OPEN, ADMINS)  # now all its readers may
    work(opened)
    assert "mountain of gold" in texts(opened)


@both_flavours
def test_a_restriction_that_appears_takes_the_page_and_all_below_it_out_everywhere(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    home = spaces[0].add("Home", "<p>Nothing shines here.</p>")
    vault = spaces[0].add("Vault", "<p>Full of gold.</p>", parent=home)
    bars = [spaces[0].add(f"Bar {number}", "<p>Solid gold.</p>", parent=vault) for number in range(12)]
    sync(opened, OPEN)
    assert texts(opened).count("gold") > 12
    vault.restrict(read=[US[1]])
    reports = sync(opened, OPEN)  # most of the source goes, and nobody has to confirm what Confluence says
    assert reports[Stage.RAW_PAGES].deleted == 13
    assert reports[Stage.RAW_PAGES].skipped == {"with restrictions": 13}
    assert "gold" not in texts(opened)
    vault.restrict()
    sync(opened, OPEN)
    assert texts(opened).count("gold") > 12
    bars[0].restrict(read=[US[1]])
    sync(opened, OPEN, [bars[0].id])  # as the word of it in a webhook has it done
    assert bars[0].id not in opened.store.table(Stage.RAW_PAGES, OPEN).read()["document_id"].to_pylist()


@pytest.mark.parametrize("flavour", ["cloud"])
def test_a_source_keeps_its_audience_when_it_is_removed_and_comes_back(opened: Pipeline) -> None:
    catalog: Catalog = opened.catalog
    catalog.audiences.set(CLOSED, groups("board"))
    assert catalog.remove_source(CLOSED)
    assert catalog.audiences.all("default")[1] == {OPEN: TENANT, CLOSED: groups("board")}
    record = catalog.add_source(CLOSED, "{}")
    assert record.audience == groups("board")
    catalog.audiences.set(CLOSED, TENANT)
    assert catalog.remove_source(CLOSED)
    assert catalog.audiences.all("default")[1] == {OPEN: TENANT}


@pytest.mark.parametrize("flavour", ["cloud"])
def test_a_full_quota_of_pages_leaves_new_ones_out_and_stops_neither_edits_nor_deletions(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    first, second, _ = (spaces[0].add(f"Page {number}", "<p>Of gold.</p>") for number in range(3))
    opened.catalog.quotas.set_cap(Cap("tenant:default", Kind.PAGES, Period.TOTAL, 2))
    report = sync(opened, OPEN)[Stage.RAW_PAGES]
    assert (report.added, report.skipped) == (2, {"over the tenant's quota": 1})
    opened.catalog.quotas.set_cap(Cap("tenant:default", Kind.PAGES, Period.TOTAL, 0))
    first.edit("<p>Of silver.</p>")
    second.trash()
    report = sync(opened, OPEN)[Stage.RAW_PAGES]
    assert (report.added, report.updated, report.deleted) == (0, 1, 1)
    new = spaces[0].add("New", "<p>Gold.</p>")
    assert sync(opened, OPEN, [new.id])[Stage.RAW_PAGES].added == 0
    opened.catalog.quotas.drop_cap("tenant:default", Kind.PAGES, Period.TOTAL)
    opened.catalog.quotas.set_cap(Cap("tenant:default", Kind.BYTES, Period.TOTAL, 1))
    assert sync(opened, OPEN)[Stage.RAW_PAGES].added == 0
    opened.catalog.quotas.set_cap(Cap("tenant:default", Kind.BYTES, Period.TOTAL, 10**9))
    assert sync(opened, OPEN)[Stage.RAW_PAGES].added == 2
