"""An overview of documents that have a status, as issues do: to do, under way and done, by status and by epic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wiki_pipeline.links.wiki_addresses import page_address
from wiki_pipeline.model import SourceKey

COLUMNS = ("document_id", "title", "parent_id", "wiki_path", "modified_at", "facets")
_COLUMNS = {"new": "To do", "indeterminate": "In progress", "done": "Done"}
_CARDS = 12
_EPICS = 20
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A document with a status. `tone` is the status's category."""

    key: str
    title: str
    href: str
    status: str
    tone: str
    type: str = ""
    assignee: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """All documents of one category of status: how many, and those that changed last."""

    title: str
    tone: str
    count: int
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True, kw_only=True)
class Epic:
    """A document above others, and how many of those are done."""

    card: Card
    done: int
    total: int

    @property
    def percent(self) -> int:
        """Done of all, in percent."""
        return round(100 * self.done / self.total) if self.total else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The overview.

    Attributes:
        open: numbers of documents that are not done, by status and its category, the most frequent first.
    """

    columns: Sequence[Column]
    open: Sequence[tuple[str, str, int]]
    epics: Sequence[Epic]


def board(source: SourceKey, rows: Iterable[Mapping[str, Any]]) -> Board | None:
    """The overview of a source's documents; None if none has a status.

    Args:
        rows: the columns `COLUMNS` of each.
    """
    cards: list[tuple[datetime, Card, str, str]] = []
    for row in rows:
        facts = facts_of(row["facets"])
        if "status" in facts:
            moment = row["modified_at"] or _EARLIEST
            cards.append((moment, _card(source, row, facts), row["document_id"], row["parent_id"] or ""))
    if not cards:
        return None
    cards.sort(key=lambda each: (-each[0].timestamp() if each[0] != _EARLIEST else 0, each[2]))
    columns = []
    for tone, title in _COLUMNS.items():
        mine = [card for _, card, _, _ in cards if card.tone == tone]
        columns.append(Column(title=title, tone=tone, count=len(mine), cards=mine[:_CARDS]))
    counted = Counter((card.status, card.tone) for _, card, _, _ in cards if card.tone != "done")
    states = [(status, tone, count) for (status, tone), count in sorted(counted.items(), key=lambda i: (-i[1], i[0]))]
    return Board(columns=columns, open=states, epics=_epics(cards))


def _epics(cards: Sequence[tuple[datetime, Card, str, str]]) -> list[Epic]:
    below: dict[str, list[Card]] = {}
    for _, card, _, parent in cards:
        below.setdefault(parent, []).append(card)
    epics = []
    for _, card, document_id, parent in cards:
        children = below.get(document_id, [])
        if parent or not children:
            continue
        epics.append(Epic(card=card, done=sum(each.tone == "done" for each in children), total=len(children)))
    return sorted(epics, key=lambda epic: (epic.card.tone == "done", epic.card.key))[:_EPICS]


def _card(source: SourceKey, row: Mapping[str, Any], facts: Mapping[str, str]) -> Card:
    key = facts.get("key", "")
    return Card(
        key=key,
        title=row["title"].removeprefix(key).strip(),
        href=page_address(source, row["wiki_path"]),
        status=facts["status"],
        tone=facts.get("category", "") if facts.get("category") in _COLUMNS else "other",
        type=facts.get("type", ""),
        assignee=facts.get("assignee", ""),
    )


def facts_of(facets: Iterable[str]) -> dict[str, str]:
    """Facets by name; of several values the first."""
    found: dict[str, str] = {}
    for facet in facets:
        name, _, value = facet.partition("=")
        found.setdefault(name, value)
    return found
