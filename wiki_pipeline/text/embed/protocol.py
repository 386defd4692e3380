"""What an embedder is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors in the order of the texts.

    Attributes:
        vectors: float32 [texts, dimension], each of length 1, none NaN.
        tokens: tokens read; as the endpoint counts them, else counted here.
    """

    vectors: Vectors
    tokens: int


class Embedder(Protocol):
    """Turns texts into vectors. Used by one thread at a time."""

    @property
    def model(self) -> str:
        """Names the vectors' space: vectors of different models are never compared. Part of fingerprints."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector. A remote model may be asked for it, once.

        Raises:
            EmbeddingError: it could not be found out.
        """

    @property
    def local(self) -> bool:
        """Whether it works on this machine's cores: then it can be pickled, and other processes can share the work."""

    @property
    def weight(self) -> float:
        """What its similarities count in a search by words and meaning, where the words count 1. Below 1 the model is
        weaker than words, and counts as far as they leave a query open; see `store.ranking`."""

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Vectors of the texts; no text is too long or too empty.

        Raises:
            EmbeddingError: the model failed or gave vectors that must not be stored.
        """
