"""`wiki-pipeline connections`: the sites and hosts that sources are read from."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from wiki_pipeline.access.actors import command_line
from wiki_pipeline.catalog import ConnectionRecord
from wiki_pipeline.cli.output import json_option, print_json, print_table, tenant_option
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import Connection
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync import connections, signals
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings

_LONGEST = 65_536


@click.group("connections")
def command() -> None:
    """List, add, test and remove the sites and hosts that sources are read from."""


@command.command("list")
@tenant_option
@json_option
def list_connections(*, tenant: str, as_json: bool) -> None:
    """List the connections: those of the settings and those that were added. Of secrets in the catalog the last four
    characters are shown, of others where they are."""
    with Pipeline.open(load(Settings), tenant) as pipeline:
        pipeline.add_configured_connections()
        records = pipeline.catalog.connections.list(pipeline.tenant)
        shown = connections.shown(pipeline, records)
    if as_json:
        print_json([_as_json(record, shown) for record in records])
        return
    print_table(
        ["connection", "kind", "address", "secret", "webhooks' secret", "options", "from"],
        [
            (
                c.name,
                c.kind,
                c.url,
                shown.get(c.secret_ref, ""),
                shown.get(c.webhook_secret_ref, "of the settings" if record.managed_by or not tenant else "none"),
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
@click.option(
    "--secret-stdin",
    is_flag=True,
    help="The secret is the first line of standard input; it is kept sealed in the catalog.",
)
@click.option(
    "--webhook-secret-stdin",
    is_flag=True,
    help="Likewise the webhooks' secret; after the other one where both are given.",
)
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="What else the kind takes; repeatable.")
@tenant_option
@json_option
def add(
    name: str,
    url: str,
    *,
    kind: str,
    username: str,
    options: tuple[str, ...],
    tenant: str,
    as_json: bool,
    **secrets: Any,
) -> None:
    """Add the connection NAME to the site or host at ADDRESS, or change it. `connections test` asks it."""
    secret, secret_ref = _secret(secrets["secret_stdin"], secrets["secret_ref"])
    webhook_secret, webhook_secret_ref = _secret(secrets["webhook_secret_stdin"], secrets["webhook_secret_ref"])
    given = dict(_option(text) for text in options) | ({"username": username} if username else {})
    with Pipeline.open(load(Settings), tenant) as pipeline:
        pipeline.add_configured_connections()
        made = Connection(pipeline.tenant, kind, name, url, given, secret_ref, webhook_secret_ref)
        record, is_new = connections.add(pipeline, made, secret, webhook_secret)
        what = "connection.add" if is_new else "connection.change"
        pipeline.catalog.audit.record(command_line(pipeline.tenant).entry(what, f"connection {name}"))
        shown = connections.shown(pipeline, [record])
    if as_json:
        print_json({**_as_json(record, shown), "news": "added" if is_new else "changed"})
        return
    word, whose = "Added" if is_new else "Changed", f" --tenant {tenant}" if tenant else ""
    click.echo(f"{word} {name}. See whether it works: wiki-pipeline connections test {name}{whose}")


@command.command("test")
@click.argument("name")
@tenant_option
@json_option
def test(*, name: str, tenant: str, as_json: bool) -> None:
    """Ask the server of the connection NAME, and show what it answers."""
    with Pipeline.open(load(Settings), tenant) as pipeline:
        pipeline.add_configured_sources()
        connection = connections.find(pipeline, name)
        seen = signals.run_interruptibly(connections.probe(pipeline, name))
    if as_json:
        print_json({"connection": name, "kind": connection.kind, "url": connection.url, "seen": dict(seen)})
        return
    print_table(["", f"connection {name} at {connection.url}"], list(seen.items()), empty="It answers.")


@command.command("remove")
@click.argument("name")
@tenant_option
@json_option
def remove(*, name: str, tenant: str, as_json: bool) -> None:
    """Remove the connection NAME, if no source is read by it, with its secrets in the catalog."""
    with Pipeline.open(load(Settings), tenant) as pipeline:
        connections.remove(pipeline, name)
        pipeline.catalog.audit.record(command_line(pipeline.tenant).entry("connection.remove", f"connection {name}"))
    if as_json:
        print_json({"connection": name, "removed": True})
        return
    click.echo(f"Removed {name}.")


def _secret(stdin: bool, reference: str) -> tuple[SecretStr | None, str]:
    """A secret that is given, or where it is."""
    if stdin and reference:
        raise ConfigurationError("A secret is given twice.", "Say where it is, or give it on standard input.")
    return _line() if stdin else None, _absolute(reference)


def _line() -> SecretStr:
    """A secret from standard input; typed unseen where a person sits there."""
    if sys.stdin.isatty():
        return SecretStr(click.prompt("Secret", hide_input=True, err=True))
    if not (line := sys.stdin.readline(_LONGEST).strip()):
        raise ConfigurationError("There is no secret on standard input.")
    return SecretStr(line)


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


def _as_json(record: ConnectionRecord, shown: Mapping[str, str]) -> dict[str, object]:
    connection = record.connection
    return {
        "connection": connection.name,
        "kind": connection.kind,
        "url": connection.url,
        "options": dict(connection.options),
        "secret_ref": connection.secret_ref,
        "webhook_secret_ref": connection.webhook_secret_ref,
        "secret": shown.get(connection.secret_ref, ""),
        "webhook_secret": shown.get(connection.webhook_secret_ref, ""),
        "managed_by": record.managed_by or "people",
        "added_at": record.added_at,
    }
