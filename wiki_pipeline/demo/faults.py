"""Faults to order: what a Confluence, its proxies and its network do on bad days.

A `Fault` says which requests it meets (a glob over path and query), which of them it lets pass first, how often it
strikes and how likely; its `effect` is one of the functions below. All of it can be written as JSON, for servers that
run as their own process (see `EFFECTS`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import partial
from typing import Any

import orjson

from wiki_pipeline.demo.web import Answer, Request

_LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Log in - Single Sign-On</title></head><body>"
    b'<form method="post" action="/sso/login"><input name="username"/><input name="password"/></form></body></html>'
)
_PROXY_PAGE = "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center>nginx</body></html>"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does: answer instead of the API, bend the request, or spoil the answer. Delay comes before all."""

    instead: Callable[[], Answer] | None = None
    bend: Callable[[Request], None] | None = None
    spoil: Callable[[Answer], None] | None = None
    delay: float = 0.0


def rate_limited(retry_after: str | float | None = None) -> Effect:
    """429, with or without `Retry-After` (in seconds, or any text)."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    body = b'{"message":"Rate limit exceeded.","status-code":429}'
    return Effect(instead=lambda: Answer(429, body, headers=dict(headers)))


def status(code: int, body: str | None = None, retry_after: str | float | None = None) -> Effect:
    """An error of a proxy, as HTML; or with a body of one's own, as JSON."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if body is None:
        page = _PROXY_PAGE.format(status=code).encode()
        return Effect(instead=lambda: Answer(code, page, "text/html", dict(headers)))
    return Effect(instead=lambda: Answer(code, body.encode(), headers=dict(headers)))


def login_page() -> Effect:
    """200 with the HTML of a single sign-on page instead of JSON."""
    return Effect(instead=lambda: Answer(200, _LOGIN_PAGE, "text/html;charset=UTF-8"))


def redirected(location: str, code: int = 302) -> Effect:
    """A redirect to anywhere."""
    return Effect(instead=lambda: Answer(code, b"", "text/html", {"location": location}))


def malformed_json(keep: int = 200) -> Effect:
    """200 whose JSON ends after some bytes, the length of the answer agreeing with it."""

    def spoil(answer: Answer) -> None:
        answer.body = answer.body[:keep]

    return Effect(spoil=spoil)


def dropped(after_bytes: int | None = None) -> Effect:
    """The connection ends: before any answer, or after some bytes of the body."""
    if after_bytes is None:
        return Effect(instead=lambda: Answer(status=0, cut=0))

    def spoil(answer: Answer) -> None:
        answer.cut = after_bytes

    return Effect(spoil=spoil)


def slow_body(pause: float) -> Effect:
    """The body comes in ten pieces with a pause (seconds) before each."""

    def spoil(answer: Answer) -> None:
        answer.pause = pause

    return Effect(spoil=spoil)


def late(seconds: float) -> Effect:
    """The answer comes late."""
    return Effect(delay=seconds)


def capped(limit: int) -> Effect:
    """The server caps `limit` without a word."""

    def bend(request: Request) -> None:
        request.quirks.cap = limit

    return Effect(bend=bend)


def missing_next() -> Effect:
    """No `next` link in the body though there is more (v2 still has its `Link` header)."""
    return _next_link("missing")


def endless_next() -> Effect:
    """A `next` link always: at the end it leads to empty lists, for ever."""
    return _next_link("always")


def _next_link(kind: str) -> Effect:
    def bend(request: Request) -> None:
        request.quirks.next_link = kind

    return Effect(bend=bend)


def empty_results() -> Effect:
    """A list without results that has its `next` link all the same (all of that page was filtered out)."""

    def spoil(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        data["results"] = []
        if "size" in data:
            data["size"] = 0
        answer.body = orjson.dumps(data)

    return Effect(spoil=spoil)


def hidden_after_the_cut(prefix: str) -> Effect:
    """Items whose title begins so are left out of a list that is cut and linked already, as servers do that check who
    may see what at the very end: pages in the middle of it are short or empty."""

    def spoil(answer: Answer) -> None:
        data = orjson.loads(answer.body)
        data["results"] = [item for item in data["results"] if not item["title"].startswith(prefix)]
        if "size" in data:
            data["size"] = len(data["results"])
        answer.body = orjson.dumps(data)

    return Effect(spoil=spoil)


EFFECTS: Mapping[str, Callable[..., Effect]] = {
    function.__name__: function
    for function in (
        rate_limited,
        status,
        login_page,
        malformed_json,
        dropped,
        slow_body,
        late,
        capped,
        missing_next,
        endless_next,
        empty_results,
        hidden_after_the_cut,
    )
}


@dataclass(slots=True)
class Fault:
    """An order for trouble.

    Attributes:
        path: glob over `path?query`; `*/content?*limit=50*` works, so does a bare `*`.
        effect: what happens.
        times: how many requests it strikes; None is all.
        after: how many matching requests pass before (page `after + 1` of a listing fails).
        probability: of striking a request that matches, drawn with `seed`.
        struck: how many it has struck.
    """

    path: str
    effect: Effect
    times: int | None = 1
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    struck: int = 0
    _met: int = 0
    _random: random.Random = field(default_factory=random.Random)
    _pattern: re.Pattern[str] = field(default_factory=partial(re.compile, ""))

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._pattern = re.compile(translate(self.path))

    def strikes(self, address: str) -> bool:
        """Whether this request is struck; counts it."""
        if not self._pattern.match(address) or (self.times is not None and self.struck >= self.times):
            return False
        self._met += 1
        if self._met <= self.after or self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True


def fault_from_json(order: Mapping[str, Any]) -> Fault:
    """Read `{"path", "effect": name, "arguments"?: {...}, "times"?, "after"?, "probability"?, "seed"?}`."""
    rest = {name: value for name, value in order.items() if name not in {"effect", "arguments"}}
    return Fault(effect=EFFECTS[order["effect"]](**order.get("arguments", {})), **rest)
