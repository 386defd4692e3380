"""Serving the application with uvicorn, within bounds."""

from __future__ import annotations

import os
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.access import check_binding
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.settings import GatewaySettings

_CONNECTIONS = 1_000
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 10
# A little more than the security middleware takes, so that it answers.
_MOST_HEADER_BYTES = 32_768


class BoundedProtocol(HttpToolsProtocol):
    """A connection with a bound on headers that never end, which neither httptools nor uvicorn has.

    What comes after the headers is bounded by the security middleware.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_headers = True
        self._header_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > _MOST_HEADER_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers do not end.")

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers = True
        self._header_bytes = 0


def server(settings: GatewaySettings) -> uvicorn.Server:
    """The gateway's server, ready to `run`; its own process or a thread may do so.

    Raises:
        ConfigurationError: as `create_app`.
    """
    config = uvicorn.Config(
        create_app(settings),
        host=settings.gateway_host,
        port=settings.gateway_port,
        http=BoundedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing depends on who asks: what such headers say may be made up
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return uvicorn.Server(config)


def listen(settings: GatewaySettings) -> socket.socket:
    """The socket to serve on, taken before anything else is opened: a start that can't succeed ends at once.

    Raises:
        ConfigurationError: others could reach it, there is no such address here, or the port is in use.
    """
    host, port = settings.gateway_host, settings.gateway_port
    check_binding(settings)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_CONNECTIONS)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ConfigurationError(
            f"The gateway can't listen on port {port} of {host}: {reason}.",
            "Stop what uses it, or set WIKI_PIPELINE_GATEWAY_PORT to another one.",
        ) from None


def serve(settings: GatewaySettings, listening: socket.socket) -> None:
    """Serve on a socket that listens, until the process is told to stop.

    Raises:
        ConfigurationError: as `create_app`.
    """
    server(settings).run([listening])
