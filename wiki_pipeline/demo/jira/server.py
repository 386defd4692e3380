"""A Jira over HTTP for tests, the demo and benchmarks: started in a thread, stopped by leaving the `with` block."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal

import orjson

from wiki_pipeline.demo.jira.api import Account, JiraApp, Limits, World
from wiki_pipeline.demo.jira.documents import Writer
from wiki_pipeline.demo.jira.site import Comment, Issue, Item, Site
from wiki_pipeline.demo.serving import CLOUD_ID, HttpServer

Flavour = Literal["cloud", "datacenter"]
Deliver = Callable[[dict[str, str], bytes], None]


class JiraServer(HttpServer):
    """A Jira site behind a real HTTP server on a port of this machine.

    Args:
        flavour: `cloud` (v3 and v2, search by token, ADF) or `datacenter` (v2, offsets, wiki markup).
        context: a context path, as `/jira`; Data Center's business.
        latency: seconds added to every answer.
        zone: the account's time zone, in which dates in JQL are read and moments are written.
        index_lag: how long the search index stays behind edits.
        clock: tells the time of the site.
        limits: caps on what a request gives.
    """

    app: JiraApp

    def __init__(
        self,
        flavour: Flavour = "cloud",
        *,
        context: str = "",
        latency: float = 0.0,
        zone: tzinfo = UTC,
        index_lag: timedelta = timedelta(0),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: Limits | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host, port)
        self.site = Site(clock, index_lag)
        self.world = World(self.site, flavour == "cloud", context, zone, limits or Limits())
        self.app = JiraApp(self.world, latency)
        self._hooks: list[tuple[str, Deliver]] = []
        self._delivered = 0

    @property
    def url(self) -> str:
        """The address that people configure."""
        return self.origin + self.world.context

    @property
    def gateway_url(self) -> str:
        """The address for scoped tokens, as `https://api.atlassian.com/ex/jira/{cloudId}`."""
        return f"{self.origin}/ex/jira/{CLOUD_ID}"

    @property
    def media_origin(self) -> str:
        """Where Cloud sends those who ask for a file."""
        return self.origin.replace("127.0.0.1", "localhost")

    def allow(self, *, secret: str, name: str = "", scoped: bool = False) -> None:
        """Take these credentials, and no anonymous calls any more; `scoped`: at the gateway address only."""
        self.world.accounts.append(Account(secret, name, scoped))

    # --- webhooks ------------------------------------------------------------------------------------------------

    def webhook(self, secret: str, deliver: Deliver) -> None:
        """Tell of every change from now on: headers and the signed body go to `deliver`.

        A comment is told as Jira does: `comment_created` without the issue (Server) or with some of it (Cloud), and
        `jira:issue_updated`. Issue bodies hold the moment of before the comment.
        """
        if not self._hooks:
            self.site.listeners.append(self._tell)
        self._hooks.append((secret, deliver))

    def _tell(self, event: str, issue: Issue, items: list[Item], comment: Comment | None) -> None:
        writer = Writer(self.site, self.url, "2", adf=False, cloud=self.world.cloud, zone=self.world.zone)
        now = int(self.site.now().timestamp() * 1000)
        bodies: list[dict[str, Any]] = []
        if comment is not None:
            about: dict[str, Any] = {"timestamp": now, "webhookEvent": event, "comment": writer.comment(issue, comment)}
            if self.world.cloud:
                wanted = {"summary", "issuetype", "project", "assignee", "priority", "status"}
                about["issue"] = writer.issue(issue, wanted, set())
            bodies.append(about)
            event = "jira:issue_updated"
        body = {
            "timestamp": now,
            "webhookEvent": event,
            "user": writer.person(issue.reporter),
            "issue": writer.issue(issue, {"*navigable"}, set()),
        }
        if items:
            last = writer.changelog(issue, most=1)["histories"][0] if issue.history else {"items": []}
            body["changelog"] = {name: value for name, value in last.items() if name in {"id", "items"}}
        for each in [*bodies, body]:
            if "issue" in each:
                del each["issue"]["expand"]  # an answer's, not a delivery's
            self._deliver(orjson.dumps(each))

    def _deliver(self, raw: bytes) -> None:
        self._delivered += 1
        for secret, deliver in self._hooks:
            signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
            deliver(
                {
                    "Content-Type": "application/json",
                    "X-Hub-Signature": f"sha256={signature}",
                    "X-Atlassian-Webhook-Identifier": f"hook-{self._delivered}",
                    "X-Atlassian-Webhook-Flow": "Primary",
                },
                raw,
            )
