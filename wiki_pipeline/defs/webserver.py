"""Dagster's UI behind the check that the gateway has: `python -m wiki_pipeline.defs.webserver`.

Dagster's own `dagster-webserver` has no login and asks of no request for whose page it was sent: as it is, an image
address in any web page starts runs. This is that webserver, with a guard around it. It takes the options of
`dagster-webserver` that name what to load.
"""

from __future__ import annotations

import logging
import socket
import sys
from urllib.parse import parse_qs

import click
import uvicorn
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse

from wiki_pipeline.defs.dagster_internals import webserver_app, workspace_options
from wiki_pipeline.errors import ConfigurationError, WikiPipelineError
from wiki_pipeline.serving.asgi import App, Message, Receive, Scope, Send, header_values
from wiki_pipeline.serving.origins import (
    CROSS_SITE,
    Refusal,
    host_name,
    is_cross_site,
    is_loopback,
    is_reading,
    local_names,
    refusal,
)

_GRAPHQL = "/graphql"
_QUERY_BYTES = 65_536
_MUTATION_BY_GET = Refusal(
    405,
    "mutation_by_get",
    "What changes something is sent by POST: an address that only has to be opened changes nothing.",
)
_UNKNOWN_HOST = Refusal(
    421, "unknown_host", "Dagster's UI does not answer for that host name. Start it with --allow-host to have it do so."
)
# For pages of its own origin the UI may be a frame: it shows notebooks so. For the pages of others it may not.
_ADDED = [
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"content-security-policy", b"frame-ancestors 'self'"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
]
_SHUTDOWN_SECONDS = 5
_REFUSED_WEBSOCKET = 1008


class Guard:
    """ASGI middleware around the UI: it answers this machine's programs and its own pages, and links to its pages.

    Args:
        hosts: names by which it may be asked for.
        only_loopback: refuse connections that arrive elsewhere.
        path_prefix: where the UI is, as `/dagster`; empty: at the root.
    """

    def __init__(self, app: App, hosts: frozenset[str], *, only_loopback: bool, path_prefix: str = "") -> None:
        self._app = app
        self._hosts = hosts
        self._only_loopback = only_loopback
        self._graphql = path_prefix + _GRAPHQL

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused is None:
            await self._app(scope, receive, _adding(send) if scope["type"] == "http" else send)
        elif scope["type"] == "http":
            await _answer(refused, _adding(send))
        else:
            await receive()  # the request to open it
            await send({"type": "websocket.close", "code": _REFUSED_WEBSOCKET, "reason": refused.message})

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = header_values(scope)
        refused = refusal(scope, self._hosts if self._only_loopback else None)
        if refused is not None:
            return refused
        if host_name(headers.get("host", "")) not in self._hosts:
            return _UNKNOWN_HOST
        if is_reading(scope) and is_cross_site(headers) and not _is_link(headers):
            return CROSS_SITE
        if is_reading(scope) and scope["path"].rstrip("/") == self._graphql and _changes(scope["query_string"]):
            return _MUTATION_BY_GET
        return None


def _is_link(headers: dict[str, str]) -> bool:
    """Whether a browser asks because its user followed a link to a page, rather than as part of another page."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _changes(query_string: bytes) -> bool:
    """Whether a GraphQL request in an address asks for anything else than to read, or can't be understood."""
    if len(query_string) > _QUERY_BYTES:
        return True
    queries = parse_qs(query_string.decode("latin-1"), keep_blank_values=True).get("query", [])
    return any(not _only_reads(query) for query in queries)


def _only_reads(query: str) -> bool:
    try:
        document = parse(query)
    except (GraphQLError, RecursionError):
        return False
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return all(operation.operation is OperationType.QUERY for operation in operations)


def _adding(send: Send) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", ()) if name != b"content-security-policy"}
            added = (pair for pair in _ADDED if pair[0] not in given)  # of two policies both hold
            message["headers"] = [*message.get("headers", ()), *added]
        await send(message)

    return adding


async def _answer(refused: Refusal, send: Send) -> None:
    body = f"{refused.message}\n".encode()
    length = str(len(body)).encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", length),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def guarded(app: App, host: str, allowed: tuple[str, ...] = (), path_prefix: str = "") -> Guard:
    """The UI behind its guard, for an address to listen on.

    Args:
        allowed: further host names, for a UI behind a proxy.

    Raises:
        ConfigurationError: others could reach the address, and no host name is allowed.
    """
    loopback = is_loopback(host)
    if not loopback and not allowed:
        raise ConfigurationError(
            f"Dagster's UI does not serve on {host or 'every address'}: anyone there could do everything.",
            "Leave it on 127.0.0.1, or put a proxy with a login in front and name its host by --allow-host.",
        )
    names = frozenset(name.lower() for name in allowed)
    # Behind a proxy on this machine it is asked for by the proxy's name over loopback.
    return Guard(app, local_names(host) | names, only_loopback=loopback and not names, path_prefix=path_prefix)


def serve(app: App, host: str, port: int, descriptor: int | None, log_level: str) -> None:
    """Serve until the process is stopped.

    Raises:
        ConfigurationError: there is no such address here, or the port is in use.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level=log_level,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    listening = _listen(host, port) if descriptor is None else socket.socket(fileno=descriptor)
    uvicorn.Server(config).run([listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=1_000)
    except OSError as error:
        raise ConfigurationError(
            f"Dagster's UI can't listen on port {port} of {host}: {error.strerror or error}.",
            "Stop what uses it, or choose another port: WIKI_PIPELINE_DAGSTER_PORT, or --port.",
        ) from None


@click.command(context_settings={"auto_envvar_prefix": "DAGSTER_WEBSERVER", "show_default": True})
@click.option("--host", "-h", default="127.0.0.1", help="Listen on.")
@click.option("--port", "-p", type=click.IntRange(0, 65_535), default=3000, help="Listen on.")
@click.option("--fd", "descriptor", type=int, help="Serve on this inherited socket, which listens already.")
@click.option(
    "--allow-host", "allowed", multiple=True, metavar="NAME", help="Answer for this host name too: that of a proxy."
)
@click.option("--path-prefix", "-l", default="", help="Where the UI is behind a proxy, as /dagster.")
@click.option("--read-only", is_flag=True, help="Show everything and start nothing.")
@click.option("--live-data-poll-rate", "poll_ms", type=int, default=2_000, help="Milliseconds between two looks.")
@click.option("--log-level", type=click.Choice(["critical", "error", "warning", "info", "debug"]), default="warning")
@workspace_options
def main(
    host: str,
    port: int,
    descriptor: int | None,
    allowed: tuple[str, ...],
    path_prefix: str,
    read_only: bool,
    poll_ms: int,
    log_level: str,
    **workspace: object,
) -> None:
    """Dagster's UI, for this machine's programs and its own pages only."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=log_level.upper())
    try:
        with webserver_app(workspace, path_prefix=path_prefix, read_only=read_only, poll_ms=poll_ms) as app:
            serve(guarded(app, host, allowed, path_prefix), host, port, descriptor, log_level)
    except WikiPipelineError as problem:
        click.echo(problem, err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
