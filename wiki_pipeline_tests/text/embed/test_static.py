"""The embedded model's vectors are wordllama's own."""

from __future__ import annotations

import logging
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.errors import EmbeddingError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline.text.embed.protocol import Vectors
from wiki_pipeline.text.embed.static import StaticEmbedder

EMBEDDER = StaticEmbedder()
TEXTS = [
    "How do I restart the ingest worker?",
    "kubectl rollout restart deployment/ingest --namespace=data",
    "Der Betrieb läuft über Nacht; 夜間バッチ; ночной запуск 🚀",
    "a",
    "1234567890 " * 300,
    "def load(self, path: str) -> None:\n    self.max_retry_count = 3\n\tpass\n",
    "| a | b |\n| --- | --- |\n| 1 | 2 |",
    "word\u2028separator\u00a0space\ttab  two spaces",
]


@pytest.fixture(scope="module")
def reference() -> object:
    """wordllama's own model, from the files in its package. Importing it sets the root logger up; that is undone."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    from wordllama import WordLlama  # noqa: PLC0415 - what is undone below begins here

    package = Path(str(metadata.distribution("wordllama").locate_file("wordllama")))
    model = WordLlama.load(cache_dir=package, disable_download=True)
    root.handlers[:] = before
    root.setLevel(level)
    return model


def of(*texts: str) -> Vectors:
    return EMBEDDER.embed(texts).vectors


def test_vectors_are_wordllamas_own(reference: object) -> None:
    own = np.vstack([reference.embed(text, norm=True) for text in TEXTS])  # type: ignore[attr-defined] # has no types
    np.testing.assert_allclose(of(*TEXTS), own, atol=1e-6)


def test_vectors_of_a_batch_are_wordllamas_own_of_a_batch(reference: object) -> None:
    own = reference.embed(TEXTS, norm=True)  # type: ignore[attr-defined] # has no types
    np.testing.assert_allclose(of(*TEXTS), own, atol=1e-6)


@settings(max_examples=200)
@given(st.lists(st.text(), max_size=4))
def test_every_text_has_a_vector_of_length_one(texts: list[str]) -> None:
    vectors = of(*texts)
    assert vectors.shape == (len(texts), EMBEDDER.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\ud800", "\x00", "\u200b"])
def test_a_text_with_nothing_to_read_has_a_vector_that_can_be_stored(text: str) -> None:
    vectors = of(text, "and a neighbour")
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[1], of("and a neighbour")[0])


def test_no_texts_have_no_vectors() -> None:
    result = EMBEDDER.embed([])
    assert result.vectors.shape == (0, 256)
    assert result.tokens == 0


def test_a_very_long_text_has_the_vector_of_its_beginning() -> None:
    beginning = "The ingest worker restarts every night. " * 5_000  # 200,000 characters
    assert np.array_equal(of(beginning + "Something else entirely. " * 100_000), of(beginning))


def test_a_text_has_the_same_vector_in_every_batch_and_every_embedder() -> None:
    together = of(*TEXTS)
    assert np.array_equal(together, np.vstack([of(text) for text in TEXTS]))
    assert np.array_equal(together[::-1], of(*reversed(TEXTS)))
    assert np.array_equal(together, StaticEmbedder().embed(TEXTS).vectors)


def test_texts_that_mean_the_same_are_nearer_than_others() -> None:
    question, answer, other = of("restart the worker", "restarting workers", "holiday calendar of the office")
    assert question @ answer > question @ other + 0.2


def test_tokens_are_those_of_all_texts() -> None:
    one, two = EMBEDDER.embed(["restart the worker"]).tokens, EMBEDDER.embed(["nightly batch run"]).tokens
    assert one >= 3
    assert EMBEDDER.embed(["restart the worker", "nightly batch run"]).tokens == one + two


def test_it_is_what_the_settings_open_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    opened = open_embedder(load(Settings, embedding_model="wordllama"))
    assert (opened.model, opened.dimension) == ("wordllama-l2_supercat-256", 256)


def test_an_installation_without_the_models_files_is_an_error_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("wiki_pipeline.text.embed.static._WEIGHTS", "wordllama/weights/absent.safetensors")
    with pytest.raises(EmbeddingError, match="Install wordllama again"):
        StaticEmbedder().embed(["text"])
