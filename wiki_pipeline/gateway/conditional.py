"""Answers that browsers keep and ask about again: ETag and 304."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from wiki_pipeline.access import Principal
from wiki_pipeline.gateway.security import PRINCIPAL
from wiki_pipeline.model import digest
from wiki_pipeline.wiki import site

_REVALIDATE = "private, no-cache"


def _whose(request: Request) -> tuple[object, ...]:
    who = request.scope.get("state", {}).get(PRINCIPAL)
    if not isinstance(who, Principal):
        return ()
    return who.tenant, sorted(map(str, who.scope.sources)) if who.scope.sources is not None else None


def page(request: Request, state: tuple[object, ...], make: Callable[[], str]) -> Response:
    """The page that `make` gives, unless the reader has it: `state` is everything that it depends on beside
    whom it is made for."""
    return unless_known(request, (site.version(), repr(site.reader()), *state), lambda: HTMLResponse(make()))


def unless_known(request: Request, state: tuple[object, ...], make: Callable[[], Response]) -> Response:
    """What `make` gives, with an ETag made of `state`; 304 without making it if the asker has it.

    What a browser keeps is known again only for who may read the same: another tenant's page of the same name, or what
    more rights showed, is another page.
    """
    tag = f'"{digest(*_whose(request), *state)}"'
    headers = {"etag": tag, "cache-control": _REVALIDATE}
    known = {given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    response = make()
    response.headers.update(headers)
    return response
