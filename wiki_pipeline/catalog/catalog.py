"""The catalog's methods, in the words of the rest of the program."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from wiki_pipeline.catalog.accounts import Accounts, Groups
from wiki_pipeline.catalog.answers import Answers
from wiki_pipeline.catalog.api_tokens import ApiTokens
from wiki_pipeline.catalog.audiences import Audiences, audience_of, keep_former, mark_changed, restore_former
from wiki_pipeline.catalog.audit import Audit
from wiki_pipeline.catalog.changes import Changes, forget_changes
from wiki_pipeline.catalog.claims import Claims
from wiki_pipeline.catalog.connections import Connections
from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.dump import dump, restore
from wiki_pipeline.catalog.events import Events
from wiki_pipeline.catalog.figures import Figures
from wiki_pipeline.catalog.freshness import Alerts, Marks, Upstream
from wiki_pipeline.catalog.invitations import Invitations
from wiki_pipeline.catalog.jobs import Jobs
from wiki_pipeline.catalog.leases import Lease, find_all, is_held
from wiki_pipeline.catalog.login_failures import LoginFailures
from wiki_pipeline.catalog.mentions import Mentions
from wiki_pipeline.catalog.model_calls import ModelCalls
from wiki_pipeline.catalog.model_keys import ModelKeys
from wiki_pipeline.catalog.people import People, forget_people
from wiki_pipeline.catalog.quotas import Quotas, too_many_sources
from wiki_pipeline.catalog.records import (
    COMPLETED,
    FailureRecord,
    LeaseRecord,
    SourceRecord,
    SyncMode,
    SyncRecord,
    SyncStatus,
)
from wiki_pipeline.catalog.schema import HEAD
from wiki_pipeline.catalog.secrets import Secrets
from wiki_pipeline.catalog.sessions import Sessions
from wiki_pipeline.catalog.signing_keys import SigningKeys
from wiki_pipeline.catalog.streams import Streams
from wiki_pipeline.catalog.table_names import TableNames
from wiki_pipeline.catalog.tables import failures, leases, sources, syncs
from wiki_pipeline.catalog.tenancy import Tenancy
from wiki_pipeline.catalog.uses import Uses
from wiki_pipeline.errors import ConfigurationError, QuotaError, WikiPipelineError
from wiki_pipeline.model import DocumentFailure, SourceKey, Stage, StageReport

SYNCS_KEPT = 1000  # a source; older ones go when a new one starts

_TOTALS = [
    field.name
    for field in fields(StageReport)
    if field.name not in {"stage", "source", "failures", "dependents", "lost_words"}
]


class Catalog:
    """The catalog of one installation, all tenants. No I/O until its first use, which makes or upgrades the database.

    Safe for several threads and processes. Each method is one transaction.

    Attributes:
        events: words that something may have changed.
        claims: who works on which source's events.
        jobs: what people asked for, and how far it has come.
        upstream: what sources said last that they hold.
        people: names of people whom documents mention.
        connections: the sites and hosts that sources are read from.
        audiences: who may read which source.
        alerts: problems that were reported to people.
        changes: what syncs changed, for feeds and other systems.
        mentions: which documents and commits name which documents elsewhere.
        marks: show whether anything that staleness depends on has changed.
        streams: what is made while people watch, event by event.
        answers: conversations, and what was answered in them.
        model_calls: what calls of language models cost, and what they answered before.
        model_keys: keys of language models that are tenants' and people's own.
        quotas: what tenants and accounts may use, and what they do.
        figures: what processes counted that have ended.
        tenancy: the tenants.
        secrets: sealed secrets and the keys that open them; `access.sealing` does.
        uses: when what can be made again was used last.
        accounts: who can log in, and what they are in which tenant.
        groups: some of a tenant's members, under a name.
        invitations: links by which somebody becomes a member.
        sessions: of browsers, and attempts at logging in.
        api_tokens: of accounts, and what they were exchanged for.
        signing_keys: of access tokens.
        login_failures: wrong passwords, counted.
        audit: who did what.

    Args:
        url: SQLAlchemy address, `sqlite:///file` or `postgresql+psycopg://...`; may hold a password.

    Raises:
        ConfigurationError: the address can't be used.
        CatalogError: (all methods) the database is out of reach, busy for too long, full, or of a newer program.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)
        self.events = Events(self._database)
        self.claims = Claims(self._database)
        self.jobs = Jobs(self._database)
        self.upstream = Upstream(self._database)
        self.people = People(self._database)
        self.connections = Connections(self._database)
        self.audiences = Audiences(self._database)
        self.alerts = Alerts(self._database)
        self.changes = Changes(self._database)
        self.marks = Marks(self._database)
        self.mentions = Mentions(self._database)
        self.streams = Streams(self._database)
        self.answers = Answers(self._database)
        self.model_calls = ModelCalls(self._database)
        self.model_keys = ModelKeys(self._database)
        self.quotas = Quotas(self._database)
        self.figures = Figures(self._database)
        self.tenancy = Tenancy(self._database)
        self.secrets = Secrets(self._database)
        self.uses = Uses(self._database)
        self.accounts = Accounts(self._database)
        self.groups = Groups(self._database)
        self.invitations = Invitations(self._database)
        self.sessions = Sessions(self._database)
        self.api_tokens = ApiTokens(self._database)
        self.signing_keys = SigningKeys(self._database)
        self.login_failures = LoginFailures(self._database)
        self.audit = Audit(self._database)

    def __repr__(self) -> str:
        return f"Catalog({self._database.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._database.close()

    def revision(self) -> str:
        """The revision of the schema, which is this program's: opening the catalog makes or upgrades it."""
        with self._database.read():
            return HEAD

    def dump(self) -> Iterator[str]:
        """All of it, as lines of one moment; see `dump`."""
        return dump(self._database)

    def restore(self, lines: Iterable[str]) -> dict[str, int]:
        """Fill an empty catalog with a dump's lines; rows by table. Errors as `dump.restore`."""
        return restore(self._database, lines)

    def tenants(self) -> list[str]:
        """The tenants that have sources, sorted."""
        with self._database.read() as connection:
            return list(connection.execute(select(sources.c.tenant).distinct().order_by(sources.c.tenant)).scalars())

    def table_names(self, tenant: str) -> TableNames:
        """The list of a tenant's tables, for a bucket."""
        return TableNames(self._database, tenant)

    # --- sources ---

    def sources(self, tenant: str) -> list[SourceRecord]:
        """The tenant's sources, by kind and name."""
        chosen = select(sources).where(sources.c.tenant == tenant).order_by(sources.c.kind, sources.c.name)
        with self._database.read() as connection:
            return [_source_record(row) for row in connection.execute(chosen)]

    def source(self, key: SourceKey) -> SourceRecord | None:
        """The source as it was added; None if it was not."""
        with self._database.read() as connection:
            row = connection.execute(select(sources).where(sources.c.source == str(key))).one_or_none()
        return None if row is None else _source_record(row)

    def add_source(
        self,
        key: SourceKey,
        config: str,
        title: str = "",
        url: str = "",
        connection: str | None = None,
        managed_by: str | None = None,
        most: int | None = None,
    ) -> SourceRecord:
        """Add a source, or change how it is opened, titled and addressed; it keeps the time it was first added.

        Args:
            config: JSON by which the source's kind opens it; no secrets.
            connection, managed_by: as in `SourceRecord`; None leaves a source's as they are.
            most: how many sources the tenant may have; None: any number.

        Raises:
            QuotaError: it has so many, and this one is not among them.
            ConfigurationError: the config is not JSON.
        """
        try:
            json.loads(config)
        except ValueError:
            raise ConfigurationError(f"The config of {key} is not JSON.") from None
        said = {"config": config, "title": title, "url": url}
        given = {"connection": connection, "managed_by": managed_by}
        said |= {column: value for column, value in given.items() if value is not None}
        with self._database.write() as opened:
            statement = upsert(opened, sources).values(
                source=str(key), tenant=key.tenant, kind=key.kind, name=key.name, added_at=now(opened), **said
            )
            mark_changed(opened, key.tenant)  # first: on PostgreSQL those who add to one tenant do it in turn
            if most is not None:
                ours = sources.c.tenant == key.tenant, sources.c.source != str(key)
                others = opened.execute(select(func.count()).select_from(sources).where(*ours)).scalar_one()
                known = opened.execute(select(sources.c.source).where(sources.c.source == str(key))).one_or_none()
                if known is None and others >= most:
                    raise QuotaError(*too_many_sources(key.tenant, most))
            opened.execute(statement.on_conflict_do_update(index_elements=["source"], set_=said))
            restore_former(opened, key)
            return _source_record(opened.execute(select(sources).where(sources.c.source == str(key))).one())

    def remove_source(self, key: SourceKey) -> bool:
        """Remove a source with its failures and syncs. False if it was not there."""
        with self._database.write() as connection:
            title = connection.execute(select(sources.c.title).where(sources.c.source == str(key))).scalar()
            keep_former(connection, key)
            was_there = connection.execute(delete(sources).where(sources.c.source == str(key))).rowcount > 0
            forget_changes(connection, key, title or key.name)
            forget_people(connection, key)
            mark_changed(connection, key.tenant)
            return was_there

    # --- leases ---

    def lease(self, name: str, ttl: float, wait: float = 0.0) -> Lease:
        """Be the only one, across processes and machines, who holds `name` inside a `with` block.

        Args:
            name: what is protected, as people should read it in messages ("source default:git:org/repo").
            ttl: seconds after which another process takes over from a holder that went silent. A holder that died on
                the same machine is replaced at once.
            wait: seconds to wait for another holder before giving up.

        Raises:
            LeaseHeldError: (on entry) another process holds it; says which and since when.
            LeaseLostError: (by `Lease.check`, or at the block's end) another process took it, because this one was
                suspended or out of touch for longer than `ttl`.
        """
        return Lease(self._database, name, ttl, wait)

    def is_held(self, lease: str) -> bool:
        """Whether a lease is held by a process that is alive, as far as can be known."""
        return is_held(self._database, lease)

    def leases_held(self) -> int:
        """How many leases are held, by the database's clock."""
        with self._database.read() as connection:
            held = select(func.count()).select_from(leases).where(leases.c.expires > now(connection))
            return int(connection.execute(held).scalar_one())

    def leases(self) -> list[LeaseRecord]:
        """All leases that are held, or were left behind in a crash, by name."""
        return find_all(self._database)

    # --- failures ---

    def record_failures(
        self,
        source: SourceKey,
        stage: Stage,
        failed: Iterable[DocumentFailure],
        cleared: Collection[str] = (),
        tried: Mapping[str, str] | None = None,
    ) -> None:
        """Record which documents a stage failed on, and which are no longer failing (done, or gone upstream).

        Args:
            tried: of documents that failed because they took more than one may: hash of what was tried.

        Raises:
            CatalogError: the source is not in the catalog.
        """
        of_stage = (failures.c.source == str(source)) & (failures.c.stage == stage)
        by_id = {failure.document_id: failure for failure in failed}
        with self._database.write() as connection:
            known = connection.execute(select(failures.c.document_id).where(of_stage)).scalars().all()
            for document_id in set(known).intersection(cleared).difference(by_id):
                connection.execute(delete(failures).where(of_stage, failures.c.document_id == document_id))
            if by_id:
                _upsert_failures(connection, source, stage, by_id.values(), tried or {})

    def failures(self, source: SourceKey) -> list[FailureRecord]:
        """The source's documents that are failing, those that do so for longest first."""
        chosen = (
            select(failures)
            .where(failures.c.source == str(source))
            .order_by(failures.c.first_failed_at, failures.c.document_id, failures.c.stage)
        )
        with self._database.read() as connection:
            return [_failure_record(row) for row in connection.execute(chosen)]

    def failing(self, tenant: str, stage: Stage) -> list[FailureRecord]:
        """The documents of all of a tenant's sources that fail in a stage, by source; the oldest failures first."""
        chosen = (
            select(failures)
            .where(failures.c.source.startswith(f"{tenant}:", autoescape=True), failures.c.stage == stage)
            .order_by(failures.c.source, failures.c.first_failed_at, failures.c.document_id)
        )
        with self._database.read() as connection:
            return [_failure_record(row) for row in connection.execute(chosen)]

    # --- syncs ---

    def start_sync(self, source: SourceKey, mode: SyncMode, run_id: str = "") -> int:
        """Record that a sync starts, under the source's lease. Returns its `sync_id`.

        Syncs of the source that never ended are marked interrupted: their process is gone, or this one would not have
        the lease. Only the last `SYNCS_KEPT` are kept, and the last one that ended well.

        Raises:
            CatalogError: the source is not in the catalog.
        """
        of_source = syncs.c.source == str(source)
        with self._database.write() as connection:
            unfinished = update(syncs).where(of_source, syncs.c.status == SyncStatus.RUNNING.value)
            connection.execute(unfinished.values(status=SyncStatus.INTERRUPTED.value))
            row = {"source": str(source), "mode": mode.value, "run_id": run_id, "started": now(connection)}
            started = insert(syncs).values(
                **row, status=SyncStatus.RUNNING.value, totals={}, error_code="", error_message=""
            )
            sync_id: int = connection.execute(started.returning(syncs.c.sync_id)).scalar_one()
            oldest_kept = select(syncs.c.sync_id).where(of_source).order_by(syncs.c.sync_id.desc())
            oldest_kept = oldest_kept.offset(SYNCS_KEPT - 1).limit(1)
            well = select(func.coalesce(func.max(syncs.c.sync_id), 0)).where(of_source, _ended_well())
            old = (syncs.c.sync_id < oldest_kept.scalar_subquery()) & (syncs.c.sync_id != well.scalar_subquery())
            connection.execute(delete(syncs).where(of_source, old))
        return sync_id

    def finish_sync(
        self, sync_id: int, reports: Sequence[StageReport] = (), error: WikiPipelineError | None = None
    ) -> SyncStatus:
        """Record how a sync ended: failed if there is an error, with errors if a document or something beside the
        documents could not be read."""
        if error is not None:
            status = SyncStatus.FAILED
        elif any(report.failed or report.warnings for report in reports):
            status = SyncStatus.COMPLETED_WITH_ERRORS
        else:
            status = SyncStatus.COMPLETED
        with self._database.write() as connection:
            ended = update(syncs).where(syncs.c.sync_id == sync_id)
            connection.execute(
                ended.values(
                    finished=now(connection),
                    status=status.value,
                    totals={report.stage: _totals(report) for report in reports},
                    error_code=error.code if error else "",
                    error_message=str(error) if error else "",
                )
            )
        return status

    def syncs(self, source: SourceKey, limit: int = 20) -> list[SyncRecord]:
        """The source's last syncs, newest first."""
        chosen = select(syncs).where(syncs.c.source == str(source)).order_by(syncs.c.sync_id.desc()).limit(limit)
        with self._database.read() as connection:
            return [_sync_record(row) for row in connection.execute(chosen)]

    def last_completed_sync(self, source: SourceKey, mode: SyncMode | None = None) -> SyncRecord | None:
        """The newest sync of the source that ended well, whether documents failed or not; None if none ever did.

        Args:
            mode: of syncs of this mode alone.
        """
        chosen = select(syncs).where(syncs.c.source == str(source), _ended_well())
        chosen = chosen.where(syncs.c.mode == mode.value) if mode else chosen
        chosen = chosen.order_by(syncs.c.sync_id.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(chosen).one_or_none()
            return None if row is None else _sync_record(row)

    def last_successes(self, tenant: str) -> dict[SourceKey, datetime]:
        """When the last sync that ended well ended, of each source of the tenant that had one."""
        ours = syncs.c.source.startswith(f"{tenant}:", autoescape=True)
        chosen = select(syncs.c.source, func.max(syncs.c.finished)).where(ours, _ended_well()).group_by(syncs.c.source)
        with self._database.read() as connection:
            return {SourceKey.parse(source): finished for source, finished in connection.execute(chosen) if finished}


def _ended_well() -> ColumnElement[bool]:
    return syncs.c.status.in_([status.value for status in COMPLETED])


def _upsert_failures(
    connection: Connection,
    source: SourceKey,
    stage: Stage,
    failed: Iterable[DocumentFailure],
    tried: Mapping[str, str],
) -> None:
    moment = now(connection)
    statement = upsert(connection, failures)
    statement = statement.on_conflict_do_update(
        index_elements=["source", "document_id", "stage"],
        set_={
            "title": statement.excluded.title,
            "message": statement.excluded.message,
            "parent_id": statement.excluded.parent_id,
            "tried": statement.excluded.tried,
            "attempts": failures.c.attempts + 1,
            "last_failed_at": statement.excluded.last_failed_at,
        },
    )
    connection.execute(
        statement,
        [
            {
                "source": str(source),
                "document_id": failure.document_id,
                "stage": stage,
                "title": failure.title,
                "message": failure.message,
                "parent_id": failure.parent_id,
                "tried": tried.get(failure.document_id, ""),
                "attempts": 1,
                "first_failed_at": moment,
                "last_failed_at": moment,
            }
            for failure in failed
        ],
    )


def _source_record(row: Row[Any]) -> SourceRecord:
    return SourceRecord(
        key=SourceKey(row.tenant, row.kind, row.name),
        config=row.config,
        title=row.title,
        url=row.url,
        added_at=row.added_at,
        connection=row.connection,
        managed_by=row.managed_by,
        audience=audience_of(row.audience, row.audience_groups),
    )


def _failure_record(row: Row[Any]) -> FailureRecord:
    return FailureRecord(
        source=SourceKey.parse(row.source),
        document_id=row.document_id,
        title=row.title,
        stage=Stage(row.stage),
        message=row.message,
        attempts=row.attempts,
        first_failed_at=row.first_failed_at,
        last_failed_at=row.last_failed_at,
        parent_id=row.parent_id,
        tried=row.tried,
    )


def _sync_record(row: Row[Any]) -> SyncRecord:
    key = SourceKey.parse(row.source)
    return SyncRecord(
        sync_id=row.sync_id,
        source=key,
        mode=SyncMode(row.mode),
        run_id=row.run_id,
        started=row.started,
        finished=row.finished,
        status=SyncStatus(row.status),
        reports=tuple(_report(stage, key, row.totals[stage]) for stage in Stage if stage in row.totals),
        error_code=row.error_code,
        error_message=row.error_message,
    )


def _totals(report: StageReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in _TOTALS}


def _report(stage: Stage, source: SourceKey, totals: Mapping[str, Any]) -> StageReport:
    # Numbers that this version does not know, or did not know yet, are left out.
    return StageReport(stage=stage, source=source, **{name: totals[name] for name in _TOTALS if name in totals})
