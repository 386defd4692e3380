"""A local HTTP server that speaks OpenAI's embeddings contract, and fails to order."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self

import numpy as np

DIMENSION = 8


@dataclass(frozen=True)
class Answer:
    """What the server sends instead of vectors. By `retry-after-ms` clients try again at once."""

    status: int
    body: object = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = (("retry-after-ms", "1"),)


Items = list[dict[str, Any]]


def vector_of(text: str) -> list[float]:
    """The model: a vector, not of length 1, that differs from text to text and is the same every time."""
    seed = int.from_bytes(text.encode()[-64:], "little") + len(text)
    return [float(number) for number in np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)]


class EndpointServer:
    """The server, and what it was sent.

    Attributes:
        faults: answers given before any vectors, one a request, in order.
        most_texts, most_characters: a request above is refused with `refusal`.
        floats: vectors are lists of numbers though the client asks for base64, as some endpoints send them.
        tampered: changes the vectors of an answer before they are sent.
        batches: the texts of each request that arrived.
        keys: the `Authorization` header of each.
    """

    def __init__(self) -> None:
        self.faults: list[Answer] = []
        self.most_texts = 10_000
        self.most_characters = 10_000_000
        self.refusal = 400
        self.floats = False
        self.usage = True
        self.tampered: Callable[[Items], Items] = lambda items: items
        self.batches: list[list[str]] = []
        self.keys: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Self:
        Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """The address to configure."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def answer(self, request: dict[str, Any], key: str) -> Answer:
        """What a request is answered."""
        texts: Sequence[str] = request["input"]
        self.batches.append(list(texts))
        self.keys.append(key)
        if self.faults:
            return self.faults.pop(0)
        if len(texts) > self.most_texts or max(map(len, texts)) > self.most_characters:
            return Answer(self.refusal, {"error": {"message": f"too large, says {key}"}})
        as_base64 = request.get("encoding_format") == "base64" and not self.floats
        data = [
            {"object": "embedding", "index": number, "embedding": _encoded(vector_of(text), as_base64)}
            for number, text in enumerate(texts)
        ]
        body: dict[str, object] = {"object": "list", "model": request["model"], "data": self.tampered(data)}
        if self.usage:
            body["usage"] = {"prompt_tokens": 7 * len(texts), "total_tokens": 7 * len(texts)}
        return Answer(200, body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Reads a request, sends the server's answer."""

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))
                known = self.path == "/v1/embeddings"
                answer = server.answer(request, self.headers["Authorization"]) if known else Answer(404)
                body = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
                """Nothing: the tests read `batches`."""

        return Handler


def _encoded(vector: list[float], as_base64: bool) -> str | list[float]:
    return base64.b64encode(np.array(vector, dtype=np.float32).tobytes()).decode() if as_base64 else vector
