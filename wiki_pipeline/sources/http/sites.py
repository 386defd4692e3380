"""How the sources, addresses and connections of a product with sites find each other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import SplitResult

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.confluence import Site
from wiki_pipeline.model import Connection, SourceKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites of one product.

    Attributes:
        parse: reads the root of a site.
        setting: the variable that names the settings' own site.
        own: name of the connection to that.
    """

    parse: Callable[[str], Site]
    setting: str
    own: str

    def own_first(self, connections: Sequence[Connection]) -> list[Connection]:
        """The settings' own connection, then the others by name."""
        return sorted(connections, key=lambda connection: (connection.name != self.own, connection.name))

    def below(self, connection: Connection, address: str) -> SplitResult | None:
        """The address from the site's root on, if it is of the connection's site."""
        for root in (connection.url, connection.options.get("site_url", "")):
            if root and (parts := self.parse(root).below(address)) is not None:
                return parts
        return None

    def source_name(self, connection: Connection, name: str) -> str:
        """What a source is called: with the connection's name before its own, unless that is the settings'."""
        return name if connection.name == self.own else f"{connection.name}/{name}"

    def connection_of(self, key: SourceKey, url: str, connections: Sequence[Connection]) -> Connection | None:
        """See `SourceKind.connection_of`: by the source's name, or by its site.

        Raises:
            ConfigurationError: `url` is no root of a site.
        """
        site, (name, _, rest) = self.parse(url), key.name.partition("/")
        of_site = [each for each in self.own_first(connections) if self.parse(each.url) == site]
        named = (each for each in of_site if each.name == name and rest)
        return next(named, next(iter(of_site), None))

    def opening(self, key: SourceKey, url: str, connection: Connection | None) -> Connection:
        """The connection, which may open a source of the site at `url`: credentials are for their own site alone.

        Raises:
            ConfigurationError: there is none, or it is to another site.
        """
        if connection is None:
            raise ConfigurationError(
                f"{key}: {self.setting} is not set, and there is no connection to {url}.",
                f"It was {url} when the source was added.",
            )
        if self.parse(url) == self.parse(connection.url):
            return connection
        if connection.name == self.own:
            raise ConfigurationError(
                f"{key} belongs to {url}, but {self.setting} is {connection.url}.",
                f"Set {self.setting} back, or remove the source and add it again.",
            )
        raise ConfigurationError(
            f"{key} belongs to {url}, but the connection {connection.name} is to {connection.url}.",
            "Change the connection back, or remove the source and add it again.",
        )


def wait_for(look_up: Coroutine[Any, Any, T]) -> T:
    """The result of a look-up, for callers inside and outside of an event loop alike."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, look_up).result()
