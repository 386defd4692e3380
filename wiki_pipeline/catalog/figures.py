"""Figures of processes that end before anyone can ask them: added up here, shown by the gateway's /metrics.

A counter is a row by its name and labels; a histogram is its counters by bucket (label `le`, not cumulative), with
`_sum` and `_count` beside them, as `observe` writes it.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from wiki_pipeline.catalog.database import Database, upsert
from wiki_pipeline.catalog.tables import figures

BUCKET, SUM, COUNT = "_bucket", "_sum", "_count"


@dataclass(frozen=True, slots=True)
class Figure:
    """One counter.

    Attributes:
        name: as in /metrics, without `wiki_pipeline_`.
        value: what it has been counted up to since the installation was made.
    """

    name: str
    labels: Mapping[str, str]
    value: float


class Figures:
    """Counters of a tenant. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, counted: Iterable[Figure]) -> None:
        """Count up. Figures of the same name and labels may come several times."""
        totals: dict[tuple[str, str], float] = defaultdict(float)
        for figure in counted:
            totals[figure.name, json.dumps(dict(figure.labels), sort_keys=True)] += figure.value
        rows = [
            {"tenant": tenant, "name": name, "labels": labels, "value": value}
            for (name, labels), value in sorted(totals.items())  # in one order, so that no two wait for each other
            if value
        ]
        if not rows:
            return
        with self._database.write() as connection:
            insert = upsert(connection, figures)
            connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["tenant", "name", "labels"],
                    set_={"value": figures.c.value + insert.excluded.value},
                ),
                rows,
            )

    def put(self, tenant: str, gauges: Iterable[Figure]) -> None:
        """Set figures that are no counters: what counts is the last."""
        rows = [
            {
                "tenant": tenant,
                "name": each.name,
                "labels": json.dumps(dict(each.labels), sort_keys=True),
                "value": each.value,
            }
            for each in gauges
        ]
        if not rows:
            return
        with self._database.write() as connection:
            insert = upsert(connection, figures)
            keys = ["tenant", "name", "labels"]
            connection.execute(
                insert.on_conflict_do_update(index_elements=keys, set_={"value": insert.excluded.value}), rows
            )

    def all(self, tenant: str) -> list[Figure]:
        """All counters, by name and labels."""
        chosen = select(figures).where(figures.c.tenant == tenant).order_by(figures.c.name, figures.c.labels)
        with self._database.read() as connection:
            return [Figure(row.name, json.loads(row.labels), row.value) for row in connection.execute(chosen)]


def observed(name: str, values: Sequence[float], bounds: Sequence[float], labels: Mapping[str, str]) -> list[Figure]:
    """A histogram's counters of some observations.

    Args:
        bounds: upper bounds of its buckets, ascending; one more takes what is above.
    """
    found = [Figure(name + BUCKET, {**labels, "le": _bound(bounds, bisect_left(bounds, value))}, 1) for value in values]
    return [*found, Figure(name + SUM, labels, sum(values)), Figure(name + COUNT, labels, len(values))]


def _bound(bounds: Sequence[float], index: int) -> str:
    return f"{bounds[index]:g}" if index < len(bounds) else "+Inf"
