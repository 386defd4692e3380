"""`wiki-pipeline quotas`: what is used, and what may be, by plans, tenants and accounts."""

from __future__ import annotations

import re

import click

from wiki_pipeline.access.actors import command_line
from wiki_pipeline.catalog import Cap, Kind, Period, Use
from wiki_pipeline.catalog.quotas import MICRO, UNLIMITED, micro
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.quotas import measured
from wiki_pipeline.sync.settings import Settings

_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
_HOLDER = re.compile(rf"(?:plan|tenant):{_NAME}(?::each)?|account:{_NAME}:[^\s:]{{1,200}}")
_NONE, _UNLIMITED = "none", "unlimited"


@click.group("quotas")
def command() -> None:
    """Show what the tenant uses, and set what plans, tenants and accounts may use.

    Without a cap there is no bound. A full quota stops new work, never reading or deleting.
    """


@command.command("list")
@click.option("--account", default="", metavar="ID", help="Also what this account uses.")
@json_option
def list_quotas(*, account: str, as_json: bool) -> None:
    """Show what the tenant uses, and all caps."""
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        quotas = pipeline.catalog.quotas
        uses = quotas.usage(settings.tenant, account, measured(pipeline, settings.tenant))
        caps, plans = quotas.caps(), quotas.plans()
    if as_json:
        print_json(
            {
                "tenant": settings.tenant,
                "usage": [_use_as_json(use) for use in uses],
                "caps": [
                    {"holder": cap.holder, "kind": cap.kind, "period": cap.period, "cap": _as_json(cap)} for cap in caps
                ],
                "plans": plans,
            }
        )
        return
    print_table(
        ["whose", "what", "in a", "used", "of"],
        [
            (
                use.account or f"tenant {settings.tenant}",
                use.kind,
                use.period,
                _amount(use.kind, use.used + use.reserved),
                "no bound" if use.cap is None else _amount(use.kind, use.cap),
            )
            for use in uses
        ],
        empty="Nothing is used, and nothing is bounded.",
    )
    print_table(
        ["holder", "what", "in a", "cap"],
        [
            (cap.holder, cap.kind, cap.period, _UNLIMITED if cap.cap == UNLIMITED else _amount(cap.kind, cap.cap))
            for cap in caps
        ],
        empty="There are no caps. Set one with `wiki-pipeline quotas set tenant:NAME requests day 1000`.",
    )
    for tenant, plan in sorted(plans.items()):
        click.echo(f"The tenant {tenant} is on the plan {plan}.")


@command.command("set")
@click.argument("holder")
@click.argument("kind", type=click.Choice([each.value for each in Kind]))
@click.argument("period", type=click.Choice([each.value for each in Period]))
@click.argument("cap")
def set_cap(*, holder: str, kind: str, period: str, cap: str) -> None:
    """Let HOLDER use no more than CAP of KIND in a PERIOD.

    HOLDER is plan:NAME or tenant:NAME, with :each behind it for each account of it, or account:TENANT:ID. CAP is a
    number (money: in the prices' currency), `unlimited` whatever the plan says, or `none` to take the cap away. What is
    kept (pages, bytes, repositories) has the period `total`.
    """
    chosen, when = Kind(kind), Period(period)
    if not _HOLDER.fullmatch(holder):
        raise ConfigurationError(
            f"{holder!r} holds no quotas.",
            "Write plan:NAME, tenant:NAME (with :each for accounts) or account:TENANT:ID.",
        )
    if chosen.is_kept is not (when is Period.TOTAL):
        raise ConfigurationError(f"{chosen.value} are not capped by the {when.value}.", "What is kept is, by `total`.")
    if chosen.is_kept and (holder.startswith("account:") or holder.endswith(":each")):
        raise ConfigurationError("What is kept is the tenant's: no account has a cap of it.")
    with Pipeline.open(load(Settings)) as pipeline:
        if cap == _NONE:
            pipeline.catalog.quotas.drop_cap(holder, chosen, when)
            _noted(pipeline, f"{holder} {kind} {period} none")
            click.echo(f"{holder} has no cap of its own on {kind} a {period}.")
            return
        pipeline.catalog.quotas.set_cap(Cap(holder, chosen, when, _read(chosen, cap)))
        _noted(pipeline, f"{holder} {kind} {period} {cap}")
    click.echo(f"{holder} may use {cap} {kind} a {period}.")


@command.command("plan")
@click.argument("tenant")
@click.argument("plan")
def set_plan(*, tenant: str, plan: str) -> None:
    """Put TENANT on PLAN: its caps hold where the tenant has none of its own."""
    for name in (tenant, plan):
        if not re.fullmatch(_NAME, name):
            raise ConfigurationError(f"{name!r} is no name.", "Use lower-case letters and digits.")
    with Pipeline.open(load(Settings)) as pipeline:
        pipeline.catalog.quotas.set_plan(tenant, plan)
        _noted(pipeline, f"tenant {tenant} plan {plan}")
    click.echo(f"The tenant {tenant} is on the plan {plan}.")


def _noted(pipeline: Pipeline, what: str) -> None:
    pipeline.catalog.audit.record(command_line(pipeline.tenant).entry("quota.set", what))


def _read(kind: Kind, cap: str) -> int:
    if cap == _UNLIMITED:
        return UNLIMITED
    try:
        found = micro(float(cap)) if kind is Kind.MONEY else int(cap)
    except (ValueError, OverflowError):
        found = -1
    if not 0 <= found <= 2**60:
        raise ConfigurationError(f"{cap!r} is no cap.", "Give a number, `unlimited` or `none`.")
    return found


def _amount(kind: Kind, amount: int) -> str:
    return f"{amount / MICRO:,.2f}" if kind is Kind.MONEY else f"{amount:,}"


def _as_json(cap: Cap) -> int | None:
    return None if cap.cap == UNLIMITED else cap.cap


def _use_as_json(use: Use) -> dict[str, object]:
    return {
        "of": use.account or "tenant",
        "kind": use.kind,
        "period": use.period,
        "used": use.used,
        "reserved": use.reserved,
        "cap": use.cap,
        "resets_at": use.resets_at,
    }
