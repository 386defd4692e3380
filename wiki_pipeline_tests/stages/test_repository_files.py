"""Pictures and files of a repository, as its pages show them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install, pipeline, sync
from wiki_pipeline_tests.sources.git.upstream import Upstream
from wiki_pipeline_tests.text.attachments.files import pdf

KEY = SourceKey("default", "git", "rigs")
PNG = b"\x89PNG\r\n\x1a\n\x00one"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>\n'
GUIDE = """\
# Guide

![The rig](img/rig%201.png) ![Drawn](/img/plan.svg) <img src="img/rig%201.png">
See [the card](../card.pdf#page=2), [nothing](gone.png) and ![secret](../secret/key.png).
"""


@pytest.fixture
def repository(tmp_path: Path) -> Upstream:
    repository = Upstream(tmp_path / "upstream")
    repository.commit(
        {
            "docs/guide.md": GUIDE,
            "docs/img/rig 1.png": PNG,
            "docs/img/unused.png": PNG + b"2",
            "img/plan.svg": SVG,
            "secret/key.png": PNG + b"3",
            "card.pdf": pdf("Prime the foghorn"),
        }
    )
    return repository


@pytest.fixture
def opened(repository: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    source = {"url": str(repository.path), "name": "rigs", "exclude": ["*.svg", "secret/**"]}
    install(monkeypatch, tmp_path, WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([source]))
    with pipeline() as opened:
        yield opened


def files(opened: Pipeline) -> dict[str, str]:
    rows = opened.store.table(Stage.ATTACHMENTS, KEY).read(columns=["path", "file_hash"])
    return dict(zip(rows["path"].to_pylist(), rows["file_hash"].to_pylist(), strict=True))


def guide(opened: Pipeline) -> str:
    return str(opened.store.table(Stage.WIKI_PAGES, KEY).read(["docs/guide.md"], ["html"])["html"][0].as_py())


def test_pages_show_the_files_of_their_commit(opened: Pipeline) -> None:
    sync(opened, KEY)
    found = files(opened)
    assert found.keys() == {"docs/img/rig 1.png", "img/plan.svg", "card.pdf"}
    html = guide(opened)
    at = "/wiki/git-rigs/_files"
    rig = f"{at}/{found['docs/img/rig 1.png']}/rig%201.png"
    assert html.count(f'<img src="{rig}"') == 2
    assert f'<img src="{at}/{found["img/plan.svg"]}/plan.svg" alt="Drawn"' in html
    assert f'<a href="{at}/{found["card.pdf"]}/card.pdf"' in html
    assert "key.png" not in found


def test_a_file_s_text_is_found_below_the_page_that_shows_it(opened: Pipeline) -> None:
    sync(opened, KEY)
    rows = opened.store.table(Stage.CHUNKS, KEY).read(["docs/guide.md"], ["heading_path", "text"]).to_pylist()
    assert [row["heading_path"] for row in rows if "foghorn" in row["text"]] == [["card.pdf", "Page 1"]]


def test_only_what_changed_is_read_again(opened: Pipeline, repository: Upstream) -> None:
    sync(opened, KEY)
    again = sync(opened, KEY)
    assert {report.commits for report in again.values()} == {0}
    repository.commit({"docs/img/rig 1.png": PNG + b"new"})
    reports = sync(opened, KEY)
    assert (reports[Stage.ATTACHMENTS].updated, reports[Stage.ATTACHMENTS].added) == (1, 0)
    assert reports[Stage.WIKI_PAGES].updated == 1
    assert files(opened)["docs/img/rig 1.png"] in guide(opened)


def test_a_file_that_is_removed_goes(opened: Pipeline, repository: Upstream) -> None:
    sync(opened, KEY)
    repository.commit({"card.pdf": None})
    assert sync(opened, KEY)[Stage.ATTACHMENTS].deleted == 1
