"""Who may use the gateway."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.settings import HomeSettings, Secrets


class AccessSettings(HomeSettings):
    """Settings of access."""

    api_tokens: Secrets = Field(
        (),
        validation_alias="WIKI_PIPELINE_API_TOKENS",
        description="Tokens of which every request to the gateway has to bring one; several, with commas between, "
        "while one is being changed. Without any the gateway serves its own machine only.",
    )
