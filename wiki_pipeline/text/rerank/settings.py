"""Which reranking endpoint, and how it is asked."""

from __future__ import annotations

from pydantic import Field, SecretStr

from wiki_pipeline.settings import SettingsGroup


class RerankSettings(SettingsGroup):
    """Settings of the reranking endpoint."""

    rerank_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_RERANK_URL",
        description="Address of a reranking endpoint (TEI, vLLM, Jina, Cohere), as `http://127.0.0.1:8081/rerank`; "
        "empty: none.",
    )
    rerank_model: str = Field(
        "", validation_alias="WIKI_PIPELINE_RERANK_MODEL", description="Its model; TEI serves one and needs no name."
    )
    rerank_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="WIKI_PIPELINE_RERANK_API_KEY", description="Its key, if it wants one."
    )
    rerank_timeout: float = Field(
        5.0,
        gt=0,
        le=60,
        validation_alias="WIKI_PIPELINE_RERANK_TIMEOUT",
        description="Seconds after which a search goes on without it.",
    )
