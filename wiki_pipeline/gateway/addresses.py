"""The gateway's own address, for links in what other programs take away with them."""

from __future__ import annotations

import re

from starlette.requests import Request

from wiki_pipeline.gateway.settings import GatewaySettings

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def root_of(request: Request, settings: GatewaySettings) -> str:
    """Under what the asker reaches the gateway, without a slash at its end: as set, else as the request says.

    With tokens, any host may be named; it comes back to none but the asker, and only if it can be a host.
    """
    if settings.public_url:
        return settings.public_url
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else ""
