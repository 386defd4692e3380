"""Polls: what webhooks missed is found by looking, and becomes events like theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from wiki_pipeline.catalog import EventBatch, EventState, Observation, Origin
from wiki_pipeline.errors import ConfigurationError, SourceError, WikiPipelineError
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.freshness.shards import shard_of
from wiki_pipeline.model import AttachmentRef, ChangeHint, DocumentRef, SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sources.protocol import Source, UnprovenListingError
from wiki_pipeline.sync import downloads, signals
from wiki_pipeline.sync.claim import retry
from wiki_pipeline.sync.pipeline import Pipeline

_WAITING = {EventState.PENDING, EventState.FAILED}


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll found.

    Attributes:
        events: how many were written; 0 if nothing changed, or all of it is known to be waiting.
        retried: how many documents that were given up are tried once more.
        observation: what is known of the source now; None if it was never listed.
    """

    source: SourceKey
    events: int
    retried: int
    observation: Observation | None


def poll(pipeline: Pipeline, source: SourceKey) -> Polled:
    """Look for changes of one source and write events for them.

    A source that was never synced is an event as a whole. One whose cheap look can miss things (deletions, moves,
    labels) is listed completely, as long as it is not too large (`WIKI_PIPELINE_POLL_LISTING_DOCUMENTS`). What waits to
    be done already is not written again. What was given up is tried once more: the look goes on from where the last
    one ended, and would not find it again.

    Raises:
        ConfigurationError, SourceError: it can't be opened or asked. Nothing was written.
        CatalogError, StoreError: they can't be used.
    """
    before = pipeline.catalog.upstream.observation(source)
    hints, cursor = signals.run_interruptibly(_look(pipeline, source, before))
    return _record(pipeline, source, hints, cursor)


def _record(pipeline: Pipeline, source: SourceKey, hints: Sequence[ChangeHint], cursor: str) -> Polled:
    """Write what a look found."""
    catalog = pipeline.catalog
    tried = catalog.events.try_once_more(source, retry(pipeline.settings))
    # An event that tells a version may turn out to be late, and not be looked at; and who works on a claimed one may
    # have looked already, before the change that was seen here.
    unclaimed = (event for event in catalog.events.unsettled(source) if event.state in _WAITING and not event.version)
    waiting = {event.document_id for event in unclaimed}
    new = [] if "" in waiting else [hint for hint in hints if hint.document_id not in waiting]
    if len(new) > pipeline.settings.batch_documents:
        new = [ChangeHint(source.kind, source, what="many changes found by a poll")]
    catalog.events.record([EventBatch(source.tenant, Origin.POLL, new)])
    catalog.upstream.polled(source, cursor)
    return Polled(source, len(new), len(tried), catalog.upstream.observation(source))


def poll_all(
    pipeline: Pipeline,
    on_error: Callable[[SourceKey, WikiPipelineError], None],
    shard: int = 0,
    shards: int = 1,
) -> list[Polled]:
    """Poll every source of the tenant, several at once; one that can't be polled is reported to `on_error` and holds
    no other up.

    Args:
        shard, shards: only the sources of this shard, from 0, of so many.

    Raises:
        CatalogError, StoreError: they can't be used.
    """
    keys = [record.key for record in pipeline.active_sources() if shard_of(record.key, shards) == shard]
    return signals.run_interruptibly(_poll_each(pipeline, keys, on_error))


async def _poll_each(
    pipeline: Pipeline, keys: Sequence[SourceKey], on_error: Callable[[SourceKey, WikiPipelineError], None]
) -> list[Polled]:
    """As many at once as the setting says, in the order of the keys. What is not a source's trouble ends all of it."""
    free = asyncio.Semaphore(load(FreshnessSettings).poll_concurrency)
    found: dict[SourceKey, Polled] = {}

    async def one(key: SourceKey) -> None:
        async with free:
            try:
                before = pipeline.catalog.upstream.observation(key)
                hints, cursor = await _look(pipeline, key, before)
                found[key] = _record(pipeline, key, hints, cursor)
            except (ConfigurationError, SourceError) as error:
                on_error(key, error)

    try:
        async with asyncio.TaskGroup() as group:
            for key in keys:
                group.create_task(one(key))
    except* WikiPipelineError as errors:
        raise errors.exceptions[0] from None
    return [found[key] for key in keys if key in found]


async def _look(pipeline: Pipeline, source: SourceKey, before: Observation | None) -> tuple[list[ChangeHint], str]:
    async with aclosing(pipeline.open_source(source)) as opened:
        start = before.cursor if before else ""
        changes = await opened.poll(start)
        # Where a listing tells the cursor too, it is saved with what was brought over: until then the change is found.
        cursor = start if changes.exact else changes.cursor
        if before is None or before.listed_at is None:
            return [ChangeHint(source.kind, source, what="never synced")], cursor
        if not changes.exact and before.documents <= load(FreshnessSettings).poll_listing_documents:
            hints = await _list(pipeline, source, opened)
        elif changes.whole:
            return [ChangeHint(source.kind, source, what="changed, found by a poll")], cursor
        else:
            hints = _hints(source, changes.documents, "edited, found by a poll")
    hinted = {hint.document_id for hint in hints}
    beside = sorted(_beside_changed(pipeline, source, changes.attachments) - hinted)
    return [*hints, *_hints(source, beside, "attachments changed, found by a poll")], cursor


def _beside_changed(pipeline: Pipeline, source: SourceKey, changed: Sequence[AttachmentRef]) -> set[str]:
    """Documents of the source with attachments that are not kept as they are upstream."""
    if not changed:
        return set()
    kept = downloads.kept(pipeline.store.table(Stage.ATTACHMENTS, source))
    held = {document.document_id for document in pipeline.catalog.upstream.documents(source)}
    new = (ref for ref in changed if (row := kept.get(ref.attachment_id)) is None or row.version_key != ref.version_key)
    return held & {ref.document_id for ref in new}


async def _list(pipeline: Pipeline, source: SourceKey, opened: Source) -> list[ChangeHint]:
    """A listing against what is served."""
    served = _served_keys(pipeline, source)
    try:
        listing = {ref.document_id: ref.version_key async for portion in opened.list_documents() for ref in portion}
    except UnprovenListingError as error:  # what it lacks a sync asks for by name
        listing = served | {ref.document_id: ref.version_key for ref in error.found}
    pipeline.catalog.upstream.observe_all(source, (DocumentRef(id_, key) for id_, key in listing.items()))
    changed = [id_ for id_, key in listing.items() if served.get(id_) != key]
    gone = sorted(served.keys() - listing.keys())
    return [*_hints(source, changed, "changed, found by a poll"), *_hints(source, gone, "gone, found by a poll")]


def _hints(source: SourceKey, document_ids: Iterable[str], what: str) -> list[ChangeHint]:
    return [ChangeHint(source.kind, source, document_id, what) for document_id in document_ids]


def _served_keys(pipeline: Pipeline, source: SourceKey) -> dict[str, str]:
    keys: dict[str, str] = {}
    for batch in pipeline.store.table(Stage.RAW_PAGES, source).batches(["document_id", "version_key"]):
        keys.update(zip(batch["document_id"].to_pylist(), batch["version_key"].to_pylist(), strict=True))
    return keys
