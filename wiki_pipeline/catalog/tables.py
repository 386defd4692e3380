"""The catalog's tables as the program knows them; `migrations/` brings a database there step by step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, always timezone-aware and in UTC; SQLite, which knows no time zones, stores UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment without a time zone can't be stored")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text from strangers: NUL (which PostgreSQL refuses) and lone surrogates (which no UTF-8 holds) become U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\x00", "\ufffd")


# Constraints have names, so that a later migration can drop them on every database.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _text(name: str, *arguments: Any, **options: Any) -> Column[str]:
    return Column(name, PlainText(), *arguments, nullable=False, **options)


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime(), nullable=nullable)


def _source(**options: Any) -> Column[str]:
    return _text("source", ForeignKey("sources.source", ondelete="CASCADE"), **options)


sources = Table(
    "sources",
    metadata,
    _text("source", primary_key=True),  # the other three as one: tenant:kind:name
    _text("tenant"),
    _text("kind"),
    _text("name"),
    _text("specification"),
    _text("title"),
    _text("url"),
    _moment("added_at"),
    UniqueConstraint("tenant", "kind", "name"),
)

leases = Table(
    "leases",
    metadata,
    _text("name", primary_key=True),
    _text("holder"),
    _text("token"),  # of one acquisition: a holder that comes back late does not take the next one's lease for its own
    _text("pid_space"),  # where the pid means something: two containers of one host have pids of their own
    Column("pid", Integer, nullable=False),
    _moment("acquired"),
    _moment("expires"),
)

failures = Table(
    "failures",
    metadata,
    _source(primary_key=True),
    _text("document_id", primary_key=True),
    _text("stage", primary_key=True),
    _text("title"),
    _text("message"),
    Column("attempts", Integer, CheckConstraint("attempts > 0", name="attempts"), nullable=False),
    _moment("first_failed_at"),
    _moment("last_failed_at"),
)

syncs = Table(
    "syncs",
    metadata,
    Column("sync_id", Integer, primary_key=True, autoincrement=True),
    _source(),
    _text("mode"),
    _text("run_id"),
    _moment("started"),
    _moment("finished", nullable=True),
    _text("status"),
    Column("totals", JSON, nullable=False),
    _text("error_code"),
    _text("error_message"),
    Index("ix_syncs_source", "source", "sync_id"),
    sqlite_autoincrement=True,  # ids of pruned syncs are not used again
)
