"""Rows of the catalog as frozen dataclasses. All times are timezone-aware, in UTC, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from wiki_pipeline.catalog.audiences import Audience
from wiki_pipeline.model import Connection, SourceKey, Stage, StageReport

SETTINGS, DEMO = "settings", "demo"  # who manages a row, if not a person


class SyncMode(StrEnum):
    """What a sync looks at: the complete listing, or the documents that were named."""

    FULL = "full"
    INCREMENTAL = "incremental"


class SyncStatus(StrEnum):
    """Where a sync stands. `INTERRUPTED`: its process ended without saying how, and a later sync found that out."""

    RUNNING = "running"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


COMPLETED = (SyncStatus.COMPLETED, SyncStatus.COMPLETED_WITH_ERRORS)


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source that was added.

    Attributes:
        config: JSON by which the source's kind opens it; no secrets.
        title, url: for people; empty until the source was asked what it is.
        connection: name of the connection by which it is opened; empty: of the one that its address belongs to.
        managed_by: `DEMO` for a source that was made for the demo, `SETTINGS` for one that the settings named; else
            empty.
        audience: who of the tenant may read it.
    """

    key: SourceKey
    config: str
    title: str
    url: str
    added_at: datetime
    connection: str = ""
    managed_by: str = ""
    audience: Audience = field(default_factory=Audience)


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """A connection that was added.

    Attributes:
        managed_by: `SETTINGS`, `DEMO`, or empty for one that a person added.
    """

    connection: Connection
    managed_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who may write something at the moment.

    Attributes:
        name: what is held, as `source default:git:org/repo`.
        holder: the holding process as `host:pid`.
        acquired: since when.
        expires: until when, unless the holder renews it or is known to be dead.
    """

    name: str
    holder: str
    acquired: datetime
    expires: datetime


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A document that could not be brought up to date by a stage, and still is not.

    Attributes:
        message: of the last attempt.
        attempts: how many in a row failed.
        parent_id: of an attachment: the document that shows it.
        tried: of a document that took more than one may: hash of what was tried. The same would fail again.
    """

    source: SourceKey
    document_id: str
    title: str
    stage: Stage
    message: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    parent_id: str = ""
    tried: str = ""


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """One sync of one source.

    Attributes:
        sync_id: grows with time.
        run_id: of the Dagster run; empty outside Dagster.
        finished: None while it runs, and for ever if it was interrupted.
        reports: what each stage did, without the failures by name (those are `FailureRecord`s while they last).
        error_code, error_message: why it failed; empty otherwise.
    """

    sync_id: int
    source: SourceKey
    mode: SyncMode
    run_id: str
    started: datetime
    finished: datetime | None
    status: SyncStatus
    reports: tuple[StageReport, ...]
    error_code: str
    error_message: str
