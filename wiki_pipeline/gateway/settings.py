"""Where the gateway serves, for whom, and within which limits."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.answers.settings import AnswerSettings
from wiki_pipeline.links.settings import WikiAddressSettings
from wiki_pipeline.sync.settings import Settings


class GatewaySettings(Settings, AnswerSettings, AccessSettings, WikiAddressSettings):
    """Settings of the gateway, and of the pipeline that it serves."""

    max_body_bytes: int = Field(
        1_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_GATEWAY_MAX_BODY_BYTES",
        description="Larger requests to the gateway are refused.",
    )
    intake_waiting: int = Field(
        5_000,
        ge=1,
        validation_alias="WIKI_PIPELINE_GATEWAY_INTAKE_WAITING",
        description="Webhooks that may wait to be written at once; more are told to come again.",
    )
