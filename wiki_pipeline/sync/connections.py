"""Connections as people add, change, try and remove them, whichever way they ask: one set of rules.

A secret that is entered is sealed in the catalog and never shown again. It goes to no other host than the one that it
was entered for: whoever changes the address enters it anew.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from pydantic import SecretStr

from wiki_pipeline.catalog import ConnectionRecord
from wiki_pipeline.catalog.connections import in_use
from wiki_pipeline.errors import ConfigurationError, NotAllowedError
from wiki_pipeline.model import DEFAULT_CONNECTION, Connection
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync.pipeline import Pipeline

SECRET, WEBHOOK = "connection", "webhook"
"""Kinds of sealed secrets: with which a site is asked, and with which its webhooks are signed."""


def add(
    pipeline: Pipeline,
    made: Connection,
    secret: SecretStr | None = None,
    webhook_secret: SecretStr | None = None,
) -> tuple[ConnectionRecord, bool]:
    """Add a connection to the pipeline's tenant, or change it. Returns it, and whether it is new.

    Args:
        made: with references to secrets that are kept elsewhere, if any.
        secret, webhook_secret: to be sealed, in place of a reference; None: that of before stays.

    Raises:
        ConfigurationError: it can't be used as it is; nothing was changed.
    """
    if made.kind not in kinds():
        raise ConfigurationError(f"There is no kind of source {made.kind!r}.", f"There are {', '.join(kinds())}.")
    made = kinds()[made.kind].check_connection(replace(made, rows=pipeline.vault.rows(pipeline.tenant)))
    before = pipeline.catalog.connections.get(pipeline.tenant, made.name)
    is_settings = made.name == DEFAULT_CONNECTION and pipeline.tenant == pipeline.settings.tenant
    if is_settings or (before and before.managed_by):
        raise ConfigurationError(f"The connection {made.name} is that of the settings.", "Choose another name.")
    if before and before.connection.kind != made.kind:
        raise ConfigurationError(f"There is a connection {made.name} of kind {before.connection.kind}.")
    if before:
        made = _with_kept(made, before.connection, secret, webhook_secret)
    resolve(made.secret_ref, f"connection {made.name}", made.rows)
    resolve(made.webhook_secret_ref, f"webhooks of connection {made.name}", made.rows)
    if secret:
        made = replace(made, secret_ref=pipeline.vault.seal(pipeline.tenant, SECRET, made.name, secret).ref)
    if webhook_secret:
        sealed = pipeline.vault.seal(pipeline.tenant, WEBHOOK, made.name, webhook_secret)
        made = replace(made, webhook_secret_ref=sealed.ref)
    return pipeline.catalog.connections.add(made), before is None


def _with_kept(
    made: Connection, before: Connection, secret: SecretStr | None, webhook_secret: SecretStr | None
) -> Connection:
    """The connection with the sealed secrets of before that were not entered anew."""
    keeps = not secret and not made.secret_ref and before.secret_ref.startswith("row:")
    if keeps and _origin(made.url) != _origin(before.url):
        raise ConfigurationError(
            f"The connection {made.name} would send its secret to another host.", "Enter the secret anew."
        )
    if keeps:
        made = replace(made, secret_ref=before.secret_ref)
    if not webhook_secret and not made.webhook_secret_ref and before.webhook_secret_ref.startswith("row:"):
        made = replace(made, webhook_secret_ref=before.webhook_secret_ref)
    return made


def find(pipeline: Pipeline, name: str) -> Connection:
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


async def probe(pipeline: Pipeline, name: str) -> Mapping[str, str]:
    """Ask the server of a connection. Returns what it answers, for people.

    Raises:
        ConfigurationError: there is no such connection, or its secret does not open.
        SourceError: it does not answer, or refuses.
    """
    connection = find(pipeline, name)
    return await kinds()[connection.kind].probe(connection, pipeline.opened_by(connection))


def remove(pipeline: Pipeline, name: str) -> None:
    """Remove a connection with its sealed secrets.

    Raises:
        ConfigurationError: there is none, the settings name it, or sources are read by it.
    """
    connection = find(pipeline, name)
    if any(each.name == name for each in kinds()[connection.kind].connections(pipeline.tenant)):
        raise ConfigurationError(f"{name} is named by the settings and would come back.", "Take it out there first.")
    if using := sorted(map(str, pipeline.opened_by(connection))):
        raise in_use(name, using)
    pipeline.catalog.connections.remove(pipeline.tenant, name)
    for kind in (SECRET, WEBHOOK):
        pipeline.vault.forget(pipeline.tenant, kind, name)


def shown(pipeline: Pipeline, records: Sequence[ConnectionRecord]) -> Mapping[str, str]:
    """How people see where secrets are, by reference: the last characters of sealed ones, a reference as it is."""
    sealed = {
        row.ref: f"…{row.last4}" if row.last4 else "set" for row in pipeline.catalog.secrets.list(pipeline.tenant)
    }
    refs = {ref for r in records for ref in (r.connection.secret_ref, r.connection.webhook_secret_ref) if ref}
    return {ref: sealed.get(ref, "set" if ref.startswith("row:") else ref) for ref in refs}


def check_public(url: str) -> None:
    """See that an address leads where a tenant may send this installation: by https to the public internet. Private
    networks are the operator's to open, who adds such a connection on the command line.

    Raises:
        NotAllowedError: it does not.
    """
    advice = "An operator can add it: wiki-pipeline connections add --tenant TENANT ..."
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise NotAllowedError("The address can't be read.") from None
    if parts.scheme != "https" or not host:
        raise NotAllowedError("Connections that are added here begin with https://.", advice)
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise NotAllowedError(f"{host} is not known to the name servers.", "Check the address.") from None
    if not all(ipaddress.ip_address(address.partition("%")[0]).is_global for address in found):
        raise NotAllowedError(f"{host} is in a private network.", advice)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
