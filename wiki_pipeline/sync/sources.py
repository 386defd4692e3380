"""Adding and forgetting sources.

A source that is added is asked what it is first, so that a wrong address or credential is refused at once. Of one that
is forgotten everything derived from it goes, in an order that a crash can't harm.
"""

from __future__ import annotations

import json
import shutil
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from wiki_pipeline.catalog import DEMO, SourceRecord
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import Connection, SourceDescription, SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import Source, SourceKind
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.quotas import check_sources
from wiki_pipeline.sync.session import lease_name, vectors_lease


class News(StrEnum):
    """What adding a source changed."""

    ADDED = "added"
    CHANGED = "changed"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Addition:
    """A source that is in the catalog now."""

    record: SourceRecord
    news: News


def add(pipeline: Pipeline, address: str, connection: str = "") -> Addition:
    """Add the source that a person means by an address. Repeatable.

    Args:
        connection: name of the one by which it is opened; empty: the one that the address belongs to.

    Raises:
        ConfigurationError: no kind of source knows what to do with the address, or it is not the connection's.
        SourceError: it does not answer, does not exist, or may not be read. Nothing was added.
    """
    for kind in kinds().values():
        connections = pipeline.connections(kind)
        if connection and not (connections := [each for each in connections if each.name == connection]):
            continue
        found = kind.from_address(pipeline.tenant, address, connections)
        if found is None:
            continue
        found = _of_demo(pipeline, *found)
        return add_specified(pipeline, kind, *found, kind.connection_of(*found, connections), asked=connection)
    if connection:
        raise _not_of(connection)
    possible = "; ".join(kind.addresses for kind in kinds().values())
    raise ConfigurationError("This is not the address of anything that can be a source.", f"Possible are {possible}.")


def add_specified(
    pipeline: Pipeline,
    kind: SourceKind,
    key: SourceKey,
    config: str,
    connection: Connection | None,
    *,
    asked: str = "",
) -> Addition:
    """Add a source by its config, or change it; errors as `add`."""
    if asked and connection is None:
        raise _not_of(asked)
    before, most = pipeline.catalog.source(key), check_sources(pipeline, key)
    home = pipeline.home_of(key)
    home.mkdir(parents=True, exist_ok=True)
    description = signals.run_interruptibly(_describe(kind.open(key, config, home, connection)))
    # What a person asked for is no longer the demo's, which leaves by itself.
    name = connection.name if connection else ""
    record = pipeline.catalog.add_source(
        key, config, description.title, description.url, name, managed_by="", most=most
    )
    if before is None:
        return Addition(record, News.ADDED)
    return Addition(record, News.KNOWN if before.config == config else News.CHANGED)


def _of_demo(pipeline: Pipeline, key: SourceKey, config: str) -> tuple[SourceKey, str]:
    """The demo's source that is meant, which becomes the person's under the name that it has; else what is given."""
    for record in pipeline.catalog.sources(key.tenant):
        is_of_demo = (record.managed_by, record.key.kind) == (DEMO, key.kind) and not pipeline.problem_of(record)
        if is_of_demo and _unnamed(record.config) == _unnamed(config):
            return record.key, record.config
    return key, config


def _unnamed(config: str) -> dict[str, object]:
    return {name: value for name, value in json.loads(config).items() if name != "name"}


def _not_of(connection: str) -> ConfigurationError:
    return ConfigurationError(
        f"This address is not of the connection {connection!r}, or there is no such connection.",
        "`wiki-pipeline connections list` shows them with their addresses.",
    )


async def _describe(source: Source) -> SourceDescription:
    async with aclosing(source) as opened:
        return await opened.describe()


def forget(pipeline: Pipeline, source: SourceKey) -> None:
    """Drop the source's tables, vectors, clone and catalog entry. Repeatable; nothing happens upstream.

    The catalog entry goes last: as long as it is there, the source is listed and can be forgotten again.

    Raises:
        LeaseHeldError: the source is being synced at the moment.
    """
    seconds = pipeline.settings.lease_seconds
    with (
        pipeline.catalog.lease(lease_name(source), seconds),
        pipeline.catalog.lease(vectors_lease(source.tenant), seconds, wait=10 * seconds),
    ):
        pipeline.store.forget(source)
        if folder := pipeline.folder_of(source):
            folder.forget()
        shutil.rmtree(pipeline.home_of(source), ignore_errors=True)
        pipeline.catalog.remove_source(source)
