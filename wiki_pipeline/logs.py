"""Log lines for programs: one JSON object a line, with the request and the run that they belong to.

Plain text stays the default. `configure` is called where a process begins; `context` is entered around the work of one
request or run, and holds for the threads and tasks that it starts.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

FORMAT_VARIABLE = "WIKI_PIPELINE_LOG_FORMAT"
_ABOUT: ContextVar[dict[str, str]] = ContextVar("about", default={})  # noqa: B039 - replaced, never changed
_LONGEST = 8_000


@contextmanager
def context(**about: str) -> Iterator[None]:
    """Have log lines say what they are about, as `request_id` or `run_id`; empty values are left out."""
    token = _ABOUT.set({**_ABOUT.get(), **{name: value for name, value in about.items() if value}})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def about() -> dict[str, str]:
    """What log lines say at the moment."""
    return dict(_ABOUT.get())


def configure(log_format: str, level: int = logging.WARNING) -> None:
    """Have all loggers of this process write to standard error in a format, `text` or `json`.

    Text leaves Python's own as it is. Repeatable.
    """
    if log_format != "json":
        return
    os.environ[FORMAT_VARIABLE] = log_format  # children write the same
    root = logging.getLogger()
    for handler in [each for each in root.handlers if isinstance(each, logging.StreamHandler)]:
        root.removeHandler(handler)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root.addHandler(handler)
    if root.level == logging.NOTSET or root.level > level:
        root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):  # these have handlers of their own
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, what it is about, and a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:_LONGEST],
            **_ABOUT.get(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = "".join(traceback.format_exception(record.exc_info[1]))[-_LONGEST:]
        return json.dumps(line, ensure_ascii=False, default=str)
