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


class SealingSettings(HomeSettings):
    """Settings of sealed secrets."""

    master_key: Secrets = Field(
        (),
        validation_alias="WIKI_PIPELINE_MASTER_KEY",
        description="Master key of the secrets in the catalog: 32 bytes in base64 or hex (`openssl rand -base64 32`). "
        "Two with a comma between while it is changed, the new one first. On a laptop without one, `master.key` is "
        "made in the home folder when it is first needed; a cluster must be given one.",
    )
    master_key_file: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_MASTER_KEY_FILE",
        description="A file with the master key instead, or with the new and the old one in a line each.",
    )
