"""Serving the application with uvicorn, within bounds."""

from __future__ import annotations

import os
import resource
import socket
from functools import partial

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from wiki_pipeline import logs, tracing
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.access import check_binding
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.draining import DrainingServer
from wiki_pipeline.gateway.protocol import BoundedProtocol
from wiki_pipeline.gateway.services import opened_by
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.gateway.visitors import Bounds, Visitors

_BACKLOG = 2_048
_OTHER_FILES = 1_000  # tables, databases, pages
_KEEP_ALIVE_SECONDS = 15
_SHUTDOWN_SECONDS = 10


def server(settings: GatewaySettings) -> DrainingServer:
    """The gateway's server, ready to `run`; its own process or a thread may do so.

    Raises:
        ConfigurationError: as `create_app`.
    """
    _allow_files(settings.connections + _OTHER_FILES)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        http=partial(BoundedProtocol, visitors=Visitors(_bounds(settings))),  # type: ignore[arg-type]
        ws="none",
        log_level="warning",
        log_config=None if settings.log_format == "json" else LOGGING_CONFIG,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing depends on who asks: what such headers say may be made up
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    return DrainingServer(config, opened_by(app).draining, settings.drain_seconds)


def listen(settings: GatewaySettings) -> socket.socket:
    """The socket to serve on, taken before anything else is opened: a start that can't succeed ends at once.

    Raises:
        ConfigurationError: others could reach it, there is no such address here, or the port is in use.
    """
    host, port = settings.gateway_host, settings.gateway_port
    check_binding(settings)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise ConfigurationError(
            f"The gateway can't listen on port {port} of {host}: {reason}.",
            "Stop what uses it, or set WIKI_PIPELINE_GATEWAY_PORT to another one.",
        ) from None


def serve(settings: GatewaySettings, listening: socket.socket) -> None:
    """Serve on a socket that listens, until the process is stopped.

    Raises:
        ConfigurationError: as `create_app`.
    """
    logs.configure(settings.log_format)
    tracing.configure("wiki-pipeline-gateway")
    server(settings).run([listening])


def _bounds(settings: GatewaySettings) -> Bounds:
    return Bounds(
        connections=settings.connections,
        per_address=settings.connections_per_address,
        header_seconds=settings.header_seconds,
        body_seconds=settings.body_seconds,
        answer_seconds=settings.answer_seconds,
        body_bytes=settings.max_body_bytes,
    )


def _allow_files(number: int) -> None:
    """Have the system let this process open so many files, as far as it may: often 1,024 is where it begins."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    desired = number if most == resource.RLIM_INFINITY else min(number, most)
    if now != resource.RLIM_INFINITY and now < desired:
        resource.setrlimit(resource.RLIMIT_NOFILE, (desired, most))
