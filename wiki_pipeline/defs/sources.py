"""Sources in Dagster: a partition each, and the node that the graph begins with.

A partition is one dynamic key, `tenant:kind:name`. The node `sources_upstream` shows what a source holds: where that is
newer than its partition of `raw_pages`, Dagster shows the partition as out of date.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.defs.dagster_internals import delete_runs
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.session import Sync

NAME = "sources"
KEY = dg.AssetKey("sources_upstream")
_RUNS_AT_ONCE = 200
_PARTITIONS_AT_ONCE = 500  # Dagster asks for all of them in one IN, of which SQLite takes 32,766 at most


sources = dg.DynamicPartitionsDefinition(name=NAME)


def registered_source(partition_key: str, catalog: Catalog) -> SourceKey:
    """The source of a partition key. Dagster takes any text as a key, so this is where a key made by hand is refused.

    Raises:
        ConfigurationError: not written like a source, or not one that the catalog knows.
    """
    key = SourceKey.parse(partition_key)
    if catalog.source(key) is None:
        raise ConfigurationError(
            f"{key} is a partition, but no source of that name was added.",
            "Add it with `wiki-pipeline sources add ADDRESS`, or delete the partition.",
        )
    return key


def publish_sources(instance: dg.DagsterInstance, catalog: Catalog, tenant: str) -> None:
    """Make every source of the catalog a partition. Repeatable; partitions without a source are left alone, for
    their data must go first (`forget_source`)."""
    keys = [str(source.key) for source in catalog.sources(tenant)]
    known = set(instance.get_dynamic_partitions(NAME))
    missing = [key for key in keys if key not in known]
    for start in range(0, len(missing), _PARTITIONS_AT_ONCE):
        instance.add_dynamic_partitions(NAME, missing[start : start + _PARTITIONS_AT_ONCE])


def forget_tenant(instance: dg.DagsterInstance, tenant: str) -> None:
    """Have Dagster forget a tenant's runs, with what they logged, and its partitions. Repeatable."""
    keys = [key for key in instance.get_dynamic_partitions(NAME) if key.startswith(f"{tenant}:")]
    for key in keys:
        while runs := instance.get_runs(dg.RunsFilter(tags={"dagster/partition": key}), limit=_RUNS_AT_ONCE):
            delete_runs(instance, [run.run_id for run in runs])
        instance.delete_dynamic_partition(NAME, key)


sources_upstream = dg.AssetSpec(
    KEY,
    description="Confluence spaces, Git repositories and Jira projects, where people edit. Nothing is made here: each "
    "observation says what a source holds, as a hash of its listing, followed by `+` and an event's number while a "
    "change waits to be synced. Webhooks, `poll_sources` and each sync observe it; a partition of `raw_pages` that is "
    "behind it is shown as out of date (Asset › Partitions).",
    group_name="pipeline",
    kinds={"confluence", "git", "jira"},
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

    Dagster records what was observed before a step began as the step's input; but the step looks upstream itself,
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
    record = catalog.source(source)
    moments = {"listed": known and known.listed_at, "polled": known and known.polled_at}
    return dg.AssetObservation(
        KEY,
        partition=str(source),
        tags={"dagster/data_version": f"{known.data_version if known else 'unknown'}{suffix}"},
        metadata={
            "documents": known.documents if known else 0,
            **{name: dg.MetadataValue.timestamp(moment) for name, moment in moments.items() if moment},
            **({"source": dg.MetadataValue.url(record.url)} if record and record.url.startswith("http") else {}),
        },
    )
