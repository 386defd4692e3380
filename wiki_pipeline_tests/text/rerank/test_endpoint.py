"""The forms of reranking endpoints, played by a server over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, RerankError
from wiki_pipeline.text.rerank.endpoint import EndpointReranker

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


# What each takes and answers, by its published description. All but TEI ignore no unknown field here, though some do
# there: what is sent must be right for the strictest.
def tei(body: dict[str, Any]) -> tuple[int, Any]:
    """text-embeddings-inference, `POST /rerank`."""
    known = {"query", "texts", "truncate", "truncation_direction", "raw_scores", "return_text"}
    if not {"query", "texts"} <= body.keys() <= known:
        return 422, {"error": "missing field `texts`"}
    if not isinstance(body.get("truncate", False), bool) or not body["texts"]:
        return 400, {"error": "`texts` cannot be empty", "error_type": "Empty"}
    if len(body["texts"]) > 32:
        return 413, {"error": f"batch size {len(body['texts'])} > maximum allowed batch size 32"}
    return 200, [{"index": n, "score": float(len(text))} for n, text in reversed(list(enumerate(body["texts"])))]


def _documents(body: dict[str, Any], known: set[str], needed: set[str], refused: int) -> tuple[int, Any]:
    if not needed <= body.keys() <= known or not all(isinstance(text, str) for text in body["documents"]):
        return refused, {"message": "the request is invalid"}
    if not 1 <= body.get("top_n", 1) <= len(body["documents"]):
        return refused, {"message": "top_n must be between 1 and the number of documents"}
    ranked = [{"index": n, "relevance_score": float(len(text))} for n, text in enumerate(body["documents"])]
    return 200, sorted(ranked, key=lambda one: -one["relevance_score"])[: body.get("top_n")]


def cohere(body: dict[str, Any]) -> tuple[int, Any]:
    """Cohere, `POST /v2/rerank`."""
    known = {"model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"}
    status, ranked = _documents(body, known, {"model", "query", "documents"}, 400)
    told = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return status, {"id": "0", "results": ranked, "meta": told} if status == 200 else ranked


def jina(body: dict[str, Any]) -> tuple[int, Any]:
    """Jina, `POST /v1/rerank`: it sends the documents back unless it is told not to."""
    known = {"model", "query", "documents", "top_n", "return_documents"}
    status, ranked = _documents(body, known, {"model", "query", "documents"}, 422)
    if status != 200:
        return status, ranked
    results = [{**one, "document": {"text": body["documents"][one["index"]]}} for one in ranked]
    return 200, {"model": body["model"], "usage": {"total_tokens": 9}, "results": results}


def vllm(body: dict[str, Any]) -> tuple[int, Any]:
    """vLLM, `POST /rerank`, `/v1/rerank` and `/v2/rerank`: its one model need not be named."""
    known = {"model", "query", "documents", "top_n", "truncate_prompt_tokens", "priority", "activation"}
    status, ranked = _documents(body, known, {"query", "documents"}, 400)
    results = [{**one, "document": {"text": "", "multi_modal": None}} for one in ranked] if status == 200 else []
    answer = {"id": "rerank-0", "model": "m", "usage": {"prompt_tokens": 9, "total_tokens": 9}, "results": results}
    return status, answer if status == 200 else ranked


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[tuple[dict[str, str], dict[str, Any]]]]]:
    asked: list[tuple[dict[str, str], dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            asked.append((dict(self.headers), body))
            status, content = answer(body)
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def reranker(url: str, **options: Any) -> EndpointReranker:
    return EndpointReranker(url, **{"api_key": SecretStr("key-1"), **options})


@pytest.mark.parametrize(
    ("answer", "path", "model"),
    [
        *((tei, path, "") for path in ("", "/rerank", "/v1/rerank")),
        *((vllm, path, model) for path in ("", "/rerank", "/v1/rerank", "/v2/rerank") for model in ("", "m")),
        (jina, "/v1/rerank", "jina-reranker-v2-base-multilingual"),
        (cohere, "/v2/rerank", "rerank-v3.5"),
    ],
)
def test_either_form_is_found_out_and_remembered(answer: Answer, path: str, model: str) -> None:
    with serving(answer) as (url, asked):
        asking = reranker(url + path, model=model)
        assert asking.scores("q", ["a", "bbb", "cc"]) == [1, 3, 2]
        first = len(asked)
        assert asking.scores("q", ["aa"]) == [2]
        assert len(asked) == first + 1
        assert asked[-1][0]["Authorization"] == "Bearer key-1"
        assert asking.scores("q", []) == []


def test_more_texts_than_tei_takes_at_once_are_asked_about_in_parts() -> None:
    with serving(tei) as (url, asked):
        assert reranker(url).scores("q", ["x" * (n + 1) for n in range(70)]) == [n + 1 for n in range(70)]
    assert [len(body["texts"]) for _, body in asked] == [32, 32, 6]


@pytest.mark.parametrize("answer", [jina, cohere])
def test_where_a_model_must_be_named_it_says_so(answer: Answer) -> None:
    with serving(answer) as (url, _), pytest.raises(RerankError, match="WIKI_PIPELINE_RERANK_MODEL"):
        reranker(f"{url}/v1/rerank").scores("q", ["a"])


def test_the_model_is_named_where_there_is_one() -> None:
    with serving(cohere) as (url, asked):
        reranker(f"{url}/rerank", model="m").scores("q", ["a"])
    assert asked[0][1] == {"query": "q", "documents": ["a"], "top_n": 1, "model": "m"}


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (401, {}, "WIKI_PIPELINE_RERANK_API_KEY"),
        (500, {}, "answered 500"),
        (200, b"<html>", "no ranking"),
        (200, [], "no ranking"),
        (200, [{"index": 1, "score": 1.0}], "no ranking"),
        (200, {"results": [{"index": 0, "relevance_score": None}]}, "no ranking"),
    ],
)
def test_what_can_not_be_used_is_an_error_without_the_key(status: int, content: Any, said: str) -> None:
    with serving(lambda _: (status, content)) as (url, _), pytest.raises(RerankError, match=said) as error:
        reranker(url).scores("q", ["a"])
    assert "key-1" not in str(error.value)


def test_an_endpoint_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RerankError, match="can't be reached"):
        reranker("http://127.0.0.1:9/rerank").scores("q", ["a"])


@pytest.mark.parametrize("url", ["rerank", "ftp://x/rerank", "https://user:secret@x/rerank"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        reranker(url)
    assert "secret" not in str(error.value)
