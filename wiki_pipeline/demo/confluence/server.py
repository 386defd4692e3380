"""A Confluence over HTTP for tests: started in a thread, stopped by leaving the `with` block."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

from wiki_pipeline.demo.confluence import downloads
from wiki_pipeline.demo.confluence.app import CLOUD_ID, App
from wiki_pipeline.demo.confluence.site import Flavour, Site, Space
from wiki_pipeline.demo.confluence.world import Account, Limits, World
from wiki_pipeline.demo.serving import HttpServer


class ConfluenceServer(HttpServer):
    """A Confluence site behind a real HTTP server on a port of this machine.

    Args:
        flavour: `cloud` (v1 and v2, context path `/wiki`) or `datacenter` (v1, no context path).
        context: another context path, as `/confluence`; empty for none.
        latency: seconds added to every answer.
        user_zone: the calling user's time zone, in which CQL dates are read.
        server_zone: the zone in which Data Center writes timestamps.
        index_lag: how long the search index stays behind edits.
        clock: tells the time of the site.
        limits: caps on `limit`.
        host: the interface to listen on.
        port: 0 takes a free one.
        certificate: certificate and key files, for HTTPS.
    """

    def __init__(
        self,
        flavour: Flavour = "cloud",
        *,
        context: str | None = None,
        latency: float = 0.0,
        user_zone: tzinfo = UTC,
        server_zone: tzinfo = UTC,
        index_lag: timedelta = timedelta(0),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: Limits | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        super().__init__(host, port, certificate)
        cloud = flavour == "cloud"
        self.site = Site(flavour, clock=clock, index_lag=index_lag)
        self.world = World(
            site=self.site,
            cloud=cloud,
            context=("/wiki" if cloud else "") if context is None else context,
            limits=limits or Limits(),
            user_zone=user_zone,
            server_zone=server_zone,
        )
        self.app: App = App(self.world, latency)

    # --- addresses -----------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The address that people configure: with the context path, without a slash at the end."""
        return self.origin + self.world.context

    @property
    def gateway_url(self) -> str:
        """The address for OAuth and scoped tokens, as `https://api.atlassian.com/ex/confluence/{cloudId}/wiki`."""
        return f"{self.origin}/ex/confluence/{CLOUD_ID}{self.world.context}"

    @property
    def media_origin(self) -> str:
        """Where Cloud's API sends those who ask for a file."""
        return downloads.media_origin(self.origin)

    # --- what tests do -------------------------------------------------------------------------------------------

    def space(self, key: str, name: str = "", *, description: str = "") -> Space:
        """The space of that key; made if there is none. `space(...).add(...)` makes pages."""
        return self.site.space(key, name, description=description)

    def allow(
        self, *, secret: str, name: str = "", user: str = "Wiki Reader", scoped: bool = False, permitted: bool = True
    ) -> None:
        """Take these credentials, and no anonymous calls any more.

        Args:
            name: user name or e-mail address for Basic; empty for Bearer.
            user: display name of the person they belong to.
            scoped: valid at the gateway address only.
            permitted: whether that person may use Confluence at all; 403 otherwise.
        """
        self.world.accounts.append(Account(secret, self.site.user(user), name, scoped, permitted))
