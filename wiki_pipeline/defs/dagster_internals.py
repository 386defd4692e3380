"""Every name of Dagster that is not public, and what each is for. Nothing else imports `dagster._...`.

The names may move with any release: `pyproject.toml` holds Dagster to one minor version, and the tests of `defs` run
each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dagster import DagsterInstance

# A storage of one's own (`storage`): `dagster.yaml` can name a class, but the classes to build on are not exported.
from dagster._config import UserConfigSchema

# A run launcher of one's own (`launching`): likewise.
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.base_storage import DagsterStorage

# Compute logs in a bucket (`compute_logs`): the class that Dagster's own for S3, Google and Azure build on.
from dagster._core.storage.cloud_storage_compute_log_manager import (
    PollingComputeLogSubscriptionManager,
    TruncatingCloudStorageComputeLogManager,
)
from dagster._core.storage.compute_log_manager import CapturedLogSubscription, ComputeIOType
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, EventLogStorage, SqlPollingEventWatcher
from dagster._core.storage.local_compute_log_manager import IO_TYPE_EXTENSION, LocalComputeLogManager
from dagster._core.storage.runs import RunStorage, SqliteRunStorage
from dagster._core.storage.schedules import ScheduleStorage, SqliteScheduleStorage

# Which code server a run was started by.
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._serdes import ConfigurableClass, ConfigurableClassData

# How often a cron schedule ticks, as `FreshnessPolicy.cron` itself works it out (`describe`).
from dagster._utils.schedules import get_smallest_cron_interval

# The options that say to every program of Dagster what to load (`webserver`).
from dagster_shared.cli import WorkspaceOpts, workspace_options

__all__ = [
    "GRPC_INFO_TAG",
    "IO_TYPE_EXTENSION",
    "CapturedLogSubscription",
    "CheckRunHealthResult",
    "ComputeIOType",
    "ConfigurableClass",
    "ConfigurableClassData",
    "ConsolidatedSqliteEventLogStorage",
    "DagsterStorage",
    "EventLogStorage",
    "LaunchRunContext",
    "LocalComputeLogManager",
    "PollingComputeLogSubscriptionManager",
    "RunLauncher",
    "RunStorage",
    "ScheduleStorage",
    "SqlPollingEventWatcher",
    "SqliteRunStorage",
    "SqliteScheduleStorage",
    "TruncatingCloudStorageComputeLogManager",
    "UserConfigSchema",
    "WorkerStatus",
    "delete_runs",
    "get_smallest_cron_interval",
    "is_executed_by",
    "run_daemon",
    "webserver_app",
    "workspace_options",
]


def run_daemon() -> None:
    """Run Dagster's daemon, with this process's own arguments, as `dagster-daemon` does (`daemon`)."""
    from dagster._daemon.cli import main  # noqa: PLC0415 - takes seconds, which all other users would wait for

    main()


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


def is_executed_by(server: Mapping[str, Any], run_id: str) -> bool | None:
    """Whether a code server has a run's process; None if it does not answer.

    Args:
        server: as the run's tag `GRPC_INFO_TAG` has it.
    """
    from dagster._core.errors import DagsterUserCodeUnreachableError  # noqa: PLC0415
    from dagster._grpc.client import DagsterGrpcClient  # noqa: PLC0415
    from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult  # noqa: PLC0415
    from dagster._serdes import deserialize_value  # noqa: PLC0415

    client = DagsterGrpcClient(
        port=server.get("port"),
        socket=server.get("socket"),
        host=str(server.get("host", "localhost")),
        use_ssl=bool(server.get("use_ssl", False)),
    )
    try:
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=5)
    except DagsterUserCodeUnreachableError:
        return None
    return bool(deserialize_value(answer, CanCancelExecutionResult).can_cancel)


def delete_runs(instance: DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete runs and their events: one transaction each where the storage is SQL, which Dagster's own is, in place of
    some transactions a run."""
    from dagster._core.storage.event_log.schema import AssetEventTagsTable, SqlEventLogStorageTable  # noqa: PLC0415
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage  # noqa: PLC0415
    from dagster._core.storage.runs.schema import RunsTable  # noqa: PLC0415
    from dagster._core.storage.runs.sql_run_storage import SqlRunStorage  # noqa: PLC0415
    from sqlalchemy import delete, select  # noqa: PLC0415

    events, runs = instance.event_log_storage, instance.run_storage
    together = isinstance(events, SqlEventLogStorage) and not events.supports_global_concurrency_limits
    together = together or type(events).__name__ == "PostgresEventLogStorage"
    if not run_ids:
        return
    if not (together and isinstance(events, SqlEventLogStorage) and isinstance(runs, SqlRunStorage)):
        for run_id in run_ids:
            instance.delete_run(run_id)
        return
    ours = SqlEventLogStorageTable.c.run_id.in_(run_ids)
    with events.index_connection() as connection:
        tagged = select(SqlEventLogStorageTable.c.id).where(ours)
        connection.execute(delete(AssetEventTagsTable).where(AssetEventTagsTable.c.event_id.in_(tagged)))
        connection.execute(delete(SqlEventLogStorageTable).where(ours))
    for run_id in run_ids:
        if events.supports_global_concurrency_limits:
            events.free_concurrency_slots_for_run(run_id)
    with runs.connect() as connection:
        connection.execute(delete(RunsTable).where(RunsTable.c.run_id.in_(run_ids)))
