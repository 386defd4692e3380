"""Embeddings from an endpoint that speaks OpenAI's contract (OpenAI, Azure, vLLM, Ollama, TEI, LiteLLM).

The openai client repeats what failed for a moment (408, 409, 429, 5xx, broken connections) with growing pauses and
honours `Retry-After`, in seconds or as a date, up to two minutes. Here are batches by rows and tokens, smaller batches
where the endpoint refuses one, and the checks without which a bad vector would be stored.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, EmbeddingError
from wiki_pipeline.text.embed.protocol import Embedded, Vectors
from wiki_pipeline.text.tokens import estimate_tokens

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.types import CreateEmbeddingResponse

_OPENAI_HOST = "api.openai.com"
_TRIES_AGAIN = 4
# A text that is refused on its own is cut to its first half, so often at most.
_MOST_CUTS = 4
_TOO_LARGE = {400, 413, 422}
_KNOWN_DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}


class EndpointEmbedder:
    """A model of an OpenAI-compatible endpoint."""

    local = False
    weight = 1.0

    def __init__(
        self,
        name: str,
        *,
        api_key: SecretStr,
        base_url: str = "",
        batch_rows: int = 128,
        batch_tokens: int = 100_000,
        timeout: float = 60.0,
    ) -> None:
        if not api_key.get_secret_value() and not base_url:
            raise ConfigurationError(
                f"The embedding model {name!r} needs an endpoint.",
                "Set OPENAI_API_KEY or OPENAI_BASE_URL, or WIKI_PIPELINE_EMBEDDING_MODEL=wordllama.",
            )
        self._name = name
        self._key = api_key
        self._base_url = base_url
        self._batch_rows = batch_rows
        self._batch_tokens = batch_tokens
        self._timeout = timeout
        self._dimension = _KNOWN_DIMENSIONS.get(name, 0)

    @property
    def host(self) -> str:
        """The endpoint's host, for messages; no user, no port."""
        return urlsplit(self._base_url).hostname or _OPENAI_HOST if self._base_url else _OPENAI_HOST

    @property
    def model(self) -> str:
        """The model's name; with its host unless that is OpenAI's own: others give any model any name."""
        return self._name if self.host == _OPENAI_HOST else f"{self._name}@{self.host}"

    @property
    def dimension(self) -> int:
        """As known for OpenAI's models, else as the endpoint answers the first text."""
        if not self._dimension:
            self.embed(["dimension"])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Vectors of the texts, batch by batch."""
        parts = [self._embed_batch(batch) for batch in self._batches(texts)]
        if not parts:
            return Embedded(np.empty((0, self.dimension), dtype=np.float32), 0)
        return Embedded(np.concatenate([part.vectors for part in parts]), sum(part.tokens for part in parts))

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        tokens = 0
        for text in texts:
            size = estimate_tokens(text)
            if batch and (len(batch) >= self._batch_rows or tokens + size > self._batch_tokens):
                yield batch
                batch, tokens = [], 0
            batch.append(text if text.strip() else "-")  # endpoints refuse an empty text
            tokens += size
        if batch:
            yield batch

    def _embed_batch(self, texts: list[str], cuts: int = 0) -> Embedded:
        import openai

        try:
            response = self._client.embeddings.create(input=texts, model=self._name)
            vectors = self._checked(response, len(texts))
        except openai.APIStatusError as error:
            if error.status_code in _TOO_LARGE and len(texts) > 1:
                middle = len(texts) // 2
                halves = self._embed_batch(texts[:middle]), self._embed_batch(texts[middle:])
                return Embedded(np.concatenate([half.vectors for half in halves]), sum(half.tokens for half in halves))
            if error.status_code in _TOO_LARGE and cuts < _MOST_CUTS and len(texts[0]) > 1:
                return self._embed_batch([texts[0][: len(texts[0]) // 2]], cuts + 1)
            raise self._failure(f"answered {error.status_code}", _ADVICE.get(error.status_code, "")) from None
        except openai.APITimeoutError:
            raise self._failure(f"did not answer within {self._timeout:g} s", _UNREACHABLE) from None
        except openai.APIConnectionError:
            raise self._failure("can't be reached", _UNREACHABLE) from None
        except (openai.OpenAIError, ValueError, TypeError, AttributeError):  # HTML, half a body, other JSON
            raise self._failure("gave an answer that is no embedding", _UNREACHABLE) from None
        tokens = response.usage.total_tokens if getattr(response, "usage", None) else 0
        return Embedded(vectors, tokens or sum(map(estimate_tokens, texts)))

    def _checked(self, response: CreateEmbeddingResponse, count: int) -> Vectors:
        """The vectors in the order of the texts, or an error: what is stored wrong is never seen again."""
        items = sorted(getattr(response, "data", None) or [], key=lambda item: item.index)
        if [item.index for item in items] != list(range(count)):
            raise self._failure(f"gave {len(items)} vectors for {count} texts, or the wrong ones")
        rows = [_numbers(item.embedding) for item in items]
        if len({len(row) for row in rows}) != 1 or not len(rows[0]):
            raise self._failure("gave vectors of different length")
        vectors = np.array(rows, dtype=np.float32)
        if self._dimension and vectors.shape[1] != self._dimension:
            raise self._failure(f"gave vectors of {vectors.shape[1]} numbers instead of {self._dimension}")
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise self._failure("gave a vector that is zero or not a number")
        self._dimension = vectors.shape[1]
        normalised: Vectors = (vectors / lengths).astype(np.float32)
        return normalised

    def _failure(self, what: str, advice: str = "") -> EmbeddingError:
        return EmbeddingError(f"The embedding model {self._name!r} at {self.host} {what}.", advice)

    @cached_property
    def _client(self) -> OpenAI:
        import openai

        return openai.OpenAI(
            api_key=self._key.get_secret_value() or "none",  # local endpoints want none, the client wants one
            base_url=self._base_url or None,
            timeout=self._timeout,
            max_retries=_TRIES_AGAIN,
        )


_UNREACHABLE = "Check OPENAI_BASE_URL and that the endpoint is up; nothing was stored, the next sync goes on from here."
_ADVICE = {
    401: "Check OPENAI_API_KEY.",
    403: "The key may not use this model: check OPENAI_API_KEY and WIKI_PIPELINE_EMBEDDING_MODEL.",
    404: "Check WIKI_PIPELINE_EMBEDDING_MODEL and OPENAI_BASE_URL.",
    429: "The endpoint's rate limit or quota is used up; the next sync goes on from here.",
}


def _numbers(embedding: Sequence[float] | str) -> Sequence[float]:
    """A vector as numbers; some endpoints send base64 on their own account."""
    if isinstance(embedding, str):
        return list(map(float, np.frombuffer(base64.b64decode(embedding), dtype=np.float32)))
    return embedding
