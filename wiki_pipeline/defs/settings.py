"""When Dagster does what, and where its UI listens."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pydantic import BaseModel, Field, TypeAdapter, field_validator, model_validator

from wiki_pipeline.settings import Words
from wiki_pipeline.store.settings import StoreSettings

_OWNER = re.compile(r"team:\S[^,]*|[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)  # as Dagster takes them
_DAILY = re.compile(r"(\d{1,2})\s+(\d{1,2})\s+\*\s+\*\s+\*")


class RunSize(BaseModel):
    """What a Job asks for up to a number of documents: requests of processor and memory, and a limit of memory; none of
    the processor, which would stretch the start."""

    documents: int = Field(ge=1)
    cpu: str = Field(pattern=r"^\d+(\.\d+)?m?$")
    memory: str = Field(pattern=r"^\d+(Mi|Gi|M|G)?$")


_SIZES = TypeAdapter(tuple[RunSize, ...])


class DagsterSettings(StoreSettings):
    """Settings of schedules, sensors and the UI."""

    time_zone: str = Field("UTC", validation_alias="WIKI_PIPELINE_TIME_ZONE", description="Of all schedules.")
    poll_cron: str = Field(
        "0 * * * *",
        validation_alias="WIKI_PIPELINE_POLL_CRON",
        description="When sources are asked for changes that webhooks missed.",
    )
    resync_cron: str = Field(
        "0 3 * * *", validation_alias="WIKI_PIPELINE_RESYNC_CRON", description="When every source is listed completely."
    )
    upkeep_cron: str = Field(
        "30 4 * * *", validation_alias="WIKI_PIPELINE_UPKEEP_CRON", description="When tables and records are tidied."
    )
    sensor_wait_seconds: float = Field(
        8.5,
        ge=0,
        le=30,
        validation_alias="WIKI_PIPELINE_SENSOR_WAIT_SECONDS",
        description="A sensor waits so long for events; a bit less than a multiple of five, Dagster's own rhythm.",
    )
    names_documents: bool = Field(
        True,
        validation_alias="WIKI_PIPELINE_DAGSTER_NAMES_DOCUMENTS",
        description="Whether metadata, checks and failures in Dagster name documents and show rows of tables. `false` "
        "for an instance that people see who may not read every tenant's pages: they get numbers by source.",
    )
    report_seconds: int = Field(
        300,
        ge=10,
        validation_alias="WIKI_PIPELINE_REPORT_SECONDS",
        description="Between two counts of the stale documents.",
    )
    keep_runs_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_RUNS_DAYS", description="Dagster runs that ended are kept."
    )
    small_run_documents: int = Field(
        500,
        ge=0,
        validation_alias="WIKI_PIPELINE_SMALL_RUN_DOCUMENTS",
        description="In a cluster, runs of so many documents at most start at once beside the code; others as Jobs.",
    )
    run_sizes: str = Field(
        '[{"documents": 10000, "cpu": "1", "memory": "1Gi"}, {"documents": 100000, "cpu": "2", "memory": "2Gi"}, '
        '{"documents": 1000000, "cpu": "2", "memory": "6Gi"}]',
        validation_alias="WIKI_PIPELINE_RUN_SIZES",
        description="What a Job of so many documents asks for, as a JSON list; more than the last take the last, and a "
        "source that was never listed takes the second. Empty: what the launcher is configured with.",
    )
    poll_shards: int = Field(
        1,
        ge=1,
        le=64,
        validation_alias="WIKI_PIPELINE_POLL_SHARDS",
        description="Runs that share the sources of a poll, by hash; one asks some thousand sources an hour.",
    )
    resync_hours: int = Field(
        1,
        ge=1,
        le=24,
        validation_alias="WIKI_PIPELINE_RESYNC_HOURS",
        description="From WIKI_PIPELINE_RESYNC_CRON on, sources are listed in so many portions, one an hour, by hash "
        "of their name; 1: all at once.",
    )
    dagster_port: int = Field(
        3000, ge=0, le=65535, validation_alias="WIKI_PIPELINE_DAGSTER_PORT", description="Dagster UI listens on."
    )
    owners: Words = Field(
        (),
        validation_alias="WIKI_PIPELINE_OWNERS",
        description="Owners that Dagster shows for each asset, separated by commas: e-mail addresses, or team:name.",
    )

    @model_validator(mode="after")
    def _daily(self) -> DagsterSettings:
        if self.resync_hours > 1 and not _DAILY.fullmatch(self.resync_cron.strip()):
            raise ValueError("WIKI_PIPELINE_RESYNC_HOURS goes with a daily WIKI_PIPELINE_RESYNC_CRON, as 0 3 * * *")
        return self

    @field_validator("run_sizes")
    @classmethod
    def _usable(cls, value: str) -> str:
        _sizes(value)
        return value

    @field_validator("owners")
    @classmethod
    def _owners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_OWNER.fullmatch(owner) for owner in value):
            raise ValueError("expected e-mail addresses and team:name, separated by commas")
        return value

    def resources_of(self, documents: int | None) -> dict[str, dict[str, str]]:
        """The resources of a Job's container, as Kubernetes wants them; empty to leave them to the launcher's own.

        Args:
            documents: how many it has to look at; None if nobody knows.
        """
        sizes = sorted(_sizes(self.run_sizes), key=lambda size: size.documents)
        if not sizes:
            return {}
        fitting = [size for size in sizes if documents is not None and documents <= size.documents]
        size = fitting[0] if fitting else sizes[min(1, len(sizes) - 1)] if documents is None else sizes[-1]
        return {"requests": {"cpu": size.cpu, "memory": size.memory}, "limits": {"memory": size.memory}}

    @property
    def resync_ticks(self) -> str:
        """When a portion of the resync begins: an hourly cron where there are several, else that of the setting."""
        daily = _DAILY.fullmatch(self.resync_cron.strip())
        return self.resync_cron if self.resync_hours == 1 or daily is None else f"{daily[1]} * * * *"

    def resync_portion(self, at: datetime) -> tuple[str, int] | None:
        """The resync that a tick belongs to, by the day on which it began, and the number of its portion; None if none
        is due then.

        Args:
            at: in the time zone of the schedules.
        """
        daily = _DAILY.fullmatch(self.resync_cron.strip())
        if self.resync_hours == 1 or daily is None:
            return f"{at:%Y-%m-%d}", 0
        portion = (at.hour - int(daily[2])) % 24
        if portion >= self.resync_hours:
            return None
        return f"{at - timedelta(hours=portion):%Y-%m-%d}", portion


def _sizes(value: str) -> tuple[RunSize, ...]:
    return _SIZES.validate_json(value) if value.strip() else ()
