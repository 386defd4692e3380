"""Requests are patient, bounded, and go to the configured site only."""

from __future__ import annotations

import asyncio
import gzip
import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import ConfluenceServer, faults
from wiki_pipeline.errors import (
    AccessDeniedError,
    ConfigurationError,
    SourceNotFoundError,
    SourceUnreachableError,
    WikiPipelineError,
)
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.answers import ForbiddenError, NotTheApiError, RefusedError, TooLargeError
from wiki_pipeline.sources.confluence.client import ConfluenceClient, seconds_to_wait
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline_tests.sources.confluence.conftest import Waits
from wiki_pipeline_tests.sources.confluence.scripted import Reply, scripted

FINE = Reply(200, {"fine": True})


def ask(url: str, waits: Waits | None = None, path: str = "/rest/api/x", **settings: Any) -> dict[str, Any]:
    """The answer to one request."""

    async def get() -> dict[str, Any]:
        loaded = load(ConfluenceSettings, url=url, **settings)
        async with ConfluenceClient(loaded, "default:confluence:ENG", waits or Waits()) as client:
            return await client.get(path)

    return asyncio.run(get())


# --- patience ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_four_times(status: int) -> None:
    waits = Waits()
    with scripted(lambda _, number: FINE if number == 4 else Reply(status, b"<html>")) as server:
        assert ask(server.url, waits) == {"fine": True}
        assert len(server.requests) == 4
    assert len(waits.seconds) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_does_not_pass_is_an_error_that_says_so(status: int) -> None:
    waits = Waits()
    with scripted(lambda *_: Reply(status, {"message": "Take\na  break"})) as server:
        with pytest.raises(SourceUnreachableError, match=f"after all tries.*{status}: Take a break") as caught:
            ask(server.url, waits)
        assert len(server.requests) == 4
    assert "default:confluence:ENG" in caught.value.message
    assert len(waits.seconds) == 3


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("60", 60.0), ("1320", 60.0), ("999999999", 60.0)])
def test_retry_after_is_honoured_up_to_the_bound(asked: str, waited: float) -> None:
    waits = Waits()
    with scripted(lambda _, number: FINE if number == 2 else Reply(429, {}, {"Retry-After": asked})) as server:
        ask(server.url, waits)
    assert waits.seconds == [waited]


@pytest.mark.parametrize(("ahead", "least", "most"), [(30, 25.0, 30.0), (86_400, 60.0, 60.0)])
def test_retry_after_as_a_date_is_honoured_up_to_the_bound(ahead: int, least: float, most: float) -> None:
    waits = Waits()
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    with scripted(lambda _, number: FINE if number == 2 else Reply(429, {}, {"Retry-After": date})) as server:
        ask(server.url, waits)
    assert len(waits.seconds) == 1
    assert least <= waits.seconds[0] <= most


@pytest.mark.parametrize(
    "asked", ["0", "soon", "-5", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Oct 2015", "nan", "inf", ""]
)
def test_a_retry_after_that_says_nothing_is_answered_with_backoff(asked: str) -> None:
    waits = Waits()
    with scripted(lambda _, number: FINE if number == 4 else Reply(503, {}, {"Retry-After": asked})) as server:
        ask(server.url, waits)
    assert len(waits.seconds) == 3
    assert all(0 <= wait <= bound for wait, bound in zip(waits.seconds, (1, 2, 4), strict=True))


@given(bound=st.floats(0, 600), attempt=st.integers(1, 20), asked=st.none() | st.floats(0, 1e9))
def test_no_wait_is_longer_than_the_bound(bound: float, attempt: int, asked: float | None) -> None:
    assert 0 <= seconds_to_wait(attempt, asked, bound) <= bound


def test_waits_differ_so_that_callers_do_not_come_back_together() -> None:
    assert len({seconds_to_wait(4, None, 60) for _ in range(20)}) > 10


def test_data_center_s_retry_after_on_every_answer_means_go_on() -> None:
    waits = Waits()
    with scripted(
        lambda *_: Reply(200, {"fine": True}, {"retry-after": "0", "X-RateLimit-Remaining": "499"})
    ) as server:
        ask(server.url, waits)
    assert waits.seconds == []


@pytest.mark.parametrize("headers", [{"Retry-After": "3"}, {"X-RateLimit-Remaining": "0", "retry-after": "0"}])
def test_a_403_of_a_throttled_data_center_is_tried_again(headers: dict[str, str]) -> None:
    waits = Waits()
    with scripted(lambda _, number: FINE if number == 2 else Reply(403, {}, headers)) as server:
        assert ask(server.url, waits) == {"fine": True}
    assert len(waits.seconds) == 1


def test_a_403_that_refuses_is_not_tried_again() -> None:
    refused = Reply(403, {}, {"retry-after": "0", "X-RateLimit-Remaining": "37"})
    with scripted(lambda *_: refused) as server:
        with pytest.raises(ForbiddenError, match="403"):
            ask(server.url)
        assert len(server.requests) == 1


@pytest.mark.parametrize("after_bytes", [None, 5])
def test_dropped_connections_are_tried_again(after_bytes: int | None) -> None:
    with ConfluenceServer("datacenter") as server:
        server.space("ENG", "Engineering")
        server.fault("*", faults.dropped(after_bytes), times=3)
        assert ask(server.url, path="/rest/api/space/ENG")["name"] == "Engineering"
        server.fault("*", faults.dropped(after_bytes), times=None)
        with pytest.raises(SourceUnreachableError):
            ask(server.url, path="/rest/api/space/ENG")


def test_a_body_that_drips_runs_into_the_time_a_try_may_take() -> None:
    with ConfluenceServer("datacenter") as server:
        server.space("ENG")
        server.fault("*", faults.slow_body(0.2), times=None)
        with pytest.raises(SourceUnreachableError, match="no answer in time"):
            ask(server.url, path="/rest/api/space/ENG", request_timeout=0.3, tries=2)
        assert len(server.requests) == 2


def test_silence_runs_into_the_read_time_out() -> None:
    with ConfluenceServer("datacenter") as server:
        server.space("ENG")
        server.fault("*", faults.late(30), times=1)
        waits = Waits()
        assert ask(server.url, waits, path="/rest/api/space/ENG", read_timeout=0.2)["key"] == "ENG"
        assert len(waits.seconds) == 1


def test_nobody_listening_is_an_error_after_all_tries() -> None:
    waits = Waits()
    with scripted(lambda *_: FINE) as server:
        pass  # the port is free again
    with pytest.raises(SourceUnreachableError, match=r"Check CONFLUENCE_URL") as caught:
        ask(server.url, waits)
    assert server.url in caught.value.message
    assert len(waits.seconds) == 3


# --- answers that say no -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Reply(401, b"<html>Tomcat</html>"), AccessDeniedError, "CONFLUENCE_TOKEN"),
        (Reply(403, {"message": "Not yours"}), AccessDeniedError, "Not yours"),
        (Reply(404, {"message": "No space"}), SourceNotFoundError, "may not see it"),
        (Reply(404, b"<html>nginx</html>"), NotTheApiError, "context path"),
        (Reply(410, {"message": "Removed"}), RefusedError, "WIKI_PIPELINE_CONFLUENCE_API"),
        (Reply(500, {"message": "NullPointerException"}), RefusedError, "NullPointerException"),
        (Reply(400, {"errors": [{"title": "Bad", "detail": "limit"}]}), RefusedError, "limit"),
        (Reply(200, b"<!DOCTYPE html><title>Log in</title>"), NotTheApiError, "login page"),
        (Reply(200, b'{"results": ['), NotTheApiError, "JSON"),
        (Reply(200, b""), NotTheApiError, "JSON"),
        (Reply(200, [1, 2]), NotTheApiError, "Confluence's API"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else None,
)
def test_answers_that_say_no_are_told_at_once_with_what_to_do(
    reply: Reply, kind: type[WikiPipelineError], words: str
) -> None:
    with scripted(lambda *_: reply) as server:
        with pytest.raises(kind) as caught:
            ask(server.url)
        assert len(server.requests) == 1
    assert words in str(caught.value)
    assert caught.value.advice


def test_a_long_message_of_the_server_is_cut() -> None:
    with scripted(lambda *_: Reply(500, {"message": "x" * 10_000})) as server, pytest.raises(RefusedError) as caught:
        ask(server.url)
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b'{"title": "cut \\ud83d"}', "cut \ufffd"),
        (b'{"title": "whole \\ud83d\\ude80"}', "whole 🚀"),
        (b'{"title": "broken \xff"}', "broken \ufffd"),
    ],
)
def test_text_that_is_no_unicode_is_mended(body: bytes, title: str) -> None:
    with scripted(lambda *_: Reply(200, body)) as server:
        answer = ask(server.url)
    assert answer["title"] == title
    answer["title"].encode()


# --- bounds ------------------------------------------------------------------------------------------------------


def test_an_answer_over_the_limit_is_not_read_to_its_end() -> None:
    with (
        scripted(lambda *_: Reply(200, b"x" * 5_000_000)) as server,
        pytest.raises(TooLargeError, match="100,000 bytes"),
    ):
        ask(server.url, max_response_bytes=100_000)


def test_an_answer_that_unpacks_beyond_the_limit_is_not_unpacked_to_its_end() -> None:
    bomb = gzip.compress(b" " * 5_000_000)
    reply = Reply(200, bomb, {"Content-Encoding": "gzip"})
    with scripted(lambda *_: reply) as server, pytest.raises(TooLargeError):
        ask(server.url, max_response_bytes=100_000)


# --- credentials and hosts ---------------------------------------------------------------------------------------


def test_redirects_are_not_followed_and_credentials_stay_with_the_site() -> None:
    with scripted(lambda *_: FINE) as other:
        moved = Reply(302, {}, {"Location": f"{other.url}/rest/api/x"})
        with scripted(lambda *_: moved) as server:
            with pytest.raises(NotTheApiError, match=r"redirects to 127\.0\.0\.1"):
                ask(server.url, username="me@example.org", token="secret-token")
            assert len(server.requests) == 1
        assert other.requests == []


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"username": "me@example.org", "token": "tok"}, "Basic bWVAZXhhbXBsZS5vcmc6dG9r"),
        ({"username": "jürgen", "token": "pass wörd"}, "Basic asO8cmdlbjpwYXNzIHfDtnJk"),
        ({"token": "tok\n"}, "Bearer tok"),
        ({}, None),
    ],
)
def test_credentials_are_sent_as_basic_with_a_user_name_and_as_bearer_without(
    settings: dict[str, Any], header: str | None
) -> None:
    with scripted(lambda *_: FINE) as server:
        ask(server.url, **settings)
    assert server.requests[0][1].get("authorization") == header


def test_a_token_that_fits_no_header_is_a_configuration_error_without_the_token() -> None:
    with pytest.raises(ConfigurationError, match="CONFLUENCE_TOKEN") as caught:
        ask("http://127.0.0.1:1", token="two words")
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize("reply", [Reply(401, {}), Reply(429, {}), Reply(500, {}), Reply(200, b"<html>"), FINE])
def test_secrets_are_in_no_error_and_no_log(reply: Reply, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    text = ""
    with scripted(lambda *_: reply) as server:
        try:
            ask(server.url, username="me@example.org", token="s3cr3t-token")
        except WikiPipelineError as error:
            text = repr(error) + str(error) + repr(error.__cause__)
    assert server.requests
    for secret in ("s3cr3t-token", "bWVAZXhhbXBsZS5vcmc6czNjcjN0LXRva2Vu"):
        assert secret not in text
        assert secret not in caplog.text
    assert "s3cr3t" not in repr(load(ConfluenceSettings, url=server.url, token="s3cr3t-token"))


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A company's own certificate authority: its certificate, and a server's certificate and key."""
    folder = tmp_path_factory.mktemp("tls")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = ca.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "server.key"))
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


def test_a_certificate_is_verified_by_default_against_a_bundle_or_not_at_all(
    authority: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    ca, certificate, key = authority
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    with ConfluenceServer("datacenter", certificate=(certificate, key)) as server:
        server.space("ENG")
        path = "/rest/api/space/ENG"
        assert ask(server.url, path=path, ssl_verify=str(ca))["key"] == "ENG"
        assert ask(server.url, path=path, ssl_verify="false")["key"] == "ENG"
        for verify in ("true", str(other)):
            waits = Waits()
            with pytest.raises(SourceUnreachableError, match="CONFLUENCE_SSL_VERIFY"):
                ask(server.url, waits, path=path, ssl_verify=verify)
            assert waits.seconds == []


def test_a_bundle_that_holds_no_certificates_is_a_configuration_error(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("nothing")
    with pytest.raises(ConfigurationError, match="CONFLUENCE_SSL_VERIFY"):
        ask("https://127.0.0.1:1", ssl_verify=str(empty))


@contextmanager
def http2_server(certificate: Path, key: Path, protocols: list[str]) -> Iterator[str]:
    """A server that offers HTTP/2 by TLS and answers each request there."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(protocols)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        try:
            while data := await reader.read(65_536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        connection.send_headers(event.stream_id, [(":status", "200")])
                        connection.send_data(event.stream_id, b'{"over": "h2"}', end_stream=True)
                writer.write(connection.data_to_send())
        except h2.exceptions.ProtocolError:
            pass  # HTTP/1.1
        finally:
            writer.transport.abort()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_http2_is_used_where_it_is_offered(authority: tuple[Path, Path, Path]) -> None:
    ca, certificate, key = authority
    with http2_server(certificate, key, ["h2", "http/1.1"]) as url:
        assert ask(url, ssl_verify=str(ca)) == {"over": "h2"}
        with pytest.raises(SourceUnreachableError):
            ask(url, ssl_verify=str(ca), http2=False, tries=1)
