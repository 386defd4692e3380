"""Alerts: each problem once, to a real webhook, and never its address."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.errors import ConfigurationError, SourceError
from wiki_pipeline.freshness import alert, alert_sync, close_solved
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install, pipeline

SOURCE = SourceKey("default", "git", "org/repo")
SECRET = "T024BE7LD-a-secret-path"


class Webhook(HTTPServer):
    """Takes messages as Slack does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.texts.append(body["text"])
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def webhook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """An installation that tells a webhook."""
    with Webhook() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}/services/{SECRET}"
        install(
            monkeypatch, tmp_path, WIKI_PIPELINE_ALERT_URL=address, WIKI_PIPELINE_ALERT_ALLOW_HTTP="true", NO_PROXY="*"
        )
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told(webhook: Webhook) -> Iterator[Pipeline]:
    with pipeline() as opened:
        opened.catalog.add_source(SOURCE, "{}")
        yield opened


def synced(opened: Pipeline, error: SourceError | None = None) -> None:
    sync_id = opened.catalog.start_sync(SOURCE, SyncMode.FULL)
    opened.catalog.finish_sync(sync_id, error=error)


def test_a_problem_is_told_once_until_the_source_was_synced_again(told: Pipeline, webhook: Webhook) -> None:
    assert alert_sync(told, SOURCE, "It can't be read.")
    synced(told, SourceError("It can't be read."))
    assert not alert_sync(told, SOURCE, "It still can't be read.")
    assert webhook.texts == ["It can't be read."]
    synced(told)
    assert close_solved(told) == [f"sync of {SOURCE}"]
    assert alert_sync(told, SOURCE, "Again.")
    assert webhook.texts == ["It can't be read.", "Again."]


def test_a_source_that_is_gone_is_no_problem_any_more(told: Pipeline) -> None:
    alert_sync(told, SOURCE, "It can't be read.")
    told.catalog.remove_source(SOURCE)
    assert close_solved(told) == [f"sync of {SOURCE}"]
    assert told.catalog.alerts.find() == []


@pytest.mark.parametrize("status", [302, 404, 500])
def test_who_could_not_be_told_is_told_next_time_and_the_address_stays_out_of_the_log(
    told: Pipeline, webhook: Webhook, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook.status = status
    assert not alert(told, "job upkeep", "The disk is full.")
    webhook.status = 200
    assert alert(told, "job upkeep", "The disk is full.")
    assert webhook.texts == ["The disk is full."] * 2
    assert "The disk is full." in caplog.text
    assert SECRET not in caplog.text


def test_an_address_that_nobody_answers_at_stays_out_of_the_log(
    told: Pipeline, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for address in (f"http://127.0.0.1:9/{SECRET}", f"http://{SECRET}.invalid/x", f"http://127.0.0.1:port/{SECRET}"):
        monkeypatch.setenv("WIKI_PIPELINE_ALERT_URL", address)
        with pipeline() as opened:
            assert not alert(opened, "job upkeep", "The disk is full.")
    assert caplog.text.count("did not take an alert") == 3
    assert SECRET not in caplog.text
    assert SECRET.lower() not in caplog.text


def test_the_client_logs_other_requests_as_before(
    told: Pipeline, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert alert(told, "job upkeep", "The disk is full.")
    assert "HTTP Request" not in caplog.text
    httpx.post(f"http://127.0.0.1:{webhook.server_port}/other", json={"text": "By others."})
    assert "HTTP Request: POST" in caplog.text


def test_nobody_listening_is_not_an_error(told: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_ALERT_URL", "")
    with pipeline() as opened:
        assert alert(opened, "job upkeep", "The disk is full.")


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_an_address_without_tls_is_refused(told: Pipeline, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_ALERT_URL", address)
    monkeypatch.setenv("WIKI_PIPELINE_ALERT_ALLOW_HTTP", "false")
    with pipeline() as opened, pytest.raises(ConfigurationError) as refused:
        alert(opened, "job upkeep", "The disk is full.")
    assert address not in str(refused.value)
