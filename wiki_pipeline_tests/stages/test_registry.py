"""Every stage is declared once, and whatever goes by stages knows all of them."""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.definitions import defs
from wiki_pipeline.model import SCHEMAS, Stage
from wiki_pipeline.stages import STAGES


def test_every_stage_is_declared_in_the_order_of_the_flow() -> None:
    assert [declared.stage for declared in STAGES] == list(Stage)
    assert [declared.inputs is None for declared in STAGES] == [True, *[False] * (len(STAGES) - 1)]
    assert all("document_id" in declared.schema.names for declared in STAGES)
    assert SCHEMAS.keys() == set(Stage)


def test_every_stage_has_its_asset_with_its_code_version() -> None:
    graph = defs.resolve_asset_graph()
    for declared in STAGES:
        assert graph.get(dg.AssetKey(declared.stage.value)).code_version == declared.code_version
