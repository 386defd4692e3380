"""Atom feeds of what changed: of all sources, and of each. A sync that changed a lot, as the first of a source does,
is one entry."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from wiki_pipeline.catalog import ChangeKind, ChangeRecord, ChangeSet, SetKind, SourceRecord
from wiki_pipeline.gateway import conditional
from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.api.changes import address_of
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.links.wiki_addresses import ROOT, source_address
from wiki_pipeline.model import SourceKey

_SETS = 25  # a page of the feed
_SMALL = 20  # changes of one sync that are shown one by one
_NAMES = uuid.UUID("3d3e1f86-6e0c-5f5b-9a43-0d6c1c1a7f2e")
_ATOM = "http://www.w3.org/2005/Atom"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"content": {"application/atom+xml": {}}, "description": "The feed."},
    304: {"description": "The feed is as the asker has it (`If-None-Match`)."},
}

router = APIRouter(tags=["feeds"], default_response_class=Response)
Before = Annotated[int, Query(ge=0, le=2**53, description="The page before that; the feed itself links it.")]


@router.get("/feeds/changes.atom", summary="Get the feed of all changes", responses=_ANSWERS)
def everything(request: Request, serving: Serving, before: Before = 0) -> Response:
    """What changed in all sources, newest first, as Atom."""
    return _feed(request, serving, None, before)


@router.get(
    "/feeds/{slug}.atom",
    summary="Get the feed of a source's changes",
    responses=_ANSWERS | {404: {"model": ErrorAnswer, "description": "There is no such source."}},
)
def of_source(
    request: Request,
    serving: Serving,
    slug: Annotated[str, Path(max_length=200, description="The source's name in addresses.")],
    before: Before = 0,
) -> Response:
    """What changed in a source, newest first, as Atom."""
    return _feed(request, serving, serving.source_named(slug), before)


def _feed(request: Request, serving: Services, record: SourceRecord | None, before: int) -> Response:
    scope, log = serving.principal.scope, serving.catalog.changes
    sources = scope.narrow((record.key,) if record else ())
    sets: Sequence[ChangeSet] = ()
    if sources is not None:
        sets = log.sets(scope.tenant, sources=sources or None, before=before, limit=_SETS + 1)
    root = root_of(request, serving.settings)

    def make() -> Response:
        shown = sets[:_SETS]
        small = [each.set_id for each in shown if _is_small(each)]
        changes = log.of_sets(small, _SETS * _SMALL) if small else []
        feed = _Feed(root, scope.tenant, record, before, older=shown[-1].set_id if len(sets) > _SETS else 0)
        return Response(feed.xml(shown, changes), media_type="application/atom+xml")

    state = ("feed", root, record, before, [each.set_id for each in sets], [each.size for each in sets])
    return conditional.unless_known(request, state, make)


def _is_small(changed: ChangeSet) -> bool:
    return changed.kind is SetKind.SYNC and changed.size <= _SMALL


class _Feed:
    """One page of a feed.

    Args:
        root: what addresses begin with.
        record: the source; None for all.
        before: where the page begins, and `older` the next one; 0: nowhere.
    """

    def __init__(self, root: str, tenant: str, record: SourceRecord | None, before: int, older: int) -> None:
        self._root = root
        self._tenant = tenant
        self._record = record
        self._before = before
        self._older = older

    def xml(self, sets: Sequence[ChangeSet], changes: Sequence[ChangeRecord]) -> bytes:
        """The page, newest first."""
        name = (self._record.title or self._record.key.name) if self._record else "All sources"
        of_what = str(self._record.key) if self._record else self._tenant
        self_at = f"{self._root}/feeds/{self._record.key.slug if self._record else 'changes'}.atom"
        home = source_address(self._record.key) if self._record else ROOT
        feed = ET.Element("feed", xmlns=_ATOM)
        _text(feed, "id", f"urn:uuid:{uuid.uuid5(_NAMES, f'feed {of_what}')}")
        _text(feed, "title", f"{name}: what changed")
        _text(feed, "updated", _iso(sets[0].recorded_at if sets else self._record.added_at if self._record else _EPOCH))
        _text(ET.SubElement(feed, "author"), "name", "wiki-pipeline")
        _link(feed, "self", f"{self_at}?before={self._before}" if self._before else self_at, "application/atom+xml")
        _link(feed, "alternate", self._root + home, "text/html")
        if self._before:
            _link(feed, "first", self_at, "application/atom+xml")
        if self._older:
            _link(feed, "next", f"{self_at}?before={self._older}", "application/atom+xml")
        for each in sets:
            if _is_small(each):
                for change in changes:
                    if change.set_id == each.set_id:
                        self._change(feed, change)
            else:
                self._set(feed, each)
        content: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
        return content

    def _change(self, feed: ET.Element, change: ChangeRecord) -> None:
        entry = ET.SubElement(feed, "entry")
        at = address_of(change)
        _text(entry, "id", _identity("change", change.source, change.recorded_at, change.change_id))
        _text(entry, "title", change.title or "Untitled")
        _text(entry, "updated", _iso(change.recorded_at))
        if change.author and change.kind is not ChangeKind.DELETED:
            _text(ET.SubElement(entry, "author"), "name", change.author)
        _link(entry, "alternate", self._root + (at or source_address(change.source)), "text/html")
        if at:
            _link(entry, "alternate", f"{self._root}{at}.md", "text/markdown")
        if change.url.startswith(("http://", "https://")):
            _link(entry, "via", change.url, "text/html")
        ET.SubElement(entry, "category", term=change.kind.value)
        _text(entry, "summary", " ".join(_told(change)))

    def _set(self, feed: ET.Element, changed: ChangeSet) -> None:
        entry = ET.SubElement(feed, "entry")
        home = self._root + (ROOT if changed.kind is SetKind.REMOVED else source_address(changed.source))
        _text(entry, "id", _identity("set", changed.source, changed.recorded_at, changed.set_id))
        _text(entry, "title", _summary(changed))
        _text(entry, "updated", _iso(changed.recorded_at))
        _link(entry, "alternate", home, "text/html")
        ET.SubElement(entry, "category", term=f"source_{changed.kind.value}")
        _text(entry, "summary", f"{changed.source}: /v1/changes lists each document.")


def _told(change: ChangeRecord) -> Iterator[str]:
    by = f" by {change.author}" if change.author else ""
    version = f" version {_short(change.version)}" if change.version else ""
    if change.kind is ChangeKind.DELETED:
        yield f"Deleted; the last was{version}." if version else "Deleted."
    elif change.kind is ChangeKind.ADDED:
        yield f"Added,{version}{by}." if version else f"Added{by}."
    elif change.version == change.previous_version:
        yield "Changed without a new version: its place, its labels, or a page that it includes."
    else:
        yield f"Updated to{version}{by}."
    if change.modified_at and change.kind is not ChangeKind.DELETED:
        yield f"Edited {change.modified_at:%Y-%m-%d %H:%M} UTC."


def _summary(changed: ChangeSet) -> str:
    title = changed.title
    if changed.kind is SetKind.REMOVED:
        return f"{title}: source removed with {_documents(changed.deleted)}"
    if changed.kind is SetKind.FIRST:
        return f"{title}: source added with {_documents(changed.added)}"
    counts = {"added": changed.added, "updated": changed.updated, "deleted": changed.deleted}
    return f"{title}: {', '.join(f'{count:,} {what}' for what, count in counts.items() if count)}"


def _documents(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def _short(version: str) -> str:
    return version[:8] if len(version) >= 40 else version


def _identity(what: str, source: SourceKey, recorded_at: datetime, number: int) -> str:
    """Stays the same for ever, whatever host the feed is asked under, and is no other installation's."""
    return f"urn:uuid:{uuid.uuid5(_NAMES, f'{what} {source} {recorded_at.isoformat()} {number}')}"


def _text(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _NOT_XML.sub("\ufffd", text)


def _link(parent: ET.Element, relation: str, address: str, media_type: str) -> None:
    ET.SubElement(parent, "link", rel=relation, href=_NOT_XML.sub("\ufffd", address), type=media_type)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
