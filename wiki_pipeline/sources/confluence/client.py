"""HTTP to one Confluence site: bounded, patient, and never to another host.

Requests name a path below the configured root. Links in answers are taken apart for their parameters and never
followed as they are, so a wrong host, a doubled context path or a lost gateway prefix in them can do no harm.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from wiki_pipeline import __version__
from wiki_pipeline.errors import ConfigurationError, SourceUnreachableError, WikiPipelineError
from wiki_pipeline.sources.confluence.answers import (
    Answer,
    Json,
    TooLargeError,
    explain,
    explain_transport,
    is_certificate_problem,
    read_json,
    retry_after,
)
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings

Params = Mapping[str, str | int]
Sleep = Callable[[float], Awaitable[object]]

_FIRST_WAIT = 1.0
_log = logging.getLogger(__name__)


class ConfluenceClient:
    """Requests to one site with one set of credentials, at most `max_concurrency` under way at once.

    Args:
        settings: with an address.
        source: names the source in errors.
        sleep: waits between tries; tests hand in their own.
    """

    def __init__(self, settings: ConfluenceSettings, source: str, sleep: Sleep = asyncio.sleep) -> None:
        self._settings = settings
        self._source = source
        self._sleep = sleep
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._http = httpx.AsyncClient(
            headers={
                "Accept": "application/json",
                "User-Agent": f"wiki-pipeline/{__version__}",
                # Without it Confluence takes a POST for a forged form.
                "X-Atlassian-Token": "no-check",
                **_authorization(settings),
            },
            http2=settings.http2,
            verify=_verification(settings),
            follow_redirects=False,
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout, pool=None),
            limits=httpx.Limits(max_connections=settings.max_concurrency),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, params: Params | None = None) -> Json:
        """The object at `path` below the site's root; `Link: rel="next"` is added to it as `_links.next` if missing.

        Raises:
            SourceUnreachableError: no usable answer after all tries.
            AccessDeniedError, SourceNotFoundError, RefusedError, TooLargeError: the answer says so.
        """
        request = self._http.build_request("GET", self._settings.url + path, params=params)
        answer = await self._send(request, path)
        data = read_json(answer, self._what(path))
        if "link" in answer.headers and answer.next_link:
            data.setdefault("_links", {}).setdefault("next", answer.next_link)
        return data

    async def post(self, path: str, body: Any) -> Json:
        """The object that Confluence answers to a question too long for an address. Raises as `get`."""
        headers = {"Content-Type": "application/json"}
        request = self._http.build_request(
            "POST", self._settings.url + path, content=orjson.dumps(body), headers=headers
        )
        return read_json(await self._send(request, path), self._what(path))

    def _what(self, path: str) -> str:
        return f"{self._source}: {self._settings.url}{path}"

    async def _send(self, request: httpx.Request, path: str) -> Answer:
        # The slot is kept while waiting: a site that asks for patience gets fewer requests, not the same number.
        async with self._slots:
            tries = self._settings.tries
            for attempt in range(1, tries + 1):
                asked: float | None = None
                error: WikiPipelineError
                try:
                    async with asyncio.timeout(self._settings.request_timeout):
                        answer = await self._once(request, path)
                except (httpx.TransportError, TimeoutError) as failure:
                    error = explain_transport(failure, self._what(path))
                    if is_certificate_problem(failure):
                        raise error from None
                else:
                    if not answer.may_pass:
                        return answer
                    asked = retry_after(answer.headers)
                    error = explain(answer, self._what(path))
                if attempt < tries:
                    wait = seconds_to_wait(attempt, asked, self._settings.max_wait)
                    _log.warning("%s Waiting %.1f s; this was try %d of %d.", error.message, wait, attempt, tries)
                    await self._sleep(wait)
            raise error if isinstance(error, SourceUnreachableError) else SourceUnreachableError(error.message)

    async def _once(self, request: httpx.Request, path: str) -> Answer:
        limit = self._settings.max_response_bytes
        response = await self._http.send(request, stream=True)
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > limit:
                    raise TooLargeError(
                        f"{self._what(path)}: the answer is larger than {limit:,} bytes.",
                        "Raise WIKI_PIPELINE_CONFLUENCE_MAX_RESPONSE_BYTES if it must be read.",
                    )
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()


def seconds_to_wait(attempt: int, asked: float | None, bound: float) -> float:
    """Seconds until the next try: what the server asks, or a random share of 1, 2, 4, ... s; never over `bound`."""
    if asked:
        return min(asked, bound)
    return random.uniform(0, min(_FIRST_WAIT * 2 ** (attempt - 1), bound))  # noqa: S311 - spreads load, no secret


def _authorization(settings: ConfluenceSettings) -> dict[str, str]:
    token = settings.token.get_secret_value().strip()
    if settings.username:
        pair = f"{settings.username.strip()}:{token}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    if any(not 33 <= ord(character) <= 126 for character in token):
        raise ConfigurationError("CONFLUENCE_TOKEN holds white space or characters outside ASCII.", "Copy it again.")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _verification(settings: ConfluenceSettings) -> bool | ssl.SSLContext:
    ssl_verify = settings.ssl_verify
    if ssl_verify in {"true", "false"}:
        # Without TLS there is nothing to verify, and reading all the certificates of the world takes 70 ms.
        return ssl_verify == "true" and settings.url.lower().startswith("https:")
    path = Path(ssl_verify)
    try:
        if path.is_dir():
            return ssl.create_default_context(capath=ssl_verify)
        return ssl.create_default_context(cafile=ssl_verify)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"CONFLUENCE_SSL_VERIFY: {path} can't be read as CA certificates ({error}).") from None
