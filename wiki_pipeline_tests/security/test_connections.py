"""What one connection, or thousands of them, can cost the gateway: by raw sockets, against a process of its own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from wiki_pipeline.wiki import site
from wiki_pipeline_tests.security.crowd import KINDS, asked_in_a_crowd
from wiki_pipeline_tests.security.gateways import Gateway, answered, gateway, status

SECRET = "a-secret-of-the-webhook"
PUSH = json.dumps({"ref": "refs/heads/main", "repository": {"clone_url": "https://github.com/acme/rocket"}}).encode()
SIGNATURE = "sha256=" + hmac.new(SECRET.encode(), PUSH, hashlib.sha256).hexdigest()
CHUNKED = (
    b"POST /webhook/git-push HTTP/1.1\r\nHost: localhost\r\nX-GitHub-Event: push\r\nTransfer-Encoding: chunked\r\n"
)
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with its usual bounds."""
    with gateway(tmp_path_factory.mktemp("home"), GIT_WEBHOOK_SECRET=SECRET) as served:
        yield served


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway that waits a second for everything."""
    home = tmp_path_factory.mktemp("home")
    with gateway(home, GATEWAY_HEADER_SECONDS=1, GATEWAY_BODY_SECONDS=1, GATEWAY_ANSWER_SECONDS=1) as served:
        yield served


def chunk(body: bytes, extension: bytes = b"") -> bytes:
    """A chunk of a body."""
    return b"%x%s\r\n%s\r\n" % (len(body), extension, body)


def sent_until_closed(served: Gateway, start: bytes, endless: bytes, most: int) -> tuple[int, int]:
    """Bytes that were taken of an endless request before its connection was closed, and its status; 0 for none."""
    with served.connect() as connection:
        connection.sendall(start)
        taken = 0
        try:
            while taken < most:
                connection.sendall(endless)
                taken += len(endless)
        except OSError:  # closed
            pass
        return taken, status(connection)


def test_trailers_are_no_headers(served: Gateway) -> None:
    def sent(headers: bytes, trailers: bytes) -> int:
        with served.connect() as connection:
            connection.sendall(CHUNKED + headers + b"\r\n" + chunk(PUSH) + b"0\r\n" + trailers + b"\r\n")
            return status(connection)

    signed = f"X-Hub-Signature-256: {SIGNATURE}\r\n".encode()
    assert sent(signed, b"") in {200, 202}
    assert sent(b"", b"") == 401
    assert sent(b"", signed) == 401
    assert sent(b"X-Hub-Signature-256: sha256=00\r\n", signed) == 401
    assert sent(signed, b"X-Hub-Signature-256: sha256=00\r\nHost: evil\r\n") in {200, 202}


@pytest.mark.parametrize(
    "endless",
    [
        b"x: y\r\n" * 20_000,
        b"x: " + b"y" * 100_000,
        b"1;" + b"z" * 100_000 + b"\r\nx\r\n",
    ],
    ids=["many trailers", "one trailer", "extensions"],
)
def test_what_stands_beside_the_body_is_bounded(served: Gateway, endless: bytes) -> None:
    before = served.memory()
    last = b"" if endless.startswith(b"1;") else b"0\r\n"
    taken, said = sent_until_closed(served, CHUNKED + b"\r\n" + chunk(b"{}") + last, endless, 300 * MEGABYTE)
    assert taken < 20 * MEGABYTE  # what the system's buffers hold is taken as well
    assert said in {0, 400}
    assert served.memory() - before < 50 * MEGABYTE


@pytest.mark.parametrize(
    ("line", "code"), [(b"x: y\r\n" * 150, 431), (b"x: " + b"y" * 17_000 + b"\r\n", 431), (b"x: y\r\n" * 50, 200)]
)
def test_headers_are_bounded_in_number_and_size(served: Gateway, line: bytes, code: int) -> None:
    with served.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + line + b"\r\n")
        assert status(connection) == code


@pytest.mark.parametrize(
    ("start", "endless"),
    [
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n", b"x: y\r\n" * 1_000),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nx: ", b"y" * 6_000),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + b"x" * 6_000, b"x" * 6_000),
        (b"GET /livez?", b"y" * 6_000),
        (b"", b"G" * 6_000),
    ],
    ids=["lines", "a value", "a name", "an address", "a method"],
)
def test_headers_without_end_are_cut_off(served: Gateway, start: bytes, endless: bytes) -> None:
    before = served.memory()
    taken, said = sent_until_closed(served, start, endless, 300 * MEGABYTE)
    assert taken < 20 * MEGABYTE
    assert said in {0, 400}
    assert served.memory() - before < 50 * MEGABYTE


def test_a_body_that_goes_on_after_its_answer_is_cut_off(served: Gateway) -> None:
    start = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    taken, said = sent_until_closed(served, start, chunk(b"x" * 100_000), 300 * MEGABYTE)
    assert taken < 20 * MEGABYTE
    assert said in {0, 200}


def test_a_body_in_single_bytes_is_taken(served: Gateway) -> None:
    with served.connect() as connection:
        signed = f"X-Hub-Signature-256: {SIGNATURE}\r\n\r\n".encode()
        connection.sendall(CHUNKED + signed)
        for position in range(len(PUSH)):
            connection.sendall(chunk(PUSH[position : position + 1]))
        connection.sendall(b"0\r\n\r\n")
        assert status(connection) in {200, 202}


def test_requests_that_are_sent_ahead_are_bounded(served: Gateway) -> None:
    largest = max(site.assets().values(), key=lambda asset: len(asset.content)).address
    before = served.memory()
    taken, _ = sent_until_closed(
        served, b"", f"GET {largest} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 100, 100 * MEGABYTE
    )
    assert taken < 50 * MEGABYTE
    assert served.memory() - before < 50 * MEGABYTE


def test_a_few_requests_sent_ahead_are_answered_in_their_order(served: Gateway) -> None:
    with served.connect() as connection:
        one = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(
            one % b"livez" + one % b"nope" + one % b"livez" + b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"
        )
        statuses = re.findall(rb"HTTP/1.1 (\d+)", answered(connection))
    assert statuses == [b"200", b"404", b"200", b"200"]


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", b""),
        (b"GET /livez HTTP/1.1\r\nHost: local", b"HTTP/1.1 408"),
        (b"POST /webhook/git-push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{", b"HTTP/1.1 408"),
        (CHUNKED + b"\r\n" + chunk(b"{}"), b"HTTP/1.1 408"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /li", b"HTTP/1.1 200"),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx", b"HTTP/1.1 200"),
    ],
    ids=[
        "nothing",
        "half a header",
        "half a body",
        "half of the chunks",
        "half a second request",
        "a body nobody reads",
    ],
)
def test_who_does_not_go_on_is_cut_off(impatient: Gateway, sent: bytes, said: bytes) -> None:
    with impatient.connect() as connection:
        connection.sendall(sent)
        assert answered(connection).startswith(said)


def test_who_goes_on_by_single_bytes_is_cut_off(impatient: Gateway) -> None:
    taken, said = sent_until_closed(impatient, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nx: ", b"y", MEGABYTE)
    assert taken < MEGABYTE
    assert said in {0, 400, 408}


def test_who_reads_nothing_is_cut_off(impatient: Gateway) -> None:
    largest = max(site.assets().values(), key=lambda asset: len(asset.content)).address
    requests = f"GET {largest} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 10
    taken, _ = sent_until_closed(impatient, b"", requests, 100 * MEGABYTE)
    assert taken < 50 * MEGABYTE


def test_two_thousand_who_keep_it_waiting_keep_nobody_else_waiting(served: Gateway) -> None:
    before = served.memory()
    statuses, _, seen = asyncio.run(asked_in_a_crowd(served.port, 500, 20, "/readyz", pause=20))
    assert statuses == [200] * 20  # within 0.1 s each, which `python -m wiki_pipeline_tests.security` measures
    assert set(seen) == set(KINDS)
    assert served.memory() - before < 300 * MEGABYTE
    assert httpx.get(f"{served.url}/livez", timeout=60).status_code == 200
