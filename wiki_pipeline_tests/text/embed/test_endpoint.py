"""Vectors from an endpoint over real HTTP: right, complete and in order, or an error; never stored wrong."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, EmbeddingError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline.text.embed.endpoint import EndpointEmbedder
from wiki_pipeline.text.embed.protocol import Vectors
from wiki_pipeline.text.tokens import estimate_tokens
from wiki_pipeline_tests.text.embed.endpoint_server import DIMENSION, Answer, EndpointServer, Items, vector_of

KEY = "sk-a-secret-key"
TEXTS = [f"text number {number}" for number in range(7)]


@pytest.fixture
def server() -> Iterator[EndpointServer]:
    """An endpoint without faults."""
    with EndpointServer() as running:
        yield running


def embedder(server: EndpointServer, *, rows: int = 128, tokens: int = 100_000, key: str = KEY) -> EndpointEmbedder:
    return EndpointEmbedder(
        "test-model",
        api_key=SecretStr(key),
        base_url=server.url,
        batch_rows=rows,
        batch_tokens=tokens,
        timeout=30,
    )


def expected(texts: list[str]) -> Vectors:
    vectors = np.array([vector_of(text) for text in texts])
    normalised: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return normalised


# --- right answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("floats", [False, True], ids=["base64", "float"])
def test_vectors_are_the_models_with_length_one_in_the_order_of_the_texts(server: EndpointServer, floats: bool) -> None:
    server.floats = floats
    result = embedder(server).embed(TEXTS)
    assert result.vectors.dtype == np.float32
    np.testing.assert_allclose(result.vectors, expected(TEXTS), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(result.vectors, axis=1), 1, atol=1e-6)
    assert server.keys == [f"Bearer {KEY}"]


def test_vectors_that_come_in_another_order_are_put_in_theirs(server: EndpointServer) -> None:
    server.tampered = lambda items: [*items[3:], *reversed(items[:3])]
    np.testing.assert_allclose(embedder(server).embed(TEXTS).vectors, expected(TEXTS), atol=1e-6)


def test_tokens_are_those_that_the_endpoint_counts(server: EndpointServer) -> None:
    assert embedder(server, rows=3).embed(TEXTS).tokens == 7 * len(TEXTS)


def test_tokens_are_estimated_where_the_endpoint_counts_none(server: EndpointServer) -> None:
    server.usage = False
    assert embedder(server).embed(TEXTS).tokens == sum(map(estimate_tokens, TEXTS))


def test_a_batch_has_no_more_than_its_rows(server: EndpointServer) -> None:
    result = embedder(server, rows=3).embed(TEXTS)
    assert server.batches == [TEXTS[:3], TEXTS[3:6], TEXTS[6:]]
    np.testing.assert_allclose(result.vectors, expected(TEXTS), atol=1e-6)


def test_a_batch_has_no_more_than_its_tokens_unless_it_is_a_single_text(server: EndpointServer) -> None:
    texts = ["a" * 40, "b" * 40, "c" * 400, "d" * 40, "e" * 40, "f" * 40]  # 10 and 100 tokens
    embedder(server, tokens=25).embed(texts)
    assert server.batches == [texts[:2], texts[2:3], texts[3:5], texts[5:]]


def test_no_texts_have_no_vectors_but_a_dimension(server: EndpointServer) -> None:
    result = embedder(server).embed([])
    assert result.vectors.shape == (0, DIMENSION)
    assert result.tokens == 0


def test_an_empty_text_has_a_vector_though_endpoints_refuse_it(server: EndpointServer) -> None:
    result = embedder(server).embed(["", "full", " \n"])
    assert all(text.strip() for text in server.batches[0])
    assert result.vectors.shape == (3, DIMENSION)


def test_the_dimension_of_an_unknown_model_is_asked_for_once(server: EndpointServer) -> None:
    asked = embedder(server)
    assert [asked.dimension, asked.dimension] == [DIMENSION, DIMENSION]
    assert len(server.batches) == 1


def test_the_dimension_of_openais_models_is_known_without_asking() -> None:
    known = EndpointEmbedder("text-embedding-3-small", api_key=SecretStr(KEY))
    assert known.dimension == 1536
    assert known.model == "text-embedding-3-small"


def test_a_model_of_another_host_is_another_model(server: EndpointServer) -> None:
    assert embedder(server).model == "test-model@127.0.0.1"


def test_an_endpoint_that_wants_no_key_needs_none(server: EndpointServer) -> None:
    assert embedder(server, key="").embed(["text"]).vectors.shape == (1, DIMENSION)


# --- faults that pass ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_fails_for_a_moment_is_tried_again(server: EndpointServer, status: int) -> None:
    server.faults = [Answer(status), Answer(status)]
    np.testing.assert_allclose(embedder(server).embed(TEXTS).vectors, expected(TEXTS), atol=1e-6)
    assert server.batches == [TEXTS] * 3


def test_the_pause_is_the_one_that_the_endpoint_asks_for(
    server: EndpointServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    server.faults = [Answer(429, headers=(("Retry-After", "17"),))]
    embedder(server).embed(TEXTS)
    assert waits == [17]


def test_the_pause_that_the_endpoint_asks_for_may_end_at_a_date(
    server: EndpointServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.faults = [Answer(429, headers=(("Retry-After", date),))]
    embedder(server).embed(TEXTS)
    assert len(waits) == 1
    assert 50 <= waits[0] <= 60


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_refused_is_sent_in_smaller_ones(server: EndpointServer, status: int) -> None:
    server.refusal, server.most_texts = status, 2
    result = embedder(server).embed(TEXTS)
    np.testing.assert_allclose(result.vectors, expected(TEXTS), atol=1e-6)
    assert result.tokens == 7 * len(TEXTS)
    assert [text for batch in server.batches if len(batch) <= 2 for text in batch] == TEXTS


def test_a_text_that_is_too_long_on_its_own_is_cut_and_its_neighbours_are_not(server: EndpointServer) -> None:
    server.most_characters = 100
    texts = ["short", "x" * 350, "also short"]
    result = embedder(server).embed(texts)
    np.testing.assert_allclose(result.vectors, expected(["short", "x" * 87, "also short"]), atol=1e-6)


# --- faults that stay ------------------------------------------------------------------------------------------------


def failure(server: EndpointServer, texts: list[str] = TEXTS) -> str:
    """What people are told; never the key, also where the endpoint repeats it."""
    with pytest.raises(EmbeddingError) as caught:
        embedder(server).embed(texts)
    told = str(caught.value) + repr(caught.value)
    assert KEY not in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "'test-model' at 127.0.0.1" in told
    return told


def test_an_endpoint_that_fails_to_the_end_is_an_error_after_five_tries(server: EndpointServer) -> None:
    server.faults = [Answer(500, {"error": {"message": f"crashed with {KEY}"}})] * 50
    assert "answered 500" in failure(server)
    assert len(server.batches) == 5


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "OPENAI_API_KEY"), (403, "key"), (404, "WIKI_PIPELINE_EMBEDDING_MODEL")]
)
def test_what_no_second_try_changes_is_told_at_once_with_advice(
    server: EndpointServer, status: int, advice: str
) -> None:
    server.faults = [Answer(status, {"error": {"message": f"Incorrect API key provided: {KEY}"}})]
    assert advice in failure(server)
    assert len(server.batches) == 1


def test_a_quota_that_stays_used_up_is_told_as_such(server: EndpointServer) -> None:
    server.faults = [Answer(429)] * 50
    assert "quota" in failure(server)


def test_an_endpoint_that_refuses_every_text_is_an_error_and_not_an_endless_search(server: EndpointServer) -> None:
    server.most_texts = 0
    assert "answered 400" in failure(server, ["a long text " * 50])
    assert len(server.batches) == 5


def replaced(value: list[float]) -> Callable[[Items], Items]:
    return lambda items: [*items[:-1], {**items[-1], "embedding": value}]


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (replaced([math.nan] * DIMENSION), "not a number"),
        (replaced([1.0] * (DIMENSION - 1) + [math.inf]), "not a number"),
        (replaced([0.0] * DIMENSION), "zero"),
        (replaced([1.0] * (DIMENSION + 1)), "different length"),
        (replaced([]), "different length"),
        (lambda items: items[:-1], "6 vectors for 7 texts"),
        (lambda items: [*items, {**items[0], "index": len(items)}], "8 vectors for 7 texts"),
        (lambda items: [*items[:-1], items[0]], "the wrong ones"),
    ],
    ids=["nan", "infinite", "zero", "longer", "empty", "too few", "too many", "twice"],
)
def test_a_vector_that_must_not_be_stored_is_an_error(
    server: EndpointServer, tampered: Callable[[Items], Items], told: str
) -> None:
    server.floats, server.tampered = True, tampered
    assert told in failure(server)


def test_a_dimension_that_changes_on_the_way_is_an_error(server: EndpointServer) -> None:
    steady = embedder(server)
    assert steady.dimension == DIMENSION
    server.floats = True
    server.tampered = lambda items: [{**item, "embedding": [1.0] * 5} for item in items]
    with pytest.raises(EmbeddingError, match=f"5 numbers instead of {DIMENSION}"):
        steady.embed(TEXTS)


@pytest.mark.parametrize(
    "body",
    [
        "<html>a proxy</html>",
        "",
        "{",
        "[]",
        "null",
        '{"data": null}',
        '{"data": [{}]}',
        '{"data": [{"embedding": [1.0]}]}',
        '{"data": [{"index": 0, "embedding": ["one"]}]}',
        '{"data": [{"index": 0, "embedding": "no base64"}]}',
        '{"data": [{"index": 0, "embedding": null}]}',
    ],
)
def test_an_answer_that_is_no_embedding_is_an_error(server: EndpointServer, body: str) -> None:
    server.faults = [Answer(200, body)] * 50
    failure(server, ["text"])


def test_an_endpoint_that_is_down_is_an_error_that_says_so(
    server: EndpointServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    down = EndpointEmbedder("test-model", api_key=SecretStr(KEY), base_url=f"http://user:pa55@127.0.0.1:{port}/v1")
    with pytest.raises(EmbeddingError, match="can't be reached") as caught:
        down.embed(TEXTS)
    assert "pa55" not in str(caught.value)
    assert "pa55" not in down.model


# --- settings --------------------------------------------------------------------------------------------------------


def test_a_remote_model_without_key_or_address_is_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY or OPENAI_BASE_URL"):
        open_embedder(load(Settings, embedding_model="text-embedding-3-small"))


def test_the_settings_reach_the_endpoint(
    server: EndpointServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = load(
        Settings,
        embedding_model="test-model",
        openai_api_key=KEY,
        openai_base_url=server.url,
        embedding_batch_rows=2,
    )
    opened = open_embedder(chosen)
    assert server.batches == []
    opened.embed(TEXTS)
    assert [len(batch) for batch in server.batches] == [2, 2, 2, 1]
    assert KEY not in repr(vars(opened))
