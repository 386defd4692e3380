"""Alerts: each problem is reported once, in the log and to a webhook that takes messages as Slack does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from wiki_pipeline.catalog import COMPLETED
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline

_LOG = logging.getLogger(__name__)
_SYNC = "sync of "
_CHARACTERS = 2000  # of a message; Slack cuts longer ones into several
# What the HTTP client logs by. A logger's filter does not hold for the loggers below it, so that each is named.
_CLIENT_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


def alert_sync(pipeline: Pipeline, source: SourceKey, message: str) -> bool:
    """Report that a source can't be synced, unless that was reported since it was last synced."""
    close_solved(pipeline)
    return alert(pipeline, f"{_SYNC}{source}", message)


def alert(pipeline: Pipeline, problem: str, message: str) -> bool:
    """Report a problem once. False if it was reported before, or the webhook failed: then the next call tries again.

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
    posted = _post(load(FreshnessSettings), text)
    if not posted:
        pipeline.catalog.alerts.close(problem)
    return posted


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
        well = last is not None and last.status in COMPLETED
        gone = pipeline.catalog.source(SourceKey.parse(key)) is None
        if gone or (well and last is not None and last.started >= record.raised_at):
            pipeline.catalog.alerts.close(record.problem)
            solved.append(record.problem)
    return solved


def _post(settings: FreshnessSettings, text: str) -> bool:
    """Post a message. True if it arrived, or nothing is to get it. The address is a secret: it gets into no log."""
    import httpx  # noqa: PLC0415 - a tenth of a second in every run, for what hardly ever happens

    address = settings.alert_url.get_secret_value()
    if not address:
        return True
    scheme = address.partition(":")[0].lower()
    if scheme != "https" and not (scheme == "http" and settings.alert_allow_http):
        raise ConfigurationError(
            "Alerts are posted to addresses that begin with https: only.",
            "Correct WIKI_PIPELINE_ALERT_URL, or set WIKI_PIPELINE_ALERT_ALLOW_HTTP for one without TLS.",
        )
    try:
        with (
            _unlogged(),
            httpx.Client(timeout=settings.alert_timeout, follow_redirects=False) as client,
            client.stream("POST", address, json={"text": text}) as answer,  # its body is of no use
        ):
            if answer.is_success:
                return True
            reason = f"it answered {answer.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        reason = type(error).__name__  # its message may hold the address
    _LOG.error("The webhook of WIKI_PIPELINE_ALERT_URL did not take an alert: %s.", reason)
    return False


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep the HTTP client's records of this thread out of the log: they hold addresses. Other threads still log."""
    mine = threading.get_ident()

    def is_of_another(record: logging.LogRecord) -> bool:
        return record.thread not in {mine, None}  # None: threads are not recorded, so that it may be ours

    loggers = [logging.getLogger(name) for name in _CLIENT_LOGGERS]
    for logger in loggers:
        logger.addFilter(is_of_another)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_of_another)
