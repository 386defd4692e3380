"""When documents count as stale for too long, how sources are polled, and who is alerted."""

from __future__ import annotations

from pydantic import Field, SecretStr

from wiki_pipeline.settings import SettingsGroup


class FreshnessSettings(SettingsGroup):
    """Settings of polls, staleness and alerts."""

    poll_listing_documents: int = Field(
        5000,
        ge=0,
        validation_alias="WIKI_PIPELINE_POLL_LISTING_DOCUMENTS",
        description="A poll lists sources up to this size completely, which also finds deletions and moves.",
    )
    poll_concurrency: int = Field(
        8,
        ge=1,
        le=64,
        validation_alias="WIKI_PIPELINE_POLL_CONCURRENCY",
        description="Sources that a poll asks at once.",
    )
    stale_warn_seconds: float = Field(
        900.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_STALE_WARN_SECONDS",
        description="A document that is stale for longer is a warning.",
    )
    stale_error_seconds: float = Field(
        86_400.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_STALE_ERROR_SECONDS",
        description="A document that is stale for longer is an error.",
    )
    stalled_seconds: float = Field(
        120.0,
        ge=10,
        validation_alias="WIKI_PIPELINE_STALLED_SECONDS",
        description="Reported changes that no sync takes up for longer are shown: Dagster's daemon may not run.",
    )
    alert_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_ALERT_URL",
        description="Webhook to which failed runs are reported (Slack and what understands its messages); empty: none.",
    )
    alert_allow_http: bool = Field(
        False, validation_alias="WIKI_PIPELINE_ALERT_ALLOW_HTTP", description="Tell a webhook without TLS as well."
    )
    alert_timeout: float = Field(
        10.0, gt=0, le=30, validation_alias="WIKI_PIPELINE_ALERT_TIMEOUT", description="Seconds an alert may take."
    )
