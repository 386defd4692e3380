"""`wiki-pipeline audit`: who did what."""

from __future__ import annotations

import click

from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.cli.people import opened, tenant_option
from wiki_pipeline.gateway.api.members import as_csv, as_lines, facts_of


@click.command("audit")
@click.option("--action", default="", help="Only this, as `login` or `role.change`.")
@click.option("--actor", default="", help="Only by this one.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="So many, newest first.")
@click.option("--export", "export", type=click.Choice(["jsonl", "csv"]), help="All of it, oldest first.")
@click.option("--all-tenants", is_flag=True, help="Of all tenants.")
@tenant_option
@json_option
def command(
    *, action: str, actor: str, limit: int, export: str | None, all_tenants: bool, tenant: str, as_json: bool
) -> None:
    """Show or export who did what."""
    with opened(tenant) as house:
        chosen = None if all_tenants else house.by.tenant
        if export:
            house.people.record(house.by, "audit.export", export)
            records = house.catalog.audit.all(chosen, action=action, actor=actor)
            for line in as_csv(records) if export == "csv" else as_lines(records):
                click.echo(line, nl=False)
            return
        found = list(house.catalog.audit.page(chosen, action=action, actor=actor, limit=limit))
    if as_json:
        print_json([facts_of(each) for each in found])
        return
    print_table(
        ["when", "who", "did", "to", "result", "from"],
        [
            (each.at, each.entry.actor, each.entry.action, each.entry.object, each.entry.result, each.entry.address)
            for each in found
        ],
        empty="Nothing is recorded yet.",
    )
