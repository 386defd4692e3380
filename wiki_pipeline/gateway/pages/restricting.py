"""What the search and the ask page restrict a search to: fields of their forms, as filters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from wiki_pipeline.errors import SearchError
from wiki_pipeline.gateway.api.restrictions import FACET
from wiki_pipeline.gateway.services import Services
from wiki_pipeline.store import Filters
from wiki_pipeline.wiki.views import Restriction

NAMES = ("source", "kind", "label", "author", "path", "language", "facet", "since")
_LONGEST = 400


def restriction(fields: Mapping[str, str]) -> Restriction:
    """What the form said; fields that are missing or too long say nothing."""
    given = {name: fields.get(name, "").strip() for name in NAMES}
    return Restriction(**{name: value if len(value) <= _LONGEST else "" for name, value in given.items()})


def filters(serving: Services, chosen: Restriction) -> Filters:
    """As a search takes it.

    Raises:
        SourceNotFoundError: there is no such source.
        SearchError: the day is none, or what issues are to have is no name and value.
    """
    return Filters(
        sources=(serving.source_named(chosen.source).key,) if chosen.source else (),
        kinds=(chosen.kind,) if chosen.kind else (),
        labels=tuple(label.strip() for label in chosen.label.split(",") if label.strip()),
        authors=(chosen.author,) if chosen.author else (),
        path_prefix=chosen.path,
        languages=(chosen.language,) if chosen.language else (),
        facets=_facets(chosen.facet),
        modified_from=_day(chosen.since),
    )


def chosen_before(filters_of_request: Mapping[str, object], slugs: Mapping[str, str]) -> Restriction:
    """What an earlier question was restricted to, for the one that follows.

    Args:
        filters_of_request: as they were kept with it.
        slugs: names in addresses by keys of sources.
    """

    def first(name: str) -> str:
        value = filters_of_request.get(name) or ""
        return str(value[0]) if isinstance(value, list | tuple) and len(value) == 1 else ""

    return Restriction(
        source=slugs.get(first("sources"), ""),
        kind=first("kinds"),
        label=first("labels"),
        author=first("authors"),
        path=str(filters_of_request.get("path_prefix") or ""),
        language=first("languages"),
        facet=", ".join(_texts(filters_of_request.get("facets"))),
        since=str(filters_of_request.get("modified_from") or "")[:10],
    )


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list | tuple) else []


def _facets(value: str) -> tuple[str, ...]:
    given = [facet.strip() for facet in value.split(",") if facet.strip()]
    for facet in given:
        if not re.match(FACET, facet):
            raise SearchError(f"{facet!r} is no name and value.", "Give one like status=Done or assignee=Ada Lovelace.")
    return tuple(given)


def _day(value: str) -> datetime | None:
    if not value:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise SearchError(f"{value!r} is no day.", "Give one like 2026-10-31.") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
