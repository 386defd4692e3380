from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from wiki_pipeline.cli.up.ports import choose
from wiki_pipeline.errors import ConfigurationError

HOST = "127.0.0.1"


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_port_is_taken_as_it_is() -> None:
    free = choose(HOST, 0, insist=False, taken=set())
    assert choose(HOST, free, insist=True, taken=set()) == free


def test_a_busy_port_is_replaced_by_a_free_one(busy: int) -> None:
    chosen = choose(HOST, busy, insist=False, taken=set())
    assert chosen not in {0, busy}
    with socket.socket() as mine:
        mine.bind((HOST, chosen))


def test_a_busy_port_that_was_asked_for_is_an_error(busy: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Port {busy} of 127.0.0.1 is in use"):
        choose(HOST, busy, insist=True, taken=set())


def test_a_port_is_not_given_away_twice() -> None:
    taken: set[int] = set()
    first = choose(HOST, 0, insist=False, taken=taken)
    second = choose(HOST, first, insist=False, taken=taken)
    assert taken == {first, second}
    assert len(taken) == 2


def test_a_host_that_is_not_this_machine_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        choose("no-such-host.invalid", 8080, insist=False, taken=set())
