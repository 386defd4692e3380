"""Who gets in, and who makes way."""

from __future__ import annotations

import pytest

from wiki_pipeline.gateway.visitors import Bounds, Visitors


class Connection:
    """A connection without a network."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.gone = False

    def make_way(self) -> None:
        self.gone = True


def house(connections: int = 4, per_address: int = 4, reserve: int = 2) -> Visitors:
    return Visitors(Bounds(connections, per_address, 1, 1, 1, 1_000, reserve))


def entering(visitors: Visitors, *addresses: str, waiting: bool = True) -> list[Connection]:
    """New connections, which keep the server waiting or not."""
    made = [Connection(address) for address in addresses]
    for connection in made:
        assert visitors.enter(connection)
        if waiting:
            visitors.waits(connection)
    return made


def test_in_a_full_house_who_waits_longest_makes_way() -> None:
    visitors = house()
    first, second, *_ = entering(visitors, "a", "a", "a", "a")
    visitors.waits(first)  # still: that it waits is not new
    (newcomer,) = entering(visitors, "b")
    assert (first.gone, second.gone, len(visitors)) == (True, False, 4)
    assert not visitors.too_many(newcomer)


def test_who_is_worked_for_stays() -> None:
    visitors = house()
    first, second, *_ = entering(visitors, "a", "a", "a", "a")
    visitors.works(first)
    entering(visitors, "b")
    assert (first.gone, second.gone) == (False, True)


def test_those_make_way_who_hold_the_most_connections() -> None:
    visitors = house()
    (alone,) = entering(visitors, "b")
    first, *_ = entering(visitors, "a", "a", "a")
    entering(visitors, "c")
    assert (alone.gone, first.gone) == (False, True)


def test_an_address_at_its_bound_displaces_its_own() -> None:
    visitors = house(connections=10, per_address=2)
    (other,) = entering(visitors, "b")
    first, second = entering(visitors, "a", "a")
    entering(visitors, "a")
    assert (other.gone, first.gone, second.gone, len(visitors)) == (False, True, False, 3)


@pytest.mark.parametrize(("per_address", "present"), [(9, 4), (4, 4)])
def test_where_all_are_worked_for_a_few_more_come_in_for_health_checks(per_address: int, present: int) -> None:
    visitors = house(per_address=per_address)
    entering(visitors, *["a"] * present, waiting=False)
    more = entering(visitors, "a", "b", waiting=False)
    assert all(visitors.too_many(one) for one in more)
    assert not visitors.enter(Connection("c"))
    visitors.leave(more[0])
    visitors.leave(more[0])  # as often as one likes
    assert len(visitors) == 5
