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


def tei(body: dict[str, Any]) -> tuple[int, Any]:
    if body.keys() != {"query", "texts", "truncate"}:
        return 422, {"error": "missing field `texts`"}
    return 200, [{"index": n, "score": float(len(text))} for n, text in reversed(list(enumerate(body["texts"])))]


def cohere(body: dict[str, Any]) -> tuple[int, Any]:
    if not {"query", "documents", "top_n"} <= body.keys():
        return 400, {"message": "documents is required"}
    ranked = [{"index": n, "relevance_score": float(len(text))} for n, text in enumerate(body["documents"])]
    return 200, {"results": ranked, "model": body.get("model", "")}


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


@pytest.mark.parametrize("path", ["", "/rerank", "/v1/rerank"])
@pytest.mark.parametrize("answer", [tei, cohere])
def test_either_form_is_found_out_and_remembered(answer: Answer, path: str) -> None:
    with serving(answer) as (url, asked):
        asking = reranker(url + path)
        assert asking.scores("q", ["a", "bbb", "cc"]) == [1, 3, 2]
        first = len(asked)
        assert asking.scores("q", ["aa"]) == [2]
        assert len(asked) == first + 1
        assert asked[-1][0]["Authorization"] == "Bearer key-1"
        assert asking.scores("q", []) == []


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
