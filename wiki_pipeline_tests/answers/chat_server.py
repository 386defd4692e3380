"""A local HTTP server that speaks OpenAI's chat completions, checks what it is sent, and fails to order.

Requests are held against the client's own types, and against their keys, since those types let unknown ones pass.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

from openai.types.chat import ChatCompletionChunk
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

_REQUEST = TypeAdapter(CompletionCreateParamsStreaming)
_KEYS: set[str] = set()
for _kind in CompletionCreateParamsStreaming.__mro__:
    _KEYS |= set(getattr(_kind, "__annotations__", {}))
_KEYS |= set(CompletionCreateParamsStreaming.__required_keys__ | CompletionCreateParamsStreaming.__optional_keys__)
_ROLES = {"system", "user", "assistant"}


@dataclass(frozen=True)
class Refusal:
    """An answer that is no stream. By `retry-after-ms` clients try again at once."""

    status: int
    body: object = field(default_factory=lambda: {"error": {"message": "no", "type": "server_error"}})
    headers: tuple[tuple[str, str], ...] = (("retry-after-ms", "1"),)


@dataclass(frozen=True)
class Stream:
    """A stream: chunks as dictionaries, or lines as they are sent; a number is a pause in seconds, an
    event is waited for.

    Attributes:
        done: `[DONE]` follows.
        held: the connection stays open and silent until the client goes.
    """

    parts: tuple[dict[str, Any] | str | float | threading.Event, ...]
    done: bool = True
    held: bool = False


Play = Refusal | Stream


def chunk(content: str | None = None, *, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """A chunk of a stream."""
    said = {"content": content} if content is not None else {}
    choice = {"index": 0, "delta": {**said, **delta}, "finish_reason": finish}
    return {"id": "chat-1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice]}


def usage(prompt: int, completion: int) -> dict[str, Any]:
    """The last chunk, without choices."""
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {**chunk(), "choices": [], "usage": counted}


def said(*pieces: str, finish: str | None = "stop", counted: tuple[int, int] | None = None) -> Stream:
    """A text in pieces, and how it ends."""
    chunks = [chunk(piece) for piece in pieces]
    end = [chunk(finish=finish)] if finish else []
    return Stream((*chunks, *end, *([usage(*counted)] if counted else [])))


class ChatServer:
    """The server, and what it was sent.

    Attributes:
        plays: what it answers, one a request, in order; then `model` answers.
        model: what the model says to a prompt.
        requests: bodies that arrived.
        wrong: what was wrong about them.
        keys: the `Authorization` header of each.
        hung_up: set when a client closed a stream that was not at its end.
    """

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.model: Callable[[str], Play] = echo
        self.requests: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.hung_up = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """The address that clients are given."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _play(self, body: dict[str, Any]) -> Play:
        return self.plays.pop(0) if self.plays else self.model(prompt_of(body))

    def _check(self, body: dict[str, Any]) -> None:
        try:
            _REQUEST.validate_python(body)
        except ValueError as error:
            self.wrong.append(str(error))
        if unknown := body.keys() - _KEYS:
            self.wrong.append(f"unknown keys {sorted(unknown)}")
        roles = [message["role"] for message in body["messages"]]
        if set(roles) - _ROLES:
            self.wrong.append(f"roles {roles}")
        talk = [role for role in roles if role != "system"]
        if any(one == other for one, other in pairwise(talk)) or talk[-1] != "user":
            self.wrong.append(f"roles don't take turns: {roles}")  # templates of several models refuse that

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if self.path != "/v1/chat/completions":
                    server.wrong.append(f"asked for {self.path}")
                server.requests.append(body)
                server.keys.append(self.headers.get("authorization", ""))
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                server._check(body)
                play = server._play(body)
                if isinstance(play, Refusal):
                    self._refuse(play)
                else:
                    self._stream(play)

            def _refuse(self, play: Refusal) -> None:
                content = json.dumps(play.body).encode()
                self.send_response(play.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                for name, value in play.headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def _stream(self, play: Stream) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                try:
                    for line in _lines(play):
                        if isinstance(line, float):
                            time.sleep(line)
                            continue
                        self.wfile.write(line)
                        self.wfile.flush()
                    while play.held:
                        time.sleep(0.02)
                        self.wfile.write(b": still here\n\n")
                        self.wfile.flush()
                except OSError:
                    server.hung_up.set()
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _lines(play: Stream) -> Iterable[bytes | float]:
    for part in play.parts:
        if isinstance(part, threading.Event):
            part.wait(60)
        elif isinstance(part, float):
            yield part
        elif isinstance(part, str):
            yield f"{part}\n\n".encode()
        else:
            if "error" not in part:
                ChatCompletionChunk.model_validate(part)
            yield f"data: {json.dumps(part)}\n\n".encode()
    if play.done and not play.held:
        yield b"data: [DONE]\n\n"


def prompt_of(body: dict[str, Any]) -> str:
    """All texts of a request."""
    texts = []
    for message in body["messages"]:
        content = message["content"]
        texts += [content] if isinstance(content, str) else [part["text"] for part in content]
    return "\n\n".join(texts)


def ids_in(prompt: str) -> Sequence[str]:
    """The ids that a prompt offers."""
    return re.findall(r"^\[(c\d+)\] ", prompt, re.MULTILINE)


def echo(prompt: str) -> Play:
    """A model that repeats the first sentence of the first excerpt, and cites it."""
    if "Rewritten:" in prompt:
        return said(prompt.rpartition("The last question: ")[2].partition("\n")[0])
    found = re.search(r"^\[(c\d+)\] [^\n]*\n+(?:#[^\n]*\n+)?([^\n]+)", prompt, re.MULTILINE)
    if found is None:
        return said("I know nothing. [c0]")
    sentence = re.split(r"(?<=[.!?])\s", found[2])[0].rstrip(".")
    return said(*(f"{word} " for word in sentence.split()), f"[{found[1]}].", counted=(len(prompt) // 4, 20))
