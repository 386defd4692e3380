"""`POST /webhook/...`: what others report to each kind of source, mounted by its path and taken in durably."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.errors import PayloadError, SignatureError, WikiPipelineError
from wiki_pipeline.gateway.access import WEBHOOKS
from wiki_pipeline.gateway.errors import ErrorAnswer, answer_for
from wiki_pipeline.gateway.event_writer import EventWriter
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.gateway.observed import ROUTE
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import SourceKind
from wiki_pipeline.sources.webhook import Delivery, ParsedDelivery, Reader, Signer, Webhook, reported_by, signers_of
from wiki_pipeline.sync.pipeline import Pipeline

# A source added by another process is known here after so long; what changed before is in its first sync anyway. While
# deliveries come in, the catalog is asked ahead, so that none of them waits for it.
_KNOWN_SECONDS = 1.0
_AHEAD_SECONDS = 0.5
_LONGEST_EVENT = 100


class Accepted(BaseModel):
    """The delivery is durable: it will be looked at, whatever happens to this process."""

    status: str = Field(description="`accepted`, or `duplicate` if it had come before.", examples=["accepted"])
    events: int = Field(description="Freshness events that are new with it; 0 for a duplicate.", examples=[1])


class Ignored(BaseModel):
    """The delivery changes nothing that is kept."""

    status: str = Field(examples=["ignored"])
    reason: str = Field(examples=["The space HR is not a source."])


@dataclass(frozen=True, slots=True)
class _Known:
    """What the catalog and the settings said last of a kind: its sources by connection, and who may sign."""

    connections: Sequence[Connection]
    sources: Mapping[str, Mapping[SourceKey, str]]
    signers: Sequence[Signer]
    readers: dict[frozenset[str], Reader] = field(default_factory=dict)

    @classmethod
    def of(cls, pipeline: Pipeline, kind: SourceKind) -> _Known:
        connections = pipeline.connections(kind)
        sources = {by.name if by else "": known for by, known in pipeline.by_connection(kind)}
        return cls(connections, sources, signers_of(connections))

    @property
    def all(self) -> frozenset[str]:
        return frozenset({"", *(connection.name for connection in self.connections)})

    def reader(self, webhook: Webhook, allowed: frozenset[str]) -> Reader:
        """Reads deliveries about sources that are opened by some connections; it knows of no others."""
        if allowed not in self.readers:
            known = {key: config for name in allowed for key, config in self.sources.get(name, {}).items()}
            self.readers[allowed] = webhook.reader(known, [each for each in self.connections if each.name in allowed])
        return self.readers[allowed]


class Receiver:
    """One webhook of one kind of source."""

    def __init__(
        self, kind: str, webhook: Webhook, pipeline: Pipeline, event_writer: EventWriter, metrics: Metrics
    ) -> None:
        self.kind = kind
        self.webhook = webhook
        self._pipeline = pipeline
        self._tenant = pipeline.tenant
        self._writer = event_writer
        self._metrics = metrics
        self._known: _Known | None = None
        self._read_at = 0.0
        self._asking = asyncio.Lock()
        self._ahead: asyncio.Task[None] | None = None  # held, since the loop does not

    async def receive(self, request: Request) -> Response:
        """Check, read and take in a delivery."""
        event = ""
        outcome = "failed"
        try:
            parsed, only = await self._parse(request)
            event = parsed.event
            if not parsed.hints:
                outcome = "ignored"
                return JSONResponse({"status": "ignored", "reason": parsed.ignored})
            new = await self._writer.take(messages(self._tenant, parsed, only))
            outcome = "accepted" if new else "duplicate"
            return JSONResponse({"status": outcome, "events": new}, 202)
        except ClientDisconnect:
            outcome = "aborted"
            return Response(status_code=400)
        except SignatureError:
            outcome = "unsigned"
            raise
        except PayloadError:
            outcome = "not understood"
            raise
        finally:
            self._metrics.delivered(self.webhook.path, event, outcome)

    async def _parse(self, request: Request) -> tuple[ParsedDelivery, frozenset[str]]:
        """What a delivery says; and by which connections its sources are opened, empty if it may be any."""
        body = await request.body()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
        delivery = Delivery(headers, body, request.path_params.get("event", ""))
        known = await self._current()
        allowed = reported_by(self.webhook, delivery, known.signers)
        parsed = known.reader(self.webhook, allowed)(delivery)
        return parsed, frozenset() if allowed == known.all else allowed

    async def _current(self) -> _Known:
        if self._known is None or self._age() > _KNOWN_SECONDS:
            async with self._asking:
                if self._known is None or self._age() > _KNOWN_SECONDS:
                    self._known = await self._ask()
        elif self._age() > _AHEAD_SECONDS and not self._asking.locked():
            self._ahead = asyncio.create_task(self._ask_ahead())
        return self._known

    async def _ask_ahead(self) -> None:
        async with self._asking:
            if self._age() > _AHEAD_SECONDS:
                with suppress(WikiPipelineError):  # a delivery that has to wait for the answer reports it
                    self._known = await self._ask()

    async def _ask(self) -> _Known:
        asked_at = time.monotonic()
        known = await asyncio.to_thread(_Known.of, self._pipeline, kinds()[self.kind])
        self._read_at = asked_at
        return known

    def _age(self) -> float:
        return time.monotonic() - self._read_at


class Shortcut:
    """ASGI middleware that takes deliveries past the router of the application, which took half of their time. The
    routes are still there, for the reference and for all that is not a delivery."""

    def __init__(self, app: ASGIApp, mounted: Sequence[Receiver]) -> None:
        self._app = app
        self._receivers = {WEBHOOKS + receiver.webhook.path: receiver for receiver in mounted}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(WEBHOOKS):
            path, _, event = scope["path"].removeprefix(WEBHOOKS).partition("/")
            receiver = self._receivers.get(WEBHOOKS + path)
            if receiver and "/" not in event and bool(event) <= receiver.webhook.events_in_path:
                scope[ROUTE] = f"{WEBHOOKS}{path}"
                request = Request({**scope, "path_params": {"event": event}}, receive)
                response = await self._answer(receiver, request)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, receiver: Receiver, request: Request) -> Response:
        try:
            return await receiver.receive(request)
        except WikiPipelineError as error:
            return answer_for(request, error)


def messages(tenant: str, parsed: ParsedDelivery, only: Collection[str] = ()) -> list[EventBatch]:
    """What a delivery says, as a batch of events a source: the same document id means something else in each.

    Args:
        only: names of the connections by which the sources must be opened that the delivery does not name; none: any.
    """
    batches: dict[str, list[ChangeHint]] = {}
    for hint in parsed.hints:
        if hint.source is not None:
            batches.setdefault(f" for {hint.source}", []).append(hint)
        elif not only:
            batches.setdefault("", []).append(hint)
        else:
            for name in sorted(filter(None, only)):
                batches.setdefault(f" by {name}", []).append(replace(hint, connection=name))
    return [
        EventBatch(tenant, Origin.WEBHOOK, hints, parsed.delivery_id and parsed.delivery_id + whose)
        for whose, hints in batches.items()
    ]


def receivers(pipeline: Pipeline, event_writer: EventWriter, metrics: Metrics) -> list[Receiver]:
    """The webhooks of all kinds of sources.

    Raises:
        ConfigurationError: a setting of one of them is wrong.
    """
    return [
        Receiver(name, webhook, pipeline, event_writer, metrics)
        for name, kind in kinds().items()
        for webhook in kind.webhooks()
    ]


def router(mounted: Sequence[Receiver]) -> APIRouter:
    """The routes of all webhooks."""
    routes = APIRouter(tags=["webhooks"])
    for receiver in mounted:
        path = WEBHOOKS + receiver.webhook.path
        _add(routes, path, receiver, {})
        if receiver.webhook.events_in_path:
            _add(routes, path + "/{event}", receiver, _EVENT)
    return routes


_EVENT: Mapping[str, Any] = {
    "name": "event",
    "in": "path",
    "required": True,
    "description": "The event, for senders whose bodies do not name it.",
    "schema": {"type": "string", "maxLength": _LONGEST_EVENT, "examples": ["page_updated"]},
}


def _add(routes: APIRouter, path: str, receiver: Receiver, event: Mapping[str, Any]) -> None:
    webhook = receiver.webhook
    headers = [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in webhook.headers.items()
    ]
    content = {"application/json": {"schema": {"type": "object", "examples": [dict(webhook.example)]}}}
    routes.add_api_route(
        path,
        receiver.receive,
        methods=["POST"],
        status_code=202,
        response_model=None,
        operation_id="_".join(["webhook", *webhook.path.split("-"), *(["event"] if event else [])]),
        summary=webhook.summary,
        description=webhook.description,
        responses={
            202: {"model": Accepted, "description": "Taken in, durably; or it had come before."},
            200: {"model": Ignored, "description": "It changes nothing that is kept."},
            401: {"model": ErrorAnswer, "description": "Not signed, wrongly signed, or no secret is configured."},
            413: {"model": ErrorAnswer, "description": "The body is too large."},
            503: {"model": ErrorAnswer, "description": "It could not be made durable: send it again."},
        },
        openapi_extra={
            "parameters": [*([dict(event)] if event else []), *headers],
            "requestBody": {"required": True, "content": content},
        },
    )
