"""Every name of Dagster that is not public, and what each is for. Nothing else imports `dagster._...`.

The names may move with any release: `pyproject.toml` holds Dagster to one minor version, and the tests of `defs` run
each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# A storage of one's own (`storage`): `dagster.yaml` can name a class, but the classes to build on are not exported.
from dagster._config import UserConfigSchema
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, EventLogStorage, SqlPollingEventWatcher
from dagster._core.storage.runs import RunStorage, SqliteRunStorage
from dagster._core.storage.schedules import ScheduleStorage, SqliteScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

# How often a cron schedule ticks, as `FreshnessPolicy.cron` itself works it out (`describe`).
from dagster._utils.schedules import get_smallest_cron_interval

# The options that say to every program of Dagster what to load (`webserver`).
from dagster_shared.cli import WorkspaceOpts, workspace_options

__all__ = [
    "ConfigurableClass",
    "ConfigurableClassData",
    "ConsolidatedSqliteEventLogStorage",
    "DagsterStorage",
    "EventLogStorage",
    "RunStorage",
    "ScheduleStorage",
    "SqlPollingEventWatcher",
    "SqliteRunStorage",
    "SqliteScheduleStorage",
    "UserConfigSchema",
    "get_smallest_cron_interval",
    "webserver_app",
    "workspace_options",
]


@contextmanager
def webserver_app(workspace: dict[str, object], *, path_prefix: str, read_only: bool, poll_ms: int) -> Iterator[Any]:
    """Dagster's UI as an ASGI application, on the instance of `DAGSTER_HOME`, as `dagster-webserver` makes it.

    Args:
        workspace: values of the `workspace_options`.
        path_prefix: where it is behind a proxy, as `/dagster`; empty: at the root.
        poll_ms: milliseconds between two looks of an open page at what changed.
    """
    # Here, as it takes seconds, which all other users of this module would wait for.
    from dagster._cli.utils import assert_no_remaining_opts, get_possibly_temporary_instance_for_cli  # noqa: PLC0415
    from dagster._cli.workspace.cli_target import workspace_opts_to_load_target  # noqa: PLC0415
    from dagster._core.workspace.context import WorkspaceProcessContext  # noqa: PLC0415
    from dagster_webserver.app import create_app_from_workspace_process_context  # noqa: PLC0415
    from dagster_webserver.cli import (  # noqa: PLC0415
        DEFAULT_DB_STATEMENT_TIMEOUT,
        DEFAULT_POOL_MAX_OVERFLOW,
        DEFAULT_POOL_RECYCLE,
    )
    from dagster_webserver.version import __version__  # noqa: PLC0415

    chosen = WorkspaceOpts.extract_from_cli_options(workspace)
    assert_no_remaining_opts(workspace)
    with get_possibly_temporary_instance_for_cli("dagster-webserver") as instance:
        instance.optimize_for_webserver(DEFAULT_DB_STATEMENT_TIMEOUT, DEFAULT_POOL_RECYCLE, DEFAULT_POOL_MAX_OVERFLOW)
        target = workspace_opts_to_load_target(chosen)
        with WorkspaceProcessContext(instance, target, __version__, read_only) as context:
            yield create_app_from_workspace_process_context(context, path_prefix, poll_ms)
