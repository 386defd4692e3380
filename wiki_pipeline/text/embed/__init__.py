"""Texts to vectors: the embedded model, a small transformer (an extra), or an endpoint that speaks as OpenAI does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wiki_pipeline.text.embed.protocol import Embedded, Embedder

if TYPE_CHECKING:  # a worker process needs no settings, which would take a third of its start
    from wiki_pipeline.text.embed.settings import EmbeddingSettings

EMBEDDED_MODEL = "wordllama"
_TRANSFORMER = "minilm"

__all__ = ["EMBEDDED_MODEL", "Embedded", "Embedder", "open_embedder"]


def open_embedder(settings: EmbeddingSettings) -> Embedder:
    """The embedder that the settings name. Loads nothing and asks no one until it is used.

    Raises:
        ConfigurationError: a remote model is named but neither key nor address of an endpoint is set.
    """
    if settings.embedding_model == EMBEDDED_MODEL:
        from wiki_pipeline.text.embed.static import StaticEmbedder  # noqa: PLC0415 - numpy and tokenizers on demand

        return StaticEmbedder()
    if settings.embedding_model == _TRANSFORMER:
        from wiki_pipeline.text.embed.minilm import MiniLmEmbedder  # noqa: PLC0415

        return MiniLmEmbedder()
    from wiki_pipeline.text.embed.endpoint import EndpointEmbedder  # noqa: PLC0415

    return EndpointEmbedder(
        settings.embedding_model,
        api_key=settings.openai_api_key,
        base_url=settings.openai_base_url,
        batch_rows=settings.embedding_batch_rows,
        batch_tokens=settings.embedding_batch_tokens,
        timeout=settings.embedding_timeout,
    )
