"""Questions to identity providers: by HTTPS, with an end, and nothing is followed or read without bound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from wiki_pipeline.errors import LoginError

_SECONDS = 10.0
_MOST_BYTES = 1_000_000


async def answered(
    name: str, method: str, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
) -> Any:
    """The JSON that a provider answers.

    Args:
        name: of the provider, for messages.

    Raises:
        LoginError: it does not answer in time, or not with JSON, or with an error; never holds what was sent.
    """
    asked = {"accept": "application/json", **(headers or {})}
    try:
        async with (
            httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client,
            client.stream(method, url, headers=asked, data=form) as response,
        ):
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise LoginError(f"{name} answers with more than {_MOST_BYTES} bytes.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise LoginError(
            f"{name} can't be asked: {type(error).__name__}.", "Try again in a minute; an admin can log in by password."
        ) from None
    said = _json(body)
    if response.status_code >= httpx.codes.BAD_REQUEST or (isinstance(said, dict) and "error" in said):
        reason = said.get("error") if isinstance(said, dict) else None
        word = reason if isinstance(reason, str) and reason.isprintable() and len(reason) < 60 else ""
        raise LoginError(f"{name} answers {response.status_code}{f' ({word})' if word else ''}.", "Log in again.")
    if said is None or response.status_code != httpx.codes.OK:
        raise LoginError(f"{name} does not answer as an identity provider does ({response.status_code}).")
    return said


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
