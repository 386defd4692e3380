"""A sync over tables that an older version of the program left, and what readers get of them meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import lance
import pyarrow as pa
import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.errors import StoreError
from wiki_pipeline.model import SCHEMA_VERSION, SourceKey, Stage
from wiki_pipeline.store import search
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.installation import ENG, OF_OTHERS, install, pipeline, sync
from wiki_pipeline_tests.sync.test_names import mention

OPS = SourceKey("default", "confluence", "OPS")
# Of each table some column that it did not have once; the types of before where they changed.
FORMERLY_MISSING = {
    Stage.RAW_PAGES: ["notes"],
    Stage.CLEAN_PAGES: ["space_key", "people", "unknown_macros", "lost_words"],
    Stage.CHUNKS: ["end_line"],
    Stage.VECTORS: ["end_line", "content_hash"],
    Stage.WIKI_PAGES: ["words"],
}


@pytest.fixture
def spaces(confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Space, Space]:
    """Two spaces of one site, one of whose pages mentions somebody."""
    install(
        monkeypatch,
        tmp_path,
        CONFLUENCE_URL=confluence_cloud.url,
        CONFLUENCE_SPACES=json.dumps({"ENG": [], "OPS": []}),
    )
    eng, ops = confluence_cloud.space("ENG", "Engineering"), confluence_cloud.space("OPS", "Operations")
    eng.add("Pumps", f"<p>The pump is primed by hand. Ask {mention(confluence_cloud, 'Ada Lovelace')}.</p>")
    eng.add("Valves", "<p>The valve is closed before the season.</p>")
    ops.add("Shifts", "<p>The night shift begins at ten.</p>")
    return eng, ops


@pytest.fixture
def opened(spaces: tuple[Space, Space]) -> Iterator[Pipeline]:
    """An installation whose tables an older version made."""
    with pipeline() as opened:
        for source in (ENG, OPS):
            sync(opened, source)
        for source in (ENG, OPS):
            make_old(opened, source)
        yield opened


def make_old(opened: Pipeline, source: SourceKey) -> None:
    names = {f"{stage}.{source.slug}": columns for stage, columns in FORMERLY_MISSING.items()}
    names[serving_table(opened)] = FORMERLY_MISSING[Stage.VECTORS]
    for name, columns in names.items():
        dataset = lance.dataset(opened.store.table_url(name)) if name in opened.store.names() else None
        if dataset is not None and columns[0] in dataset.schema.names:
            dataset.update_schema_metadata({"wiki_pipeline.source": str(source)}, replace=True)
            dataset.drop_columns([*columns, *(["dependencies"] if "dependencies" in dataset.schema.names else [])])
            if name.startswith(Stage.CLEAN_PAGES):
                dataset.add_columns(pa.field("dependencies", pa.list_(pa.string())))


def serving_table(opened: Pipeline) -> str:
    return next(name for name in opened.store.names() if name.startswith("vectors."))


def contents(opened: Pipeline, source: SourceKey) -> dict[str, list[dict[str, object]]]:
    """All rows of a source's tables."""
    tables = [opened.store.table(stage, source) for stage in Stage if stage is not Stage.VECTORS]
    embedder = open_embedder(opened.settings)
    tables.append(opened.store.vectors(embedder.model, embedder.dimension, source))
    return {t.name: sorted(t.read().to_pylist(), key=lambda row: str(row["document_id"])) for t in tables}


def test_one_sync_of_each_source_leaves_what_a_first_sync_would(
    opened: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = sync(opened)
    # Vectors are those of before.
    assert (reports[Stage.VECTORS].embedded, reports[Stage.VECTORS].reused) == (0, 2)
    assert reports[Stage.RAW_PAGES].updated == reports[Stage.WIKI_PAGES].updated == 2
    assert sync(opened, OPS)[Stage.VECTORS].embedded == 0
    again = [report for source in (ENG, OPS) for report in sync(opened, source).values()]
    assert {(report.commits, report.updated) for report in again} == {(0, 0)}

    upgraded = {source: contents(opened, source) for source in (ENG, OPS)}
    monkeypatch.setenv("WIKI_PIPELINE_HOME", str(tmp_path / "new"))
    with pipeline() as new:
        for source in (ENG, OPS):
            sync(new, source)
        # Once more, now that both know of each other's pages and of the people in them.
        for source in (ENG, OPS):
            sync(new, source)
            assert contents(new, source) == upgraded[source]


def test_after_an_upgrade_even_the_sync_of_one_page_looks_at_the_whole_source(
    opened: Pipeline, spaces: tuple[Space, Space]
) -> None:
    reports = sync(opened, ENG, [spaces[0].page("Valves").id])
    assert {report.updated for stage, report in reports.items() if stage not in OF_OTHERS} == {2}


def test_one_sync_tells_whom_pages_mention_where_bodies_need_not_be_fetched_again(
    opened: Pipeline, confluence_cloud: ConfluenceServer
) -> None:
    sync(opened)
    clean = lance.dataset(opened.store.table_url(f"{Stage.CLEAN_PAGES}.{ENG.slug}"))
    clean.drop_columns(["people"])
    opened.catalog.people.forget(ENG, timedelta(0))
    reports = sync(opened)
    assert (reports[Stage.RAW_PAGES].updated, reports[Stage.CLEAN_PAGES].updated) == (0, 2)
    assert {report.commits for report in sync(opened).values()} == {0}


def test_until_its_sync_another_source_s_passages_are_found(opened: Pipeline) -> None:
    sync(opened)
    embedder = open_embedder(opened.settings)
    assert search(opened.store, embedder, "night shift")[0].title == "Shifts"


def test_another_source_that_is_being_written_is_left_to_its_writer(opened: Pipeline) -> None:
    model = open_embedder(opened.settings).model
    with opened.catalog.lease(lease_name(OPS), 60):
        sync(opened)  # whose links may lead there
    assert opened.store.older(OPS, model)
    sync(opened, OPS)
    assert not opened.store.older(OPS, model)
    assert {report.failed for report in sync(opened).values()} == {0}


def test_readers_work_or_say_what_to_do(opened: Pipeline) -> None:
    wiki = opened.store.table(Stage.WIKI_PAGES, ENG)
    assert wiki.row_count() == 2
    assert wiki.read(columns=["title", "html"]).num_rows == 2
    with pytest.raises(StoreError, match="made by an older version"):
        wiki.read()
    with pytest.raises(StoreError, match=r"Run `wiki-pipeline sync` once"):
        search(opened.store, open_embedder(opened.settings), "pumps")


def test_a_sync_over_a_newer_version_s_table_changes_nothing(opened: Pipeline) -> None:
    sync(opened)
    name = f"{Stage.WIKI_PAGES}.{ENG.slug}"
    newer: dict[str, str | None] = {"wiki_pipeline.edition": str(SCHEMA_VERSION + 1)}
    lance.dataset(opened.store.table_url(name)).update_schema_metadata(newer)
    versions = {name: lance.dataset(opened.store.table_url(name)).version for name in opened.store.names()}
    with pytest.raises(StoreError, match="newer wiki-pipeline"):
        sync(opened)
    assert versions == {name: lance.dataset(opened.store.table_url(name)).version for name in opened.store.names()}
    assert "newer wiki-pipeline" in opened.catalog.syncs(ENG)[0].error_message
