"""Telling people of problems: in the log, and by a webhook that takes messages as Slack does. Each problem once."""

from __future__ import annotations

import json
import logging
from typing import Any, NoReturn

from wiki_pipeline.catalog import SyncStatus
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline

_LOG = logging.getLogger(__name__)
_SYNC = "sync of "
_CHARACTERS = 2000  # of a message; Slack cuts longer ones into several


def alert_sync(pipeline: Pipeline, source: SourceKey, message: str) -> bool:
    """Tell people that a source can't be synced, unless they know. It is a new problem after it was synced again."""
    close_solved(pipeline)
    return alert(pipeline, f"{_SYNC}{source}", message)


def alert(pipeline: Pipeline, problem: str, message: str) -> bool:
    """Tell people of a problem, unless they know. False if they do, or can't be told: then they are told next time.

    Args:
        problem: what it is about, the same each time.
        message: what failed and what to do, without secrets.

    Raises:
        CatalogError: the catalog can't be used.
    """
    text = message if len(message) <= _CHARACTERS else f"{message[:_CHARACTERS]}…"
    if not pipeline.catalog.alerts.open(problem, text):
        return False
    _LOG.error("%s", text)
    told = _post(load(FreshnessSettings), text)
    if not told:
        pipeline.catalog.alerts.close(problem)
    return told


def close_solved(pipeline: Pipeline) -> list[str]:
    """Close the alerts of sources that were synced again, or are gone. Returns the problems.

    Raises:
        CatalogError: the catalog can't be used.
    """
    solved = []
    for record in pipeline.catalog.alerts.find():
        key = record.problem.removeprefix(_SYNC)
        if key == record.problem:
            continue
        last = next(iter(pipeline.catalog.syncs(SourceKey.parse(key), limit=1)), None)
        well = last is not None and last.status in {SyncStatus.COMPLETED, SyncStatus.COMPLETED_WITH_ERRORS}
        gone = pipeline.catalog.source(SourceKey.parse(key)) is None
        if gone or (well and last is not None and last.started >= record.raised_at):
            pipeline.catalog.alerts.close(record.problem)
            solved.append(record.problem)
    return solved


def _post(settings: FreshnessSettings, text: str) -> bool:
    """Post a message. True if it arrived, or nobody wants it. The address is a secret: it gets into no log.

    The standard library's client: httpx writes the addresses that it asks into the log.
    """
    import urllib.request  # noqa: PLC0415 - a tenth of a second in every run, for what hardly ever happens
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError  # noqa: PLC0415

    class NoRedirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> NoReturn:
            raise HTTPException("a redirect")

    address = settings.alert_url.get_secret_value()
    if not address:
        return True
    scheme = address.partition(":")[0].lower()
    if scheme != "https" and not (scheme == "http" and settings.alert_allow_http):
        raise ConfigurationError(
            "Alerts are posted to addresses that begin with https: only.",
            "Correct WIKI_PIPELINE_ALERT_URL, or set WIKI_PIPELINE_ALERT_ALLOW_HTTP for one without TLS.",
        )
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310 - see above
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=settings.alert_timeout):
            return True
    except HTTPError as error:
        reason = f"it answered {error.code}"
        error.close()
    except (OSError, HTTPException, ValueError) as error:
        reason = type(error).__name__
    _LOG.error("The webhook of WIKI_PIPELINE_ALERT_URL could not be told of a problem: %s.", reason)
    return False
