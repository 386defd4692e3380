"""Nothing is lost, and nothing stops, where a listing can't be proven or something beside the pages can't be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from wiki_pipeline.catalog import EventBatch, EventState, Origin, SyncStatus
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.demo.faults import Effect
from wiki_pipeline.demo.web import Answer
from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.model import ChangeHint, Stage
from wiki_pipeline.stages import raw_pages
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync, work

PNG = b"\x89PNG\r\n\x1a\n"
SHOWN = '<p>The rig.</p><p><ac:image><ri:attachment ri:filename="rig.png"/></ac:image></p>'
SEARCH_OF_FILES = "*content/search*attachment*"


@pytest.fixture(params=["cloud", "datacenter"])
def server(request: pytest.FixtureRequest) -> Iterator[ConfluenceServer]:
    with ConfluenceServer(request.param) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def space(server: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    install_for_space(monkeypatch, tmp_path, server.url)
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
    return server.space("ENG", "Engineering")


@pytest.fixture
def rig(space: Space) -> Content:
    page = space.add("Rig", SHOWN, labels=["safety"], author="Ada Lovelace")
    page.attach("rig.png", PNG + b"one", "image/png")
    space.add("Other", "<p>Nothing to see.</p>")
    return page


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


def rows(opened: Pipeline, stage: Stage) -> dict[str, dict[str, object]]:
    return {row["title"]: row for row in opened.store.table(stage, ENG).read().to_pylist()}


def status(opened: Pipeline) -> SyncStatus:
    return opened.catalog.syncs(ENG)[0].status


# --- attachments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [faults.status(504), faults.login_page()], ids=["504", "a web page"])
def test_where_files_can_t_be_listed_pages_are_served_and_the_files_that_are_there_stay(
    opened: Pipeline, rig: Content, server: ConfluenceServer, trouble: Effect
) -> None:
    sync(opened)
    server.fault(SEARCH_OF_FILES, trouble, times=None)
    server.fault("*/attachment*", trouble, times=None)
    rig.edit(SHOWN.replace("The rig.", "The new rig."))
    reports = sync(opened)
    assert reports[Stage.ATTACHMENTS].deleted == 0
    assert rows(opened, Stage.ATTACHMENTS).keys() == {"rig.png"}
    assert "The new rig." in str(rows(opened, Stage.WIKI_PAGES)["Rig"]["html"])
    assert {stage: report.updated for stage, report in reports.items() if report.updated}.keys() >= {
        Stage.CHUNKS,
        Stage.VECTORS,
        Stage.WIKI_PAGES,
    }
    failed = reports[Stage.ATTACHMENTS].failures
    assert [failure.document_id for failure in failed] == [rig.id]
    assert f"attachments of page {rig.id} can't be listed" in failed[0].message
    assert status(opened) is SyncStatus.COMPLETED_WITH_ERRORS
    server.heal()
    rig.detach("rig.png")
    assert sync(opened)[Stage.ATTACHMENTS].deleted == 1
    assert opened.catalog.failures(ENG) == []
    assert status(opened) is SyncStatus.COMPLETED


def test_named_pages_whose_files_can_t_be_listed_keep_theirs(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    sync(opened)
    server.fault("*/attachment*", faults.status(504), times=None)
    assert sync(opened, documents=[rig.id])[Stage.ATTACHMENTS].deleted == 0
    assert rows(opened, Stage.ATTACHMENTS).keys() == {"rig.png"}
    assert [failure.document_id for failure in opened.catalog.failures(ENG)] == [rig.id]
    server.heal()
    sync(opened, documents=[rig.id])
    assert opened.catalog.failures(ENG) == []


def test_where_no_files_can_be_listed_at_all_that_is_one_warning(
    opened: Pipeline, space: Space, server: ConfluenceServer
) -> None:
    for number in range(9):
        space.add(f"Rig {number}", SHOWN).attach("rig.png", PNG + bytes([number]), "image/png")
    sync(opened)
    server.fault(SEARCH_OF_FILES, faults.status(403, "{}"), times=None)
    server.fault("*/attachment*", faults.status(403, "{}"), times=None)
    report = sync(opened)[Stage.ATTACHMENTS]
    assert (report.deleted, report.failed) == (0, 0)
    (warning,) = report.warnings
    assert "read:attachment:confluence" in warning
    assert "CONFLUENCE_TOKEN" not in warning  # the credentials are right
    assert report.warnings[warning] == 9
    assert status(opened) is SyncStatus.COMPLETED_WITH_ERRORS
    assert opened.catalog.failures(ENG) == []


# --- labels and names ------------------------------------------------------------------------------------------------


def test_a_token_without_the_right_to_read_labels_reads_all_else_and_no_label_is_lost(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    if not server.world.cloud:
        pytest.skip("labels come with the pages there")
    sync(opened)
    server.fault("*labels*", faults.status(401, '{"message": "Unauthorized; scope does not match"}'), times=None)
    other = rig.space.add("New", "<p>New.</p>", labels=["safety"])
    reports = sync(opened)
    assert (reports[Stage.RAW_PAGES].added, reports[Stage.RAW_PAGES].updated) == (1, 0)
    assert rows(opened, Stage.RAW_PAGES)["Rig"]["labels"] == ["safety"]
    (warning,) = reports[Stage.RAW_PAGES].warnings
    assert warning.startswith("labels: ")
    assert "read:label:confluence" in warning
    assert not reports[Stage.RAW_PAGES].retry
    assert status(opened) is SyncStatus.COMPLETED_WITH_ERRORS
    rig.edit("<p>The new rig.</p>")
    assert sync(opened, documents=[rig.id])[Stage.RAW_PAGES].updated == 1
    assert rows(opened, Stage.RAW_PAGES)["Rig"]["labels"] == ["safety"]
    server.heal()
    assert sync(opened)[Stage.RAW_PAGES].updated == 1
    assert rows(opened, Stage.RAW_PAGES)["New"]["labels"] == ["safety"]
    assert other.labels == ("safety",)


def test_labels_that_get_no_answer_are_asked_for_again_soon(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    if not server.world.cloud:
        pytest.skip("labels come with the pages there")
    server.fault("*labels*", faults.status(504), times=None)
    hint = ChangeHint("confluence", ENG, what="never synced")
    opened.catalog.events.record([EventBatch("default", Origin.POLL, [hint])])
    work(opened)
    assert rows(opened, Stage.WIKI_PAGES).keys() == {"Rig", "Other"}
    (event,) = opened.catalog.events.unsettled(ENG)
    assert event.state is EventState.FAILED
    assert "labels: " in event.reason


def test_authors_that_can_t_be_asked_for_stop_no_page_and_come_with_the_next_sync(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    if not server.world.cloud:
        pytest.skip("authors come with the pages there")
    server.fault("*users-bulk*", faults.status(504), times=None)
    report = sync(opened)[Stage.RAW_PAGES]
    assert (report.added, report.failed) == (2, 0)
    assert any(warning.startswith("names of people: ") for warning in report.warnings)
    server.heal()
    assert sync(opened)[Stage.RAW_PAGES].updated == 2
    assert rows(opened, Stage.RAW_PAGES)["Rig"]["author"] == "Ada Lovelace"
    assert sync(opened)[Stage.RAW_PAGES].updated == 0


# --- listings --------------------------------------------------------------------------------------------------------


@pytest.fixture
def partly_hidden(space: Space, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles of the pages that show, at both sides of a long stretch of others."""
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_LIST_LIMIT", "10")
    titles = [f"Hidden {number}" if 20 <= number < 75 else f"Page {number}" for number in range(90)]
    for title in titles:
        space.add(title, f"<p>{title}</p>")
    pages = "*/spaces/*/pages*" if server.world.cloud else "*/content[?]spaceKey*"
    server.fault(pages, faults.hidden_after_the_cut("Hidden"), times=None)
    return [title for title in titles if title.startswith("Page")]


def test_pages_behind_a_stretch_of_hidden_ones_are_synced(partly_hidden: list[str], opened: Pipeline) -> None:
    sync(opened)
    assert rows(opened, Stage.RAW_PAGES).keys() == set(partly_hidden)
    assert status(opened) is SyncStatus.COMPLETED


def test_what_a_listing_without_proof_lacks_is_asked_for_by_name(
    opened: Pipeline, space: Space, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that loses its links on both ways, or whose links never end and that counts nothing."""
    pages = [space.add(f"Page {number}", "<p>Text.</p>") for number in range(30)]
    sync(opened)

    def cut(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        data["results"] = data["results"][:9] if len(data["results"]) > 9 else []
        data["_links"] = {"next": "/rest/api/content?start=9"} if not server.world.cloud else {}
        answer.headers.pop("Link", None)
        answer.body = orjson.dumps(data)

    server.fault("*/spaces/*/pages*" if server.world.cloud else "*/content[?]spaceKey*", Effect(spoil=cut), times=None)
    server.fault("*/rest/api/search*", faults.status(500), times=None)
    victim = pages[15]
    victim.trash()
    pages[16].edit("<p>New text.</p>")
    report = sync(opened)[Stage.RAW_PAGES]
    assert (report.deleted, report.updated, report.unchanged, report.rows) == (1, 1, 28, 29)
    assert any(warning.startswith("listing: ") for warning in report.warnings)
    assert rows(opened, Stage.WIKI_PAGES).keys() == {page.title for page in pages if page is not victim}
    assert status(opened) is SyncStatus.COMPLETED_WITH_ERRORS
    monkeypatch.setattr(raw_pages, "_MOST_ASKED_FOR", 3)
    with pytest.raises(IncompleteListingError):
        sync(opened)
