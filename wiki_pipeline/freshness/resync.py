"""Resyncs: every source looked at as a whole, under one name by which all of it can be followed and cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from wiki_pipeline.catalog import Claim, EventBatch, Origin, SyncMode
from wiki_pipeline.freshness.shards import shard_of
from wiki_pipeline.model import ChangeHint
from wiki_pipeline.sync.pipeline import Pipeline

_WHAT = "full resync "


def request_resync(pipeline: Pipeline, name: str, portion: int = 0, portions: int = 1) -> int:
    """Write an event a source of the tenant. The same name again writes none. Returns how many were written.

    Args:
        portion, portions: only for the sources of this portion, from 0, of so many.

    Raises:
        CatalogError: the catalog can't be used.
    """
    tenant = pipeline.tenant
    messages = [
        EventBatch(
            tenant,
            Origin.SCHEDULE,
            [ChangeHint(record.key.kind, record.key, what=f"{_WHAT}{name}")],
            f"{_WHAT}{name} {record.key}",
        )
        for record in pipeline.active_sources()
        if shard_of(record.key, portions) == portion
    ]
    return sum(pipeline.catalog.events.record(messages))


def request_overdue(pipeline: Pipeline, now: datetime | None = None) -> int:
    """Write an event for each source that was not brought up to date as a whole for longer than its kind allows; one
    an interval at most, however often this is asked. Returns how many were written.

    Raises:
        CatalogError: the catalog can't be used.
        ConfigurationError: a setting is wrong.
    """
    now = now or datetime.now(UTC)
    batches = []
    for record in pipeline.active_sources():
        seconds = pipeline.kind_of(record.key).sync_interval()
        if not seconds:
            continue
        last = pipeline.catalog.last_completed_sync(record.key, SyncMode.FULL)
        since = last.started if last else record.added_at
        waits = any(not event.document_id for event in pipeline.catalog.events.unsettled(record.key))
        if now - since > timedelta(seconds=seconds) and not waits:
            hint = ChangeHint(record.key.kind, record.key, what="sync interval")
            which = int(now.timestamp() / seconds)
            batches.append(
                EventBatch(record.key.tenant, Origin.SCHEDULE, [hint], f"sync interval {which} {record.key}")
            )
    return sum(pipeline.catalog.events.record(batches)) if batches else 0


def resync_of(claim: Claim) -> str:
    """The name of the newest resync that a claim is part of; empty if it is of none."""
    return max(_names(claim.what), default="")


def cancel(pipeline: Pipeline, claim: Claim) -> None:
    """Give a claim back without its part in a resync, which a person has cancelled. What else waits is claimed again.

    Raises:
        CatalogError: the catalog can't be used.
    """
    catalog, tenant = pipeline.catalog, claim.source.tenant
    events = catalog.events.find(tenant, claim_id=claim.claim_id, limit=claim.events)
    catalog.events.supersede([event.event_id for event in events if _names([event.what])], "Its run was cancelled.")
    catalog.claims.release(claim.claim_id, "The resync that it was claimed with was cancelled.")


def _names(what: Sequence[str]) -> list[str]:
    return [word.removeprefix(_WHAT) for word in what if word.startswith(_WHAT)]
