"""Jira's webhooks: bodies of Cloud and of Data Center, also of old versions. All are hints, and none is believed.

Signed are the webhooks that administrators make, with `X-Hub-Signature: sha256=...` over the raw body. A comment is
told twice by some versions, once without its issue: its address says which that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, PayloadError
from wiki_pipeline.links.jira import ISSUE_ID, ISSUE_KEY, Site
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.settings import OWN_CONNECTION, JiraSettings
from wiki_pipeline.sources.webhook import (
    Delivery,
    ParsedDelivery,
    Reader,
    check_hmac,
    delivery_id,
    parse_object,
    require_secret,
)

_KIND = "jira"
_IDS = ("x-atlassian-webhook-identifier",)
_SIGNATURES = ("x-hub-signature", "x-hub-signature-256")
_ISSUE = {
    "jira:issue_created",
    "jira:issue_updated",
    "jira:issue_deleted",
    "comment_created",
    "comment_updated",
    "comment_deleted",
    "worklog_created",
    "worklog_updated",
    "worklog_deleted",
    "jira:worklog_updated",
    "attachment_created",
    "attachment_deleted",
    "issuelink_created",
    "issuelink_deleted",
}
_PROJECT = {"project_updated", "project_deleted", "project_archived", "project_restored_archived"}
_OTHER = {"sprint", "board", "user", "option", "jira:version", "version", "issuetype", "filter", "project"}
_NAME = re.compile(r"[a-z][a-z_:]{0,60}")
_OF_ISSUE = re.compile(r"/issue/([0-9]{1,19})/")
_LONGEST_ADDRESS = 2_000
_MOST_ISSUES = 100

Json = Mapping[str, Any]


class JiraWebhook:
    """See `wiki_pipeline.sources.webhook.Webhook`."""

    path = "jira"
    events_in_path = False
    summary = "A Jira issue, comment, link or project changed"
    description = (
        "Webhooks of Jira, as administrators make them: bodies of Cloud and of Data Center. They are signed with a "
        "secret of `JIRA_WEBHOOK_SECRET`. What they say is never kept: the issue is fetched."
    )
    headers: Mapping[str, str] = {
        "X-Hub-Signature": "HMAC-SHA256 of the raw body, as `sha256=...` in hex.",
        "X-Atlassian-Webhook-Identifier": "Id of the delivery: one that comes again is not taken twice.",
    }
    example: Mapping[str, Any] = {
        "timestamp": 1762335000000,
        "webhookEvent": "jira:issue_updated",
        "issue": {"id": "10040", "key": "OPS-12", "self": "https://yourcompany.atlassian.net/rest/api/2/issue/10040"},
    }

    def __init__(self, settings: JiraSettings) -> None:
        self._settings = settings

    def authenticate(self, delivery: Delivery, secrets: Sequence[SecretStr] | None = None) -> None:
        """See `Webhook.authenticate`."""
        secrets = self._settings.webhook_secret if secrets is None else secrets
        if require_secret(
            secrets,
            unsigned=self._settings.accept_unsigned_webhooks,
            setting="JIRA_WEBHOOK_SECRET",
            unsigned_setting="WIKI_PIPELINE_JIRA_ACCEPT_UNSIGNED_WEBHOOKS",
        ):
            claimed = [delivery.headers[name].strip() for name in _SIGNATURES if name in delivery.headers]
            check_hmac(delivery.body, [each.removeprefix("sha256=") for each in claimed], secrets, "X-Hub-Signature")

    def reader(self, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None) -> Reader:
        """See `Webhook.reader`."""
        if connections is None:
            own = self._settings.as_connection("default")
            connections = [own] if own else []
        return _Reader(known, connections).read


class _Reader:
    def __init__(self, known: Mapping[SourceKey, str], connections: Sequence[Connection]) -> None:
        own = sorted(connections, key=lambda each: each.name != OWN_CONNECTION)
        self._roots = [Site.parse(url) for each in own for url in (each.url, each.options.get("site_url", "")) if url]
        self._sources: list[tuple[SourceKey, SourceConfig]] = []
        for key, text in sorted(known.items()):
            try:
                self._sources.append((key, SourceConfig.parse(text)))
            except ConfigurationError:  # its syncs say what is wrong with it
                continue

    def read(self, delivery: Delivery) -> ParsedDelivery:
        body = parse_object(delivery.body)
        name = body.get("webhookEvent") or body.get("issue_event_type_name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise PayloadError('The event is not named: there is no "webhookEvent".')
        id_ = delivery_id(_KIND, delivery, _IDS, dated=bool(body.get("timestamp")))
        if name not in _ISSUE | _PROJECT:
            noun = next((other for other in sorted(_OTHER) if name.startswith(other)), "")
            event = f"{noun}_*" if noun else "other"
            return ParsedDelivery(event, ignored="Events of this kind change nothing that is kept.", delivery_id=id_)
        hints = tuple(self._project_hints(name, body) if name in _PROJECT else self._issue_hints(name, body))
        return ParsedDelivery(name, hints, "" if hints else self._why_nowhere(body), id_)

    def _project_hints(self, name: str, body: Json) -> Iterator[ChangeHint]:
        project = body.get("project")
        key = str(project.get("key") or "") if isinstance(project, dict) else ""
        yield from (ChangeHint(_KIND, source, "", name) for source in self._of(key, body))

    def _issue_hints(self, name: str, body: Json) -> Iterator[ChangeHint]:
        ids = list(_issue_ids(body))
        if not ids:
            raise PayloadError(f"The issue of {name} is not named.", 'Its id belongs into {"issue": {"id": ...}}.')
        keys = set(_keys(body))
        projects = {key.rpartition("-")[0] for key in keys}
        sources = {source for project in sorted(projects) for source in self._of(project, body)}
        for issue_id in ids[:_MOST_ISSUES]:
            if not keys or len(ids) > 1:  # only the site knows in which project it is
                yield ChangeHint(_KIND, None, issue_id, name)
            else:
                yield from (ChangeHint(_KIND, source, issue_id, name) for source in sorted(sources))

    def _of(self, project: str, body: Json) -> list[SourceKey]:
        """The sources of a project: those of the site that sent the delivery, or of all where that is not known."""
        found = [(key, config) for key, config in self._sources if config.project == project.upper()]
        sender = next((root for root in self._roots if any(root.below(a) is not None for a in _addresses(body))), None)
        if sender is None:
            return [key for key, _ in found]
        return [key for key, config in found if sender in {_site(config.url), _site(config.site)}]

    @staticmethod
    def _why_nowhere(body: Json) -> str:
        keys = sorted(_keys(body))
        return f"The project of {keys[0]} is not a source." if keys else "It names nothing that is a source."


def _site(address: str) -> Site | None:
    try:
        return Site.parse(address)
    except ConfigurationError:
        return None


def _issue_ids(body: Json) -> Iterator[str]:
    """Ids of the issues that an event is about: its own, a comment's or worklog's, those of both ends of a link."""
    seen = set()
    for value in _candidates(body):
        text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if ISSUE_ID.fullmatch(text) and text not in seen:
            seen.add(text)
            yield text


def _candidates(body: Json) -> Iterator[object]:
    issue, link, worklog = body.get("issue"), body.get("issueLink"), body.get("worklog")
    if isinstance(issue, dict):
        yield issue.get("id")
    if isinstance(link, dict):
        yield link.get("sourceIssueId")
        yield link.get("destinationIssueId")
    if isinstance(worklog, dict):
        yield worklog.get("issueId")
    for name in ("comment", "worklog", "attachment"):
        part = body.get(name)
        address = part.get("self") if isinstance(part, dict) else None
        if isinstance(address, str) and (found := _OF_ISSUE.search(address[:_LONGEST_ADDRESS])):
            yield found[1]


def _keys(body: Json) -> Iterator[str]:
    """The issue's key, and those that it had before it was moved."""
    issue, changelog = body.get("issue"), body.get("changelog")
    key = str(issue.get("key") or "") if isinstance(issue, dict) else ""
    if ISSUE_KEY.fullmatch(key):
        yield key
    items = changelog.get("items") if isinstance(changelog, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and item.get("field") == "Key":
            yield from (
                str(key) for key in (item.get("fromString"), item.get("toString")) if ISSUE_KEY.fullmatch(str(key))
            )


def _addresses(body: Json) -> Iterator[str]:
    for name in ("issue", "comment", "worklog", "project", "user"):
        part = body.get(name)
        address = part.get("self") if isinstance(part, dict) else None
        if isinstance(address, str) and len(address) <= _LONGEST_ADDRESS:
            yield address
