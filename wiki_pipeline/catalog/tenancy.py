"""Tenants: who there is, and the dropping of one, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from wiki_pipeline.catalog.access_tables import audit
from wiki_pipeline.catalog.database import Database, now
from wiki_pipeline.catalog.tables import (
    alerts,
    audience_marks,
    change_logs,
    change_sets,
    change_states,
    changes,
    claims,
    connections,
    conversations,
    events,
    figures,
    former_audiences,
    jobs,
    lance_tables,
    leases,
    model_answers,
    model_keys,
    model_spending,
    people,
    quota_caps,
    quota_plans,
    quota_reservations,
    quota_use,
    sources,
    streams,
    tenants,
    uses,
)
from wiki_pipeline.catalog.tenant_people import forget_people_of
from wiki_pipeline.catalog.tenant_states import TenantState
from wiki_pipeline.errors import ConfigurationError

# What belongs to a tenant by a column of that name; rows below them go with them. In the order of what refers to what.
# Not here: the tenant itself, and its keys, which go last (`Secrets.destroy`).
_OF_TENANT = (
    events,
    jobs,
    streams,
    conversations,
    changes,
    change_sets,
    change_logs,
    people,
    model_answers,
    model_spending,
    figures,
    lance_tables,
    sources,
    connections,
    uses,
    former_audiences,
    audience_marks,
    quota_plans,
    quota_use,
    quota_reservations,
    model_keys,
    audit,
)
_BY_SOURCE = (claims, change_states)


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant.

    Attributes:
        title: for people; empty: its name.
        settings: its own, by name.
        steps_done: of its dropping.
    """

    name: str
    title: str
    state: TenantState
    settings: Mapping[str, Any]
    steps_done: Sequence[str]
    created_at: datetime
    dropped_at: datetime | None


class Tenancy:
    """The tenants of the installation."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> TenantRecord | None:
        """A tenant, also one that is or was dropped; None if there was never one of that name."""
        with self._database.read() as connection:
            row = connection.execute(select(tenants).where(tenants.c.tenant == name)).one_or_none()
        return None if row is None else _record(row)

    def all(self) -> Sequence[TenantRecord]:
        """All tenants with the tombstones, by name."""
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(select(tenants).order_by(tenants.c.tenant))]

    def active(self) -> Sequence[str]:
        """Names of the tenants that are served, sorted."""
        chosen = select(tenants.c.tenant).where(tenants.c.state == TenantState.ACTIVE.value).order_by(tenants.c.tenant)
        with self._database.read() as connection:
            return list(connection.execute(chosen).scalars())

    def is_dropped(self, name: str) -> bool:
        """Whether a tenant is being dropped, or was."""
        known = self.get(name)
        return known is not None and known.state is not TenantState.ACTIVE

    def add(self, name: str, title: str = "", settings: Mapping[str, Any] | None = None) -> TenantRecord:
        """Add a tenant.

        Raises:
            ConfigurationError: there is one of that name, or there was: names are not used again.
        """
        with self._database.write() as connection:
            known = connection.execute(select(tenants.c.state).where(tenants.c.tenant == name)).scalar()
            if known == TenantState.ACTIVE.value:
                raise ConfigurationError(f"There is a tenant {name} already.")
            if known is not None:
                raise ConfigurationError(
                    f"There was a tenant {name}, which is {known}.",
                    "Choose another name: what remains of the old one in backups and logs must not become the new "
                    "one's.",
                )
            self._insert(connection, name, title, settings or {})
            return _record(connection.execute(select(tenants).where(tenants.c.tenant == name)).one())

    def ensure(self, name: str) -> None:
        """Make the tenant that the settings name, where it is not there yet. Repeatable.

        Raises:
            ConfigurationError: it was dropped.
        """
        known = self.get(name)
        if known is None:
            with self._database.write() as connection:
                if connection.execute(select(tenants.c.tenant).where(tenants.c.tenant == name)).scalar() is None:
                    self._insert(connection, name, "", {})
        elif known.state is not TenantState.ACTIVE:
            raise ConfigurationError(
                f"WIKI_PIPELINE_TENANT names {name}, which was dropped.", "Set it to another tenant's name."
            )

    # --- dropping ---

    def begin_drop(self, name: str) -> TenantRecord:
        """From here on the tenant is served no more, and nobody gets into it: its members, sessions and tokens end in
        the same transaction (`forget_people_of`). Repeatable, as long as the dropping has not ended.

        Raises:
            ConfigurationError: there is no such tenant.
        """
        with self._database.erasing() as connection:
            known = connection.execute(select(tenants).where(tenants.c.tenant == name)).one_or_none()
            if known is None:
                raise ConfigurationError(f"There is no tenant {name!r}.", "`wiki-pipeline tenants list` shows them.")
            if known.state == TenantState.ACTIVE.value:
                dropping = {"state": TenantState.DROPPING.value, "steps_done": []}
                connection.execute(update(tenants).where(tenants.c.tenant == name).values(**dropping))
            if known.state != TenantState.DROPPED.value:
                forget_people_of(connection, name)
            return _record(connection.execute(select(tenants).where(tenants.c.tenant == name)).one())

    def stop(self, name: str) -> None:
        """Ask all that is under way for a tenant to end: its jobs, answers and research; nothing is begun any more."""
        with self._database.write() as connection:
            unfinished = (jobs.c.tenant == name) & jobs.c.finished_at.is_(None)
            connection.execute(update(jobs).where(unfinished).values(terminate=True))
            connection.execute(update(streams).where(streams.c.tenant == name).values(cancelled=True))
            connection.execute(delete(events).where(events.c.tenant == name, events.c.claim_id.is_(None)))

    def step_done(self, name: str, step: str) -> None:
        """Record that a step of the dropping is done."""
        with self._database.write() as connection:
            which = tenants.c.tenant == name
            done = connection.execute(select(tenants.c.steps_done).where(which)).scalar_one()
            if step not in done:
                connection.execute(update(tenants).where(which).values(steps_done=[*done, step]))

    def forget_rows(self, name: str) -> int:
        """Delete all rows of a tenant but itself and its keys. Repeatable. Returns how many, without those below."""
        gone = 0
        with self._database.erasing() as connection:
            prefix = f"{name}:"
            connection.execute(delete(leases).where(leases.c.name.in_([f"vectors of {name}"])))
            connection.execute(delete(leases).where(leases.c.name.startswith(f"source {prefix}", autoescape=True)))
            connection.execute(delete(alerts).where(alerts.c.problem.contains(f" {prefix}", autoescape=True)))
            caps = quota_caps.c.holder
            theirs = caps.startswith(f"account:{prefix}", autoescape=True)
            theirs |= caps.in_([f"tenant:{name}", f"tenant:{prefix}each"])
            gone += connection.execute(delete(quota_caps).where(theirs)).rowcount
            gone += forget_people_of(connection, name)
            for table in _BY_SOURCE:
                which = func.substr(table.c.source, 1, len(prefix)) == prefix
                gone += connection.execute(delete(table).where(which)).rowcount
            for table in _OF_TENANT:
                gone += connection.execute(delete(table).where(table.c.tenant == name)).rowcount
        return gone

    def end_drop(self, name: str, actor: str) -> TenantRecord:
        """Keep the tombstone, and one entry in the audit.

        Args:
            actor: who dropped it, for the audit.
        """
        with self._database.write() as connection:
            which = tenants.c.tenant == name
            stone = {"state": TenantState.DROPPED.value, "dropped_at": now(connection), "settings": {}, "title": ""}
            connection.execute(update(tenants).where(which).values(**stone))
            about = {"object": f"tenant {name}", "result": "ok", "address": "", "request_id": ""}
            entry = {"at": now(connection), "tenant": name, "actor": actor, "action": "tenant.drop", **about}
            connection.execute(insert(audit).values(**entry))
            return _record(connection.execute(select(tenants).where(which)).one())

    @staticmethod
    def _insert(connection: Any, name: str, title: str, settings: Mapping[str, Any]) -> None:
        new = insert(tenants).values(
            tenant=name,
            title=title,
            state=TenantState.ACTIVE.value,
            settings=dict(settings),
            steps_done=[],
            created_at=now(connection),
        )
        connection.execute(new)


def _record(row: Row[Any]) -> TenantRecord:
    return TenantRecord(
        row.tenant,
        row.title,
        TenantState(row.state),
        dict(row.settings),
        tuple(row.steps_done),
        row.created_at,
        row.dropped_at,
    )
