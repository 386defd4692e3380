"""A repository's wiki from a commit to a reader: synced, served, its links followed; least work; pages that stay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest
from fastapi.testclient import TestClient

from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.repository_wiki import diagram
from wiki_pipeline.settings import load
from wiki_pipeline.stages import repository_survey, repository_wiki
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install, pipeline, sync
from wiki_pipeline_tests.repository_wiki.small import FILES
from wiki_pipeline_tests.sources.git.upstream import Upstream

KEY = SourceKey("default", "git", "harbour")
ROOT = f"/wiki/{KEY.slug}/"
_ANCHOR = re.compile(r'<a\b[^>]*?href="([^"]*)"')
_ID = re.compile(r'\bid="([^"]*)"')


@pytest.fixture
def repository(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "upstream")
    made.commit(dict(FILES), message="Begin <b>bold</b>")
    return made


@pytest.fixture
def opened(repository: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    install(
        monkeypatch,
        tmp_path,
        WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([{"url": repository.path, "name": "harbour"}]),
    )
    with pipeline() as opened:
        yield opened


@pytest.fixture
def reader(opened: Pipeline) -> Iterator[TestClient]:
    sync(opened, KEY)
    with TestClient(create_app(load(GatewaySettings)), base_url="http://127.0.0.1:8080") as client:
        yield client


def row(opened: Pipeline, page_id: str) -> dict[str, object]:
    rows = opened.store.table(repository_wiki.STAGE, KEY).read([page_id]).to_pylist()
    return dict(rows[0]) if rows else {}


def test_every_page_is_reached_and_no_link_is_broken(reader: TestClient) -> None:
    """All links of all pages of the source, from its home on; and each line that a link names is there."""
    pages: dict[str, set[str]] = {}
    fragments: set[tuple[str, str]] = set()
    waiting = [ROOT]
    while waiting:
        address = waiting.pop()
        if address in pages:
            continue
        answer = reader.get(address)
        assert answer.status_code == 200, address
        pages[address] = set(map(unescape, _ID.findall(answer.text)))
        for target in map(unescape, _ANCHOR.findall(answer.text)):
            path, _, fragment = urljoin(address, target).partition("#")
            if path.startswith(ROOT) and "?" not in path:
                waiting.append(path)
                if fragment:
                    fragments.add((path, unquote(fragment)))
    assert {f"{ROOT}-/architecture", f"{ROOT}harbour/ships.py", f"{ROOT}pilot/tide/", f"{ROOT}-/code/"} <= pages.keys()
    assert len(pages) > 40
    broken = {(path, fragment) for path, fragment in fragments if fragment not in pages[path]}
    assert broken == set()
    assert len([fragment for _, fragment in fragments if fragment.startswith("L")]) > 50


def test_pages_show_what_was_found(reader: TestClient) -> None:
    home = reader.get(ROOT).text
    assert "Ships, watched." in home
    assert "make test" in home
    assert "Harbour tracks ships" in home  # the README below it
    file = reader.get(f"{ROOT}harbour/ships.py").text
    assert 'aria-label="About this file"' in file
    assert 'id="L15"' in file
    assert 'href="#L15"' in file
    folder = reader.get(f"{ROOT}harbour/").text
    assert "The harbour's own package." in unescape(folder)
    drawn = reader.get(f"{ROOT}-/architecture").text
    assert '<svg class="diagram"' in drawn
    history = reader.get(f"{ROOT}-/history").text
    assert "<b>bold</b>" not in history
    assert "Ada Lovelace" in history
    assert reader.get(f"{ROOT}-/settings.md").text.startswith("What the code reads")


def test_the_tree_has_documents_first_in_their_order_then_code_then_tests(reader: TestClient) -> None:
    tree = reader.get(ROOT).text.partition('<nav class="tree"')[2].partition("</nav>")[0]
    shown = [unescape(title) for title in re.findall(r"<bdi>([^<]*)</bdi>", tree)]
    expected = ["Overview", "Architecture", "Documentation", "README.md", "docs", "Home", "Zebras first", "Anchors"]
    expected += ["Code", "db", "harbour", "Tests", "test_ships.py", "Other files", "Makefile"]
    places = [shown.index(title) for title in expected]
    assert places == sorted(places), shown


def test_least_work(opened: Pipeline, repository: Upstream) -> None:
    first = sync(opened, KEY)
    assert first[repository_survey.STAGE].added == len(FILES) + 1
    assert first[repository_survey.STAGE].failed == first[repository_wiki.STAGE].failed == 0
    again = sync(opened, KEY)
    assert {report.commits for report in again.values()} == {0}
    repository.commit(
        {"harbour/web.py": FILES["harbour/web.py"].replace("return Ship(name)", "return Ship(name + '')")}
    )
    reports = sync(opened, KEY)
    assert reports[repository_survey.STAGE].updated == 2  # the file, and the history
    written = {"harbour/web.py", "harbour/", "-/overview", "-/history", "-/coverage"}
    assert reports[repository_wiki.STAGE].updated == len(written)
    repository.commit({"pilot/tide/tide.go": None, "harbour/new.py": "'''New.'''\n"})
    reports = sync(opened, KEY)
    assert reports[repository_wiki.STAGE].deleted == 2
    assert row(opened, "harbour/new.py")["kind"] == "module"
    assert not row(opened, "pilot/tide/")


def test_a_page_that_can_not_be_written_stays_as_it_was_and_says_so(
    opened: Pipeline, repository: Upstream, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = row(opened, "-/architecture")

    def broken(*_: object) -> str:
        raise RuntimeError("no ink")

    repository.commit(
        {"harbour/cli.py": "from harbour.ships import Ship\nfrom pilot import tide\n", "pilot/tide/x.py": "x = 1\n"}
    )
    with monkeypatch.context() as patch:
        patch.setattr(diagram, "draw", broken)
        report = sync(opened, KEY)[repository_wiki.STAGE]
    assert [failure.document_id for failure in report.failures] == ["-/architecture"]
    assert row(opened, "-/architecture") == before
    shown = reader.get(f"{ROOT}-/architecture").text
    assert "it is shown as it was before" in shown
    assert '<svg class="diagram"' in shown
    report = sync(opened, KEY)[repository_wiki.STAGE]
    assert (report.failed, report.updated) == (0, 1)
    assert "it is shown as it was before" not in reader.get(f"{ROOT}-/architecture").text


def test_pages_of_the_wiki_are_not_searched(opened: Pipeline) -> None:
    sync(opened, KEY)
    ids = opened.store.table(Stage.CHUNKS, KEY).read(columns=["document_id"])["document_id"].to_pylist()
    assert not [document_id for document_id in ids if document_id.startswith("-/")]
    assert len(set(ids)) == len(FILES)
