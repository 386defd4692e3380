"""From events to work: events get their sources, and all that waits for a source becomes one claim."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wiki_pipeline.catalog import Claim, ClaimRecord, EventRecord
from wiki_pipeline.errors import ConfigurationError, SourceError, StoreError
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.model import Connection, SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.claim import CLAIM_SECONDS, retry
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name

_UNRESOLVED_AT_ONCE = 200
_LOOK_SECONDS = 0.1


def claim_work(pipeline: Pipeline) -> list[Claim]:
    """Take on what is due, one claim a source that no process works on; it expires unless a run takes it up.

    Late and doubled deliveries, of versions that are served already, are superseded here and make no work. More
    documents than a batch holds make a look at the whole source. A source whose table can't be read is tried again
    later, and holds no other up.

    Raises:
        CatalogError: it can't be read or written.
    """
    catalog, settings = pipeline.catalog, pipeline.settings
    work = []
    at_once = {name: most for name, kind in kinds().items() if (most := kind.syncs_at_once()) is not None}
    for claim in catalog.claims.claim(pipeline.tenant, CLAIM_SECONDS, at_once=at_once):
        try:
            left = _without_late(pipeline, claim)
        except StoreError as error:
            catalog.claims.fail(claim.claim_id, str(error), retry(settings))
            continue
        if left is None:
            catalog.claims.settle(claim.claim_id, {}, retry(settings))
        elif len(left.documents) > settings.batch_documents:
            work.append(replace(left, documents=()))
        else:
            work.append(left)
    return work


@dataclass(frozen=True, slots=True)
class Stalled:
    """Reported changes that no sync takes up, although nothing stands in the way.

    Attributes:
        changes: how many.
        since: when the first could have been taken up.
    """

    changes: int
    since: datetime

    def __str__(self) -> str:
        changes, them = ("change waits", "it") if self.changes == 1 else ("changes wait", "them")
        return (
            f"{self.changes} reported {changes} since {self.since:%Y-%m-%d %H:%M} UTC, and no sync takes {them} up. "
            "Look whether Dagster's daemon and code server run, and whether the sensor freshness_events is on."
        )


def stalled(pipeline: Pipeline) -> Stalled | None:
    """Whether work waits for longer than `WIKI_PIPELINE_STALLED_SECONDS` to be taken up; None if not. One query.

    Raises:
        CatalogError: it can't be read.
    """
    waiting = pipeline.catalog.claims.waiting(pipeline.tenant)
    bound = timedelta(seconds=load(FreshnessSettings).stalled_seconds)
    if waiting is None or waiting.at - waiting.since < bound:
        return None
    return Stalled(waiting.events, waiting.since)


def free_lost_claims(
    pipeline: Pipeline,
    is_alive: Callable[[ClaimRecord], bool | None],
    was_cancelled: Callable[[ClaimRecord], bool] = lambda _: False,
) -> list[ClaimRecord]:
    """Free what was claimed by workers that are gone, so that it is claimed again. Returns what was freed.

    Who works holds the source's lease from before it took the claim up until after it settled it: a claim that was
    taken up and has no lease lost its worker, unless `is_alive` knows better. So did one that was not taken up, if
    `is_alive` says that its worker ended; if that knows of no worker at all (None), the claim is left alone until it
    runs out, because its worker may be about to start. A worker that ended counts as a failed attempt: what kills it
    must not do so for ever. What a person cancelled is not done again.

    Raises:
        CatalogError: the catalog can't be used.
    """
    claims, freed = pipeline.catalog.claims, []
    expired = {record.claim_id for record in claims.expired(pipeline.tenant)}
    for record in claims.under_way(pipeline.tenant):
        is_late = record.claim_id in expired
        worker = _has_worker(pipeline, record, is_alive)
        if worker is False or (worker is None and (record.run_id or is_late)):
            if worker is False and was_cancelled(record):
                claims.cancel(record.claim_id or "", "Its run was cancelled.")
                freed.append(record)
            elif _free(pipeline, record, never_was=worker is None):
                freed.append(record)
        elif is_late:
            claims.keep(record.claim_id or "", CLAIM_SECONDS)
    return freed


def _has_worker(pipeline: Pipeline, record: ClaimRecord, is_alive: Callable[[ClaimRecord], bool | None]) -> bool | None:
    if pipeline.catalog.is_held(lease_name(record.source)):
        return True
    # Settled before its lease was given back, it is no longer open now.
    now = pipeline.catalog.claims.of(record.source)
    return True if now is None or now.claim_id != record.claim_id else is_alive(record)


def _free(pipeline: Pipeline, record: ClaimRecord, *, never_was: bool) -> bool:
    claims, claim_id = pipeline.catalog.claims, record.claim_id or ""
    if not record.run_id and never_was:
        return claims.release(claim_id, "The run that was to take it up was never made.")
    ended = (
        f"The run {record.run_id} ended without a word: its process is gone."
        if record.run_id
        else "The run that was to take it up ended before it could: Dagster's log of that run says why."
    )
    return claims.fail(claim_id, ended, retry(pipeline.settings))


def _without_late(pipeline: Pipeline, claim: Claim) -> Claim | None:
    """The claim without events of versions that are served already; None if that leaves nothing."""
    if not claim.documents:
        return claim
    events = pipeline.catalog.events.find(claim.source.tenant, claim_id=claim.claim_id, limit=claim.events)
    versioned = [event for event in events if event.version.isdecimal()]
    if not versioned:
        return claim
    served = _served_versions(pipeline, claim)
    late = {event.event_id for event in versioned if _is_late(event, served)}
    if late:
        reason = "Came late: a version that is as new is served already."
        pipeline.catalog.events.supersede(late, reason)
    left = {event.document_id for event in events if event.event_id not in late}
    return replace(claim, documents=tuple(sorted(left)), events=len(events) - len(late)) if left else None


def _served_versions(pipeline: Pipeline, claim: Claim) -> dict[str, str]:
    table = pipeline.store.table(Stage.RAW_PAGES, claim.source)
    rows = table.read(list(claim.documents), ["document_id", "version"])
    return dict(zip(rows["document_id"].to_pylist(), rows["version"].to_pylist(), strict=True))


def _is_late(event: EventRecord, served: dict[str, str]) -> bool:
    version = served.get(event.document_id, "")
    return version.isdecimal() and int(event.version) <= int(version)


def resolve(pipeline: Pipeline) -> int:
    """Give events without a source those that are known to hold their document, and those that hold it now. Trouble
    with one kind of source postpones its events only. Returns of how many events that was found out.

    Raises:
        CatalogError: the catalog can't be used.
    """
    catalog, tenant = pipeline.catalog, pipeline.tenant
    by_kind: dict[str, list[EventRecord]] = defaultdict(list)
    for event in catalog.events.unresolved(tenant, _UNRESOLVED_AT_ONCE):
        by_kind[event.kind].append(event)
    resolved = 0
    for kind, events in by_kind.items():
        try:
            found, unknown = _found(pipeline, kind, events)
        except (ConfigurationError, SourceError) as error:
            found, unknown = {}, dict.fromkeys((event.event_id for event in events), error)
        for event_id, trouble in unknown.items():
            catalog.events.postpone([event_id], str(trouble), retry(pipeline.settings))
        catalog.events.resolve(found)
        resolved += len(found)
    return resolved


def _found(
    pipeline: Pipeline, kind: str, events: Sequence[EventRecord]
) -> tuple[dict[int, list[SourceKey]], dict[int, ConfigurationError | SourceError]]:
    """The sources of each event; and the events of which they are not known yet, because a site does not answer."""
    ids = list(dict.fromkeys(event.document_id for event in events))
    held = pipeline.catalog.upstream.holders(pipeline.tenant, kind, ids)
    groups = pipeline.by_connection(kinds()[kind]) if kind in kinds() else []
    located, trouble = _located(kind, groups, ids)
    opened_by = {key: by.name for by, known in groups if by for key in known}
    found, unknown = {}, {}
    for event in events:
        id_ = event.document_id
        sources = list(dict.fromkeys([*held.get(id_, ()), *located.get(id_, ())]))
        if event.connection:  # who reported it speaks for the sources of that one alone
            sources = [key for key in sources if opened_by.get(key) == event.connection]
        if trouble and id_ not in located:
            unknown[event.event_id] = trouble
        else:
            found[event.event_id] = sources
    return found, unknown


def _located(
    kind: str, groups: Sequence[tuple[Connection | None, Mapping[SourceKey, str]]], ids: Sequence[str]
) -> tuple[dict[str, list[SourceKey]], ConfigurationError | SourceError | None]:
    """Where the sites of all connections have documents now; and what went wrong with one of them."""
    located: dict[str, list[SourceKey]] = defaultdict(list)
    trouble: ConfigurationError | SourceError | None = None
    for connection, known in groups:
        try:
            answer = signals.run_interruptibly(kinds()[kind].locate(ids, known, connection))
        except (ConfigurationError, SourceError) as error:
            trouble = error
            continue
        for id_, sources in answer.items():
            located[id_].extend(sources)
    return located, trouble


def wait_until(there_is: Callable[[], bool], seconds: float) -> bool:
    """Look until there is something, for so many seconds at most. Looks at least once."""
    deadline = time.monotonic() + seconds
    while not there_is():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_LOOK_SECONDS, left))
    return True
