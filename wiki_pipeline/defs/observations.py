"""What sources hold, as the node that the graph begins with: when it is newer than `raw_pages`, Dagster shows that."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.defs.partitions import sources
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.session import Sync

KEY = dg.AssetKey("sources_upstream")

sources_upstream = dg.AssetSpec(
    KEY,
    description="Confluence spaces and Git repositories, where people edit. Nothing is made here: each observation "
    "says what a source holds, as a hash of its listing, and `+` with an event's number while a change is still to be "
    "brought over. It is observed by webhooks, by `poll_sources` and by each sync; a partition of `raw_pages` that is "
    "behind it is shown as out of date (Asset › Partitions).",
    group_name="pipeline",
    kinds={"confluence", "git"},
    owners=["team:data-platform"],
    partitions_def=sources,
)


def observation(catalog: Catalog, source: SourceKey) -> dg.AssetObservation:
    """What is known of a source now. Its data version is another one while there are events not served yet.

    Raises:
        CatalogError: the catalog can't be read.
    """
    waiting = catalog.events.newest(source, unsettled=True)
    return _observation(catalog, source, f"+{waiting}" if waiting else "")


def served(context: dg.AssetExecutionContext, sync: Sync) -> Mapping[str, str]:
    """Have Dagster know what the sync saw upstream. Returns the tags by which a materialisation says so.

    Dagster takes down what was observed before a step began as the step's input; but the step looks upstream itself,
    and what it saw is what it brought over.

    Raises:
        CatalogError: the catalog can't be read.
    """
    seen = _observation(sync.pipeline.catalog, sync.source, "")
    context.log_event(seen)
    desired = dg.AssetRecordsFilter(KEY, asset_partitions=[str(sync.source)])
    record = context.instance.fetch_observations(desired, limit=1).records[0]
    return {
        f"dagster/input_data_version/{KEY.to_user_string()}": seen.data_version or "",
        f"dagster/input_event_pointer/{KEY.to_user_string()}": str(record.storage_id),
    }


def _observation(catalog: Catalog, source: SourceKey, suffix: str) -> dg.AssetObservation:
    known = catalog.upstream.observation(source)
    told = catalog.source(source)
    moments = {"listed": known and known.listed_at, "polled": known and known.polled_at}
    return dg.AssetObservation(
        KEY,
        partition=str(source),
        tags={"dagster/data_version": f"{known.data_version if known else 'unknown'}{suffix}"},
        metadata={
            "documents": known.documents if known else 0,
            **{name: dg.MetadataValue.timestamp(moment) for name, moment in moments.items() if moment},
            **({"source": dg.MetadataValue.url(told.url)} if told and told.url.startswith("http") else {}),
        },
    )
