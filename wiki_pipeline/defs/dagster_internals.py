"""Every name of Dagster that is not public, and what each is for. Nothing else imports `dagster._...`.

The names may move with any release: `pyproject.toml` holds Dagster to one minor version, and the tests of `defs` run
each of them.
"""

# A storage of one's own (`storage`): `dagster.yaml` can name a class, but the classes to build on are not exported.
from dagster._config import UserConfigSchema
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage, EventLogStorage, SqlPollingEventWatcher
from dagster._core.storage.runs import RunStorage, SqliteRunStorage
from dagster._core.storage.schedules import ScheduleStorage, SqliteScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

# How often a cron schedule ticks, as `FreshnessPolicy.cron` itself works it out (`describe`).
from dagster._utils.schedules import get_smallest_cron_interval

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
]
