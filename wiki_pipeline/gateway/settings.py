"""Where the gateway serves, for whom, and within which limits."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.answers.research.settings import ResearchSettings
from wiki_pipeline.links.settings import WikiAddressSettings
from wiki_pipeline.sync.settings import Settings


class GatewaySettings(Settings, ResearchSettings, AccessSettings, WikiAddressSettings):
    """Settings of the gateway, and of the pipeline that it serves."""

    max_body_bytes: int = Field(
        1_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_GATEWAY_MAX_BODY_BYTES",
        description="Larger requests to the gateway are refused.",
    )
    public_url: str = Field(
        "",
        max_length=500,
        validation_alias="WIKI_PIPELINE_PUBLIC_URL",
        description="Address under which people reach the gateway, as https://wiki.example.org: for links in feeds and "
        "in answers to other programs. Empty: as each request names it.",
    )
    section_bytes: int = Field(
        30_000,
        ge=1_000,
        le=1_000_000,
        validation_alias="WIKI_PIPELINE_MCP_SECTION_BYTES",
        description="Larger pages are given to agents in sections of so many bytes.",
    )
    llms_pages: int = Field(
        5_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_LLMS_PAGES",
        description="Pages of a source that its llms.txt lists.",
    )
    llms_full_bytes: int = Field(
        20_000_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_LLMS_FULL_BYTES",
        description="llms-full.txt is no longer than that.",
    )
    intake_waiting: int = Field(
        5_000,
        ge=1,
        validation_alias="WIKI_PIPELINE_GATEWAY_INTAKE_WAITING",
        description="Webhooks that may wait to be written at once; more are answered 503 and may be sent again.",
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
    tree_bytes: int = Field(
        256_000_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_TREE_BYTES",
        description="Memory for trees of pages, about; a source of a million pages takes some 700 MB.",
    )
    account_rate: int = Field(
        1_200,
        ge=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_ACCOUNT_RATE",
        description="Requests a minute of one account or token, where access is on; 0: any number.",
    )
    address_rate: int = Field(
        3_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_ADDRESS_RATE",
        description="The same of one client address, webhooks aside.",
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=120,
        validation_alias="WIKI_PIPELINE_GATEWAY_DRAIN_SECONDS",
        description="Told to stop, the gateway says that it is not ready and goes on answering for so long; 5 in a "
        "cluster, where load balancers take a while to notice.",
    )
    answer_seconds: float = Field(
        30.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_GATEWAY_ANSWER_SECONDS",
        description="A client that takes nothing of its answer for so long is cut off.",
    )

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None):
            raise ValueError("it is written https://host or http://host:port, without a user")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("the gateway serves at the root of its address: leave out what follows the host")
        return value.rstrip("/")
