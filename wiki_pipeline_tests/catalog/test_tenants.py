"""Nothing that one tenant does changes what another one sees, over random histories of both.

The same history of a tenant is played twice: alone, and with another tenant's in between, who has sources, documents,
deliveries and connections of the same names. Every query of the catalog must say the same both times. A new public
method without a case here fails.
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.catalog import (
    AnswerStatus,
    Catalog,
    ChangeKind,
    DocumentChange,
    EventBatch,
    Figure,
    JobStatus,
    Origin,
    Retry,
    Spent,
    SyncMode,
)
from wiki_pipeline.catalog.secrets import Box
from wiki_pipeline.catalog.tables import metadata
from wiki_pipeline.errors import ConfigurationError, LeaseHeldError, QuotaError, WikiPipelineError
from wiki_pipeline.model import ChangeHint, Connection, DocumentFailure, DocumentRef, SourceKey, Stage
from wiki_pipeline.store import Store
from wiki_pipeline_tests.catalog.tenant_people import (
    NAMES,
    PEOPLE_OF_THE_INSTALLATION,
    PEOPLE_PLAYED,
    PEOPLE_QUERIES,
    PeopleActions,
)
from wiki_pipeline_tests.migrated import put_catalog

pytestmark = pytest.mark.security
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
RETRY = Retry(attempts=2, first=0.0)
# What differs between two databases and says nothing of what is in them: numbers and random ids, moments.
VOLATILE = re.compile(r"(^|_)(id|ids|at|key_id|nonce|since|started|finished|due|next|cursor)$|^(ciphertext|wrapped)$")


def plain(value: Any) -> Any:
    """What a query says, without what is new each time."""
    if is_dataclass(value) and not isinstance(value, type | SourceKey):
        known = {each.name: getattr(value, each.name) for each in fields(value)}
        return {n: plain(v) for n, v in known.items() if not VOLATILE.search(n) or n in {"document_id", "person_id"}}
    if isinstance(value, Mapping):
        return sorted((str(plain(key)), plain(each)) for key, each in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return "a moment"
    return str(value) if isinstance(value, SourceKey) else value


class World(PeopleActions):
    """A catalog in which tenants act."""

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self.catalog = catalog
        self.called: set[str] = set()
        self._claims: dict[str, list[str]] = {}
        self._jobs: dict[str, list[str]] = {}

    def act(self, tenant: str, action: str, number: int) -> None:
        """Do something, as `tenant`. `number` chooses among the sources, documents and words."""
        with suppress(ConfigurationError, LeaseHeldError, QuotaError):
            getattr(self, action)(tenant, SourceKey(tenant, "confluence", NAMES[number % 2]), str(number % 3))

    def add(self, tenant: str, key: SourceKey, which: str) -> None:
        self.catalog.add_source(key, "{}", f"{which} of {tenant}", connection="wiki")

    def remove(self, tenant: str, key: SourceKey, which: str) -> None:
        self.catalog.remove_source(key)

    def hear(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        hint = ChangeHint("confluence", key, which, f"said of {tenant}")
        self.catalog.events.record([EventBatch(tenant, Origin.WEBHOOK, [hint], f"delivery {which}")])
        named = ChangeHint("confluence", None, which, f"said of {tenant}")
        self.catalog.events.record([EventBatch(tenant, Origin.WEBHOOK, [named], f"without source {which}")])

    def resolve(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        found = self.catalog.events.unresolved(tenant)
        self.catalog.events.resolve({event.event_id: [key] for event in found[:1]})
        self.catalog.events.postpone([event.event_id for event in found[1:2]], f"failed for {tenant}", RETRY)
        self.catalog.events.supersede([event.event_id for event in found[2:3]], f"done for {tenant}")

    def settle(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        claims = self.catalog.claims
        found = claims.claim(tenant, 60) + [each for each in [claims.claim_source(key, 60)] if each]
        begun = claims.begin(EventBatch(tenant, Origin.CLI, [ChangeHint("confluence", key)]), key, 60)
        for claim in [*found, *([begun] if begun else [])]:
            claims.started(claim.claim_id, f"run of {tenant}", 60)
            claims.keep(claim.claim_id, 60)
            self.catalog.jobs.start(claims.jobs(claim.claim_id), f"run of {tenant}")
            match which:
                case "0":
                    claims.settle(claim.claim_id, {}, RETRY)
                    claims.lags(claim.claim_id)
                case "1":
                    claims.fail(claim.claim_id, f"failed for {tenant}", RETRY)
                case _:
                    claims.release(claim.claim_id, f"given back by {tenant}")
            claims.cancel(claim.claim_id, "cancelled")

    def revive(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        self.catalog.events.revive(tenant)
        self.catalog.events.try_once_more(key, RETRY)
        self.catalog.events.cover(key, self.catalog.events.newest(key), f"covered for {tenant}")

    def ask_for(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        hints = [ChangeHint("confluence", key, which)]
        job = self.catalog.jobs.create(key, f"job of {tenant}", hints)
        self._jobs.setdefault(tenant, []).append(job.job_id)

    def work(self, tenant: str, key: SourceKey, which: str) -> None:
        ids, jobs = self._jobs.get(tenant, []), self.catalog.jobs
        jobs.advance(ids, total=7, progress=3, failed=1)
        match which:
            case "0":
                jobs.finish(ids, JobStatus.COMPLETED, [f"error of {tenant}"])
            case "1":
                for id_ in ids:
                    jobs.terminate(id_)
                    self.catalog.events.cancel_job(id_, f"terminated by {tenant}")
            case _:
                jobs.wait(ids, [f"error of {tenant}"])
                jobs.follow(key)

    def list_upstream(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        refs = [DocumentRef(which, f"version of {tenant}")]
        self.catalog.upstream.observe_all(key, refs) if which == "0" else self.catalog.upstream.observe(key, refs)
        self.catalog.upstream.polled(key, f"cursor of {tenant}")
        self.catalog.upstream.reached(key, f"cursor of {tenant}")

    def sync(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        id_ = self.catalog.start_sync(key, SyncMode.FULL, f"run of {tenant}")
        failed = [DocumentFailure(which, f"title of {tenant}", Stage.CHUNKS, f"failed for {tenant}")]
        self.catalog.record_failures(key, Stage.CHUNKS, failed if which == "0" else [], ["0"])
        error = WikiPipelineError(f"failed for {tenant}") if which == "1" else None
        self.catalog.finish_sync(id_, [], error)

    def change(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        changes = self.catalog.changes
        kind = list(ChangeKind)[int(which) % len(ChangeKind)]
        changes.begin(key)
        made = DocumentChange(
            document_id=which, kind=kind, version="7", title=f"title of {tenant}", content_hash=tenant
        )
        changes.add(key, [made], title=f"space of {tenant}")
        changes.complete(key, f"state of {tenant}")

    def meet(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        self.catalog.people.record(key, {which: f"somebody of {tenant}"})
        self.catalog.people.forget(key, timedelta(days=1))

    def connect(self, tenant: str, key: SourceKey, which: str) -> None:
        made = Connection(tenant, "confluence", f"wiki{which}", f"https://{tenant}.example.org")
        self.catalog.connections.add(made) if which != "1" else self.catalog.connections.remove(tenant, made.name)

    def seal(self, tenant: str, key: SourceKey, which: str) -> None:
        secrets = self.catalog.secrets
        secrets.put(tenant, "connection", which, lambda version: Box("key", b"n", tenant.encode(), "last"))
        if which == "2":
            secrets.remove(tenant, "connection", "1")

    def answer(self, tenant: str, key: SourceKey, which: str) -> None:
        answers, streams = self.catalog.answers, self.catalog.streams
        record = answers.begin(tenant, "ana", f"question of {tenant}", request={})
        assert record is not None
        streams.append(record.answer_id, [("said", tenant)])
        streams.open(f"{tenant} {record.answer_id}", tenant, "sync", "ana")
        match which:
            case "0":
                answers.end(record.answer_id, AnswerStatus.DONE, {"text": tenant})
                streams.finish(record.answer_id)
            case "1":
                streams.cancel(record.answer_id)
            case _:
                answers.forget(tenant, "ana", record.conversation_id)

    def call_model(self, tenant: str, key: SourceKey, which: str) -> None:
        calls = self.catalog.model_calls
        calls.keep(tenant, f"key {which}", {"text": tenant})
        calls.settle(calls.reserve(tenant, "chat", Spent(1, 10, 2, 0.5)), Spent(1, 20, 3, 1.0))

    def count(self, tenant: str, key: SourceKey, which: str) -> None:
        self.catalog.figures.add(tenant, [Figure("syncs_total", {"source": str(key)}, 1)])
        self.catalog.figures.put(tenant, [Figure("lance_table_rows", {"table": which}, 3)])
        self.catalog.uses.note(tenant, f"clone {which}")

    def drop(self, tenant: str, key: SourceKey, which: str) -> None:
        tenancy = self.catalog.tenancy
        tenancy.ensure(tenant)
        if which == "2":
            tenancy.stop(tenant)
            tenancy.forget_rows(tenant)
            self.catalog.secrets.destroy(tenant)

    def _known(self, key: SourceKey) -> None:
        if self.catalog.source(key) is None:
            self.catalog.add_source(key, "{}", f"of {key.tenant}")


ACTIONS = sorted(name for name, _ in inspect.getmembers(World, inspect.isfunction) if name[0] != "_" and name != "act")


def sources(ask: Callable[[Catalog, SourceKey], Any]) -> Callable[[Catalog, str], Any]:
    return lambda catalog, tenant: [ask(catalog, SourceKey(tenant, "confluence", name)) for name in NAMES]


QUERIES: Mapping[str, Callable[[Catalog, str], Any]] = {
    "events.counts": lambda c, t: c.events.counts(t),
    "events.find": lambda c, t: c.events.find(t, limit=1000),
    "events.lags": lambda c, t: len(c.events.lags(t)),
    "events.newest": sources(lambda c, key: c.events.newest(key, unsettled=True) > 0),
    "events.standing": lambda c, t: c.events.standing(t),
    "events.unresolved": lambda c, t: c.events.unresolved(t),
    "events.unsettled": sources(lambda c, key: c.events.unsettled(key)),
    "claims.due": lambda c, t: c.claims.due(t),
    "claims.expired": lambda c, t: c.claims.expired(t),
    "claims.of": sources(lambda c, key: c.claims.of(key)),
    "claims.under_way": lambda c, t: c.claims.under_way(t),
    "claims.waiting": lambda c, t: c.claims.waiting(t),
    "jobs.find": lambda c, t: c.jobs.find(t, limit=1000),
    "jobs.get": lambda c, t: [c.jobs.get(job.job_id) for job in c.jobs.find(t, limit=1000)],
    "upstream.documents": sources(lambda c, key: c.upstream.documents(key)),
    "upstream.holders": lambda c, t: c.upstream.holders(t, "confluence", ["0", "1", "2"]),
    "upstream.observation": sources(lambda c, key: c.upstream.observation(key)),
    "people.due": sources(lambda c, key: c.people.due(key, ["0", "1", "2"], timedelta(days=1))),
    "people.names": sources(lambda c, key: c.people.names(key)),
    "connections.get": lambda c, t: [c.connections.get(t, f"wiki{n}") for n in range(3)],
    "connections.list": lambda c, t: c.connections.list(t),
    "changes.known": sources(lambda c, key: c.changes.known(key)),
    "changes.of_sets": lambda c, t: c.changes.of_sets([each.set_id for each in c.changes.sets(t)], 1000),
    "changes.page": lambda c, t: c.changes.page(t, limit=1000).changes,
    "changes.sets": lambda c, t: c.changes.sets(t),
    "changes.since": lambda c, t: len(c.changes.page(t, c.changes.since(t, LONG_AGO), limit=1000).changes),
    "changes.state": sources(lambda c, key: c.changes.state(key)),
    "answers.conversation": lambda c, t: [
        c.answers.conversation(each.conversation_id) for each in c.answers.conversations(t, "ana", 1000)
    ],
    "answers.conversations": lambda c, t: c.answers.conversations(t, "ana", 1000),
    "answers.counts": lambda c, t: c.answers.counts(t),
    "answers.get": lambda c, t: [c.answers.get(each.answer_id) for each in c.answers.of_kind(t, "ana", "answer", 1000)],
    "answers.of_kind": lambda c, t: c.answers.of_kind(t, "ana", "answer", 1000),
    "answers.running": lambda c, t: c.answers.running(t),
    "streams.get": lambda c, t: [c.streams.get(each.answer_id) for each in c.answers.of_kind(t, "ana", "answer", 1000)],
    "streams.read": lambda c, t: [
        c.streams.read(each.answer_id) for each in c.answers.of_kind(t, "ana", "answer", 1000)
    ],
    "streams.is_cancelled": lambda c, t: [
        c.streams.is_cancelled(each.answer_id) for each in c.answers.of_kind(t, "ana", "answer", 1000)
    ],
    "model_calls.known": lambda c, t: [c.model_calls.known(t, f"key {n}") for n in range(3)],
    "model_calls.spent_today": lambda c, t: c.model_calls.spent_today(t),
    "model_calls.totals": lambda c, t: c.model_calls.totals(t),
    "figures.all": lambda c, t: c.figures.all(t),
    "tenancy.get": lambda c, t: c.tenancy.get(t),
    "secrets.data_key": lambda c, t: c.secrets.data_key(t),
    "secrets.get": lambda c, t: [c.secrets.get(t, each.secret_id) for each in c.secrets.list(t)],
    "secrets.list": lambda c, t: c.secrets.list(t),
    "uses.last": lambda c, t: c.uses.last(t),
    "catalog.failing": lambda c, t: c.failing(t, Stage.CHUNKS),
    "catalog.failures": sources(lambda c, key: c.failures(key)),
    "catalog.last_completed_sync": sources(lambda c, key: c.last_completed_sync(key)),
    "catalog.last_successes": lambda c, t: c.last_successes(t),
    "catalog.source": sources(lambda c, key: c.source(key)),
    "catalog.sources": lambda c, t: c.sources(t),
    "catalog.syncs": sources(lambda c, key: c.syncs(key)),
    "catalog.table_names": lambda c, t: c.table_names(t).all(),
    **PEOPLE_QUERIES,
}
"""What can be asked as a tenant."""

PLAYED = {
    *("events.cancel_job", "events.cover", "events.postpone", "events.record", "events.resolve", "events.revive"),
    *("events.supersede", "events.try_once_more", "claims.begin", "claims.cancel", "claims.claim", "claims.fail"),
    *("claims.claim_source", "claims.jobs", "claims.keep", "claims.lags", "claims.release", "claims.settle"),
    *("claims.started", "jobs.advance", "jobs.create", "jobs.finish", "jobs.follow", "jobs.start", "jobs.terminate"),
    *("jobs.wait", "upstream.observe", "upstream.observe_all", "upstream.polled", "upstream.reached"),
    *("people.forget", "people.record", "connections.add", "connections.remove", "changes.add", "changes.begin"),
    *("changes.complete", "streams.append", "streams.cancel", "streams.finish", "streams.open", "answers.begin"),
    *("answers.end", "answers.forget", "model_calls.keep", "model_calls.reserve", "model_calls.settle"),
    *("figures.add", "figures.put", "tenancy.ensure", "tenancy.forget_rows", "tenancy.stop", "secrets.destroy"),
    *("secrets.put", "secrets.remove", "uses.note", "catalog.add_source", "catalog.finish_sync"),
    *("catalog.record_failures", "catalog.remove_source", "catalog.start_sync"),
    *PEOPLE_PLAYED,
}
"""What a tenant does in a history."""

OF_THE_INSTALLATION = {
    # Records of long ago, whoever's; problems, leases and keys, for who looks after all tenants.
    *("events.expire", "jobs.expire", "changes.expire", "streams.expire", "answers.expire", "model_calls.expire"),
    *("alerts.close", "alerts.find", "alerts.open", "catalog.is_held", "catalog.lease", "catalog.leases"),
    *("catalog.leases_held", "secrets.data_keys", "secrets.has_keys", "secrets.rewrap", "secrets.add_data_key"),
    *("tenancy.active", "tenancy.add", "tenancy.all", "tenancy.begin_drop", "tenancy.end_drop", "tenancy.step_done"),
    *("catalog.close", "catalog.dump", "catalog.restore", "catalog.revision", "catalog.tenants"),
    # A number that changes when anything of a source does; compared in this process alone.
    "marks.of",
    *PEOPLE_OF_THE_INSTALLATION,
}

# A store is one tenant's folder: another tenant's source is refused, and a name can't lead out of it.
OF_A_STORE = {
    *("forget", "forget_other_models", "older", "table", "vectors"),  # by source
    *("names", "sources", "reopen", "snapshot", "table_url", "vocabulary"),  # of its own folder
}


def methods(catalog: Catalog) -> set[str]:
    rooms = {"catalog": catalog, **{name: room for name, room in vars(catalog).items() if name[0] != "_"}}
    return {
        f"{name}.{method}"
        for name, room in rooms.items()
        for method, _ in inspect.getmembers(type(room), inspect.isfunction)
        if method[0] != "_"
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("histories")


def made(path: Path) -> Catalog:
    put_catalog(path)
    return Catalog(f"sqlite:///{path}")


def test_every_method_has_a_case(folder: Path) -> None:
    with made(folder / "methods.sqlite") as catalog:
        found = methods(catalog)
    cases = [*QUERIES, *PLAYED, *OF_THE_INSTALLATION]
    assert sorted(found) == sorted(cases)
    assert {name for name, _ in inspect.getmembers(Store, inspect.isfunction) if name[0] != "_"} == OF_A_STORE


def test_what_is_said_to_be_played_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with made(folder / "played.sqlite") as catalog:
        called: set[str] = set()
        for name in PLAYED:
            room, _, method = name.partition(".")
            _watch(monkeypatch, type(catalog if room == "catalog" else getattr(catalog, room)), method, name, called)
        world = World(catalog)
        for number, action in itertools.product(range(6), ["add", "hear", "ask_for", "settle", "work", *ACTIONS]):
            world.act("alpha", action, number)
    assert called == PLAYED


def _watch(monkeypatch: pytest.MonkeyPatch, room: type, method: str, name: str, called: set[str]) -> None:
    real = getattr(room, method)

    def watched(*arguments: Any, **more: Any) -> Any:
        called.add(name)
        return real(*arguments, **more)

    monkeypatch.setattr(room, method, watched)


STEP = st.tuples(st.booleans(), st.sampled_from(ACTIONS), st.integers(0, 5))
_NUMBER = itertools.count()


@settings(max_examples=10)
@given(st.lists(STEP, min_size=5, max_size=25))
def test_no_query_of_a_tenant_tells_what_another_did(folder: Path, history: Sequence[tuple[bool, str, int]]) -> None:
    number = next(_NUMBER)
    with made(folder / f"both{number}.sqlite") as together, made(folder / f"one{number}.sqlite") as alone:
        both, one = World(together), World(alone)
        for is_other, action, which in history:
            both.act("alpha" if is_other else "beta", action, which)
            if not is_other:
                one.act("beta", action, which)
        for name, ask in QUERIES.items():
            said = plain(ask(together, "beta"))
            assert "alpha" not in repr(said), name
            assert said == plain(ask(alone, "beta")), name


def test_every_table_belongs_to_a_tenant_or_to_the_installation() -> None:
    below = {"failures", "syncs", "claims", "upstream", "observations", "change_states", "stream_events", "answers"}
    below |= {"mentions", "mention_states", "refresh_families", "refresh_tokens"}
    by_name = {"quota_caps"}  # the holder says whose
    of_accounts = {"accounts", "passwords", "password_links"}  # which may be in several tenants
    of_all = {"leases", "alerts", "clock", "schema_use", "login_attempts", "login_failures", "signing_keys"}
    with_tenant = {table.name for table in metadata.sorted_tables if "tenant" in table.columns}
    assert {table.name for table in metadata.sorted_tables} == with_tenant | below | by_name | of_accounts | of_all


@pytest.mark.parametrize("name", ["../beta", "beta/x", "", ".."])
def test_a_store_is_of_one_tenant(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError):
        Store(str(tmp_path), name)
    store, foreign = Store(str(tmp_path), "alpha"), SourceKey("beta", "confluence", "ENG")
    for use in (
        lambda: store.table(Stage.CHUNKS, foreign),
        lambda: store.vectors("model", 4, foreign),
        lambda: store.forget(foreign),
        lambda: store.older(foreign, "model"),
    ):
        with pytest.raises(ConfigurationError, match="not a source of the tenant"):
            use()
