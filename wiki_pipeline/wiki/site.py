"""Views become whole pages: the templates, and the assets they use."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from wiki_pipeline.model import digest
from wiki_pipeline.wiki.views import View


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom pages are made for, where people log in.

    Attributes:
        csrf: what their forms send along.
        admin: whether they look after the tenant.
    """

    name: str
    csrf: str = field(repr=False)
    admin: bool = False


_READER: ContextVar[Reader | None] = ContextVar("reader", default=None)


@contextmanager
def read_by(reader: Reader | None) -> Iterator[None]:
    """Have pages be made for somebody, in this task and the threads that it starts."""
    token = _READER.set(reader)
    try:
        yield
    finally:
        _READER.reset(token)


def reader() -> Reader | None:
    """Whom pages are made for at the moment; None where nobody logs in."""
    return _READER.get()


ASSETS_ROOT = "/assets/"
_SHORT_COMMIT = 8


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages use: its address changes with its content, so that browsers may keep it for ever."""

    address: str
    media_type: str
    content: bytes


def html(view: View) -> str:
    """The whole page for a view."""
    facts = {column.name: getattr(view, column.name) for column in fields(view)}  # type: ignore[arg-type]
    return _environment().get_template(view.template).render(facts)


@cache
def assets() -> Mapping[str, Asset]:
    """The files that pages use, by name (`wiki.css`)."""
    found = {}
    for file in files("wiki_pipeline.wiki").joinpath("assets").iterdir():
        content = file.read_bytes()
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if media_type.startswith("text/"):
            media_type += "; charset=utf-8"
        found[file.name] = Asset(f"{ASSETS_ROOT}{digest(content)[:12]}/{file.name}", media_type, content)
    return found


@cache
def version() -> str:
    """Changes whenever a template or an asset does: part of what makes one answer differ from another."""
    folder = files("wiki_pipeline.wiki").joinpath("templates")
    templates = sorted((file.name, file.read_bytes()) for file in folder.iterdir())
    return digest(templates, sorted(asset.address for asset in assets().values()))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("wiki_pipeline.wiki", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(day=_day, moment=_moment, iso=_iso, short=_short, safe_html=_safe_html)
    environment.globals.update(asset={name: asset.address for name, asset in assets().items()}, reader=reader)
    return environment


def citation_mark(number: int, anchor: str, title: str) -> str:
    """A citation within a text, as HTML: leads to the entry of what it cites."""
    return _part("citation", number=number, anchor=anchor, title=title)


def doubt_mark(missing: Sequence[str]) -> str:
    """Behind a sentence: what its sources don't hold."""
    return _part("doubt", missing=list(missing))


def uncited_mark() -> str:
    """Behind a sentence that names no source."""
    return _part("uncited")


def _part(name: str, **facts: object) -> str:
    part = getattr(_environment().get_template("answer_marks.html").module, name)
    return str(part(**facts)).strip()


def _day(when: datetime) -> str:
    return f"{when.day} {when:%b %Y}"


def _moment(when: datetime) -> str:
    at = when.astimezone(UTC)
    return f"{_day(at)}, {at:%H:%M} UTC"


def _iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds")


def _short(version: str) -> str:
    """A version as people say it: commits by their first digits."""
    return version[:_SHORT_COMMIT] if len(version) >= 40 else version


def _safe_html(text: Any) -> Markup:
    """Marks what in a view is HTML: only what `markup` sanitised and `highlight` coloured."""
    return Markup(text)  # noqa: S704
