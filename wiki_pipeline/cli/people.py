"""`wiki-pipeline people`: who may log in, and what they are. Whoever uses this machine is an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import click

from wiki_pipeline.access import Role
from wiki_pipeline.access.actors import Actor, command_line
from wiki_pipeline.access.people import People
from wiki_pipeline.catalog import Account, Catalog
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.running import running
from wiki_pipeline.settings import load

_role = click.Choice([role.value for role in Role])
tenant_option = click.option("--tenant", default="", help="Of which tenant; that of the settings without it.")


@dataclass(frozen=True, slots=True)
class Opened:
    """What the commands of people work with."""

    settings: GatewaySettings
    catalog: Catalog
    people: People
    by: Actor

    def account(self, name: str) -> Account:
        """Whom a name, an address or an id means.

        Raises:
            ConfigurationError: nobody, or several.
        """
        found = self.catalog.accounts.named(name)
        if len(found) != 1:
            several = "Give the id of the account: " + ", ".join(each.account_id for each in found) if found else ""
            raise ConfigurationError(
                f"{'Several accounts are' if found else 'Nobody is'} called {name!r}.",
                several or "`wiki-pipeline people list` shows all.",
            )
        return found[0]

    def address(self, path: str) -> str:
        """A page of the gateway, as far as its address is known."""
        served = running(self.settings.home)
        port = self.settings.gateway_port
        root = self.settings.public_url or (served.gateway if served else "") or f"http://localhost:{port}"
        return f"{root.rstrip('/')}{path}"


@contextmanager
def opened(tenant: str = "") -> Iterator[Opened]:
    """The catalog of this installation, for a tenant."""
    settings = load(GatewaySettings)
    settings.home.mkdir(parents=True, exist_ok=True)
    with Catalog(settings.catalog_url) as catalog:
        people = People(catalog, settings, settings.public_url or "wiki-pipeline")
        by = command_line(settings.tenant)
        yield Opened(settings, catalog, people, replace(by, tenant=tenant) if tenant else by)


@click.group("people")
def command() -> None:
    """Add, list, invite and disable people, and say what they are."""


@command.command("list")
@tenant_option
@json_option
def list_people(*, tenant: str, as_json: bool) -> None:
    """List the members of a tenant, and the operators."""
    with opened(tenant) as house:
        members = {each.account.account_id: each for each in house.catalog.accounts.members(house.by.tenant)}
        rows = [(each.account, each.role, sorted(each.groups)) for each in members.values()]
        operators = [each for each in house.catalog.accounts.operators() if each.account_id not in members]
        rows += [(each, "", []) for each in operators]
    if as_json:
        print_json([_as_json(account, role, groups) for account, role, groups in rows])
        return
    print_table(
        ["name", "logs in as", "by", "role", "groups", "last login", ""],
        [
            (
                account.title,
                account.subject,
                account.issuer,
                _shown(account, role),
                ", ".join(groups),
                account.last_login_at,
                "disabled" if account.disabled_at else "",
            )
            for account, role, groups in rows
        ],
        empty="Nobody is a member. The first one: wiki-pipeline people add NAME --role operator",
    )


@command.command("add")
@click.argument("name")
@click.option("--role", type=_role, default="reader", show_default=True)
@click.option("--title", default="", help="Full name.")
@click.option("--email", default="")
@tenant_option
@json_option
def add(*, name: str, role: str, title: str, email: str, tenant: str, as_json: bool) -> None:
    """Add NAME, who logs in with a password, and print the link that sets it. The first operator is made this way."""
    with opened(tenant) as house:
        account = house.people.add(house.by, name, title, email, Role(role))
        _print_link(house, account, as_json=as_json)


@command.command("password-link")
@click.argument("name")
@json_option
def password_link(*, name: str, as_json: bool) -> None:
    """Print a link by which NAME sets a password, once, within an hour."""
    with opened() as house:
        _print_link(house, house.account(name), as_json=as_json)


@command.command("invite")
@click.option("--role", type=click.Choice(["reader", "editor", "admin"]), default="reader", show_default=True)
@click.option("--email", default="", help="Whose the invitation is; whoever has the link without it.")
@tenant_option
@json_option
def invite(*, role: str, email: str, tenant: str, as_json: bool) -> None:
    """Print a link by which somebody who logs in by a provider becomes a member."""
    with opened(tenant) as house:
        secret, made = house.people.invite(house.by, Role(role), email)
        link = house.address(f"/invitation?secret={secret}")
    if as_json:
        print_json({"invitation": made.invitation_id, "link": link, "role": role, "expires_at": made.expires_at})
        return
    click.echo(f"{link}\nGood once, until {made.expires_at:%Y-%m-%d}.")


@command.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice([*(role.value for role in Role), "none"]))
@tenant_option
@json_option
def set_role(*, name: str, role: str, tenant: str, as_json: bool) -> None:
    """Make NAME a reader, editor, admin or operator; or no member any more."""
    with opened(tenant) as house:
        account = house.account(name)
        house.people.set_role(house.by, account.account_id, None if role == "none" else Role(role))
    if as_json:
        print_json({"account": account.account_id, "role": role})
        return
    click.echo(f"{account.title}: {role}.")


@command.command("disable")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let them log in again.")
@json_option
def disable(*, name: str, undo: bool, as_json: bool) -> None:
    """End all that NAME has open, sessions and tokens, and let them in no more."""
    with opened() as house:
        account = house.account(name)
        house.people.set_disabled(house.by, account.account_id, disabled=not undo)
    if as_json:
        print_json({"account": account.account_id, "disabled": not undo})
        return
    click.echo(f"{account.title} {'may log in again' if undo else 'is disabled'}.")


def _print_link(house: Opened, account: Account, *, as_json: bool) -> None:
    secret, until = house.people.password_link(house.by, account.account_id)
    link = house.address(f"/password?link={secret}")
    if as_json:
        print_json({"account": account.account_id, "name": account.subject, "link": link, "expires_at": until})
        return
    click.echo(f"{link}\n{account.title} sets a password there, once, within an hour.")
    if not house.settings.people:
        click.echo("Nobody can log in yet: set WIKI_PIPELINE_PASSWORDS=everybody, or a provider.", err=True)


def _shown(account: Account, role: str) -> str:
    return Role.OPERATOR.value if account.operator else role


def _as_json(account: Account, role: str, groups: list[str]) -> dict[str, object]:
    return {
        "account": account.account_id,
        "name": account.name,
        "issuer": account.issuer,
        "subject": account.subject,
        "email": account.email,
        "role": _shown(account, role),
        "groups": groups,
        "last_login_at": account.last_login_at,
        "disabled": account.disabled_at is not None,
    }
