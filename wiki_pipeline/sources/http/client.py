"""HTTP to one site: bounded, patient, and never to another host.

Requests name a path below the configured root. Links in answers are taken apart for their parameters and never
followed as they are, so a wrong host, a doubled context path or a lost gateway prefix in them can do no harm.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from wiki_pipeline import __version__
from wiki_pipeline.errors import ConfigurationError, SourceNotFoundError, SourceUnreachableError, WikiPipelineError
from wiki_pipeline.sources.http.answers import (
    Answer,
    Json,
    Product,
    RefusedError,
    TooLargeError,
    explain,
    explain_transport,
    is_certificate_problem,
    read_any_json,
    read_json,
    retry_after,
)
from wiki_pipeline.sources.http.settings import SiteSettings

Params = Mapping[str, str | int]
Sleep = Callable[[float], Awaitable[object]]

_FIRST_WAIT = 1.0
_MEDIA_REDIRECTS = 3
_ANY_BYTES = {"Accept": "*/*", "Accept-Encoding": "identity"}
_log = logging.getLogger(__name__)


class SiteClient:
    """Requests to one site with one set of credentials, at most `max_concurrency` under way at once.

    Args:
        settings: with an address.
        product: what is asked, in the words of errors.
        source: names the source in errors.
        sleep: waits between tries; tests hand in their own.
    """

    def __init__(self, settings: SiteSettings, product: Product, source: str, sleep: Sleep = asyncio.sleep) -> None:
        self._settings = settings
        self._product = product
        self._source = f"{source} (connection {settings.connection})" if settings.connection else source
        self._sleep = sleep
        self._slots = asyncio.Semaphore(settings.max_concurrency)
        self._http = self._http_client(
            {
                "Accept": "application/json",
                # Without it Confluence and Jira take a POST for a forged form.
                "X-Atlassian-Token": "no-check",
                **self._authorization(),
            },
        )
        # Another client, not another request: nothing of the first one's, no header and no cookie, gets elsewhere.
        self._media: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        if self._media is not None:
            await self._media.aclose()

    async def get(self, path: str, params: Params | None = None) -> Json:
        """The object at `path` below the site's root; `Link: rel="next"` is added to it as `_links.next` if missing.

        Raises:
            SourceUnreachableError: no usable answer after all tries.
            AccessDeniedError, SourceNotFoundError, RefusedError, TooLargeError: the answer says so.
        """
        request = self._http.build_request("GET", self._settings.url + path, params=params)
        with self._advising():
            answer = await self._send(self._http, request, self._what(path), self._settings.max_response_bytes)
            data = read_json(answer, self._what(path), self._product)
        if "link" in answer.headers and answer.next_link:
            data.setdefault("_links", {}).setdefault("next", answer.next_link)
        return data

    async def get_any(self, path: str, params: Params | None = None) -> Json | list[Any]:
        """As `get`, where the answer may also be a list."""
        request = self._http.build_request("GET", self._settings.url + path, params=params)
        with self._advising():
            answer = await self._send(self._http, request, self._what(path), self._settings.max_response_bytes)
            return read_any_json(answer, self._what(path), self._product)

    async def post(self, path: str, body: Any) -> Json:
        """The object that the site answers to a question too long for an address. Raises as `get`."""
        headers = {"Content-Type": "application/json"}
        request = self._http.build_request(
            "POST", self._settings.url + path, content=orjson.dumps(body), headers=headers
        )
        limit = self._settings.max_response_bytes
        with self._advising():
            answer = await self._send(self._http, request, self._what(path), limit)
            return read_json(answer, self._what(path), self._product)

    async def download(self, path: str, params: Params, most_bytes: int) -> bytes:
        """The bytes of a file at `path` below the site's root.

        Cloud answers with a redirect to its media store, which is followed without credentials, and only to the hosts
        that the settings name. Every other redirect is an error: a login page, or an address that an attacker chose.

        Raises:
            TooLargeError: more than `most_bytes`; it was not read further. Else as `get`.
        """
        what = self._what(path)
        request = self._http.build_request("GET", self._settings.url + path, params=params, headers=_ANY_BYTES)
        answer = await self._send(self._http, request, what, most_bytes)
        for _ in range(_MEDIA_REDIRECTS):
            if not 300 <= answer.status < 400:
                break
            if self._media is None:
                self._media = self._http_client({})
            request = self._media.build_request("GET", self._media_address(request, answer, what), headers=_ANY_BYTES)
            answer = await self._send(self._media, request, what, most_bytes)
        if answer.status == 404:  # as a web page too: downloads are outside the API
            raise SourceNotFoundError(f"{what}: not found, or the credentials may not see it.")
        if answer.status != 200:
            raise explain(answer, what, self._product)
        return answer.body

    def _media_address(self, request: httpx.Request, answer: Answer, what: str) -> httpx.URL:
        """Where a redirect leads, if that is a media store of the settings.

        Raises:
            RefusedError: it is not.
        """
        address = httpx.URL()
        with suppress(httpx.InvalidURL):
            address = request.url.join(answer.headers.get("location", ""))
        if address.userinfo or f"{address.scheme}://{address.netloc.decode('ascii')}" not in self._settings.media_hosts:
            raise RefusedError(
                f"{what}: the site sends the download on to {address.host or 'no address'}.",
                f"If that is where it keeps its files, add it to WIKI_PIPELINE_{self._product.variable}_MEDIA_HOSTS; "
                "if it is a login page, the credentials were not taken.",
            )
        return address

    @contextmanager
    def _advising(self) -> Iterator[None]:
        """Errors advise to look at the connection, where it is not of the settings that they name otherwise."""
        try:
            yield
        except WikiPipelineError as error:
            if self._settings.connection and f"{self._product.variable}_" in error.advice:
                error.advice = f"See `wiki-pipeline connections test {self._settings.connection}`."
            raise

    def _what(self, path: str) -> str:
        return f"{self._source}: {self._settings.url}{path}"

    async def _send(self, http: httpx.AsyncClient, request: httpx.Request, what: str, limit: int) -> Answer:
        # The slot is kept while waiting: a site that asks for patience gets fewer requests, not the same number.
        async with self._slots:
            tries = self._settings.tries
            for attempt in range(1, tries + 1):
                asked: float | None = None
                error: WikiPipelineError
                try:
                    async with asyncio.timeout(self._settings.request_timeout):
                        answer = await self._once(http, request, what, limit)
                except (httpx.TransportError, TimeoutError) as failure:
                    error = explain_transport(failure, what, self._product)
                    if is_certificate_problem(failure):
                        raise error from None
                else:
                    if not answer.may_pass:
                        return answer
                    asked = retry_after(answer.headers)
                    error = explain(answer, what, self._product)
                if attempt < tries:
                    wait = seconds_to_wait(attempt, asked, self._settings.max_wait)
                    _log.warning("%s Waiting %.1f s; this was try %d of %d.", error.message, wait, attempt, tries)
                    await self._sleep(wait)
            raise error if isinstance(error, SourceUnreachableError) else SourceUnreachableError(error.message)

    async def _once(self, http: httpx.AsyncClient, request: httpx.Request, what: str, limit: int) -> Answer:
        response = await http.send(request, stream=True)
        try:
            body = bytearray()
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > limit:
                    raise TooLargeError(
                        f"{what}: the answer is larger than {limit:,} bytes.",
                        f"Raise WIKI_PIPELINE_{self._product.variable}_MAX_RESPONSE_BYTES if it must be read.",
                    )
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()

    def _http_client(self, headers: Mapping[str, str]) -> httpx.AsyncClient:
        settings = self._settings
        return httpx.AsyncClient(
            headers={"User-Agent": f"wiki-pipeline/{__version__}", **headers},
            http2=settings.http2,
            verify=self._verification(),
            follow_redirects=False,
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout, pool=None),
            limits=httpx.Limits(max_connections=settings.max_concurrency),
        )

    def _authorization(self) -> dict[str, str]:
        settings = self._settings
        token = settings.token.get_secret_value().strip()
        if settings.username:
            pair = f"{settings.username.strip()}:{token}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
        if any(not 33 <= ord(character) <= 126 for character in token):
            which = (
                f"The secret of connection {settings.connection}"
                if settings.connection
                else f"{self._product.variable}_TOKEN"
            )
            raise ConfigurationError(f"{which} holds white space or characters outside ASCII.", "Copy it again.")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _verification(self) -> bool | ssl.SSLContext:
        settings = self._settings
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
            raise ConfigurationError(
                f"{self._product.variable}_SSL_VERIFY: {path} can't be read as CA certificates ({error})."
            ) from None


def seconds_to_wait(attempt: int, asked: float | None, bound: float) -> float:
    """Seconds until the next try: what the server asks, or a random share of 1, 2, 4, ... s; never over `bound`."""
    if asked:
        return min(asked, bound)
    return random.uniform(0, min(_FIRST_WAIT * 2 ** (attempt - 1), bound))  # noqa: S311 - spreads load, no secret
