"""`wiki-pipeline tokens`: API tokens of people's accounts."""

from __future__ import annotations

import click

from wiki_pipeline.access import Action
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.cli.people import opened, tenant_option
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey


@click.group("tokens")
def command() -> None:
    """Make, list and revoke API tokens."""


@command.command("list")
@tenant_option
@json_option
def list_tokens(*, tenant: str, as_json: bool) -> None:
    """List the tenant's tokens that are good. Their secrets are not kept."""
    with opened(tenant) as house:
        found = house.catalog.api_tokens.list(house.by.tenant)
    if as_json:
        print_json([{name: getattr(each, name) for name in each.__slots__} for each in found])
        return
    print_table(
        ["token", "for", "of", "may", "sources", "ends with", "last used", "good until"],
        [
            (
                each.token_id,
                each.name,
                each.owner,
                ", ".join(each.actions),
                "all" if each.sources is None else ", ".join(each.sources),
                each.last_four,
                each.last_used_at,
                each.expires_at,
            )
            for each in found
        ],
        empty="There are none. Make one with `wiki-pipeline tokens create NAME --for WHOM`.",
    )


@command.command("create")
@click.argument("name")
@click.option("--for", "owner", required=True, help="The account that it stands for: its name, address or id.")
@click.option(
    "--action",
    type=click.Choice([action.value for action in Action]),
    default="read",
    show_default=True,
    help="The most that it may do; what is less comes with it.",
)
@click.option("--source", "sources", multiple=True, metavar="TENANT:KIND:NAME", help="Only these; repeatable.")
@click.option("--days", type=click.IntRange(1, 3_650), default=90, show_default=True)
@tenant_option
@json_option
def create(
    *, name: str, owner: str, action: str, sources: tuple[str, ...], days: int, tenant: str, as_json: bool
) -> None:
    """Make a token, NAME says what for. It is printed this once."""
    with opened(tenant) as house:
        account = house.account(owner)
        keys = [SourceKey.parse(text) for text in sources]
        known = {record.key for record in house.catalog.sources(house.by.tenant)}
        if unknown := [str(key) for key in keys if key not in known]:
            raise ConfigurationError(f"There is no source {unknown[0]}.", "`wiki-pipeline sources list` shows all.")
        made = house.people.create_token(
            house.by,
            account.account_id,
            name,
            actions=list(Action)[: list(Action).index(Action(action)) + 1],
            sources=keys or None,
            days=days,
        )
    if as_json:
        print_json({"token": made, "account": account.account_id, "name": name, "days": days})
        return
    click.echo(made)


@command.command("revoke")
@click.argument("token_id")
@tenant_option
@json_option
def revoke(*, token_id: str, tenant: str, as_json: bool) -> None:
    """End a token, by its id, and all that it was exchanged for."""
    with opened(tenant) as house:
        gone = house.people.revoke_token(house.by, token_id.removeprefix("wp_").partition("_")[0])
    if not gone:
        raise ConfigurationError(f"There is no token {token_id[:20]!r}.", "`wiki-pipeline tokens list` shows all.")
    if as_json:
        print_json({"token": token_id, "revoked": True})
        return
    click.echo(f"Revoked {token_id}.")
