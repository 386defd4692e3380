"""The sources and their freshness as tools."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, Field

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.freshness import Reason, StaleDocument
from wiki_pipeline.gateway.mcp.addresses import PageAddress
from wiki_pipeline.gateway.mcp.reading import Asked, Asker, iso, read
from wiki_pipeline.wiki.views import Currency

_SOURCES = 200
_STALE_SHOWN = 20


class Nothing(Asked):
    """No arguments."""


class Source(BaseModel):
    """A Confluence space or a Git repository."""

    name: str = Field(description="By which other tools know it.")
    kind: str = Field(description="confluence, git, ...")
    title: str
    url: str = Field(description="Where people read it.")
    original: str = Field(description="Where it is upstream; empty if people can't open it there.")
    pages: int
    freshness: Currency
    synced: str | None = Field(description="When the last sync that completed ended, ISO 8601.")
    stale: int = Field(description="Pages behind what is upstream.")


class Sources(BaseModel):
    """The sources that may be read."""

    sources: list[Source]
    left_out: int = Field(description="How many more there are.")


def list_sources(asker: Asker, _: Nothing) -> Sources:
    """All sources, as far as an answer should go."""
    records = asker.serving.reader.sources()
    return Sources(sources=[_source(asker, record) for record in records[:_SOURCES]], left_out=len(records[_SOURCES:]))


def _source(asker: Asker, record: SourceRecord) -> Source:
    card = asker.serving.reader.card(record)
    return Source(
        name=record.key.slug,
        kind=card.kind,
        title=card.title,
        url=asker.root + card.home if asker.root else card.url,
        original=card.url,
        pages=card.documents,
        freshness=card.freshness.currency,
        synced=iso(card.freshness.synced_at),
        stale=card.stale,
    )


class Whose(Asked):
    """Whose freshness."""

    source: str = Field("", max_length=400, description="Only this source, as list_sources names it; empty for all.")
    id: str = Field("", max_length=4_000, description="Only this page, by its id.")


class StalePage(BaseModel):
    """A page that is behind what is upstream."""

    id: str = Field(description="For `fetch`; empty for a source as a whole.")
    title: str
    reason: Reason
    since: str | None = Field(description="Since when that is known, ISO 8601.")
    served_version: str
    upstream_version: str = Field(description="Empty where it was not reported.")
    detail: str


class Standing(BaseModel):
    """How fresh a source is, or one of its pages."""

    source: str
    title: str
    freshness: Currency
    synced: str | None = Field(description="When it was looked at completely and successfully for the last time.")
    syncing: bool
    problem: str = Field(description="Why the last sync failed; empty if it did not.")
    stale: int = Field(description="How many pages are behind.")
    pages: list[StalePage] = Field(description=f"The first {_STALE_SHOWN} of those.")


class Standings(BaseModel):
    """How fresh what is served is."""

    now: str = Field(description="The time of this answer, ISO 8601.")
    sources: list[Standing]
    left_out: int = Field(description="How many more sources there are.")


def freshness(asker: Asker, asked: Whose) -> Standings:
    """What is served behind its source, of all sources, of one, or one page."""
    reader, only = asker.serving.reader, None
    if asked.id:
        found = read(asker, asked.id)
        records, only = [found.record], found.page.document_id
    else:
        records = [asker.serving.source_named(asked.source)] if asked.source else reader.sources()
    standings = []
    for record in records[:_SOURCES]:
        stands = asker.serving.staleness.of(record)
        stale = [each for each in stands.stale if only in {None, each.document_id}]
        card = reader.card(record, stands)
        fresh = only is not None and not stale and card.freshness.currency is Currency.STALE
        standings.append(
            Standing(
                source=record.key.slug,
                title=card.title,
                freshness=Currency.FRESH if fresh else card.freshness.currency,
                synced=iso(card.freshness.synced_at),
                syncing=card.freshness.running,
                problem=card.freshness.problem,
                stale=len(stale),
                pages=[_stale_page(record, each) for each in stale[:_STALE_SHOWN]],
            )
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Standings(now=now, sources=standings, left_out=len(records[_SOURCES:]))


def _stale_page(record: SourceRecord, stale: StaleDocument) -> StalePage:
    return StalePage(
        id=str(PageAddress(record.key.slug, stale.document_id)) if stale.document_id else "",
        title=stale.title,
        reason=stale.reason,
        since=iso(stale.since),
        served_version=stale.served_version,
        upstream_version=stale.upstream_version,
        detail=stale.detail,
    )
