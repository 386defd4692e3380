"""Freshness events, the claims on them and jobs, as frozen dataclasses. Times are in UTC, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wiki_pipeline.model import SourceKey


class Origin(StrEnum):
    """Who said that something may have changed."""

    WEBHOOK = "webhook"
    POLL = "poll"
    SCHEDULE = "schedule"
    API = "api"
    CLI = "cli"
    DAGSTER = "dagster"
    SYNC = "sync"  # of another source, whose documents are shown


class EventState(StrEnum):
    """Where a freshness event stands. The last three are final, but a dead event can be revived."""

    PENDING = "pending"
    CLAIMED = "claimed"
    FAILED = "failed"  # tried in vain, and due again later
    APPLIED = "applied"
    SUPERSEDED = "superseded"  # another event, or a newer state, has it covered
    DEAD = "dead"  # tried in vain as often as it may be


OPEN = (EventState.PENDING, EventState.CLAIMED, EventState.FAILED)


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One freshness event: that a document, or a source as a whole, may have changed.

    Attributes:
        event_id: grows with the order of arrival.
        kind: kind of the source.
        source: None while only the document is known.
        document_id: empty for the source as a whole.
        what: in the words of who said it, as "page_updated".
        version: the new version where the change named it; else empty.
        delivery_id: of the message that brought it; the same message again is not taken twice.
        job_id: of the job that waits for it.
        due_at: not to be tried before.
        settled_at: when it was applied, superseded or given up.
        reason: why it is in its state, for people: the last error, or what superseded it.
        connection: by which its source is opened, where only that is known; empty: by any.
    """

    event_id: int
    tenant: str
    kind: str
    source: SourceKey | None
    document_id: str
    what: str
    version: str
    origin: Origin
    delivery_id: str
    job_id: str | None
    received_at: datetime
    state: EventState
    attempts: int
    due_at: datetime
    claim_id: str | None
    settled_at: datetime | None
    reason: str
    connection: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the events of a source stand.

    Attributes:
        waiting: not applied yet, with those that are being worked on.
        dead: given up.
    """

    waiting: int = 0
    dead: int = 0
    last_received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Work on one source that a run has taken on: all of its events that were due.

    Attributes:
        documents: ids to look at, each once; empty if the whole source is to be looked at.
        events: how many events it covers.
        since: when the first of them was received.
        origins: who sent them.
        jobs: ids of the jobs that wait for it.
        what: happened, each word of theirs once.
    """

    claim_id: str
    source: SourceKey
    documents: tuple[str, ...]
    events: int
    since: datetime
    origins: tuple[Origin, ...]
    jobs: tuple[str, ...] = ()
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that could be claimed, and are not.

    Attributes:
        events: how many.
        since: when the first of them could have been claimed.
        at: when this was found out, by the same clock.
    """

    events: int
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class ClaimRecord:
    """How the work on a source stands.

    Attributes:
        claim_id: None if nothing is under way.
        run_id: of the Dagster run that does it; empty until it is known.
        expires_at: when it may be taken from a silent holder.
        failures: attempts in a row that failed as a whole.
        due_at: not to be claimed before.
        error: of the last failed attempt.
    """

    source: SourceKey
    claim_id: str | None
    run_id: str
    claimed_at: datetime
    expires_at: datetime
    failures: int
    due_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how soon what failed is tried again.

    Attributes:
        attempts: after so many an event is dead.
        first, most: seconds until the second attempt, which double from then on, and their bound.
    """

    attempts: int = 8
    first: float = 15.0
    most: float = 3600.0

    def delay(self, failed: int) -> float:
        """Seconds to wait after so many failed attempts (1 or more)."""
        return min(self.most, self.first * 2.0 ** min(failed - 1, 30))


class JobStatus(StrEnum):
    """Where a job stands; the names are part of the HTTP interface."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


FINISHED = (JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS, JobStatus.FAILED, JobStatus.TERMINATED)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """What a person or a program asked for, and how far it has come.

    Attributes:
        description: what was asked for, in people's words.
        total: documents to look at; None until that is known.
        progress: documents done so far, failed ones not among them.
        errors: up to `ERRORS_KEPT` messages, each with the document it is about.
        run_id: of the Dagster run that works on it.
        terminate: it was asked to stop.
        next_attempt_at: when what failed is tried again; None if nothing waits for that.
    """

    job_id: str
    tenant: str
    source: SourceKey
    description: str
    status: JobStatus
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    total: int | None
    progress: int
    failed: int
    errors: tuple[str, ...]
    run_id: str
    terminate: bool
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """A problem that was reported to people and is not known to be solved.

    Attributes:
        problem: what it is about, the same each time.
        message: what was reported.
    """

    problem: str
    message: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class UpstreamDocument:
    """What a source said last of one document: its version key, and since when that is known."""

    document_id: str
    version_key: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known of a source as a whole.

    Attributes:
        data_version: a hash of what it holds; the same for the same documents in the same versions.
        documents: how many it holds.
        listed_at: when it was last listed completely; None if never.
        polled_at, cursor: of the last cheap look for changes.
    """

    data_version: str
    documents: int
    listed_at: datetime | None
    polled_at: datetime | None
    cursor: str
