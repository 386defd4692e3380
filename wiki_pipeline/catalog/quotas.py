"""What tenants and accounts may use in a day, in a month, or have at once; and what they use.

What is spent (requests, tokens, money) is reserved before, and settled or released after: a reservation fits into every
cap that it counts for, or is not made. So whatever is asked at once, no cap is exceeded. A reservation whose process
died is given back when it has expired and somebody needs the room.

What is kept (pages, bytes, repositories) is measured where it is, never counted: what was deleted takes nothing.

Without a cap there is no bound. Caps are rows: of plans, of tenants, of each account of a tenant, of one account; the
nearest holds. What is used is written down without a cap too, so that it can be shown.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, insert, select, update

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.tables import quota_caps, quota_plans, quota_reservations, quota_use
from wiki_pipeline.errors import QuotaError

DEFAULT_PLAN = "default"
UNLIMITED = -1  # as a cap: no bound, whatever the plan says
MICRO = 1_000_000
_RESERVED_SECONDS = 900.0
_KEPT_DAYS = 400  # of what was used
_MOST = 2**62
_KEY = ("tenant", "account", "kind", "began")  # of a row of `quota_use`


class Kind(StrEnum):
    """What is used."""

    REQUESTS = "requests"  # questions, research, syncs asked for: what makes work. Reading is none
    TOKENS = "tokens"  # of language models, read and written
    MONEY = "money"  # for language models, in millionths of the currency that the prices are in
    PAGES = "pages"  # documents kept
    BYTES = "bytes"  # of storage
    REPOSITORIES = "repositories"  # sources of any kind

    @property
    def is_kept(self) -> bool:
        """Whether it is something that there is, rather than something that is spent."""
        return self in {Kind.PAGES, Kind.BYTES, Kind.REPOSITORIES}


class Period(StrEnum):
    """In what time, by UTC; `TOTAL` is for what is kept."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"

    def began(self, moment: datetime) -> str:
        """Names the one that a moment is in."""
        return {Period.DAY: f"{moment:%Y-%m-%d}", Period.MONTH: f"{moment:%Y-%m}", Period.TOTAL: ""}[self]

    def ends(self, moment: datetime) -> datetime | None:
        """When the one that a moment is in ends; None for `TOTAL`."""
        day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if self is Period.DAY:
            return day + timedelta(days=1)
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1) if self is Period.MONTH else None


def micro(price: float) -> int:
    """Money in millionths, rather too much than too little."""
    return math.ceil(round(price * MICRO, 3))


@dataclass(frozen=True, slots=True)
class Cap:
    """A bound.

    Attributes:
        holder: whose, as `holders` writes it: `plan:free`, `plan:free:each`, `tenant:acme`, `tenant:acme:each` (each
            account of it), `account:acme:ID`.
        cap: `UNLIMITED`, or how much.
    """

    holder: str
    kind: Kind
    period: Period
    cap: int


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound of the settings beside those of the rows.

    Attributes:
        tenant: whose use counts; empty: everyone's.
        name: for messages.
    """

    tenant: str
    kind: Kind
    period: Period
    cap: int
    name: str


@dataclass(frozen=True, slots=True)
class Use:
    """What was used, and is reserved, in the period that is now.

    Attributes:
        account: empty for the tenant as a whole.
        cap: None: there is no bound.
        resets_at: None for what is kept.
    """

    account: str
    kind: Kind
    period: Period
    used: int
    reserved: int
    cap: int | None
    resets_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was reserved; to be settled or released.

    Attributes:
        rows: of `quota_use`: tenant, account, kind, began; sorted.
    """

    reservation_id: str
    rows: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of `quota_use` that something is to be reserved in."""

    tenant: str
    account: str
    kind: Kind
    period: Period
    began: str
    amount: int
    cap: int | None = None
    name: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        return self.tenant, self.account, self.kind.value, self.began


class Quotas:
    """The catalog's quotas. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- spending ---

    def reserve(
        self,
        tenant: str,
        account: str,
        amounts: Mapping[Kind, int],
        bounds: Sequence[Bound] = (),
        seconds: float = _RESERVED_SECONDS,
    ) -> Reservation:
        """Reserve what work is about to spend, in all that bounds it, or nothing.

        Args:
            account: empty where there is none: then the tenant's caps alone hold.
            seconds: after which it is given back if it was neither settled nor released.

        Raises:
            QuotaError: it does not fit into one of them.
        """
        with self._database.write() as connection:
            return reserve(connection, tenant, account, amounts, bounds, seconds)

    def settle(self, reservation: Reservation, actual: Mapping[Kind, int]) -> None:
        """Put what was spent in the place of what was reserved; once."""
        with self._database.write() as connection:
            settle(connection, reservation, actual)

    def release(self, reservation: Reservation) -> None:
        """Give back what was reserved: nothing was spent. Repeatable."""
        self.settle(reservation, {})

    def spend(self, tenant: str, account: str, amounts: Mapping[Kind, int]) -> None:
        """Reserve and settle at once.

        Raises:
            QuotaError: as `reserve`.
        """
        with self._database.write() as connection:
            settle(connection, reserve(connection, tenant, account, amounts, (), _RESERVED_SECONDS), amounts)

    # --- looking ---

    def usage(self, tenant: str, account: str = "", measured: Mapping[Kind, int] | None = None) -> list[Use]:
        """What a tenant uses, and one of its accounts, by kind and period; what is neither bounded nor used is left
        out.

        Args:
            measured: of what is kept, how much there is.
        """
        found = []
        with self._database.read() as connection:
            moment, caps = now(connection), caps_of(connection, tenant, account)
            rows = connection.execute(select(quota_use).where(quota_use.c.tenant == tenant)).all()
            used = {(row.account, row.kind, row.began): (row.used, row.reserved) for row in rows}
        for whose in ("", account) if account else ("",):
            for kind in Kind:
                for period in (Period.TOTAL,) if kind.is_kept else (Period.DAY, Period.MONTH):
                    cap = caps.get((bool(whose), kind, period))
                    if kind.is_kept:
                        spent, reserved = (measured or {}).get(kind, 0), 0
                        if whose:
                            continue
                    else:
                        spent, reserved = used.get((whose, kind.value, period.began(moment)), (0, 0))
                    if cap is not None or spent or reserved:
                        found.append(Use(whose, kind, period, spent, reserved, cap, period.ends(moment)))
        return found

    def cap(self, tenant: str, kind: Kind, period: Period = Period.TOTAL) -> int | None:
        """What a tenant may have or spend; None: without bound."""
        with self._database.read() as connection:
            return caps_of(connection, tenant, "").get((False, kind, period))

    # --- caps ---

    def caps(self) -> list[Cap]:
        """All caps, by holder, kind and period."""
        with self._database.read() as connection:
            rows = connection.execute(select(quota_caps)).all()
        found = [Cap(row.holder, Kind(row.kind), Period(row.period), row.cap) for row in rows]
        return sorted(found, key=lambda cap: (cap.holder, list(Kind).index(cap.kind), cap.period))

    def set_cap(self, cap: Cap) -> None:
        """Set a cap, or change it. What is used already stays used."""
        said = {"cap": cap.cap}
        with self._database.write() as connection:
            statement = upsert(connection, quota_caps).values(
                holder=cap.holder, kind=cap.kind.value, period=cap.period.value, **said
            )
            index = ["holder", "kind", "period"]
            connection.execute(statement.on_conflict_do_update(index_elements=index, set_=said))

    def drop_cap(self, holder: str, kind: Kind, period: Period) -> bool:
        """Take a cap away. False if there was none."""
        with self._database.write() as connection:
            mine = (quota_caps.c.holder == holder) & (quota_caps.c.kind == kind.value)
            done = connection.execute(delete(quota_caps).where(mine, quota_caps.c.period == period.value))
            return done.rowcount > 0

    def plans(self) -> dict[str, str]:
        """Plans by tenant, of those that don't have the default one."""
        with self._database.read() as connection:
            rows = connection.execute(select(quota_plans)).all()
        return {row.tenant: row.plan for row in rows}

    def set_plan(self, tenant: str, plan: str) -> None:
        """Put a tenant on a plan: the caps of `plan:NAME` and `plan:NAME:each` hold, where it has none of its own."""
        said = {"plan": plan}
        with self._database.write() as connection:
            statement = upsert(connection, quota_plans).values(tenant=tenant, **said)
            connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_=said))

    def expire(self) -> int:
        """Give back reservations that have expired, and forget what was used long ago. Returns how many rows went."""
        with self._database.write() as connection:
            moment = now(connection)
            expired = quota_reservations.c.expires_at < moment
            columns = [quota_reservations.c[name] for name in _KEY]
            found = connection.execute(select(*columns).where(expired).distinct()).all()
            keys = sorted((row[0], row[1], row[2], row[3]) for row in found)
            _lock(connection, keys)
            taken_back = sum(_take_back(connection, and_(_of(quota_reservations, key), expired)) for key in keys)
            old = f"{moment - timedelta(days=_KEPT_DAYS):%Y-%m-%d}"
            forgotten = connection.execute(delete(quota_use).where(quota_use.c.began != "", quota_use.c.began < old))
            return taken_back + forgotten.rowcount


def reserve(
    connection: Connection,
    tenant: str,
    account: str,
    amounts: Mapping[Kind, int],
    bounds: Sequence[Bound],
    seconds: float,
) -> Reservation:
    """As `Quotas.reserve`, in a transaction that is open; it is spoiled where this raises."""
    moment = now(connection)
    caps = caps_of(connection, tenant, account)
    rows = list(_rows(tenant, account, amounts, caps, bounds, moment))
    reservation = Reservation(uuid.uuid4().hex, tuple(sorted({row.key for row in rows})))
    # In the order of their keys, so that two processes never wait for each other's rows.
    for row in sorted(rows, key=lambda row: row.key):
        start = {"used": 0, "reserved": 0}
        first = upsert(connection, quota_use).values(**_named(row.key), **start)
        connection.execute(first.on_conflict_do_nothing())
        if not _reserved(connection, row):
            stale = and_(_of(quota_reservations, row.key), quota_reservations.c.expires_at < moment)
            if not _take_back(connection, stale) or not _reserved(connection, row):
                raise _exhausted(row, moment)
    expires = moment + timedelta(seconds=seconds)
    merged: dict[tuple[str, str, str, str], int] = {}
    for row in rows:
        merged.setdefault(row.key, row.amount)
    connection.execute(
        insert(quota_reservations),
        [
            {"reservation_id": reservation.reservation_id, **_named(key), "amount": amount, "expires_at": expires}
            for key, amount in merged.items()
        ],
    )
    return reservation


def settle(connection: Connection, reservation: Reservation, actual: Mapping[Kind, int]) -> None:
    """As `Quotas.settle`, in a transaction that is open."""
    _lock(connection, reservation.rows)
    mine = quota_reservations.c.reservation_id == reservation.reservation_id
    found = connection.execute(delete(quota_reservations).where(mine).returning(quota_reservations)).all()
    held = {(row.tenant, row.account, row.kind, row.began): row.amount for row in found}
    for key in reservation.rows:
        spent = actual.get(Kind(key[2]), 0)
        said = {"reserved": quota_use.c.reserved - held.get(key, 0), "used": quota_use.c.used + spent}
        connection.execute(update(quota_use).where(_of(quota_use, key)).values(**said))


def caps_of(connection: Connection, tenant: str, account: str) -> dict[tuple[bool, Kind, Period], int]:
    """The caps that hold for a tenant, and (True) for one of its accounts."""
    plan = connection.execute(select(quota_plans.c.plan).where(quota_plans.c.tenant == tenant)).scalar_one_or_none()
    holders = holders_of(tenant, account, plan or DEFAULT_PLAN)
    rows = connection.execute(select(quota_caps).where(quota_caps.c.holder.in_(holders))).all()
    found: dict[tuple[bool, Kind, Period], int] = {}
    for row in sorted(rows, key=lambda row: -holders.index(row.holder)):  # the nearest last
        key = (row.holder.endswith(":each") or row.holder.startswith("account:"), Kind(row.kind), Period(row.period))
        found[key] = row.cap
    return {key: cap for key, cap in found.items() if cap != UNLIMITED}


def holders_of(tenant: str, account: str, plan: str) -> list[str]:
    """Whose caps may hold for a tenant and one of its accounts, the nearest first."""
    of_account = [f"account:{tenant}:{account}", f"tenant:{tenant}:each", f"plan:{plan}:each"] if account else []
    return [*of_account, f"tenant:{tenant}", f"plan:{plan}"]


def _rows(
    tenant: str,
    account: str,
    amounts: Mapping[Kind, int],
    caps: Mapping[tuple[bool, Kind, Period], int],
    bounds: Sequence[Bound],
    moment: datetime,
) -> Iterable[_Row]:
    """The rows of `quota_use` that amounts count in. Several are the same where several bounds are."""
    found: dict[tuple[str, str, str, str], _Row] = {}

    def put(row: _Row) -> None:
        known = found.get(row.key)
        if known is None or (row.cap is not None and (known.cap is None or row.cap < known.cap)):
            found[row.key] = row

    for kind, amount in amounts.items():
        for period in (Period.DAY, Period.MONTH):
            began = period.began(moment)
            put(_Row(tenant, "", kind, period, began, amount, caps.get((False, kind, period)), f"the tenant {tenant}"))
            if account:
                put(_Row(tenant, account, kind, period, began, amount, caps.get((True, kind, period)), "your account"))
        if kind in {Kind.TOKENS, Kind.MONEY}:  # a limit that is set at noon holds for the morning too
            put(_Row("", "", kind, Period.DAY, Period.DAY.began(moment), amount, None, "the installation"))
    for bound in bounds:
        if bound.kind in amounts:
            began = bound.period.began(moment)
            amount = amounts[bound.kind]
            put(_Row(bound.tenant, "", bound.kind, bound.period, began, amount, bound.cap, bound.name))
    return found.values()


def _reserved(connection: Connection, row: _Row) -> bool:
    cap = _MOST if row.cap is None else row.cap
    fits = quota_use.c.used + quota_use.c.reserved + row.amount <= cap
    statement = update(quota_use).where(_of(quota_use, row.key), fits)
    statement = statement.values(reserved=quota_use.c.reserved + row.amount).returning(quota_use.c.reserved)
    return connection.execute(statement).one_or_none() is not None


def _take_back(connection: Connection, which: ColumnElement[bool]) -> int:
    """Give back reservations. Returns how many rows."""
    found = connection.execute(delete(quota_reservations).where(which).returning(quota_reservations)).all()
    for row in sorted(found, key=lambda row: (row.tenant, row.account, row.kind, row.began)):
        key = (row.tenant, row.account, row.kind, row.began)
        less = {"reserved": quota_use.c.reserved - row.amount}
        connection.execute(update(quota_use).where(_of(quota_use, key)).values(**less))
    return len(found)


def _of(table: Table, key: tuple[str, str, str, str]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in _named(key).items()))


def _lock(connection: Connection, keys: Sequence[tuple[str, str, str, str]]) -> None:
    """Have others wait for these rows of `quota_use`. Always before their reservations are touched, in the order of
    their keys: so nobody waits for somebody who waits for them."""
    for key in keys:
        connection.execute(select(quota_use.c.used).where(_of(quota_use, key)).with_for_update())


def _named(key: tuple[str, str, str, str]) -> dict[str, str]:
    return dict(zip(_KEY, key, strict=True))


def too_many_sources(tenant: str, most: int) -> tuple[str, str]:
    """What is said where a tenant has as many sources as it may."""
    return f"The tenant {tenant} has as many sources as it may: {most:,}.", "Remove one, or ask for a larger quota."


def _exhausted(row: _Row, moment: datetime) -> QuotaError:
    resets_at = row.period.ends(moment)
    allowed = f"{row.cap:,}" if row.kind is not Kind.MONEY else f"{(row.cap or 0) / MICRO:,.2f}"
    when = f"It begins anew at {resets_at:%Y-%m-%d %H:%M} UTC." if resets_at else ""
    said = f"The quota of {row.name} is used up: {allowed} {row.kind.value} a {row.period.value}."
    left = (resets_at - moment).total_seconds() if resets_at else None
    return QuotaError(said, f"{when} Reading goes on.".strip(), seconds=left)
