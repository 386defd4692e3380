"""What Dagster's pages say of an asset before anything has run: columns, table, owners, code, freshness."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from wiki_pipeline.defs import stale
from wiki_pipeline.defs.dagster_internals import get_smallest_cron_interval
from wiki_pipeline.defs.report import table_uri
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.model import Stage
from wiki_pipeline.stages import STAGES
from wiki_pipeline.store import Store

_LEAST_REPORT_WINDOW = timedelta(hours=1)


def describe(assets: Iterable[object], settings: DagsterSettings) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The assets with what the settings and the tables' schemas say of them. Reads and asks nothing.

    Raises:
        ConfigurationError: the settings name a tenant that can't be one.
    """
    owners = list(settings.owners)
    folder = table_uri(Store(settings.lance_url, settings.tenant).url)
    stages = {dg.AssetKey(str(declared.stage)): declared.stage for declared in STAGES}

    def described(spec: dg.AssetSpec) -> dg.AssetSpec:
        spec = spec.replace_attributes(owners=owners)
        if stage := stages.get(spec.key):
            spec = spec.merge_attributes(metadata=_table(stage, folder))
            return spec.replace_attributes(freshness_policy=_resynced(settings))
        if spec.key == stale.KEY:
            spec = spec.merge_attributes(metadata={"dagster/column_schema": stale.SCHEMA})
            return spec.replace_attributes(freshness_policy=_reported(settings))
        return spec

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # code references are
        with_code = dg.with_source_code_references(
            [asset for asset in assets if isinstance(asset, dg.AssetsDefinition | dg.AssetSpec)]
        )
    return [
        asset.map_asset_specs(described) if isinstance(asset, dg.AssetsDefinition) else described(asset)
        for asset in with_code
        if isinstance(asset, dg.AssetsDefinition | dg.AssetSpec)
    ]


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """The columns of an Arrow schema as Dagster shows them."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name, _type_name(column.type), constraints=dg.TableColumnConstraints(nullable=column.nullable)
            )
            for column in schema
        ]
    )


def _type_name(type_: pa.DataType) -> str:
    return f"list<{type_.value_type}>" if pa.types.is_fixed_size_list(type_) else str(type_)


def _table(stage: Stage, folder: str) -> dict[str, Any]:
    """Which tables an asset is. A run's materialisation names the one that it wrote."""
    each = "model" if stage is Stage.VECTORS else "source"  # there is a table each
    return {
        "dagster/column_schema": column_schema(stage.schema),
        "dagster/table_name": f"{stage}.<{each}>",
        "dagster/storage_kind": "lancedb",
        "dagster/uri": folder,
    }


def _resynced(settings: DagsterSettings) -> dg.FreshnessPolicy:
    """At each resync, the one before has been run: every sync materialises every stage, also where nothing changed."""
    return dg.FreshnessPolicy.cron(
        deadline_cron=settings.resync_cron,
        lower_bound_delta=get_smallest_cron_interval(settings.resync_cron),
        timezone=settings.time_zone,
    )


def _reported(settings: DagsterSettings) -> dg.FreshnessPolicy:
    """The sensor refreshes the report as long as Dagster's daemon runs."""
    return dg.FreshnessPolicy.time_window(max(_LEAST_REPORT_WINDOW, timedelta(seconds=3 * settings.report_seconds)))
