from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, update

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.catalog.steady import boot
from wiki_pipeline.catalog.tables import leases
from wiki_pipeline.errors import LeaseHeldError, LeaseLostError
from wiki_pipeline_tests.catalog import other_process

NAME = "source default:git:org/repo"
LONG = 300.0  # seconds: no test waits for its end
SHORT = 1.0


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Look at a condition until it holds; fail after a bound that no working machine needs."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        threading.Event().wait(0.02)


def test_a_lease_names_its_holder_while_it_is_held_and_is_gone_afterwards(catalog: Catalog) -> None:
    with catalog.lease(NAME, LONG) as lease:
        lease.check()
        (record,) = catalog.leases()
        assert (record.name, record.holder) == (NAME, f"{socket.gethostname()}:{os.getpid()}")
        assert record.acquired.tzinfo is UTC
        assert record.expires - record.acquired == timedelta(seconds=LONG)
    assert catalog.leases() == []


def test_a_held_lease_is_refused_with_who_holds_it_and_since_when(catalog: Catalog) -> None:
    with catalog.lease(NAME, LONG):
        (record,) = catalog.leases()
        with pytest.raises(LeaseHeldError) as caught, catalog.lease(NAME, LONG):
            pass
    assert f"{NAME}: {record.holder}, since {record.acquired:%Y-%m-%d %H:%M:%S} UTC" in str(caught.value)


def test_leases_of_other_names_are_free(catalog: Catalog) -> None:
    with catalog.lease("a", LONG), catalog.lease("b", LONG):
        assert [record.name for record in catalog.leases()] == ["a", "b"]


def test_a_lease_is_given_back_when_its_block_fails(catalog: Catalog) -> None:
    with pytest.raises(RuntimeError, match="the block's own"), catalog.lease(NAME, LONG):
        raise RuntimeError("the block's own")
    assert catalog.leases() == []


def test_waiting_for_a_lease_ends_when_it_is_given_back(catalog: Catalog) -> None:
    refused = threading.Event()

    def wait_for_it() -> None:
        try:
            with catalog.lease(NAME, LONG, wait=30.0):
                pass
        except LeaseHeldError:
            refused.set()

    waiter = threading.Thread(target=wait_for_it)
    with catalog.lease(NAME, LONG):
        waiter.start()
    waiter.join(timeout=60)
    assert not waiter.is_alive()
    assert not refused.is_set()


def test_the_heartbeat_moves_the_end_forward(catalog: Catalog) -> None:
    with catalog.lease(NAME, SHORT) as lease:
        (first,) = catalog.leases()
        wait_until(lambda: catalog.leases()[0].expires > first.expires)
        lease.check()


def test_of_processes_that_race_for_a_lease_exactly_one_gets_it(catalog: Catalog, url: str) -> None:
    catalog.leases()
    with ExitStack() as stack:
        racers = [stack.enter_context(other_process.start("hold", url, NAME, str(LONG))) for _ in range(3)]
        assert [racer.line() for racer in racers] == ["ready"] * len(racers)
        for racer in racers:
            racer.go_on()
        winners = [racer for racer in racers if racer.line() == "held"]
        assert len(winners) == 1
        (record,) = catalog.leases()
        assert record.holder == f"{socket.gethostname()}:{winners[0].pid}"
        for racer in racers:
            if racer is not winners[0]:
                status, errors = racer.finish()
                assert status == 3
                assert errors.startswith(f"source_busy Another process is writing {NAME}: {record.holder}, since")
        assert winners[0].finish() == (0, "")
    assert catalog.leases() == []


def test_a_holder_killed_on_this_machine_is_replaced_at_once(catalog: Catalog, url: str) -> None:
    with other_process.start("hold", url, NAME, str(LONG)) as holder:
        holder.line()
        holder.go_on()
        assert holder.line() == "held"
        holder.process.kill()
        holder.process.wait(timeout=30)
        with catalog.lease(NAME, LONG) as lease:
            lease.check()


def test_a_holder_that_died_elsewhere_is_replaced_only_after_its_time(catalog: Catalog, url: str) -> None:
    with other_process.start("hold", url, NAME, str(LONG)) as holder:
        holder.line()
        holder.go_on()
        assert holder.line() == "held"
        holder.process.kill()
        holder.process.wait(timeout=30)
    change_lease(url, pid_space=f"{boot()}/pid:[1]")  # another container of this machine
    with pytest.raises(LeaseHeldError), catalog.lease(NAME, LONG):
        pass
    change_lease(url, ends=0.0)
    with catalog.lease(NAME, LONG) as lease:
        lease.check()


def test_a_process_that_was_suspended_notices_at_its_next_check_that_it_lost_the_lease(
    catalog: Catalog, url: str
) -> None:
    with other_process.start("hold", url, NAME, str(SHORT)) as sleeper:
        sleeper.line()
        sleeper.go_on()
        assert sleeper.line() == "held"
        sleeper.go_on()
        assert sleeper.line() == "still held"
        os.kill(sleeper.pid, signal.SIGSTOP)
        with catalog.lease(NAME, LONG, wait=30.0) as lease:
            os.kill(sleeper.pid, signal.SIGCONT)
            sleeper.go_on()
            assert sleeper.line() == ""
            status, errors = sleeper.finish()
            assert status == 3
            assert errors.startswith("lease_lost This process was out of touch")
            assert f"{socket.gethostname()}:{os.getpid()} took over" in errors
            lease.check()


def test_a_lease_that_was_lost_is_noticed_at_the_end_of_the_block_at_the_latest(catalog: Catalog, url: str) -> None:
    with pytest.raises(LeaseLostError, match="took over"), catalog.lease(NAME, LONG):
        change_lease(url, token="of another", holder="other:1")
    assert [record.holder for record in catalog.leases()] == ["other:1"]


def test_the_heartbeat_notices_a_lost_lease_without_being_asked(catalog: Catalog, url: str) -> None:
    lease = catalog.lease(NAME, SHORT)
    with ExitStack() as stack:
        stack.enter_context(lease)
        change_lease(url, token="of another", expires=datetime.now(UTC) + timedelta(hours=1))
        wait_until(lambda: lease._lost)
        with pytest.raises(LeaseLostError):
            lease.check()
        stack.pop_all()


def test_a_holder_that_let_its_time_pass_keeps_the_lease_if_nobody_took_it(catalog: Catalog, url: str) -> None:
    with catalog.lease(NAME, LONG) as lease:
        change_lease(url, ends=0.0)
        lease._confirmed -= LONG
        lease.check()
        assert catalog.leases()[0].expires > datetime.now(UTC)


def change_lease(url: str, **values: object) -> None:
    """Write into the lease's row, past the program."""
    engine = create_engine(url)
    with engine.begin() as connection:
        assert connection.execute(update(leases).where(leases.c.name == NAME).values(**values)).rowcount == 1
    engine.dispose()
