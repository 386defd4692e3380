"""A kind of source that is one function: the README's example from its files to search hits, and its failures."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wiki_pipeline.errors import ConfigurationError, SourceError, WikiPipelineError
from wiki_pipeline.freshness import freshness, poll
from wiki_pipeline.model import DocumentFailure, DocumentGone, RawPage, SourceKey, Stage
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.sources.simple import SimpleDocument, SimpleSource, source_kind
from wiki_pipeline.store import Filters, search
from wiki_pipeline.sync.session import SourceTables
from wiki_pipeline_tests.installation import install, pipeline, sync, work

ROOT = Path(__file__).parents[2]
MEETINGS = SourceKey("default", "notes", "meetings")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose kind of source is the README's example; its folder of notes."""
    chapter = (ROOT / "README.md").read_text("utf-8").partition("### Add a kind of source")[2]
    found = re.search(r"```python\n(.*?)```", chapter, re.DOTALL)
    assert found
    assert found[1].count("\n") <= 30
    (tmp_path / "notes.py").write_text(found[1], "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "notes", raising=False)
    folder = tmp_path / "meetings"
    folder.mkdir()
    variables = {"WIKI_PIPELINE_SOURCE_MODULES": "notes", "WIKI_PIPELINE_NOTES": json.dumps({"meetings": str(folder)})}
    install(monkeypatch, tmp_path, **variables)
    return folder


@pytest.mark.integration
def test_the_readme_s_example_is_a_kind_of_source_like_any_other(example: Path) -> None:
    (example / "pumps.md").write_text("# Bilge pumps\n\nThe bilge pump is replaced.\n", "utf-8")
    (example / "winches.md").write_text("About winches.\n", "utf-8")
    with pipeline() as opened:
        reports = sync(opened, MEETINGS)
        assert {stage: report.failed for stage, report in reports.items()} == dict.fromkeys(Stage, 0)
        embedder = SourceTables(opened, MEETINGS).embedder

        def hits(query: str) -> list[str]:
            return [
                hit.document_id for hit in search(opened.store, embedder, query, k=5, mode="text", filters=Filters())
            ]

        assert hits("bilge") == ["pumps.md"]
        assert freshness(opened).stale == []
        (example / "pumps.md").unlink()
        (example / "winches.md").write_text("The winch squeaks.\n", "utf-8")
        assert poll(opened, MEETINGS).events == 2
        work(opened)
        assert (hits("bilge"), hits("squeaks")) == ([], ["winches.md"])
        assert freshness(opened).stale == []
        assert sum(report.commits for report in sync(opened, MEETINGS).values()) == 0


@pytest.mark.integration
def test_a_function_that_fails_ends_the_sync_and_deletes_nothing(
    example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example / "pumps.md").write_text("The bilge pump.\n", "utf-8")
    with pipeline() as opened:
        sync(opened, MEETINGS)
        (example / "broken.md").write_bytes(b"\xff\xfe\xfa")
        with pytest.raises(SourceError, match=r"default:notes:meetings can't be read: UnicodeDecodeError"):
            sync(opened, MEETINGS)
        assert opened.store.table(Stage.RAW_PAGES, MEETINGS).read(columns=["document_id"]).num_rows == 1


@pytest.mark.unit
@pytest.mark.parametrize(
    ("source", "said"),
    [("x = 1", "AttributeError"), ("import nothing_of_that_name", "ModuleNotFoundError"), ("(", "SyntaxError")],
)
def test_a_module_that_can_t_be_used_is_named(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"own_{said.lower()}"
    (tmp_path / f"{name}.py").write_text(source, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    install(monkeypatch, tmp_path, WIKI_PIPELINE_SOURCE_MODULES=name)
    with pytest.raises(ConfigurationError, match=f"WIKI_PIPELINE_SOURCE_MODULES: {name} can't be used: {said}"):
        kinds()


def _yielded(documents: Sequence[SimpleDocument]) -> Source:
    def generator(_address: str) -> Iterator[SimpleDocument]:
        yield from documents

    return SimpleSource(MEETINGS, "here", generator)


async def _fetched(source: Source, ids: Sequence[str]) -> list[object]:
    return [answer async for answers in source.fetch(ids) for answer in answers]


@pytest.mark.unit
def test_each_id_gets_one_answer_and_versions_follow_all_that_is_given() -> None:
    one = SimpleDocument(
        id="1", title="One", content="a", updated_at=datetime(2026, 1, 1, tzinfo=UTC), metadata={"x": "y", "z": ""}
    )
    naive = SimpleDocument(id="2", title="Two", content="b", updated_at=datetime(2026, 1, 1))  # noqa: DTZ001
    page, failure, gone = asyncio.run(_fetched(_yielded([one, naive]), ["1", "2", "3"]))
    assert isinstance(page, RawPage)
    assert (page.title, page.body, page.labels, page.version_key) == ("One", "a", ("x: y", "z"), one.version)
    assert isinstance(failure, DocumentFailure)
    assert isinstance(gone, DocumentGone)
    other = SimpleDocument(id="1", title="One", content="a", metadata={"x": "y"})
    assert len({one.version, other.version, SimpleDocument(id="1", title="One", content="b").version}) == 3
    assert SimpleDocument(id="1", title="", content="", version_key="7").version == "7"


@pytest.mark.unit
def test_an_id_that_comes_twice_is_an_error_of_the_source() -> None:
    async def listed() -> None:
        same = SimpleDocument(id="1", title="One", content="a")
        async for _ in _yielded([same, same]).list_documents():
            pass

    with pytest.raises(SourceError, match="yields the id '1' twice"):
        asyncio.run(listed())


@pytest.mark.unit
def test_a_kind_has_a_name_that_can_stand_in_a_key() -> None:
    with pytest.raises(ValueError, match="can't be the name of a kind"):
        source_kind("Meeting notes", setting="X", description="")
    kind = source_kind("notes", setting="WIKI_PIPELINE_NOTES", description="")(lambda _: [])
    assert kind.from_address("default", "notes:/srv/meetings") == (MEETINGS, '{"address": "/srv/meetings"}')
    assert kind.from_address("default", "https://example.org") is None
    with pytest.raises(WikiPipelineError, match="names no address"):
        kind.check_config("{}")
