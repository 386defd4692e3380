"""Webhooks: what recorded bodies of Cloud and Server say, and what a signature is worth."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import orjson
import pytest

from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.errors import PayloadError, SignatureError
from wiki_pipeline.model import Connection, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.settings import JiraSettings
from wiki_pipeline.sources.jira.webhooks import JiraWebhook
from wiki_pipeline.sources.webhook import Delivery, ParsedDelivery

SITE = "https://acme.atlassian.net"
OPS = SourceKey("default", "jira", "OPS")
KNOWN = {OPS: SourceConfig(SITE, SITE, "OPS").dump()}
CONNECTIONS = [Connection("default", "jira", "jira", SITE)]
_CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
_RECORDED = _CORPUS.glob("mattermost+mattermost-plugin-jira/server/testdata/*.json")


def read(body: Any, **headers: str) -> ParsedDelivery:
    webhook = JiraWebhook(load(JiraSettings))
    delivery = Delivery(headers, body if isinstance(body, bytes) else orjson.dumps(body))
    return webhook.reader(KNOWN, CONNECTIONS)(delivery)


def test_only_the_raw_body_s_own_signature_counts() -> None:
    webhook, body = JiraWebhook(load(JiraSettings, webhook_secret="old,new")), b'{"webhookEvent":"x"}'
    right = hmac.new(b"new", body, hashlib.sha256).hexdigest()
    webhook.authenticate(Delivery({"x-hub-signature": f"sha256={right}"}, body))
    for headers in ({}, {"x-hub-signature": "sha256=" + "0" * 64}, {"authorization": f"Bearer {right}"}):
        with pytest.raises(SignatureError):
            webhook.authenticate(Delivery(headers, body))
    with pytest.raises(SignatureError):
        webhook.authenticate(Delivery({"x-hub-signature": f"sha256={right}"}, body + b" "))
    with pytest.raises(SignatureError):
        JiraWebhook(load(JiraSettings)).authenticate(Delivery({"x-hub-signature": f"sha256={right}"}, body))


def test_a_comment_without_its_issue_is_asked_for_by_id() -> None:
    body = {
        "webhookEvent": "comment_created",
        "timestamp": 1,
        "comment": {"id": "7", "self": f"{SITE}/rest/api/2/issue/10013/comment/7"},
    }
    (hint,) = read(body).hints
    assert (hint.source, hint.document_id, hint.version) == (None, "10013", "")


def test_a_moved_issue_is_looked_at_where_it_was_and_is() -> None:
    dev = SourceKey("default", "jira", "DEV")
    known = KNOWN | {dev: SourceConfig(SITE, SITE, "DEV").dump()}
    body = {
        "webhookEvent": "jira:issue_updated", "timestamp": 1, "issue": {"id": "10013", "key": "DEV-4"},
        "changelog": {"items": [{"field": "Key", "fromString": "OPS-3", "toString": "DEV-4"}]},
    }  # fmt: skip
    hints = JiraWebhook(load(JiraSettings)).reader(known, CONNECTIONS)(Delivery({}, orjson.dumps(body))).hints
    assert {hint.source for hint in hints} == {OPS, dev}


def test_both_ends_of_a_link_are_looked_at() -> None:
    body = {
        "webhookEvent": "issuelink_created",
        "timestamp": 1,
        "issueLink": {"sourceIssueId": 10001, "destinationIssueId": 10002},
    }
    assert {hint.document_id for hint in read(body).hints} == {"10001", "10002"}


def test_the_same_delivery_has_the_same_id_and_what_changes_nothing_is_ignored() -> None:
    body = {"webhookEvent": "jira:issue_updated", "timestamp": 1, "issue": {"id": "1", "key": "OPS-1"}}
    one = read(body, **{"x-atlassian-webhook-identifier": "abc"})
    two = read(body, **{"x-atlassian-webhook-identifier": "abc", "x-atlassian-webhook-retry": "1"})
    assert one.delivery_id == two.delivery_id
    assert "not a source" in read(body | {"issue": {"id": "1", "key": "ZZZ-1"}}).ignored
    assert read({"webhookEvent": "sprint_started", "timestamp": 1}).ignored
    bad: list[Any] = [b"[]", b"{", {"webhookEvent": 3}, {"webhookEvent": "jira:issue_updated"}, {"issue": {}}]
    for wrong in bad:
        with pytest.raises(PayloadError):
            read(wrong)


@pytest.mark.parametrize("path", sorted(_RECORDED), ids=lambda path: path.stem)
def test_recorded_bodies_name_their_issue(path: Path) -> None:
    body = orjson.loads(path.read_bytes())
    if "webhookEvent" not in body:
        pytest.skip("of a version that named no event")
    key = (body.get("issue") or {}).get("key") or "TES-1"
    project = key.rpartition("-")[0]
    source = SourceKey("default", "jira", project)
    address = str((body.get("issue") or body.get("comment") or {}).get("self", ""))
    site = address.partition("/rest/")[0] or SITE
    known = {source: SourceConfig(site, site, project).dump()}
    connections = [Connection("default", "jira", "jira", site)]
    parsed = JiraWebhook(load(JiraSettings)).reader(known, connections)(Delivery({}, orjson.dumps(body)))
    assert parsed.hints
    assert all(hint.document_id.isdecimal() for hint in parsed.hints)


def test_the_test_server_s_deliveries_are_taken() -> None:
    with JiraServer("cloud") as server:
        taken: list[Delivery] = []
        issue = server.site.add("OPS", "Pump stalls")
        server.webhook(
            "s3", lambda headers, raw: taken.append(Delivery({k.lower(): v for k, v in headers.items()}, raw))
        )
        issue.comment("Seen")
        webhook = JiraWebhook(load(JiraSettings, webhook_secret="s3"))
        known = {OPS: SourceConfig(server.url, server.url, "OPS").dump()}
        reader = webhook.reader(known, [Connection("default", "jira", "jira", server.url)])
        assert len(taken) == 2
        for delivery in taken:
            webhook.authenticate(delivery)
            assert {hint.document_id for hint in reader(delivery).hints} == {issue.id}
