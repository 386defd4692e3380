"""Where the gateway serves, for whom, and within which limits."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.links.settings import WikiAddressSettings
from wiki_pipeline.sync.settings import Settings


class GatewaySettings(Settings, AccessSettings, WikiAddressSettings):
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
    connections: int = Field(
        1_000,
        ge=10,
        validation_alias="WIKI_PIPELINE_GATEWAY_CONNECTIONS",
        description="Connections to the gateway at once; beyond them the one that waits longest makes way.",
    )
    connections_per_address: int = Field(
        500,
        ge=1,
        validation_alias="WIKI_PIPELINE_GATEWAY_CONNECTIONS_PER_ADDRESS",
        description="The same for one client address; behind a proxy all have the proxy's.",
    )
    header_seconds: float = Field(
        10.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_HEADER_SECONDS",
        description="The headers of a request have to come within so many seconds.",
    )
    body_seconds: float = Field(
        30.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_BODY_SECONDS",
        description="The body of a request has to come within so many seconds.",
    )
    answer_seconds: float = Field(
        30.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_ANSWER_SECONDS",
        description="A client that takes nothing of its answer for so long is cut off.",
    )
