from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from wiki_pipeline.cli.up.ports import Ports
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import load

HOST = "127.0.0.1"


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server((HOST, 0)) as other:
        yield other.getsockname()[1]


@pytest.fixture
def told() -> list[str]:
    """What people were told about the choices made."""
    return []


@pytest.fixture
def ports(told: list[str]) -> Ports:
    return Ports(load(UpSettings), told.append)


def test_a_free_port_is_given_as_it_is(ports: Ports, told: list[str]) -> None:
    with ports.listen("The wiki", HOST, 0) as listening:
        free = listening.getsockname()[1]
    with ports.listen("The wiki", HOST, free) as listening:
        assert listening.getsockname()[1] == free
    assert told == []


def test_nobody_else_can_listen_on_a_port_that_is_handed_over(ports: Ports) -> None:
    with ports.listen("The wiki", HOST, 0) as listening, pytest.raises(OSError, match="in use"):
        socket.create_server(listening.getsockname())


def test_a_busy_port_is_replaced_by_a_free_one_and_that_is_told(ports: Ports, told: list[str], busy: int) -> None:
    with ports.listen("the wiki", HOST, busy) as listening:
        port = listening.getsockname()[1]
        assert port not in {0, busy}
        assert told == [f"Port {busy} is in use; the wiki listens on {port}."]


def test_a_busy_port_that_was_asked_for_is_an_error_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, told: list[str], busy: int
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_GATEWAY_PORT", str(busy))
    with pytest.raises(ConfigurationError, match=f"Port {busy} of 127.0.0.1 is in use.*WIKI_PIPELINE_GATEWAY_PORT"):
        Ports(load(UpSettings), told.append).listen("the gateway", HOST, busy, "gateway_port")


def test_a_host_that_is_not_this_machine_is_an_error(ports: Ports) -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        ports.listen("the gateway", "no-such-host.invalid", 8080)
