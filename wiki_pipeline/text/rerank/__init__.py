"""A second opinion on what a search found: an endpoint that reads question and text together. Never the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wiki_pipeline.text.rerank.settings import RerankSettings

__all__ = ["Reranker", "open_reranker"]


class Reranker(Protocol):
    """Tells how well texts answer a question. Safe between threads."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """A number a text, in the texts' order; higher is better, comparable within one call only.

        Raises:
            RerankError: the endpoint failed, or gave no number for a text.
        """


def open_reranker(settings: RerankSettings) -> Reranker | None:
    """The reranker that the settings name; None without one. Asks no one until it is used.

    Raises:
        ConfigurationError: the address is none.
    """
    if not settings.rerank_url:
        return None
    from wiki_pipeline.text.rerank.endpoint import EndpointReranker  # noqa: PLC0415 - httpx on demand

    return EndpointReranker(
        settings.rerank_url,
        api_key=settings.rerank_api_key,
        model=settings.rerank_model,
        timeout=settings.rerank_timeout,
    )
