"""The catalog: what must be known about sources besides their text, in SQL (SQLite on a laptop, PostgreSQL elsewhere).

Sources and how to open them, leases (one writer a source), documents that failed, the record of syncs; and for
freshness: events and the claims on them, jobs, and what each source said last that it holds; and what syncs changed.
For answers: conversations, streams of events, and what calls of models cost.
"""

from wiki_pipeline.catalog.accounts import CLAIMS, PEOPLE, Account, Holder, Member
from wiki_pipeline.catalog.answers import AnswerRecord, AnswerStatus, ConversationRecord
from wiki_pipeline.catalog.api_tokens import ApiToken, FoundToken
from wiki_pipeline.catalog.audiences import Audience, Readers
from wiki_pipeline.catalog.audit import AuditEntry, AuditRecord
from wiki_pipeline.catalog.catalog import Catalog
from wiki_pipeline.catalog.change_records import (
    ChangeKind,
    ChangePage,
    ChangeRecord,
    ChangeSet,
    DocumentChange,
    KnownDocument,
    SetKind,
)
from wiki_pipeline.catalog.database import sqlite_path
from wiki_pipeline.catalog.event_batches import EventBatch
from wiki_pipeline.catalog.event_records import (
    OPEN,
    AlertRecord,
    Claim,
    ClaimRecord,
    EventRecord,
    EventState,
    JobRecord,
    JobStatus,
    Observation,
    Origin,
    Retry,
    Standing,
    UpstreamDocument,
    Waiting,
)
from wiki_pipeline.catalog.figures import BUCKET, COUNT, SUM, Figure, observed
from wiki_pipeline.catalog.invitations import Invitation
from wiki_pipeline.catalog.leases import Lease
from wiki_pipeline.catalog.model_calls import Limit, Spent
from wiki_pipeline.catalog.quotas import Bound, Cap, Kind, Period, Reservation, Use
from wiki_pipeline.catalog.records import (
    COMPLETED,
    DEMO,
    SETTINGS,
    ConnectionRecord,
    FailureRecord,
    LeaseRecord,
    SourceRecord,
    SyncMode,
    SyncRecord,
    SyncStatus,
)
from wiki_pipeline.catalog.recovery import Recovery, recover
from wiki_pipeline.catalog.secrets import DataKey, Sealed
from wiki_pipeline.catalog.sessions import LoginAttempt, OpenSession, Session
from wiki_pipeline.catalog.sqlite_files import find_damage, make_private, set_aside
from wiki_pipeline.catalog.steady import passed
from wiki_pipeline.catalog.streams import StreamEvent, StreamRecord
from wiki_pipeline.catalog.tenancy import TenantRecord
from wiki_pipeline.catalog.tenant_states import TenantState

__all__ = [
    "BUCKET",
    "CLAIMS",
    "COMPLETED",
    "COUNT",
    "DEMO",
    "OPEN",
    "PEOPLE",
    "SETTINGS",
    "SUM",
    "Account",
    "AlertRecord",
    "AnswerRecord",
    "AnswerStatus",
    "ApiToken",
    "Audience",
    "AuditEntry",
    "AuditRecord",
    "Bound",
    "Cap",
    "Catalog",
    "ChangeKind",
    "ChangePage",
    "ChangeRecord",
    "ChangeSet",
    "Claim",
    "ClaimRecord",
    "ConnectionRecord",
    "ConversationRecord",
    "DataKey",
    "DocumentChange",
    "EventBatch",
    "EventRecord",
    "EventState",
    "FailureRecord",
    "Figure",
    "FoundToken",
    "Holder",
    "Invitation",
    "JobRecord",
    "JobStatus",
    "Kind",
    "KnownDocument",
    "Lease",
    "LeaseRecord",
    "Limit",
    "LoginAttempt",
    "Member",
    "Observation",
    "OpenSession",
    "Origin",
    "Period",
    "Readers",
    "Recovery",
    "Reservation",
    "Retry",
    "Sealed",
    "Session",
    "SetKind",
    "SourceRecord",
    "Spent",
    "Standing",
    "StreamEvent",
    "StreamRecord",
    "SyncMode",
    "SyncRecord",
    "SyncStatus",
    "TenantRecord",
    "TenantState",
    "UpstreamDocument",
    "Use",
    "Waiting",
    "find_damage",
    "make_private",
    "observed",
    "passed",
    "recover",
    "set_aside",
    "sqlite_path",
]
