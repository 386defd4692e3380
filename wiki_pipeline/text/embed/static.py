"""The embedded model: wordllama's static vectors, one a token, averaged over the text.

wordllama's own `embed` pads a batch to its longest text, which costs most of its time, and importing the package
reconfigures the root logger. So its two files are read directly; a test holds the vectors against its own.

Its tokenizer merges the whole text as one sequence, about a microsecond a token. No token of its vocabulary reaches
over a space or a line's end, so the tokens of a text are those of its words, and most words come again: with them
remembered it is five times quicker, for the same tokens (a test holds it against the tokenizer).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, cached_property
from importlib import metadata
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wiki_pipeline.errors import EmbeddingError
from wiki_pipeline.text.embed.protocol import Embedded, Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WEIGHTS = "wordllama/weights/l2_supercat_256.safetensors"
_TOKENIZER = "wordllama/tokenizers/l2_supercat_tokenizer_config.json"
# In a static model the rest of a very long text moves the average no more.
_MOST_CHARACTERS = 200_000
# How the model writes a space, with which a word's first token begins.
_SPACE = "\N{LOWER ONE EIGHTH BLOCK}"
_WORDS = re.compile(r" *[^ \n]+| +|\n")
_REMEMBERED = 100_000  # words, some 20 MB
_LONGEST = 64  # characters of a word worth remembering
_CUT = "\x00"


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
        return _read_matrix(_WEIGHTS)

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
        return _read_tokenizer(_TOKENIZER)


# Read once a process, however many embedders it opens: that takes longer than to embed some hundred pages.


@cache
def _read_matrix(name: str) -> Vectors:
    from safetensors.numpy import load_file  # noqa: PLC0415

    matrix = np.ascontiguousarray(load_file(_package_file(name))["embedding.weight"], dtype=np.float32)
    matrix.flags.writeable = False
    return matrix


@cache
def _read_tokenizer(name: str) -> Tokenizer:
    from tokenizers import Tokenizer  # noqa: PLC0415

    return Tokenizer.from_file(str(_package_file(name)))


def _encodable(text: str) -> str:
    return text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()


def _package_file(name: str) -> Path:
    path = Path(str(metadata.distribution("wordllama").locate_file(name)))
    if not path.is_file():
        raise EmbeddingError(f"The embedded model's file {name} is missing.", "Install wordllama again.")
    return path


class WordTokens:
    """Tokens by their numbers in the model's matrix. For one thread at a time.

    Args:
        tokenizer: of a model whose vocabulary has no token that reaches over a space or a line's end.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._known = _Known(tokenizer)

    def ids(self, text: str) -> npt.NDArray[np.intp]:
        """The text's tokens; marks of the model's own, as `<s>`, are read as the characters they are."""
        return np.fromiter(chain.from_iterable(map(self._known.__getitem__, _words(text))), np.intp)


class _Known(dict[str, tuple[int, ...]]):
    """The tokens of words. What is not there yet is found out when it is asked for."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__()
        self._model = tokenizer.model

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = tuple(token.id for token in self._model.tokenize(word.replace(" ", _SPACE)))
        if len(word) <= _LONGEST:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[word] = ids
        return ids


def _words(text: str) -> list[str]:
    """The text in pieces over whose ends no token reaches: words with the spaces before them, and line ends."""
    if not text:
        return []
    spaced = " " + text.replace(_SPACE, " ")
    if "  " in spaced or _CUT in spaced:
        return _WORDS.findall(spaced)
    # The same in a third of the time; empty pieces have no tokens.
    return spaced.replace("\n", f"{_CUT}\n{_CUT}").replace(" ", f"{_CUT} ").split(_CUT)
