"""Requests, answers and routes: the little of HTTP that the server's two APIs share.

A route declares the query parameters that Confluence documents for it and that this server honours. Confluence ignores
what it does not know; this server refuses and records it, so that a client's misspelt parameter fails a test instead of
silently doing nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

Check = Callable[[str], object]


@dataclass(slots=True)
class Quirks:
    """How a fault bends the paging of one answer: `cap` on the limit; `next_link` normal, missing or always there."""

    cap: int | None = None
    next_link: str = "normal"


@dataclass(slots=True)
class Request:
    """A request as it came; `path` is relative to the API that serves it once it is known."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""
    origin: str = ""
    via_gateway: bool = False
    user: Any = None  # who calls, as the server that is played knows people
    quirks: Quirks = field(default_factory=Quirks)

    @property
    def with_oauth(self) -> bool:
        """Whether it carries a bearer token."""
        return self.headers.get("authorization", "").lower().startswith("bearer ")

    @classmethod
    def from_scope(cls, scope: Mapping[str, Any], origin: str, body: bytes) -> Request:
        """Read an ASGI scope."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], unquote(scope["raw_path"].decode("latin-1")), query, headers, body, origin)

    def get(self, name: str, default: str = "") -> str:
        """The last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    def number(self, name: str, default: int) -> int:
        """A query parameter as a number (its route has checked it)."""
        return int(self.get(name) or default)

    def many(self, name: str) -> list[str]:
        """All values of a query parameter, repeated or separated by commas."""
        return [part for key, value in self.query if key == name for part in value.split(",") if part]


@dataclass(slots=True)
class Answer:
    """What goes back; `pause` seconds before each piece of the body, `cut` off after so many bytes."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    cut: int | None = None


def json_answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """An answer of JSON. `data` may hold `orjson.Fragment`s."""
    return Answer(status, orjson.dumps(data), headers=headers or {})


class ApiError(Exception):
    """An answer that is an error, to be shaped as the API that serves it shapes errors."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ContractError(ApiError):
    """A request that no correct client sends: refused and recorded as a violation."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(status, message)


@dataclass(frozen=True, slots=True)
class Route:
    """A path of an API, the parameters documented for it, and what answers it."""

    pattern: re.Pattern[str]
    parameters: Mapping[str, Check]
    handler: Callable[..., Answer]
    method: str = "GET"


def route(pattern: str, handler: Callable[..., Answer], /, **parameters: Check) -> Route:
    """A route; `{name}` in the pattern is handed to the handler, `-` in a parameter's name is written `_`."""
    expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern)
    return Route(re.compile(expression), {name.replace("_", "-"): check for name, check in parameters.items()}, handler)


def post(path: str, handler: Callable[..., Answer]) -> Route:
    """A route for questions that are too long for an address: asked by POST, with a body of JSON."""
    return Route(re.compile(re.escape(path)), {}, handler, "POST")


def find_route(routes: list[Route], request: Request) -> tuple[Route, dict[str, str]]:
    """The route of a request and the variable parts of its path.

    Raises:
        ContractError: no such path in this API, a method that this server does not take, parameters or an `Accept`
            header that the API does not document.
    """
    for candidate in routes:
        match = candidate.pattern.fullmatch(request.path)
        if match:
            if request.method != candidate.method:
                raise ContractError(f"{request.method} is not allowed here", 405)
            _check_parameters(candidate, request)
            _check_accept(request)
            return candidate, match.groupdict()
    raise ContractError(f"no such path in this API: {request.path}", 404)


def _check_parameters(candidate: Route, request: Request) -> None:
    for name, value in request.query:
        check = candidate.parameters.get(name)
        if check is None:
            raise ContractError(f"unknown query parameter {name!r}")
        try:
            check(value)
        except ValueError as error:
            raise ContractError(f"query parameter {name}={value!r}: {error}") from error


def _check_accept(request: Request) -> None:
    accept = request.headers.get("accept", "*/*")
    if not any(kind in accept for kind in ("application/json", "application/*", "*/*")):
        raise ContractError(f"Accept: {accept} leaves out application/json", 406)


# --- checks of parameters ----------------------------------------------------------------------------------------


def text(value: str) -> str:
    """Anything but nothing."""
    if not value:
        raise ValueError("must not be empty")
    return value


def integer(minimum: int = 0, maximum: int | None = None) -> Check:
    """A whole number within bounds."""

    def check(value: str) -> int:
        number = int(value)
        if number < minimum or (maximum is not None and number > maximum):
            raise ValueError(f"must be between {minimum} and {maximum if maximum is not None else 'any number'}")
        return number

    return check


def choice(*choices: str) -> Check:
    """One of some words, or several separated by commas."""

    def check(value: str) -> str:
        for part in value.split(","):
            if part not in choices:
                raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return check


def numbers(value: str) -> str:
    """Numeric ids separated by commas."""
    if not all(part.isdigit() for part in value.split(",")):
        raise ValueError("must be numeric ids")
    return value


def boolean(value: str) -> str:
    """true or false."""
    return str(choice("true", "false")(value))
