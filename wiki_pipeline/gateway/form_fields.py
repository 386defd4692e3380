"""Forms that browsers post."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qs, unquote, urlsplit

from fastapi import Depends, Request

from wiki_pipeline.errors import PayloadError

_FIELDS = 20


async def _form(request: Request) -> Mapping[str, str]:
    return form_of(await request.body())


def form_of(body: bytes) -> Mapping[str, str]:
    """The fields of a form, as they were typed.

    Raises:
        PayloadError: it is none.
    """
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise PayloadError("The form can't be understood.") from None
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[Mapping[str, str], Depends(_form)]


def local_path(address: str) -> str:
    """Where to go next, if that is a page of this gateway; else the start page. Browsers read `//host`, `/\\host` and
    addresses with control characters in them as other sites."""
    parts = urlsplit(address)
    plain = unquote(address)
    wrong = parts.scheme or parts.netloc or not address.startswith("/") or address[1:2] in {"/", "\\"}
    if wrong or not plain.isprintable() or "\\" in plain or plain.startswith("//") or len(address) > 2_000:
        return "/"
    return "/" if parts.path.startswith(("/login", "/logout", "/password", "/invitation")) else address
