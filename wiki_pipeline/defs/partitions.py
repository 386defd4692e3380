"""Sources as Dagster partitions: one dynamic key a source, `tenant:kind:name`."""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey

NAME = "sources"

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
    if missing:
        instance.add_dynamic_partitions(NAME, missing)
