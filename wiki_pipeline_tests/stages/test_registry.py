"""Every stage is declared once, and whatever goes by stages knows all of them."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from wiki_pipeline import stages
from wiki_pipeline.definitions import defs
from wiki_pipeline.model import RAW_PAGES, Stage, StageReport
from wiki_pipeline.stages import STAGES, declared
from wiki_pipeline_tests.installation import ENG


def test_every_stage_is_declared_and_every_module_of_the_room_declares_one() -> None:
    assert {each.stage for each in STAGES} == set(Stage)
    assert len({each.stage for each in STAGES}) == len(STAGES)
    modules = {path.stem for path in Path(stages.__file__).parent.glob("*.py")} - {"__init__"}
    assert modules == {str(each.stage) for each in STAGES}
    assert [each.inputs is None for each in STAGES] == [True, *[False] * (len(STAGES) - 1)]


@pytest.mark.parametrize("stage", list(Stage))
def test_what_a_stage_shows_is_there(stage: Stage) -> None:
    each = declared(stage)
    columns = [*each.preview, *each.picture.columns, each.document_id]
    assert set(columns) <= set(stage.schema.names)
    report = StageReport(stage=stage, source=ENG)
    assert all(report.count(name) == 0 for name in (*each.counts, *each.own_counts))
    assert each.summary(report) == ""
    assert all(check.count(report) == 0 and not check.documents(report) for check in each.checks)


def test_a_stage_counts_only_what_reports_have() -> None:
    stage = declared(Stage.CHUNKS)
    with pytest.raises(ValueError, match="counts chars: no report has that"):
        replace(stage, counts=["chars"])
    with pytest.raises(ValueError, match="counts title"):
        replace(stage, counts=["title"])
    minutes = replace(stage, counts=["embedded"], own_counts=["minutes"])
    report = StageReport(stage=stage.stage, source=ENG, embedded=3, counts={"minutes": 4})
    assert minutes.numbers(report) == {"embedded": 3, "minutes": 4}
    assert minutes.numbers(StageReport(stage=stage.stage, source=ENG)) == {"embedded": 0, "minutes": 0}
    with pytest.raises(ValueError, match="does not declare that it counts minutes"):
        stage.numbers(report)


def test_every_stage_has_its_asset_with_its_code_version_and_its_checks() -> None:
    graph = defs.resolve_asset_graph()
    for each in STAGES:
        key = dg.AssetKey(str(each.stage))
        assert graph.get(key).code_version == each.code_version
        checks = {check.name for check in graph.get_check_keys_for_assets({key})}
        assert checks == {"all_documents_processed", *(check.name for check in each.checks)}


def test_what_is_compared_for_staleness_are_all_stages() -> None:
    graph = defs.resolve_asset_graph()
    upstream = {key.to_user_string() for key in graph.get(dg.AssetKey("stale_documents")).parent_keys}
    assert upstream == {"sources_upstream", *(str(each.stage) for each in STAGES)}


def test_a_stage_is_found_by_its_name_also_by_other_processes() -> None:
    assert Stage("raw_pages") is Stage.RAW_PAGES
    assert pickle.loads(pickle.dumps(Stage.VECTORS)) is Stage.VECTORS  # noqa: S301 - our own
    assert f"{Stage.CHUNKS}" == "chunks"


def test_a_name_that_nothing_declares_is_a_stage_without_a_table() -> None:
    gone = Stage("summaries")
    assert gone == "summaries"
    assert gone not in set(Stage)
    assert gone.schema.names == []


def test_a_name_is_declared_once() -> None:
    assert Stage.declare("raw_pages", RAW_PAGES) is Stage.RAW_PAGES
    with pytest.raises(ValueError, match="raw_pages"):
        Stage.declare("raw_pages", pa.schema([("document_id", pa.string())]))
