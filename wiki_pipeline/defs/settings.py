"""When Dagster does what, and where its UI listens."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from wiki_pipeline.settings import Words
from wiki_pipeline.store.settings import StoreSettings

_OWNER = re.compile(r"team:\S[^,]*|[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)  # as Dagster takes them


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
    report_seconds: int = Field(
        300,
        ge=10,
        validation_alias="WIKI_PIPELINE_REPORT_SECONDS",
        description="Between two counts of the stale documents.",
    )
    keep_runs_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_RUNS_DAYS", description="Dagster runs that ended are kept."
    )
    dagster_port: int = Field(
        3000, ge=0, le=65535, validation_alias="WIKI_PIPELINE_DAGSTER_PORT", description="Dagster UI listens on."
    )
    owners: Words = Field(
        (),
        validation_alias="WIKI_PIPELINE_OWNERS",
        description="Owners that Dagster shows for each asset, separated by commas: e-mail addresses, or team:name.",
    )

    @field_validator("owners")
    @classmethod
    def _owners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_OWNER.fullmatch(owner) for owner in value):
            raise ValueError("expected e-mail addresses and team:name, separated by commas")
        return value
