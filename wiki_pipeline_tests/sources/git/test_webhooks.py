"""Pushes: who may tell of them, and which sources each concerns."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from wiki_pipeline.errors import PayloadError, SignatureError
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.git.webhooks import PushWebhook
from wiki_pipeline.sources.webhook import Delivery, ParsedDelivery


def source(name: str) -> SourceKey:
    return SourceKey("default", "git", name)


KNOWN = {
    source("acme/rocket"): Repository(url="https://github.com/acme/rocket").dump(),
    source("acme/rocket@next"): Repository(url="git@github.com:acme/rocket.git", branch="next").dump(),
    source("tagged"): Repository(url="https://gitlab.example.com:8443/group/sub/tool", branch="v1").dump(),
    source("local"): Repository(url="/srv/git/handbook.git").dump(),
    source("broken"): '{"url": 1}',
}


def heard(body: dict[str, Any], **headers: str) -> ParsedDelivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reader = PushWebhook(load(GitSettings)).reader(KNOWN)
    return reader(Delivery(named, json.dumps(body).encode()))


def github(ref: str = "refs/heads/main", **repository: Any) -> dict[str, Any]:
    facts = {
        "full_name": "Acme/Rocket",
        "url": "https://github.com/Acme/Rocket",
        "html_url": "https://github.com/Acme/Rocket",
        "clone_url": "https://github.com/Acme/Rocket.git",
        "ssh_url": "git@github.com:Acme/Rocket.git",
        "default_branch": "main",
    }
    return {"ref": ref, "before": "0" * 40, "after": "1" * 40, "repository": {**facts, **repository}}


def gitlab(ref: str, event: str = "push") -> dict[str, Any]:
    project = {
        "web_url": "https://gitlab.example.com:8443/group/sub/tool",
        "git_http_url": "https://gitlab.example.com:8443/group/sub/tool.git",
        "git_ssh_url": "ssh://git@gitlab.example.com:2222/group/sub/tool.git",
        "default_branch": "main",
    }
    return {"object_kind": event, "event_name": event, "ref": ref, "project": project, "repository": {"url": "x y"}}


def keys(said: ParsedDelivery) -> list[str]:
    assert all(hint == ChangeHint("git", hint.source, "", "push") for hint in said.hints)
    return [hint.source.name for hint in said.hints if hint.source]


def test_a_push_concerns_the_sources_of_its_branch() -> None:
    assert keys(heard(github(), x_github_event="push")) == ["acme/rocket"]
    assert keys(heard(github("refs/heads/next"), x_github_event="push")) == ["acme/rocket@next"]
    assert keys(heard(github(default_branch="next"), x_github_event="push")) == []
    assert keys(heard(github("refs/heads/next", default_branch="next"))) == ["acme/rocket", "acme/rocket@next"]
    assert keys(heard(github("refs/heads/any", default_branch=None))) == ["acme/rocket"]
    assert keys(heard(gitlab("refs/tags/v1", "tag_push"), x_gitlab_event="Tag Push Hook")) == ["tagged"]
    assert keys(heard(gitlab("refs/heads/v1"), x_gitlab_event="Push Hook")) == ["tagged"]


@pytest.mark.parametrize(
    "url", ["https://github.com/ACME/ROCKET/", "ssh://git@github.com:22/acme/rocket", "git@github.com:acme/rocket.git"]
)
def test_one_address_of_a_repository_is_enough_in_any_form(url: str) -> None:
    body = {"ref": "refs/heads/main", "repository": {"ssh_url": url, "clone_url": "ext::sh -c id"}}
    assert keys(heard(body)) == ["acme/rocket"]


def test_a_local_repository_is_matched_by_its_path() -> None:
    body = {"ref": "refs/heads/main", "repository": {"url": "file:///srv/git/handbook.git"}}
    assert keys(heard(body)) == ["local"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (github("refs/heads/feature"), {"x_github_event": "push"}),
        (github("refs/tags/main"), {"x_github_event": "push"}),
        (github(html_url="https://github.com.evil.example/acme/rocket", clone_url="", ssh_url="", url=""), {}),
        ({"zen": "Keep it logically awesome."}, {"x_github_event": "ping"}),
        ({"action": "opened"}, {"x_github_event": "pull_request"}),
        (gitlab("refs/heads/v1", "merge_request"), {"x_gitlab_event": "System Hook"}),
    ],
)
def test_what_concerns_no_source_is_ignored_with_a_reason(body: dict[str, Any], headers: dict[str, str]) -> None:
    said = heard(body, **headers)
    assert said.hints == ()
    assert said.ignored.endswith(".")


@pytest.mark.parametrize("body", [{}, {"ref": 1}, {"ref": "main"}, {"ref": "HEAD"}])
def test_a_push_that_does_not_say_what_it_changed_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        heard(body, x_github_event="push")


def test_github_may_send_a_form() -> None:
    form = urlencode({"payload": json.dumps(github())}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-github-event": "push"}
    assert keys(PushWebhook(load(GitSettings)).reader(KNOWN)(Delivery(headers, form))) == ["acme/rocket"]
    for wrong in (b"payload=%7B", b"\xff", b"&".join([b"a=1"] * 200), b""):
        with pytest.raises(PayloadError):
            PushWebhook(load(GitSettings)).reader(KNOWN)(Delivery(headers, wrong))


def test_a_push_is_known_by_the_id_of_its_delivery_only() -> None:
    assert heard(github(), x_github_delivery="72d3").delivery_id == "git 72d3"
    assert heard(github(), x_gitlab_event_uuid="13").delivery_id == "git 13"
    assert heard(github()).delivery_id == ""  # back and forth between two commits looks the same


@pytest.mark.security
def test_signatures_and_tokens() -> None:
    webhook, body = PushWebhook(load(GitSettings, webhook_secret="new,old")), json.dumps(github()).encode()
    for secret in ("new", "old"):
        right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        webhook.authenticate(Delivery({"x-hub-signature-256": f"sha256={right}"}, body))
        webhook.authenticate(Delivery({"x-gitlab-token": secret}, body))
        with pytest.raises(SignatureError):
            webhook.authenticate(Delivery({"x-hub-signature-256": f"sha256={right}"}, body + b" "))
    for wrong in ({}, {"x-gitlab-token": ""}, {"x-gitlab-token": "new,old"}, {"x-hub-signature-256": ""}):
        with pytest.raises(SignatureError):
            webhook.authenticate(Delivery(wrong, body))
    with pytest.raises(SignatureError, match="WIKI_PIPELINE_GIT_WEBHOOK_SECRET"):
        PushWebhook(load(GitSettings)).authenticate(Delivery({"x-gitlab-token": ""}, body))
    PushWebhook(load(GitSettings, accept_unsigned_webhooks=True)).authenticate(Delivery({}, body))
