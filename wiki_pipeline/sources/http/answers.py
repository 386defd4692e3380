"""What answers mean: JSON that can be read, or an error that says what to do, in the words of what answers."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from wiki_pipeline.errors import (
    AccessDeniedError,
    SourceError,
    SourceNotFoundError,
    SourceUnreachableError,
    WikiPipelineError,
)

Json = dict[str, Any]


class ForbiddenError(AccessDeniedError):
    """403: the credentials are right, but may not see this."""


class RefusedError(SourceError):
    """The site answered a request with an error of its own (500, 400, ...) that waiting doesn't mend."""


class NotTheApiError(SourceUnreachableError):
    """Something answers at the address, but it is not the API: a login page, a proxy, a wrong context path."""


class TooLargeError(SourceError):
    """An answer is larger than the setting allows; it was not read to its end."""


@dataclass(frozen=True, slots=True)
class Product:
    """What answers, in the words of errors.

    Attributes:
        name: for people, as "Confluence".
        variable: what the names of its settings begin with, as `CONFLUENCE`.
        visible: what an account needs the right to view, as "space".
        contexts: context paths that an address may lack.
        gone: what to do about a 410.
    """

    name: str
    variable: str
    visible: str
    contexts: str
    gone: str

    def meaning(self, status: int) -> tuple[type[WikiPipelineError], str, str]:
        """The error for a status, what it means, and what to do about it."""
        name, variable = self.name, self.variable
        overloaded = (
            f"{name} is overloaded or limits its callers. Sync again later, or lower {variable}_MAX_CONCURRENCY."
        )
        match status:
            case 401:
                return (
                    AccessDeniedError,
                    f"{name} refused the credentials",
                    (
                        f"Check {variable}_USERNAME and {variable}_TOKEN: on Cloud the account's e-mail address and an "
                        "API token, on Data Center a personal access token and no user name."
                    ),
                )
            case 403:
                return (
                    ForbiddenError,
                    "the credentials may not read this",
                    f"Give their account the right to view the {self.visible}, or the token the scopes for reading it.",
                )
            case 404:
                return (
                    SourceNotFoundError,
                    "not found, or the credentials may not see it",
                    f"{name} gives the same answer for both. Check {variable}_URL and the account's rights.",
                )
            case 410:
                return RefusedError, "this API is gone for this kind of token", self.gone
            case 429 | 502 | 503 | 504:
                return SourceUnreachableError, _PASSING[status], overloaded
            case _:
                return RefusedError, f"{name} failed", f"See {name}'s own log."


_PASSING = {
    429: "too many requests, after all tries",
    502: "no answer behind the gateway, after all tries",
    503: "not available, after all tries",
    504: "no answer in time, after all tries",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def may_pass(self) -> bool:
        """Whether the same request is likely to succeed a little later.

        Data Center may answer 403 when it throttles; its rate-limit headers, which it sends with every answer, tell
        such a 403 from a refusal.
        """
        if self.status == 403:
            return self.headers.get("x-ratelimit-remaining") == "0" or (retry_after(self.headers) or 0) > 0
        return self.status in _PASSING

    @property
    def next_link(self) -> str:
        """The `Link: <...>; rel="next"` header's address, as v2 sends it; empty if there is none."""
        return str(httpx.Response(200, headers=self.headers).links.get("next", {}).get("url", ""))


def retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the server asks to wait, given as a number of seconds or as an HTTP date; not bounded.

    Returns:
        None if it doesn't say, or neither form can be read. 0 for a date that has passed.
    """
    text = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", text, re.ASCII):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000"; an HTTP date is always in GMT
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def read_json(answer: Answer, what: str, product: Product) -> Json:
    """The object in an answer; `what` names site and path in errors.

    Raises:
        WikiPipelineError: the answer is an error, a redirect, or something else than the API gives.
    """
    data = read_any_json(answer, what, product)
    if not isinstance(data, dict):
        raise _not_the_api(answer, what, product)
    return data


def read_any_json(answer: Answer, what: str, product: Product) -> Json | list[Any]:
    """As `read_json`, where the answer may also be a list."""
    if answer.status != 200:
        raise explain(answer, what, product)
    try:
        data = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        data = _mended_json(answer.body)
    if not isinstance(data, dict | list):
        raise _not_the_api(answer, what, product)
    return data


def _mended_json(body: bytes) -> object:
    """JSON that is not quite right: halves of surrogate pairs (titles cut within an emoji), broken UTF-8.

    Returns:
        The value with what can't be read replaced by U+FFFD; None if it is not JSON at all.
    """
    try:
        return _without_surrogates(json.loads(body.decode("utf-8", "replace")))
    except (json.JSONDecodeError, RecursionError):
        return None


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _without_surrogates(item) for key, item in value.items()}
    return value


def explain(answer: Answer, what: str, product: Product) -> WikiPipelineError:
    """An answer that is no success, as an error for people."""
    status = answer.status
    if 300 <= status < 400:
        return NotTheApiError(
            f"{what}: the site redirects to {_host_of(answer.headers.get('location', ''))} ({status}).",
            f"Set {product.variable}_URL to the address that it redirects to; if that is a login page, the credentials "
            "were not taken.",
        )
    if status == 404 and _is_web_page(answer):
        return _not_the_api(answer, what, product)
    kind, meaning, advice = product.meaning(status)
    return kind(f"{what}: {meaning} ({status}{_said(answer)}).", advice)


def explain_transport(error: Exception, what: str, product: Product) -> SourceUnreachableError:
    """A request without an answer, as an error for people."""
    if is_certificate_problem(error):
        return SourceUnreachableError(
            f"{what}: the site's certificate is not trusted ({_certificate_problem(error)}).",
            f"Set {product.variable}_SSL_VERIFY to the file of your company's CA certificates.",
        )
    reason = "no answer in time" if isinstance(error, TimeoutError | httpx.TimeoutException) else str(error)
    return SourceUnreachableError(
        f"{what}: {reason or type(error).__name__}.",
        f"Check {product.variable}_URL, the network and the proxy settings.",
    )


def is_certificate_problem(error: BaseException) -> bool:
    """Whether a connection failed because the server's certificate was not accepted: waiting doesn't mend that."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _certificate_problem(error: BaseException) -> str:
    found = next(cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError))
    return found.verify_message or found.reason or "unknown reason"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _not_the_api(answer: Answer, what: str, product: Product) -> NotTheApiError:
    page = "a web page" if _is_web_page(answer) else "something else than JSON"
    return NotTheApiError(
        f"{what}: the answer ({answer.status}) is {page}, not {product.name}'s API.",
        f"A login page (SSO) or a proxy may stand in between, or {product.variable}_URL lacks its context path "
        f"({product.contexts}).",
    )


def _is_web_page(answer: Answer) -> bool:
    return answer.body.lstrip()[:1] == b"<"


def _said(answer: Answer) -> str:
    """The message in an error answer, one short line: `message`, a list of `errors`, or of `errorMessages`."""
    try:
        data = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return ""
    message: Any = data.get("message") if isinstance(data, dict) else None
    errors = data.get("errors") if isinstance(data, dict) else None
    if not message and isinstance(errors, list) and errors and isinstance(errors[0], dict):
        message = errors[0].get("detail") or errors[0].get("title")
    several = data.get("errorMessages") if isinstance(data, dict) else None
    if not message and isinstance(several, list):
        message = " ".join(str(each) for each in several)
    text = " ".join(str(message or "").split())
    return f": {text[:200]}" if text else ""


def _host_of(location: str) -> str:
    try:
        return httpx.URL(location).host or "another page of its own"
    except httpx.InvalidURL:
        return "an address that can't be read"
