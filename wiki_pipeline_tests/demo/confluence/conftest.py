"""Servers with a small space, and clients that know nothing of the project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space


@dataclass(slots=True)
class Clock:
    """A time that stands still until a test moves it."""

    now: datetime = datetime(2026, 3, 10, 12, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def advance(self, **units: float) -> None:
        """Let time pass."""
        self.now += timedelta(**units)


@dataclass(slots=True)
class Api:
    """Plain requests to a server. No retries, no paging: what is asked is what is sent."""

    server: ConfluenceServer
    http: httpx.Client

    def get(self, path: str, /, **parameters: Any) -> httpx.Response:
        """GET below the server's address; `_` in a parameter's name is sent as `-`."""
        query = {name.replace("_", "-"): value for name, value in parameters.items() if value is not None}
        return self.http.get(self.server.url + path, params=query or None)

    def json(self, path: str, /, **parameters: Any) -> Any:
        """The JSON of an answer that must be 200."""
        answer = self.get(path, **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def follow(self, address: str) -> Any:
        """The JSON behind an absolute address."""
        return self.http.get(address).raise_for_status().json()


@pytest.fixture
def clock() -> Clock:
    """The time of `cloud` and `datacenter`."""
    return Clock()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """A client of no particular kind."""
    with httpx.Client() as client:
        yield client


@pytest.fixture
def cloud(clock: Clock, http: httpx.Client) -> Iterator[Api]:
    """A Cloud site with the space ENG."""
    with ConfluenceServer("cloud", clock=clock) as server:
        fill(server.space("ENG", "Engineering", description="How we build"))
        yield Api(server, http)


@pytest.fixture
def datacenter(clock: Clock, http: httpx.Client) -> Iterator[Api]:
    """A Data Center site with the space ENG."""
    with ConfluenceServer("datacenter", clock=clock) as server:
        fill(server.space("ENG", "Engineering", description="How we build"))
        yield Api(server, http)


@pytest.fixture(params=["cloud", "datacenter"])
def api(request: pytest.FixtureRequest) -> Api:
    """Both, one after the other: for what v1 does on either."""
    found: Api = request.getfixturevalue(request.param)
    return found


def fill(space: Space) -> None:
    """Home with twelve runbooks below; a page two levels down."""
    home = space.add("Home", "<p>Welcome</p>", labels=["start"])
    space.homepage = home
    for number in range(12):
        space.add(f"Runbook {number}", f"<p>Restart number {number}.</p>", parent=home, labels=["ops"])
    space.add("Deep", "<p>Further down</p>", parent=space.page("Runbook 3"), author="Grace Hopper")
