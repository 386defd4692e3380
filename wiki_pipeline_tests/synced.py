"""A space that was synced once a worker: tests that begin with a synced one get a copy of it, in place of a sync.

The copy is of both sides. The state is a folder that is copied; the site is made anew, page by page, at the same
address and the same moment, so that a sync of the copy finds nothing to do until the test changes something.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.demo.confluence.app import Receive, Scope, Send
from wiki_pipeline.demo.confluence.site import Flavour
from wiki_pipeline_tests.installation import install_for_space, pipeline, sync

# For tests, in rooms with a fixture `flavour`, of what the two Confluences answer each in its own way.
both_flavours = pytest.mark.parametrize("flavour", ["cloud", "datacenter"])


class RenewedServer(ConfluenceServer):
    """A test server whose site can be made anew while its address stays."""

    def __init__(self, flavour: Flavour) -> None:
        super().__init__(flavour)
        self._made = datetime.now(UTC)

    def renew(self, make: Callable[[ConfluenceServer], Space]) -> Space:
        """Begin again with an empty site, and the space that is made in it; at the same moment each time."""
        new = ConfluenceServer(self.site.flavour, clock=lambda: self._made)
        self.site, self.world, self.app = new.site, new.world, new.app
        space = make(self)
        self.site.clock = lambda: datetime.now(UTC)
        return space

    def _config(self) -> uvicorn.Config:
        config = super()._config()
        config.app = self._serve
        return config

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class SyncedSpace:
    """The space's server, and the state of an installation that has synced it.

    Args:
        folder: for the state, empty.
        make: makes the space.
    """

    def __init__(self, server: RenewedServer, folder: Path, make: Callable[[ConfluenceServer], Space]) -> None:
        self.server = server
        self._folder = folder
        self._make = make
        server.renew(make)
        with pytest.MonkeyPatch.context() as monkeypatch:
            install_for_space(monkeypatch, folder, server.url)
            with pipeline() as opened:
                sync(opened)

    def copy(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
        """An installation in a folder of its own, as it was after its first sync; the space as it was then."""
        shutil.copytree(self._folder / "state", home / "state", dirs_exist_ok=True)
        return self.unsynced(home, monkeypatch)

    def unsynced(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
        """An installation that has never synced the space; the space as it was made."""
        space = self.server.renew(self._make)
        install_for_space(monkeypatch, home, self.server.url)
        return space


@contextmanager
def synced_space(flavour: Flavour, folder: Path, make: Callable[[ConfluenceServer], Space]) -> Iterator[SyncedSpace]:
    """A space of a Confluence of that flavour, synced."""
    server = RenewedServer(flavour)
    with server:
        yield SyncedSpace(server, folder, make)


def twelve_pages(server: ConfluenceServer) -> Space:
    """The space ENG: a home page and eleven below it."""
    space = server.space("ENG", "Engineering")
    home = space.add("Home", "<p>Welcome to engineering.</p>")
    for number in range(11):
        space.add(f"Page {number}", f"<p>Number {number} of the handbook.</p>", parent=home)
    return space
