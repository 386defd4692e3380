"""Which embedding model, and how it is asked."""

from __future__ import annotations

from pydantic import Field, SecretStr

from wiki_pipeline.settings import SettingsGroup


class EmbeddingSettings(SettingsGroup):
    """Settings of the embedding model."""

    embedding_model: str = Field(
        "wordllama",
        validation_alias="WIKI_PIPELINE_EMBEDDING_MODEL",
        description="`wordllama` (embedded, no key), `minilm` (likewise, better and far slower; the extra `minilm`), "
        "or a model name of the OpenAI-compatible endpoint.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="Key of the OpenAI-compatible endpoint."
    )
    openai_base_url: str = Field(
        "", validation_alias="OPENAI_BASE_URL", description="Address of the OpenAI-compatible endpoint."
    )
    embedding_batch_rows: int = Field(
        128, ge=1, le=2048, validation_alias="WIKI_PIPELINE_EMBEDDING_BATCH_ROWS", description="Texts a request."
    )
    embedding_batch_tokens: int = Field(
        100_000, ge=1, validation_alias="WIKI_PIPELINE_EMBEDDING_BATCH_TOKENS", description="Tokens a request."
    )
    embedding_timeout: float = Field(
        60.0, gt=0, validation_alias="WIKI_PIPELINE_EMBEDDING_TIMEOUT", description="Seconds a request may take."
    )
