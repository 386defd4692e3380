"""The embedded model: wordllama's static vectors, one a token, averaged over the text.

wordllama's own `embed` pads a batch to its longest text, which costs most of its time, and importing the package
reconfigures the root logger. So its two files are read directly; a test holds the vectors against its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wiki_pipeline.errors import EmbeddingError
from wiki_pipeline.text.embed.protocol import Embedded, Vectors
from wiki_pipeline.text.embed.word_tokens import WordTokens

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
_TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"
# In a static model the rest of a very long text moves the average no more.
_MOST_CHARACTERS = 200_000


class StaticEmbedder:
    """wordllama `l2_supercat`, 256 dimensions; no key, no network, no torch."""

    model = "wordllama-l2_supercat-256"
    dimension = 256
    local = True
    weight = 0.3  # beside words, which find far more; see `store.ranking`

    def __reduce__(self) -> tuple[type[StaticEmbedder], tuple[()]]:
        return StaticEmbedder, ()  # its files are read anew, and only where they are used

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Vectors of the texts, on this machine."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        tokens = 0
        for row, text in enumerate(texts):
            ids = self._words.ids(_encodable(text))
            tokens += len(ids)
            vectors[row] = self._matrix.take(ids, axis=0).mean(axis=0) if len(ids) else self._unknown
        return Embedded(self._normalised(vectors), tokens)

    def _normalised(self, vectors: Vectors) -> Vectors:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = np.where(lengths > 0, vectors, self._unknown)
        normalised: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised

    @cached_property
    def _matrix(self) -> Vectors:
        from safetensors.numpy import load_file  # noqa: PLC0415

        return np.ascontiguousarray(load_file(_package_file(_WEIGHTS))["embedding.weight"], dtype=np.float32)

    @cached_property
    def _unknown(self) -> Vectors:
        """What stands for a text without a single token: the vector of the unknown token, or the first axis."""
        number = self._tokenizer.token_to_id("<unk>")
        vector: Vectors = self._matrix[number or 0]
        return vector if np.any(vector) else np.eye(1, self.dimension, dtype=np.float32)[0]

    @cached_property
    def _words(self) -> WordTokens:
        return WordTokens(self._tokenizer)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer  # noqa: PLC0415

        return Tokenizer.from_file(str(_package_file(_TOKENIZER)))


def _encodable(text: str) -> str:
    return text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()


def _package_file(name: str) -> Path:
    path = Path(str(metadata.distribution("wordllama").locate_file(name)))
    if not path.is_file():
        raise EmbeddingError(f"The embedded model's file {name} is missing.", "Install wordllama again.")
    return path
