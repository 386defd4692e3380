"""The catalog's tables as the program knows them; `migrations/` brings a database there step by step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Double,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
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


def storable(text: str) -> str:
    """Text from strangers: NUL (which PostgreSQL refuses) and lone surrogates (which no UTF-8 holds) become U+FFFD."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\x00", "\ufffd")


class PlainText(TypeDecorator[str]):
    """Text, made `storable`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


# As wide as the interface takes numbers; SQLite's are so anyway, and only `Integer` counts up there.
_Number = BigInteger().with_variant(Integer(), "sqlite")

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


def _steady(name: str) -> Column[float]:
    """A moment of steady time, in seconds (`steady`); 0 has passed for certain."""
    return Column(name, Double, nullable=False, server_default="0")


def _source(**options: Any) -> Column[str]:
    return _text("source", ForeignKey("sources.source", ondelete="CASCADE"), **options)


sources = Table(
    "sources",
    metadata,
    _text("source", primary_key=True),  # the other three as one: tenant:kind:name
    _text("tenant"),
    _text("kind"),
    _text("name"),
    Column("specification", PlainText(), key="config", nullable=False),  # the name that databases have
    _text("title"),
    _text("url"),
    _moment("added_at"),
    _text("connection", server_default=""),  # by which it is opened; empty: by the one that its address belongs to
    _text("managed_by", server_default=""),  # "demo", "settings", or empty: a person's
    _text("audience", server_default="tenant"),  # who may read it: "tenant", "groups" or "admins"
    Column("audience_groups", JSON, nullable=False, server_default="[]"),  # names, where it is "groups"
    UniqueConstraint("tenant", "kind", "name"),
)

# Of sources that were removed and that not everyone could read: what is still told of them (that they were removed, the
# last changes, jobs) is told to the same people.
former_audiences = Table(
    "former_audiences",
    metadata,
    _text("source", primary_key=True),
    _text("tenant"),
    _text("audience"),
    Column("audience_groups", JSON, nullable=False),
    Index("ix_former_audiences_tenant", "tenant"),
)

# One a tenant: another word after each change of who may read what, for those who remember what followed from it.
audience_marks = Table("audience_marks", metadata, _text("tenant", primary_key=True), _text("mark"))

# The sites and hosts that sources are read from. Of secrets only where they are.
connections = Table(
    "connections",
    metadata,
    _text("tenant", primary_key=True),
    _text("name", primary_key=True),
    _text("kind"),
    _text("url"),
    Column("options", JSON, nullable=False),
    _text("secret_ref"),
    _text("managed_by"),  # "settings", "demo", or empty: a person's
    _moment("added_at"),
    _text("webhook_secret_ref", server_default=""),
)

# How much time has passed, whatever was done to the clock: see `steady`. One row.
clock = Table(
    "clock",
    metadata,
    _text("name", primary_key=True),
    Column("seconds", Double, nullable=False),
    _moment("moment"),  # by the database's clock, when that was so
    _text("boot"),  # the start of the machine that said so
    Column("passed", Double, nullable=False),  # seconds since then
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
    _moment("expires"),  # for people; what holds is the next
    _steady("ends"),
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
    _text("parent_id", server_default=""),  # of an attachment: the document that shows it
    _text("tried", server_default=""),  # of what took more than one document may: hash of what would fail again
)

syncs = Table(
    "syncs",
    metadata,
    Column("sync_id", _Number, primary_key=True, autoincrement=True),
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

# --- freshness ---

events = Table(
    "events",
    metadata,
    Column("event_id", _Number, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("kind"),  # of source: known even where the source itself is not
    Column("source", PlainText(), ForeignKey("sources.source", ondelete="CASCADE"), nullable=True),
    _text("document_id"),  # empty: the source as a whole
    _text("what"),  # upstream's word for it
    _text("version"),
    _text("origin"),
    _text("delivery_id"),
    Column("job_id", PlainText(), nullable=True),
    _moment("received_at"),
    _text("state"),
    Column("attempts", Integer, nullable=False),
    _moment("due_at"),
    Column("claim_id", PlainText(), nullable=True),
    _moment("settled_at", nullable=True),
    _text("reason"),
    _steady("rests_until"),  # due when this or `due_at` has come
    _text("connection", server_default=""),  # where there is no source yet: by which it must be opened; empty: by any
    UniqueConstraint("delivery_id", "document_id"),  # a delivery that comes twice is one
    Index("ix_events_state", "state", "source"),
    Index("ix_events_source", "source", "document_id"),
    Index("ix_events_claim_id", "claim_id"),
    sqlite_autoincrement=True,
)

# One a source that was ever claimed: the work that is under way, and how its last attempts went.
claims = Table(
    "claims",
    metadata,
    _source(primary_key=True),
    Column("claim_id", PlainText(), nullable=True, unique=True),  # null: nothing is under way
    _text("run_id"),
    _moment("claimed_at"),
    _moment("expires_at"),
    Column("failures", Integer, nullable=False),  # in a row
    _moment("due_at"),  # not to be claimed before this or `rests_until` has come
    _text("error"),
    _steady("rests_until"),
    _steady("ends"),  # as `expires_at`, which is for people
)

jobs = Table(
    "jobs",
    metadata,
    _text("job_id", primary_key=True),
    _text("tenant"),
    _text("source"),  # no foreign key: a job is still to be seen when its source was forgotten
    _text("description"),
    _text("status"),
    _moment("created_at"),
    _moment("started_at", nullable=True),
    _moment("finished_at", nullable=True),
    Column("total", Integer, nullable=True),
    Column("progress", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("errors", JSON, nullable=False),
    _text("run_id"),
    Column("terminate", Boolean, nullable=False),
    Index("ix_jobs_tenant", "tenant", "created_at"),
)

# What each source said last that it holds.
upstream = Table(
    "upstream",
    metadata,
    _source(primary_key=True),
    _text("document_id", primary_key=True),
    _text("version_key"),
    _moment("changed_at"),  # since when this version is known
    Index("ix_upstream_document_id", "document_id"),
)

observations = Table(
    "observations",
    metadata,
    _source(primary_key=True),
    _text("data_version"),
    Column("documents", Integer, nullable=False),
    _moment("listed_at", nullable=True),  # when it last listed completely
    _moment("polled_at", nullable=True),
    _text("cursor"),  # of the last poll
)

alerts = Table(
    "alerts",
    metadata,
    _text("problem", primary_key=True),
    _text("message"),
    _moment("raised_at"),
)

# Whom documents mention by an id, and what they were called when a source of the kind was asked last.
people = Table(
    "people",
    metadata,
    _text("tenant", primary_key=True),
    _text("kind", primary_key=True),
    _text("connection", primary_key=True),  # of the site that says so, as in `sources`
    _text("person_id", primary_key=True),
    _text("name"),
    _moment("asked_at"),
)

# --- changes ---

# What syncs changed, one row a change. Of a document's changes the latest stays as long as the document does, so that
# whoever begins at the first row comes to know all that there is; the others and deletions go with time. No foreign
# keys: that a source was removed is reported after its end.
changes = Table(
    "changes",
    metadata,
    Column("change_id", Integer, primary_key=True, autoincrement=True),
    Column("set_id", Integer, nullable=False),
    _text("tenant"),
    _text("source"),
    _text("document_id"),  # empty: the source as a whole
    _text("kind"),
    _text("version"),
    _text("previous_version"),
    _text("title"),
    _text("path"),
    _text("url"),
    _text("author"),
    _moment("modified_at", nullable=True),
    _text("content_hash"),
    _moment("recorded_at"),
    Column("latest", Boolean, nullable=False),
    Index("ix_changes_tenant", "tenant", "change_id"),
    Index("ix_changes_source", "source", "document_id"),
    Index("ix_changes_set_id", "set_id"),
    sqlite_autoincrement=True,
)

# The changes of one sync as a whole.
change_sets = Table(
    "change_sets",
    metadata,
    Column("set_id", Integer, primary_key=True, autoincrement=True),
    _text("tenant"),
    _text("source"),
    _text("kind"),
    _text("title"),  # of the source
    Column("added", Integer, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("deleted", Integer, nullable=False),
    _moment("recorded_at"),
    Index("ix_change_sets_tenant", "tenant", "set_id"),
    sqlite_autoincrement=True,
)

# Up to which state of `clean_pages` the changes of a source are recorded; empty while one is being written.
change_states = Table("change_states", metadata, _text("source", primary_key=True), _text("data_version"))

# One a tenant: what tells cursors of another catalog from those of this one, and the last deletion that is forgotten.
change_logs = Table(
    "change_logs",
    metadata,
    _text("tenant", primary_key=True),
    _text("log_id"),
    Column("floor", Integer, nullable=False),
)

# --- answers ---

# What people follow while it is made: one stream an answer or a piece of research, its events numbered from 1.
streams = Table(
    "streams",
    metadata,
    _text("stream_id", primary_key=True),
    _text("tenant"),
    _text("kind"),
    _text("owner"),  # who began it
    _moment("created_at"),
    _moment("finished_at", nullable=True),
    Column("cancelled", Boolean, nullable=False),  # a person asked for it to stop
    Index("ix_streams_finished_at", "finished_at"),
)

stream_events = Table(
    "stream_events",
    metadata,
    _text("stream_id", ForeignKey("streams.stream_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _text("event"),
    Column("data", JSON, nullable=False),
)

conversations = Table(
    "conversations",
    metadata,
    _text("conversation_id", primary_key=True),
    _text("tenant"),
    _text("owner"),
    _text("title"),
    _moment("created_at"),
    _moment("updated_at"),
    Index("ix_conversations_owner", "tenant", "owner", "updated_at"),
)

answers = Table(
    "answers",
    metadata,
    _text("answer_id", primary_key=True),  # its stream's id too
    _text("conversation_id", ForeignKey("conversations.conversation_id", ondelete="CASCADE")),
    Column("position", Integer, nullable=False),  # in its conversation, from 1
    _text("kind"),
    _text("question"),
    Column("request", JSON, nullable=False),
    _text("status"),
    Column("body", JSON, nullable=True),  # null until it has ended
    _moment("created_at"),
    _moment("finished_at", nullable=True),
    UniqueConstraint("conversation_id", "position"),
    Index("ix_answers_status", "status"),
)

# What a model said to the same request before.
model_answers = Table(
    "model_answers",
    metadata,
    _text("tenant", primary_key=True),
    _text("key", primary_key=True),
    Column("body", JSON, nullable=False),
    _moment("created_at"),
    Index("ix_model_answers_created_at", "created_at"),
)

# What calls of models have cost, by day (UTC).
model_spending = Table(
    "model_spending",
    metadata,
    _text("day", primary_key=True),
    _text("tenant", primary_key=True),
    _text("model", primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("price", Float, nullable=False),
)

# --- quotas ---

# How much of what may be used in a period, by plans, tenants and accounts (`quotas`).
quota_caps = Table(
    "quota_caps",
    metadata,
    _text("holder", primary_key=True),
    _text("kind", primary_key=True),
    _text("period", primary_key=True),
    Column("cap", BigInteger, nullable=False),
)

quota_plans = Table("quota_plans", metadata, _text("tenant", primary_key=True), _text("plan"))

# What is used of it since a period began, and what is reserved by work that is under way. A tenant as a whole has an
# empty account; what all tenants share has an empty tenant.
quota_use = Table(
    "quota_use",
    metadata,
    _text("tenant", primary_key=True),
    _text("account", primary_key=True),
    _text("kind", primary_key=True),
    _text("began", primary_key=True),
    Column("used", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
)

quota_reservations = Table(
    "quota_reservations",
    metadata,
    _text("reservation_id", primary_key=True),
    _text("tenant", primary_key=True),
    _text("account", primary_key=True),
    _text("kind", primary_key=True),
    _text("began", primary_key=True),
    Column("amount", BigInteger, nullable=False),
    _moment("expires_at"),
    Index("ix_quota_reservations_expires_at", "expires_at"),
)

# Keys of language models that are a tenant's (empty account) or a person's own; the keys themselves are sealed secrets.
model_keys = Table(
    "model_keys",
    metadata,
    _text("tenant", primary_key=True),
    _text("account", primary_key=True),
    _text("base_url"),
    _text("model"),
    _text("secret_ref"),
    _text("last_four"),
    _moment("added_at"),
)

# The tables of a bucket; a row without a name says that the list is complete.
lance_tables = Table("lance_tables", metadata, _text("tenant", primary_key=True), _text("name", primary_key=True))

# Which programs can use the database: one row, written by the one that migrated it.
schema_use = Table("schema_use", metadata, _text("oldest_program", primary_key=True))

# What processes counted that have ended.
figures = Table(
    "figures",
    metadata,
    _text("tenant", primary_key=True),
    _text("name", primary_key=True),
    _text("labels", primary_key=True),
    Column("value", Float, nullable=False),
)

# Which documents and commits name which documents elsewhere; see `mentions`.
mentions = Table(
    "mentions",
    metadata,
    _source(primary_key=True),
    _text("what", primary_key=True),
    _text("holder", primary_key=True),
    _text("name", primary_key=True),
    _text("title"),
    _text("url"),
    _text("author"),
    _moment("moment", nullable=True),
    Index("ix_mentions_name", "name"),
)

# Up to where they are recorded: a version of a table, a commit.
mention_states = Table(
    "mention_states",
    metadata,
    _source(primary_key=True),
    _text("what", primary_key=True),
    _text("position"),
)

# --- tenants ---

# Whose sources and everything derived from them is. One that was dropped stays as a tombstone, so that its name can't
# come to mean somebody else.
tenants = Table(
    "tenants",
    metadata,
    _text("tenant", primary_key=True),
    _text("title"),
    _text("state"),
    Column("settings", JSON, nullable=False),
    Column("steps_done", JSON, nullable=False),  # of its dropping
    _moment("created_at"),
    _moment("dropped_at", nullable=True),
)

# One a tenant, wrapped by the installation's master key: without it the tenant's secrets are noise, for good.
data_keys = Table(
    "data_keys",
    metadata,
    _text("key_id", primary_key=True),
    _text("tenant", unique=True),
    _text("master_id"),  # which master key wraps it
    Column("nonce", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    _moment("created_at"),
)

# Secrets, sealed with the tenant's data key. Elsewhere they are referred to as `row:SECRET_ID`.
secrets = Table(
    "secrets",
    metadata,
    _text("secret_id", primary_key=True),
    _text("tenant"),
    _text("kind"),  # "connection", "webhook", ...
    _text("name"),
    Column("version", Integer, nullable=False),
    _text("key_id"),
    Column("nonce", LargeBinary, nullable=False),
    Column("ciphertext", LargeBinary, nullable=False),
    _text("last4"),  # for people; empty where that would tell too much of it
    _moment("changed_at"),
    UniqueConstraint("tenant", "kind", "name"),
)

# On which day (UTC) what can be made again was used last.
uses = Table(
    "uses",
    metadata,
    _text("tenant", primary_key=True),
    _text("what", primary_key=True),
    _text("day"),
)
