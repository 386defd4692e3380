"""Requests that Schemathesis makes of the OpenAPI page, with a token, and signed where they are webhooks."""

from __future__ import annotations

import hashlib
import hmac
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as bounds
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from wiki_pipeline_tests.security.attacks import BEGINNING, Attack
from wiki_pipeline_tests.security.gateways import gateway

TOKEN = "a-token-that-nobody-will-ever-guess"
SECRET = "a-secret-that-signs-the-webhooks"
# What must hold of every answer. That each wrong value is refused is the affair of the operations' own tests.
CHECKS: Sequence[Any] = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
_SECONDS = 60
_LONG = 150


@dataclass
class Conformance:
    """What became of the requests.

    Attributes:
        sent: how many there were.
        wrong: operation and what is wrong with an answer, once each.
    """

    sent: int = 0
    wrong: dict[str, str] = field(default_factory=dict)


def asked(url: str, examples: int, beginning: int = 0) -> Conformance:
    """Make requests of every operation of a gateway.

    Args:
        url: its root; it has `TOKEN` as its token and `SECRET` as the secret of its webhooks.
        examples: how many for each operation.
        beginning: of the random numbers.
    """
    page = requests.get(f"{url}/openapi.json", headers={"authorization": f"Bearer {TOKEN}"}, timeout=_SECONDS).json()
    found = Conformance()
    with requests.Session() as session:
        for operation in _operations(page):
            _ask(operation, url, session, found, examples, beginning)
    return found


def _operations(page: dict[str, Any]) -> Iterator[Any]:
    for result in schemathesis.openapi.from_dict(page).get_all_operations():
        assert isinstance(result, Ok), result
        yield result.ok()


def _ask(
    operation: Any, url: str, session: requests.Session, found: Conformance, examples: int, beginning: int
) -> None:
    @seed(beginning)
    @bounds(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        found.sent += 1
        request = session.prepare_request(requests.Request(**_request(case, url)))
        request.headers["authorization"] = f"Bearer {TOKEN}"
        if case.operation.path.startswith("/webhook/"):
            _sign(request)
        response = session.send(request, timeout=_SECONDS, allow_redirects=False)
        try:
            case.validate_response(response, checks=list(CHECKS))
        except (Failure, FailureGroup) as failure:
            said = "; ".join(str(each) for each in getattr(failure, "exceptions", [failure]))
            found.wrong.setdefault(
                f"{operation.label} {response.status_code}", f"{said}\n{request.url}\n{request.body!r}"
            )

    ask()


def _request(case: Any, url: str) -> dict[str, Any]:
    taken = {"method", "url", "headers", "params", "data", "json", "files", "cookies"}
    return {name: value for name, value in case.as_transport_kwargs(base_url=url).items() if name in taken}


def _sign(request: requests.PreparedRequest) -> None:
    body = request.body or b""
    assert isinstance(body, str | bytes)
    digest = hmac.new(SECRET.encode(), body.encode() if isinstance(body, str) else body, hashlib.sha256).hexdigest()
    signed = {"x-hub-signature-256": f"sha256={digest}", "x-hub-signature": f"sha256={digest}"}
    request.headers.update({**signed, "x-confluence-signature": digest, "x-gitlab-token": SECRET})


def main() -> list[Attack]:
    """Many more requests, of other random numbers each time."""
    secrets = {"CONFLUENCE_WEBHOOK_SECRET": SECRET, "WIKI_PIPELINE_GIT_WEBHOOK_SECRET": SECRET}
    with tempfile.TemporaryDirectory() as home, gateway(Path(home), secrets, API_TOKENS=TOKEN) as served:
        found = asked(served.url, _LONG, BEGINNING)
    for where, what in found.wrong.items():
        print(f"{where}: {what}", file=sys.stderr)
    wrong = len(found.wrong)
    return [Attack("requests made of the OpenAPI page", found.sent, found.sent - wrong, wrong)]
