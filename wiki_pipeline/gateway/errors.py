"""Every error as people and programs get it: `{"error": {"code", "message", "details"?}}`, or a page where pages are.

Codes stay. Messages are for people. Nothing of the program's inside (stack traces, addresses of databases) gets out.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from wiki_pipeline import errors
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.views import Entry, ErrorView

log = logging.getLogger(__name__)

_PROGRAMS = (
    "/v1/",
    "/api/",
    "/mcp",
    "/feeds/",
    "/llms",
    "/opensearch.xml",
    "/search/suggest",
    "/webhook/",
    "/livez",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/.well-known/",
)
_PEOPLE = (
    "/wiki",
    "/search",
    "/ask",
    "/research",
    "/docs",
    "/login",
    "/password",
    "/invitation",
    "/account",
    "/settings",
)
_STATUS: dict[type[errors.WikiPipelineError], HTTPStatus] = {
    errors.SearchError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PayloadError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.SignatureError: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowedError: HTTPStatus.FORBIDDEN,
    errors.LoginError: HTTPStatus.UNAUTHORIZED,
    errors.NotThereError: HTTPStatus.NOT_FOUND,
    errors.ThrottledError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.SourceError: HTTPStatus.BAD_GATEWAY,
    errors.SourceNotFoundError: HTTPStatus.NOT_FOUND,
    errors.JobNotFoundError: HTTPStatus.NOT_FOUND,
    errors.PageNotFoundError: HTTPStatus.NOT_FOUND,
    errors.CursorExpiredError: HTTPStatus.GONE,
    errors.AnswerNotFoundError: HTTPStatus.NOT_FOUND,
    errors.ResearchNotFoundError: HTTPStatus.NOT_FOUND,
    errors.BusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ModelError: HTTPStatus.BAD_GATEWAY,
    errors.BudgetError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.QuotaError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CatalogError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EmbeddingError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_TITLES = {
    HTTPStatus.NOT_FOUND: "There is no such page",
    HTTPStatus.UNPROCESSABLE_ENTITY: "That can't be understood",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not available at the moment",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here",
}
_CODES = {HTTPStatus.UNPROCESSABLE_ENTITY: "bad_request"}


class ErrorDetail(BaseModel):
    """What is wrong with one part of a request."""

    place: str = Field(description="Where: `query.k`, `body.url`.", examples=["query.k"])
    message: str = Field(description="What is wrong with it.", examples=["Input should be less than or equal to 100"])


class ErrorFacts(BaseModel):
    """An error, for programs and for people."""

    code: str = Field(description="Stays the same between versions.", examples=["bad_request"])
    message: str = Field(description="For people.", examples=["The request can't be understood."])
    details: list[ErrorDetail] | None = Field(None, description="Part by part, where there are several.")


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorFacts


ANSWERS: Mapping[int | str, dict[str, Any]] = {
    422: {"model": ErrorAnswer, "description": "The request can't be understood."},
    500: {"model": ErrorAnswer, "description": "Something went wrong here."},
}
"""What every operation for programs may answer."""

UNREADABLE: Mapping[int | str, dict[str, Any]] = {
    400: {"model": ErrorAnswer, "description": "The body is not in the encoding that it should be in."},
}
"""What every operation with a body may answer beside them."""

PAGES: Mapping[int | str, dict[str, Any]] = {
    422: {"content": {"text/html": {}}, "description": "The request can't be understood."},
    500: {"content": {"text/html": {}}, "description": "Something went wrong here."},
    503: {"content": {"text/html": {}}, "description": "Catalog, tables or embedding model out of reach."},
}
"""The same for people: pages."""


class PageNotFound(Exception):  # noqa: N818 - an answer rather than an error of the program
    """There is no such page; carries what the reader may have meant."""

    def __init__(self, query: str = "", suggestions: Sequence[Entry] = ()) -> None:
        super().__init__("There is no such page.")
        self.query = query
        self.suggestions = suggestions


def install(app: FastAPI) -> None:
    """Answer every exception of the application and of the framework in the one shape."""
    app.add_exception_handler(errors.WikiPipelineError, _ours)
    app.add_exception_handler(PageNotFound, _no_page)
    app.add_exception_handler(HTTPException, _framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as it is answered."""

    status: int
    code: str
    message: str
    details: tuple[ErrorDetail, ...] = ()
    headers: Mapping[str, str] | None = None


def answer(problem: Problem, path: str, accept: str = "") -> Response:
    """An error as the asker reads it: a page for people at the wiki's addresses, JSON for everyone else."""
    headers = dict(problem.headers or {})
    if _for_people(path, accept):
        view = ErrorView(status=problem.status, title=_title(problem.status), message=problem.message)
        return HTMLResponse(site.html(view), problem.status, headers)
    facts = ErrorFacts(code=problem.code, message=problem.message, details=list(problem.details) or None)
    return JSONResponse(ErrorAnswer(error=facts).model_dump(exclude_none=True), problem.status, headers)


def _for_people(path: str, accept: str) -> bool:
    if path.startswith(_PROGRAMS):
        return False
    return path == "/" or path.startswith(_PEOPLE) or "text/html" in accept


def _title(status: int) -> str:
    return _TITLES.get(HTTPStatus(status), HTTPStatus(status).phrase)


def status_of(error: errors.WikiPipelineError) -> HTTPStatus:
    """The HTTP status of an error: the asker's mistake, something out of reach, or a defect."""
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)


def _answered(request: Request, problem: Problem) -> Response:
    return answer(problem, request.url.path, request.headers.get("accept", ""))


def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.WikiPipelineError)  # noqa: S101 - as registered
    return answer_for(request, error)


def answer_for(request: Request, error: errors.WikiPipelineError) -> Response:
    """The answer for an error of the program."""
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.url.path, error)
    return _answered(request, Problem(status, error.code, str(error), headers=headers_of(error)))


def headers_of(error: errors.WikiPipelineError) -> dict[str, str]:
    """What an error says in headers: when to ask again."""
    seconds = error.seconds if isinstance(error, errors.QuotaError | errors.ThrottledError) else None
    return {} if seconds is None else {"retry-after": str(max(1, math.ceil(seconds)))}


def _no_page(_request: Request, error: Exception) -> Response:
    assert isinstance(error, PageNotFound)  # noqa: S101 - as registered
    view = ErrorView(
        status=HTTPStatus.NOT_FOUND,
        title=_TITLES[HTTPStatus.NOT_FOUND],
        message="It may have been deleted or moved upstream, or not been synced yet.",
        query=error.query,
        suggestions=error.suggestions,
    )
    return HTMLResponse(site.html(view), HTTPStatus.NOT_FOUND)


def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as registered
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, status.phrase.lower().replace(" ", "_").replace("'", ""))
    message = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"This address does not take {request.method}.",
    }.get(status, f"{status.phrase}.")
    return _answered(request, Problem(status, code, message, headers=error.headers))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered
    details = tuple(
        ErrorDetail(place=".".join(str(part) for part in item["loc"]), message=str(item["msg"]))
        for item in error.errors()
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _answered(request, Problem(status, "bad_request", "The request can't be understood.", details))


def _unexpected(request: Request, _error: Exception) -> Response:
    # The server logs the exception itself, once this answer is sent.
    return _answered(request, Problem(500, "internal_error", "Something went wrong. The gateway's log says what."))
