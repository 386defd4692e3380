"""Where this wiki is served."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.settings import HomeSettings


class WikiAddressSettings(HomeSettings):
    """Settings of the wiki's own address."""

    gateway_host: str = Field(
        "127.0.0.1", validation_alias="WIKI_PIPELINE_GATEWAY_HOST", description="Gateway binds to."
    )
    gateway_port: int = Field(
        8080, ge=0, le=65535, validation_alias="WIKI_PIPELINE_GATEWAY_PORT", description="Gateway listens on."
    )
