"""Which files a sync brings, how often, and what becomes of those that change, go, or mean harm."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.store import search
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync
from wiki_pipeline_tests.text.attachments.files import pdf, word_bomb

PNG = b"\x89PNG\r\n\x1a\n"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOWNLOADS = ("/download", "/binary")


def image(name: str) -> str:
    return f'<p><ac:image ac:alt="A rig"><ri:attachment ri:filename="{name}"/></ac:image></p>'


def file(name: str) -> str:
    return (
        f'<ac:structured-macro ac:name="view-file"><ac:parameter ac:name="name"><ri:attachment ri:filename="{name}"/>'
        "</ac:parameter></ac:structured-macro>"
    )


@pytest.fixture(params=["cloud", "datacenter"])
def server(request: pytest.FixtureRequest) -> Iterator[ConfluenceServer]:
    with ConfluenceServer(request.param) as server:
        yield server
        assert server.violations == []


@pytest.fixture
def space(server: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    space = server.space("ENG", "Engineering")
    install_for_space(monkeypatch, tmp_path, server.url)
    return space


@pytest.fixture
def rig(space: Space) -> Content:
    page = space.add("Rig", f"<p>The rig.</p>{image('rig 1.png')}{file('card.pdf')}")
    page.attach("rig 1.png", PNG + b"one", "image/png")
    page.attach("card.pdf", pdf("Prime the foghorn before dawn"), "application/pdf")
    page.attach("never shown.png", PNG + b"three", "image/png")
    space.add("Other", "<p>Nothing to see.</p>")
    return page


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


def rows(opened: Pipeline) -> dict[str, dict[str, Any]]:
    return {row["title"]: row for row in opened.store.table(Stage.ATTACHMENTS, ENG).read().to_pylist()}


def html(opened: Pipeline, page: Content) -> str:
    return str(opened.store.table(Stage.WIKI_PAGES, ENG).read([page.id], ["html"])["html"][0].as_py())


def chunks(opened: Pipeline, page: Content) -> list[dict[str, Any]]:
    columns = ["document_id", "heading_path", "text"]
    return list(opened.store.table(Stage.CHUNKS, ENG).read([page.id], columns).to_pylist())


def downloads(server: ConfluenceServer) -> list[str]:
    return [r.path for r in server.requests if "/download/" in r.path or r.path.endswith(DOWNLOADS)]


def address(data: bytes, name: str) -> str:
    return f"/wiki/confluence-ENG/_files/{hashlib.blake2b(data, digest_size=16).hexdigest()}/{name}"


def counts(report: StageReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.deleted, report.commits


def test_a_sync_brings_what_pages_show_and_nothing_else(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    report = sync(opened)[Stage.ATTACHMENTS]
    assert (report.added, report.failed) == (2, 0)
    assert rows(opened).keys() == {"rig 1.png", "card.pdf"}
    assert not [path for path in downloads(server) if "never" in path]
    shown = html(opened, rig)
    assert f'<img src="{address(PNG + b"one", "rig%201.png")}" alt="A rig"' in shown
    assert server.origin not in shown.replace(rig.id, "").replace(opened.settings.lance_url, "")
    found = opened.store.table(Stage.ATTACHMENTS, ENG).open_blob("data", _named("rig 1.png"), ["size"])
    assert found is not None
    with found[0] as blob:
        assert (blob.read(), found[1]) == (PNG + b"one", {"size": len(PNG) + 3})


def test_the_text_of_a_pdf_is_found_below_its_page_and_its_name(opened: Pipeline, rig: Content) -> None:
    sync(opened)
    (hit,) = [chunk for chunk in chunks(opened, rig) if "foghorn" in chunk["text"]]
    assert hit["heading_path"] == ["card.pdf", "Page 1"]
    assert hit["document_id"] == rig.id


def test_a_search_for_words_of_a_pdf_cites_its_page_and_the_file(opened: Pipeline, rig: Content) -> None:
    sync(opened)
    (hit, *_) = search(opened.store, open_embedder(opened.settings), "foghorn before dawn", k=3)
    assert (hit.document_id, hit.heading_path, hit.title) == (rig.id, ("card.pdf", "Page 1"), "Rig")


def test_with_nothing_changed_nothing_is_downloaded_and_no_page_is_asked_for(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    before = sync(opened)[Stage.ATTACHMENTS]
    server.forget_requests()
    reports = sync(opened)
    assert {(report.commits, report.added, report.updated) for report in reports.values()} == {(0, 0, 0)}
    assert reports[Stage.ATTACHMENTS].data_version == before.data_version
    assert downloads(server) == []
    asked = [r.path for r in server.requests if "attachment" in r.path or r.path.endswith("/content/search")]
    assert len(asked) == 1


def test_a_new_version_is_brought_and_rebuilds_the_pages_that_show_it_and_no_others(
    opened: Pipeline, rig: Content, space: Space, server: ConfluenceServer
) -> None:
    elsewhere = (
        f'<ac:image><ri:attachment ri:filename="rig 1.png"><ri:content-entity ri:content-id="{rig.id}"/>'
        "</ri:attachment></ac:image>"
    )
    guest = space.add("Guest", elsewhere)
    sync(opened)
    rig.attach("rig 1.png", PNG + b"two", "image/png")
    server.forget_requests()
    reports = sync(opened)
    assert counts(reports[Stage.ATTACHMENTS]) == (0, 1, 0, 1)
    assert reports[Stage.WIKI_PAGES].updated == 2
    assert reports[Stage.CHUNKS].updated == 0
    assert len({path.rpartition("/download")[0] or path for path in downloads(server)}) <= 2
    for page in (rig, guest):
        assert address(PNG + b"two", "rig%201.png") in html(opened, page)


def test_a_file_that_is_deleted_leaves_the_wiki_and_the_search(opened: Pipeline, rig: Content) -> None:
    sync(opened)
    rig.detach("card.pdf")
    reports = sync(opened)
    assert counts(reports[Stage.ATTACHMENTS]) == (0, 0, 1, 1)
    assert not [chunk for chunk in chunks(opened, rig) if "foghorn" in chunk["text"]]
    assert "_files" not in html(opened, rig).partition("card.pdf")[2]
    assert counts(sync(opened)[Stage.ATTACHMENTS]) == (0, 0, 0, 0)


def test_a_file_that_no_page_shows_any_more_goes(opened: Pipeline, rig: Content) -> None:
    sync(opened)
    rig.edit("<p>No rig.</p>")
    assert counts(sync(opened)[Stage.ATTACHMENTS]) == (0, 0, 2, 1)


def test_an_index_that_forgets_files_deletes_none(opened: Pipeline, rig: Content, server: ConfluenceServer) -> None:
    sync(opened)
    server.fault("*content/search*", faults.empty_results(), times=None)
    assert counts(sync(opened)[Stage.ATTACHMENTS]) == (0, 0, 0, 0)


def test_an_index_that_lags_behind_does_not_keep_new_pages_waiting(
    opened: Pipeline, rig: Content, space: Space, server: ConfluenceServer
) -> None:
    sync(opened)
    server.site.index.pause()
    new = space.add("New", image("new.png"))
    new.attach("new.png", PNG + b"new", "image/png")
    sync(opened)
    assert address(PNG + b"new", "new.png") in html(opened, new)


def test_named_documents_bring_their_files_without_a_search(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    sync(opened)
    server.site.index.pause()
    rig.attach("rig 1.png", PNG + b"two", "image/png")
    rig.detach("card.pdf")
    server.forget_requests()
    report = sync(opened, documents=[rig.id])[Stage.ATTACHMENTS]
    assert counts(report) == (0, 1, 1, 1)
    assert not [r.path for r in server.requests if r.path.endswith("/content/search")]


def test_a_trashed_page_takes_its_files_along(opened: Pipeline, rig: Content) -> None:
    sync(opened)
    rig.trash()
    assert sync(opened, documents=[rig.id])[Stage.ATTACHMENTS].deleted == 2


def test_a_search_that_is_refused_is_made_up_for_page_by_page(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    server.fault("*content/search*", faults.status(500), times=None)
    assert sync(opened)[Stage.ATTACHMENTS].added == 2


def test_lists_and_galleries_show_the_page_s_files(opened: Pipeline, space: Space) -> None:
    macro = '<ac:structured-macro ac:name="{}"/>'
    files = space.add("Files", macro.format("attachments"))
    pictures = space.add("Pictures", macro.format("gallery"))
    for page in (files, pictures):
        page.attach("a.png", PNG + page.id.encode(), "image/png")
        page.attach("b.pdf", pdf(f"Words of {page.id}"), "application/pdf")
    assert sync(opened)[Stage.ATTACHMENTS].added == 3
    assert html(opened, files).count("/_files/") == 3  # a picture and the link around it, a file
    assert "b.pdf" not in html(opened, pictures)
    assert address(PNG + pictures.id.encode(), "a.png") in html(opened, pictures)


# --- limits and hostile files ----------------------------------------------------------------------------------------


def test_what_is_too_large_or_of_no_allowed_type_is_not_brought_and_says_so(
    opened: Pipeline, space: Space, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_ATTACHMENT_MAX_BYTES", "1000")
    page = space.add("Big", image("big.png") + file("data.bin"))
    page.attach("big.png", PNG + b"x" * 2_000, "image/png")
    page.attach("data.bin", b"\x00\x01", "application/octet-stream")
    with pipeline() as limited:
        report = sync(limited)[Stage.ATTACHMENTS]
        assert report.skipped == {"not mirrored": 1, "too large": 1}
        assert downloads(server) == []
        assert "1,000 bytes are mirrored at most" in html(limited, page)
        assert counts(sync(limited)[Stage.ATTACHMENTS]) == (0, 0, 0, 0)


def test_a_size_that_was_a_lie_is_found_out_while_it_is_read(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_ATTACHMENT_MAX_BYTES", "100000")
    page = space.add("Liar", image("lie.png") + image("true.png"))
    page.attach("lie.png", PNG + b"x" * 200_000, "image/png", stated_size=10)
    page.attach("true.png", PNG, "image/png")
    with pipeline() as limited:
        report = sync(limited)[Stage.ATTACHMENTS]
        assert (report.added, report.failed) == (1, 1)
        assert "larger than 100,000 bytes" in report.failures[0].message
        assert [record.title for record in limited.catalog.failures(ENG)] == ["lie.png"]
        page.attach("lie.png", PNG, "image/png")
        assert sync(limited)[Stage.ATTACHMENTS].failed == 0
        assert limited.catalog.failures(ENG) == []


def test_a_page_and_a_source_have_so_many_files(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = space.add("Many", "".join(image(f"{number}.png") for number in range(6)))
    for number in range(6):
        page.attach(f"{number}.png", PNG + b"%d" % number * 100, "image/png")
    for name, value, kept in (("ATTACHMENTS_A_PAGE", "4", 4), ("ATTACHMENTS_TOTAL_BYTES", "350", 3)):
        monkeypatch.setenv(f"WIKI_PIPELINE_{name}", value)
        with pipeline() as limited:
            report = sync(limited)[Stage.ATTACHMENTS]
            assert sum(bool(row["file_hash"]) for row in rows(limited).values()) == kept
            assert report.skipped == {"not mirrored": 6 - kept}


def test_what_is_not_what_its_name_says_is_not_kept(opened: Pipeline, space: Space) -> None:
    page = space.add("Disguise", image("a.png"))
    page.attach("a.png", b"<html><script>alert(1)</script></html>", "image/png")
    report = sync(opened)[Stage.ATTACHMENTS]
    assert report.skipped == {"not what its name says": 1}
    assert rows(opened)["a.png"]["file_hash"] == ""
    assert "<img" not in html(opened, page)
    assert counts(sync(opened)[Stage.ATTACHMENTS]) == (0, 0, 0, 0)


def test_a_file_whose_text_can_t_be_read_is_kept_and_says_so_on_its_page(opened: Pipeline, space: Space) -> None:
    page = space.add("Bomb", f"<p>Words.</p>{file('bomb.docx')}{file('fine.pdf')}")
    page.attach("bomb.docx", word_bomb(300_000_000), WORD)
    page.attach("fine.pdf", pdf("Fine words"), "application/pdf")
    reports = sync(opened)
    assert reports[Stage.ATTACHMENTS].skipped == {"Its text can't be searched": 1}
    assert "far larger inside than outside" in html(opened, page)
    assert any("Fine words" in chunk["text"] for chunk in chunks(opened, page))


def test_the_same_bytes_are_read_once(opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    from wiki_pipeline.text.attachments import Extractor  # noqa: PLC0415 - to be watched

    read: list[int] = []
    ask = Extractor._ask
    monkeypatch.setattr(Extractor, "_ask", lambda self, kind, data: read.append(len(data)) or ask(self, kind, data))  # type: ignore[func-returns-value]
    data = pdf("The same words")
    for title in ("One", "Two"):
        space.add(title, file("a.pdf")).attach("a.pdf", data, "application/pdf")
    sync(opened)
    space.add("Three", file("b.pdf")).attach("b.pdf", data, "application/pdf")
    sync(opened)
    assert len(read) == 1


# --- where downloads go ----------------------------------------------------------------------------------------------


def test_a_redirect_to_a_host_that_nobody_named_is_not_followed(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    with ConfluenceServer("cloud") as stranger:
        server.fault("*download*", faults.redirected(f"{stranger.origin}/wiki/steal"), times=None)
        report = sync(opened)[Stage.ATTACHMENTS]
        assert report.failed == 2
        assert "sends the download on to 127.0.0.1" in report.failures[0].message
        assert stranger.requests == []
    server.heal()
    assert sync(opened)[Stage.ATTACHMENTS].added == 2


def test_a_token_that_may_not_see_files_brings_pages_all_the_same(
    opened: Pipeline, rig: Content, server: ConfluenceServer
) -> None:
    server.fault("*content/search*", faults.status(403, "{}"), times=None)
    server.fault("*/attachment*", faults.status(403, "{}"), times=None)
    reports = sync(opened)
    assert counts(reports[Stage.ATTACHMENTS]) == (0, 0, 0, 0)
    assert reports[Stage.WIKI_PAGES].added == 2


def test_a_file_that_can_t_be_had_fails_alone_and_is_tried_again(
    opened: Pipeline, rig: Content, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
    card = next(item for item in rig.attachments if item.title == "card.pdf")
    server.fault(f"*{card.id}/binary*" if server.world.cloud else "*card.pdf*", faults.status(503), times=None)
    with pipeline() as patient:
        report = sync(patient)[Stage.ATTACHMENTS]
        assert (report.added, report.failed) == (1, 1)
        assert f"card.pdf of page {rig.id}: " in report.failures[0].message
        server.heal()
        assert sync(patient)[Stage.ATTACHMENTS].added == 1
        assert patient.catalog.failures(ENG) == []


def test_hiccups_are_tried_again(
    opened: Pipeline, rig: Content, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_MAX_WAIT", "0")
    server.fault("*download*", faults.status(503), times=1)
    server.fault("*download*", faults.dropped(after_bytes=3), times=1)
    with pipeline() as patient:
        assert sync(patient)[Stage.ATTACHMENTS].added == 2


def test_a_slow_body_ends_with_its_time(
    opened: Pipeline, rig: Content, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_REQUEST_TIMEOUT", "0.3")
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
    server.fault("*/_media/*" if server.world.cloud else "*download/attachments*", faults.slow_body(0.2), times=None)
    with pipeline() as hasty:
        report = sync(hasty)[Stage.ATTACHMENTS]
    assert report.failed == 2
    assert "no answer in time" in report.failures[0].message


def _named(title: str) -> Any:
    import pyarrow.compute as pc  # noqa: PLC0415 - for one expression

    return pc.field("title") == title
