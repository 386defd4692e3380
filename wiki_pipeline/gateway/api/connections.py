"""`/v1/connections`: the sites and hosts that the tenant's sources are read from. Secrets go in, and never come out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from wiki_pipeline.access import Action
from wiki_pipeline.catalog import ConnectionRecord
from wiki_pipeline.errors import ConfigurationError, NotAllowedError, PayloadError, SourceUnreachableError
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, asking, opened
from wiki_pipeline.model import Connection
from wiki_pipeline.sync import connections

router = APIRouter(prefix="/v1/connections", tags=["connections"])

_SECONDS = 30.0
_MOST_OPTIONS = 20
_ON_DISK = {"ssl_verify"}  # options that may name a file of the machine

ConnectionName = Annotated[str, Path(max_length=63, description="Of the connection.", examples=["handbook"])]


class ConnectionFacts(BaseModel):
    """A connection. Secrets are shown as their last four characters."""

    connection: str = Field(examples=["handbook"])
    kind: str = Field(examples=["confluence"])
    url: str = Field(examples=["https://yourcompany.atlassian.net/wiki"])
    options: Mapping[str, str] = Field(examples=[{"username": "reader@yourcompany.com"}])
    secret: str = Field(description="Its last characters; empty: there is none.", examples=["…9f3a"])
    webhook_secret: str = Field(description="Of its webhooks, likewise.", examples=["…77c0"])
    managed_by: str = Field(description="`people`, `settings` or `demo`.", examples=["people"])
    added_at: datetime


class ConnectionList(BaseModel):
    """The tenant's connections, by name."""

    connections: list[ConnectionFacts]


class NewConnection(BaseModel):
    """A connection to add, or to change: a secret that is left out stays as it was."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    connection: str = Field(max_length=63, examples=["handbook"])
    kind: str = Field("confluence", max_length=31, examples=["confluence"])
    url: str = Field(max_length=2_000, examples=["https://yourcompany.atlassian.net/wiki"])
    options: dict[str, str] = Field(default_factory=dict, max_length=_MOST_OPTIONS)
    secret: SecretStr | None = Field(None, max_length=65_536, description="Goes to this site, and nowhere else.")
    webhook_secret: SecretStr | None = Field(None, max_length=65_536, description="Signs its webhooks.")


class Tried(BaseModel):
    """What the server of a connection answered."""

    connection: str = Field(examples=["handbook"])
    seen: Mapping[str, str] = Field(examples=[{"who": "Ana Reader", "spaces": "2"}])


class Removed(BaseModel):
    """The connection is gone, with its secrets."""

    connection: str = Field(examples=["handbook"])
    removed: bool = True


def administering(request: Request) -> Services:
    """The services for who may look after the tenant.

    Raises:
        NotAllowedError: the one who asks may not.
    """
    who = asking(request, Action.ADMIN)
    if who.scope.sources is not None:
        raise NotAllowedError("Connections are of all sources, of which not all may be read.")
    return opened(request).as_seen_by(who)


Administering = Annotated[Services, Depends(administering)]
_FORBIDDEN: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "Only who looks after the tenant may."}
}


@router.get("", summary="List the connections", responses=_FORBIDDEN)
def all_connections(serving: Administering) -> ConnectionList:
    """Those of the settings and those that were added."""
    return ConnectionList(connections=listed(serving))


@router.post("", summary="Add or change a connection", responses=_FORBIDDEN)
def add_connection(serving: Administering, asked: NewConnection) -> ConnectionFacts:
    """Its secrets are sealed in the catalog. What the server lets this credential see, the readers of the sources see
    that are read by it."""
    return added(serving, asked)


@router.post(
    "/{name}/test",
    summary="Try a connection",
    responses=_FORBIDDEN | {502: {"model": ErrorAnswer, "description": "The server does not answer, or refuses."}},
)
async def test_connection(serving: Administering, name: ConnectionName) -> Tried:
    """Asks its server."""
    return Tried(connection=name, seen=await tried(serving, name))


@router.delete("/{name}", summary="Remove a connection", responses=_FORBIDDEN)
def remove_connection(serving: Administering, name: ConnectionName) -> Removed:
    """If no source is read by it."""
    removed_connection(serving, name)
    return Removed(connection=name)


def listed(serving: Services) -> list[ConnectionFacts]:
    """The tenant's connections as they may be shown."""
    pipeline = serving.pipeline
    records = pipeline.catalog.connections.list(pipeline.tenant)
    shown = connections.shown(pipeline, records)
    return [_facts(record, shown) for record in records]


def added(serving: Services, asked: NewConnection) -> ConnectionFacts:
    """Add a connection as somebody may who is not at this machine.

    Raises:
        NotAllowedError: its address is not public, or an option names a file.
        PayloadError: it can't be used.
    """
    pipeline = serving.pipeline
    if Action.OPERATE not in serving.principal.scope.actions:
        connections.check_public(asked.url)
        for option in _ON_DISK & asked.options.keys():
            if asked.options[option].lower() not in {"true", "1", "yes", "on", ""}:
                raise NotAllowedError(f"{option} is set on the command line.")
    with _as_asked():
        made = Connection(pipeline.tenant, asked.kind, asked.connection, asked.url, dict(asked.options))
        secrets = (each if each and each.get_secret_value() else None for each in (asked.secret, asked.webhook_secret))
        record, is_new = connections.add(pipeline, made, *secrets)
    what = "connection.add" if is_new else "connection.change"
    serving.people.record(serving.actor, what, f"connection {asked.connection}")
    return _facts(record, connections.shown(pipeline, [record]))


async def tried(serving: Services, name: str) -> Mapping[str, str]:
    """What the server of a connection answers.

    Raises:
        PayloadError: there is no such connection.
        SourceError: it does not answer in time, or refuses.
    """
    pipeline = serving.pipeline
    with _as_asked():
        found = await anyio.to_thread.run_sync(connections.find, pipeline, name)
        if found.secret_ref.startswith("row:") and Action.OPERATE not in serving.principal.scope.actions:
            await anyio.to_thread.run_sync(connections.check_public, found.url)
        try:
            async with asyncio.timeout(_SECONDS):
                return await connections.probe(pipeline, name)
        except TimeoutError:
            raise SourceUnreachableError(f"{found.url} did not answer in time.", "Check the address.") from None


def removed_connection(serving: Services, name: str) -> None:
    """Remove a connection.

    Raises:
        PayloadError: there is none, or sources are read by it.
    """
    with _as_asked():
        connections.remove(serving.pipeline, name)
    serving.people.record(serving.actor, "connection.remove", f"connection {name}")


@contextmanager
def _as_asked() -> Iterator[None]:
    """What can't be used is the asker's mistake here, and not the installation's."""
    try:
        yield
    except ConfigurationError as error:
        raise PayloadError(error.message, error.advice) from None


def _facts(record: ConnectionRecord, shown: Mapping[str, str]) -> ConnectionFacts:
    connection = record.connection
    return ConnectionFacts(
        connection=connection.name,
        kind=connection.kind,
        url=connection.url,
        options=connection.options,
        secret=_of_row(connection.secret_ref, shown),
        webhook_secret=_of_row(connection.webhook_secret_ref, shown),
        managed_by=record.managed_by or "people",
        added_at=record.added_at,
    )


def _of_row(reference: str, shown: Mapping[str, str]) -> str:
    """Where the operator keeps a secret is nobody else's business."""
    return shown.get(reference, "") if reference.startswith("row:") else "set" if reference else ""
