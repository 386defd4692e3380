"""Quotas: what is admitted, what is given back, and whose cap holds."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, update

from wiki_pipeline.catalog import Bound, Cap, Catalog, Kind, Period
from wiki_pipeline.catalog.quotas import UNLIMITED, micro
from wiki_pipeline.catalog.tables import quota_reservations
from wiki_pipeline.errors import QuotaError
from wiki_pipeline_tests.catalog import other_process

ONE = {Kind.REQUESTS: 1}
PROCESSES = 8


def capped(catalog: Catalog, cap: int, holder: str = "tenant:acme", kind: Kind = Kind.REQUESTS) -> None:
    catalog.quotas.set_cap(Cap(holder, kind, Period.DAY, cap))


def used(catalog: Catalog, kind: Kind = Kind.REQUESTS, account: str = "") -> tuple[int, int]:
    """What is used and reserved of today's."""
    found = catalog.quotas.usage("acme", account)
    return next(
        ((u.used, u.reserved) for u in found if (u.account, u.kind, u.period) == (account, kind, Period.DAY)), (0, 0)
    )


def test_processes_that_spend_at_once_are_admitted_exactly_as_often_as_the_cap_says(catalog: Catalog, url: str) -> None:
    cap = 57
    capped(catalog, cap)
    with ExitStack() as stack:
        others = [stack.enter_context(other_process.start("spend", url, "15")) for _ in range(PROCESSES)]
        assert [other.line() for other in others] == ["ready"] * PROCESSES
        for other in others:
            other.go_on()
        admitted = [int(other.line()) for other in others]
        assert [other.finish() for other in others] == [(0, "")] * PROCESSES
    assert sum(admitted) == cap
    assert used(catalog) == (cap, 0)
    assert used(catalog, account="ada") == (cap, 0)


def test_a_full_quota_says_when_it_begins_anew_and_other_tenants_go_on(catalog: Catalog) -> None:
    capped(catalog, 1)
    catalog.quotas.spend("acme", "", ONE)
    with pytest.raises(QuotaError, match="the tenant acme is used up: 1 requests a day") as full:
        catalog.quotas.spend("acme", "", ONE)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert full.value.seconds == pytest.approx((midnight - datetime.now(UTC)).total_seconds(), abs=90)
    assert "Reading goes on" in str(full.value)
    catalog.quotas.spend("other", "", ONE)


def test_without_a_cap_there_is_no_bound_and_use_is_written_down(catalog: Catalog) -> None:
    for _ in range(3):
        catalog.quotas.spend("acme", "", {Kind.TOKENS: 10**9})
    (day, month) = catalog.quotas.usage("acme")
    assert (day.used, day.cap, month.period) == (3 * 10**9, None, Period.MONTH)


def test_what_is_reserved_counts_until_it_is_settled_or_released(catalog: Catalog) -> None:
    capped(catalog, 100, kind=Kind.TOKENS)
    first = catalog.quotas.reserve("acme", "", {Kind.TOKENS: 60})
    with pytest.raises(QuotaError):
        catalog.quotas.reserve("acme", "", {Kind.TOKENS: 60})
    catalog.quotas.settle(first, {Kind.TOKENS: 5})
    second = catalog.quotas.reserve("acme", "", {Kind.TOKENS: 95})
    catalog.quotas.release(second)
    catalog.quotas.release(second)
    assert used(catalog, Kind.TOKENS) == (5, 0)


def test_several_kinds_are_reserved_together_or_not_at_all(catalog: Catalog) -> None:
    capped(catalog, 10, kind=Kind.MONEY)
    with pytest.raises(QuotaError, match="money"):
        catalog.quotas.reserve("acme", "ada", {Kind.TOKENS: 5, Kind.MONEY: 11})
    assert used(catalog, Kind.TOKENS) == (0, 0)


def test_what_a_process_left_reserved_is_given_back_once_it_has_expired(catalog: Catalog, url: str) -> None:
    capped(catalog, 1)
    left = catalog.quotas.reserve("acme", "", ONE)
    with pytest.raises(QuotaError):
        catalog.quotas.reserve("acme", "", ONE)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(update(quota_reservations).values(expires_at=datetime(2020, 1, 1, tzinfo=UTC)))
    engine.dispose()
    again = catalog.quotas.reserve("acme", "", ONE)
    assert catalog.quotas.expire() == 1  # what it had reserved of the month, where nobody needed the room
    catalog.quotas.settle(again, ONE)
    catalog.quotas.settle(left, ONE)  # it was only slow: what it took counts, and nothing is given back twice
    assert used(catalog) == (2, 0)


@pytest.mark.parametrize(
    ("caps", "admitted"),
    [
        ({"plan:default": 2}, 2),
        ({"plan:default": 2, "tenant:acme": 3}, 3),
        ({"plan:default": 2, "tenant:acme": UNLIMITED}, 5),
        ({"plan:free": 1}, 5),
        ({"plan:default:each": 2}, 2),
        ({"plan:default:each": 2, "account:acme:ada": 4}, 4),
        ({"tenant:acme": 3, "tenant:acme:each": 4}, 3),
        ({"tenant:acme": 0}, 0),
    ],
)
def test_the_nearest_cap_holds(catalog: Catalog, caps: dict[str, int], admitted: int) -> None:
    for holder, cap in caps.items():
        capped(catalog, cap, holder)
    done = 0
    for _ in range(5):
        try:
            catalog.quotas.spend("acme", "ada", ONE)
        except QuotaError:
            break
        done += 1
    assert done == admitted


def test_a_tenant_s_plan_is_the_one_that_it_was_put_on(catalog: Catalog) -> None:
    capped(catalog, 0, "plan:free")
    catalog.quotas.spend("acme", "", ONE)
    catalog.quotas.set_plan("acme", "free")
    with pytest.raises(QuotaError):
        catalog.quotas.spend("acme", "", ONE)
    assert catalog.quotas.plans() == {"acme": "free"}
    assert catalog.quotas.drop_cap("plan:free", Kind.REQUESTS, Period.DAY)
    catalog.quotas.spend("acme", "", ONE)


def test_what_all_tenants_share_has_a_cap_of_its_own(catalog: Catalog) -> None:
    shared = [Bound("", Kind.MONEY, Period.DAY, micro(1.0), "the day")]
    catalog.quotas.settle(catalog.quotas.reserve("acme", "", {Kind.MONEY: micro(0.6)}, shared), {Kind.MONEY: 600_000})
    with pytest.raises(QuotaError, match=r"the day is used up: 1\.00 money"):
        catalog.quotas.reserve("other", "", {Kind.MONEY: micro(0.6)}, shared)


@pytest.mark.parametrize(("price", "expected"), [(0.0, 0), (0.1, 100_000), (0.0000001, 1), (0.3, 300_000)])
def test_money_is_rounded_up(price: float, expected: int) -> None:
    assert micro(price) == expected
