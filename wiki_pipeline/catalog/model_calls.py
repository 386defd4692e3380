"""What calls of language models cost, and what they answered before. Budgets are quotas (`quotas`): of the settings, of
plans, tenants and accounts alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, true

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.quotas import Bound, Kind, Period, Reservation, micro, reserve, settle
from wiki_pipeline.catalog.streams import storable_json
from wiki_pipeline.catalog.tables import model_answers, model_spending


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and price of calls.

    Attributes:
        price: in whatever currency the prices are given in.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    price: float = 0.0

    @property
    def tokens(self) -> int:
        """Both kinds."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be spent in a day; None: without bound.

    Attributes:
        tenant: whose calls count; None: everyone's.
    """

    name: str
    tenant: str | None
    tokens: int | None = None
    price: float | None = None

    def is_exceeded(self, spent: Spent, more: Spent) -> bool:
        """Whether what was spent and what is to come are too much together."""
        tokens, price = spent.tokens + more.tokens, spent.price + more.price
        return (self.tokens is not None and tokens > self.tokens) or (self.price is not None and price > self.price)

    def bounds(self) -> tuple[Bound, ...]:
        """The same as quotas of a day."""
        whose = self.tenant or ""
        tokens = () if self.tokens is None else (Bound(whose, Kind.TOKENS, Period.DAY, self.tokens, self.name),)
        money = () if self.price is None else (Bound(whose, Kind.MONEY, Period.DAY, micro(self.price), self.name),)
        return (*tokens, *money)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A call that may be made."""

    tenant: str
    model: str
    reservation: Reservation


class ModelCalls:
    """The catalog's records of model calls. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(
        self,
        tenant: str,
        model: str,
        estimate: Spent,
        limits: tuple[Limit, ...] = (),
        account: str = "",
        seconds: float = 900.0,
    ) -> Reserved:
        """Count a call before it is made.

        Args:
            limits: of the settings, for the day.
            account: whose quota it counts for beside the tenant's.
            seconds: after which it is given back should this process die.

        Raises:
            QuotaError: it would exceed a limit or a quota.
        """
        amounts = {Kind.TOKENS: estimate.tokens, Kind.MONEY: micro(estimate.price)}
        bounds = [bound for limit in limits for bound in limit.bounds()]
        with self._database.write() as connection:
            return Reserved(tenant, model, reserve(connection, tenant, account, amounts, bounds, seconds))

    def settle(self, reserved: Reserved, actual: Spent) -> None:
        """Put what a call did cost in the place of what was reserved for it."""
        amounts = {Kind.TOKENS: actual.tokens, Kind.MONEY: micro(actual.price)}
        with self._database.write() as connection:
            settle(connection, reserved.reservation, amounts)
            if actual.calls:
                _add(connection, _today(connection), reserved.tenant, reserved.model, actual)

    def spent(self, tenant: str, model: str, actual: Spent) -> None:
        """Write down what a call did cost that nothing bounds."""
        with self._database.write() as connection:
            _add(connection, _today(connection), tenant, model, actual)

    def spent_today(self, tenant: str | None = None) -> Spent:
        """What was spent since midnight (UTC), by a tenant or by all."""
        with self._database.read() as connection:
            return _spent(connection, _today(connection), tenant)

    def totals(self, tenant: str) -> dict[str, Spent]:
        """What a tenant has spent since the beginning, by model."""
        columns = ("calls", "prompt_tokens", "completion_tokens", "price")
        sums = [func.sum(model_spending.c[name]) for name in columns]
        chosen = select(model_spending.c.model, *sums).where(model_spending.c.tenant == tenant)
        with self._database.read() as connection:
            rows = connection.execute(chosen.group_by(model_spending.c.model).order_by(model_spending.c.model)).all()
        return {model: Spent(int(a), int(b), int(c), float(price)) for model, a, b, c, price in rows}

    def known(self, tenant: str, key: str) -> Mapping[str, Any] | None:
        """What was kept under a key."""
        mine = (model_answers.c.tenant == tenant) & (model_answers.c.key == key)
        with self._database.read() as connection:
            found: Mapping[str, Any] | None = connection.execute(
                select(model_answers.c.body).where(mine)
            ).scalar_one_or_none()
        return found

    def keep(self, tenant: str, key: str, body: Mapping[str, Any]) -> None:
        """Keep what a model answered."""
        with self._database.write() as connection:
            said = {"body": storable_json(body), "created_at": now(connection)}
            statement = upsert(connection, model_answers).values(tenant=tenant, key=key, **said)
            connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "key"], set_=said))

    def expire(self, age: timedelta) -> int:
        """Delete answers of models that were kept longer ago than `age`. Returns how many."""
        with self._database.write() as connection:
            old = model_answers.c.created_at < now(connection) - age
            return connection.execute(delete(model_answers).where(old)).rowcount


def _today(connection: Connection) -> str:
    return f"{now(connection):%Y-%m-%d}"


def _spent(connection: Connection, day: str, tenant: str | None) -> Spent:
    whose: ColumnElement[bool] = true() if tenant is None else model_spending.c.tenant == tenant
    columns = ("calls", "prompt_tokens", "completion_tokens", "price")
    sums = [func.coalesce(func.sum(model_spending.c[name]), 0) for name in columns]
    calls, prompt, completion, price = connection.execute(select(*sums).where(model_spending.c.day == day, whose)).one()
    return Spent(int(calls), int(prompt), int(completion), float(price))


def _add(connection: Connection, day: str, tenant: str, model: str, more: Spent) -> None:
    said = {
        "calls": more.calls,
        "prompt_tokens": more.prompt_tokens,
        "completion_tokens": more.completion_tokens,
        "price": more.price,
    }
    statement = upsert(connection, model_spending).values(day=day, tenant=tenant, model=model, **said)
    added = {name: model_spending.c[name] + statement.excluded[name] for name in said}
    connection.execute(statement.on_conflict_do_update(index_elements=["day", "tenant", "model"], set_=added))
