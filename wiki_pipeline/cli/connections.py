"""`wiki-pipeline connections`: the sites and hosts that sources are read from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from wiki_pipeline.catalog import ConnectionRecord
from wiki_pipeline.catalog.connections import in_use
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import DEFAULT_CONNECTION, Connection
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings


@click.group("connections")
def command() -> None:
    """List, add, test and remove the sites and hosts that sources are read from."""


@command.command("list")
@json_option
def list_connections(*, as_json: bool) -> None:
    """List the connections: those of the settings and those that were added. Secrets are never shown."""
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        pipeline.add_configured_connections()
        records = pipeline.catalog.connections.list(settings.tenant)
    if as_json:
        print_json([_as_json(record) for record in records])
        return
    print_table(
        ["connection", "kind", "address", "secret", "webhooks' secret", "options", "from"],
        [
            (
                c.name,
                c.kind,
                c.url,
                c.secret_ref,
                c.webhook_secret_ref or "of the settings",
                _options(c.options),
                record.managed_by or "added",
            )
            for record in records
            for c in [record.connection]
        ],
        empty="There are no connections. Add one with `wiki-pipeline connections add NAME ADDRESS`.",
    )


@command.command("add")
@click.argument("name")
@click.argument("url", metavar="ADDRESS")
@click.option("--kind", type=click.Choice(sorted(kinds())), default="confluence", show_default=True)
@click.option("--username", default="", help="Goes with the secret, where the server wants one.")
@click.option("--secret", "secret_ref", default="", metavar="env:NAME|file:PATH", help="Where the secret is.")
@click.option(
    "--webhook-secret",
    "webhook_secret_ref",
    default="",
    metavar="env:NAME|file:PATH",
    help="Where the secret is with which its webhooks are signed; several, with commas between, while it is changed. "
    "Without one, that of the settings counts.",
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="What else the kind takes; repeatable.")
@json_option
def add(
    name: str,
    url: str,
    kind: str,
    username: str,
    secret_ref: str,
    webhook_secret_ref: str,
    options: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Add the connection NAME to the site or host at ADDRESS, or change it. `connections test` asks it."""
    settings = load(Settings)
    given = dict(_option(text) for text in options) | ({"username": username} if username else {})
    refs = _absolute(secret_ref), _absolute(webhook_secret_ref)
    made = kinds()[kind].check_connection(Connection(settings.tenant, kind, name, url, given, *refs))
    resolve(made.secret_ref, f"connection {name}")
    resolve(made.webhook_secret_ref, f"webhooks of connection {name}")
    with Pipeline.open(settings) as pipeline:
        pipeline.add_configured_connections()
        before = pipeline.catalog.connections.get(settings.tenant, name)
        if name == DEFAULT_CONNECTION or (before and before.managed_by):
            raise ConfigurationError(f"The connection {name} is that of the settings.", "Choose another name.")
        if before and before.connection.kind != kind:
            raise ConfigurationError(f"There is a connection {name} of kind {before.connection.kind}.")
        record = pipeline.catalog.connections.add(made)
    if as_json:
        print_json({**_as_json(record), "news": "changed" if before else "added"})
        return
    click.echo(
        f"{'Changed' if before else 'Added'} {name}. See whether it works: wiki-pipeline connections test {name}"
    )


@command.command("test")
@click.argument("name")
@json_option
def test(*, name: str, as_json: bool) -> None:
    """Ask the server of the connection NAME, and show what it answers."""
    with Pipeline.open(load(Settings)) as pipeline:
        pipeline.add_configured_sources()
        connection = _found(pipeline, name)
        known = pipeline.opened_by(connection)
    seen = signals.run_interruptibly(kinds()[connection.kind].probe(connection, known))
    if as_json:
        print_json({"connection": name, "kind": connection.kind, "url": connection.url, "seen": dict(seen)})
        return
    print_table(["", f"connection {name} at {connection.url}"], list(seen.items()), empty="It answers.")


@command.command("remove")
@click.argument("name")
@json_option
def remove(*, name: str, as_json: bool) -> None:
    """Remove the connection NAME, if no source is read by it. Its secret stays where it is."""
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        connection = _found(pipeline, name)
        if any(each.name == name for each in kinds()[connection.kind].connections(settings.tenant)):
            raise ConfigurationError(
                f"{name} is named by the settings and would come back.", "Take it out there first."
            )
        if using := sorted(map(str, pipeline.opened_by(connection))):
            raise in_use(name, using)
        pipeline.catalog.connections.remove(settings.tenant, name)
    if as_json:
        print_json({"connection": name, "removed": True})
        return
    click.echo(f"Removed {name}.")


def _found(pipeline: Pipeline, name: str) -> Connection:
    """The connection as it is in force.

    Raises:
        ConfigurationError: there is none of that name.
    """
    known = [connection for kind in kinds().values() for connection in pipeline.connections(kind)]
    found = next((connection for connection in known if connection.name == name), None)
    if found is None:
        there_are = f"There are: {', '.join(each.name for each in known)}." if known else "There are none."
        raise ConfigurationError(f"There is no connection {name!r}.", there_are)
    return found


def _absolute(reference: str) -> str:
    """A reference to a secret; where that is a file, it is found from any folder."""
    if not reference.startswith("file:"):
        return reference
    return f"file:{Path(reference.removeprefix('file:')).expanduser().absolute()}"


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigurationError("An option is written NAME=VALUE.", "As --option ssl_verify=/etc/ssl/company.pem.")
    return name, value


def _options(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in options.items())


def _as_json(record: ConnectionRecord) -> dict[str, object]:
    connection = record.connection
    return {
        "connection": connection.name,
        "kind": connection.kind,
        "url": connection.url,
        "options": dict(connection.options),
        "secret_ref": connection.secret_ref,
        "webhook_secret_ref": connection.webhook_secret_ref,
        "managed_by": record.managed_by or "people",
        "added_at": record.added_at,
    }
