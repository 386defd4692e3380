"""`wiki-pipeline doctor`: whether all that the installation needs works, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from wiki_pipeline.answers.llm.settings import ChatSettings
from wiki_pipeline.cli.jobs import use_dagster_home
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.cli.settings import groups
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.operations.doctor import Check, State, checked, examine
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings

_FAILED = 3


@click.command("doctor")
@json_option
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Look whether settings, database, storage, Dagster, models and each source work, and say what to do.

    Exit status: 0 if nothing failed (there may be warnings), 3 if something did.
    """
    found = list(_checks())
    if as_json:
        print_json([asdict(check) for check in found])
    else:
        rows = [(check.state, check.about, check.found, check.advice) for check in found]
        print_table(["", "what", "found", "to do"], rows, empty="")
    if any(check.state is State.FAILED for check in found):
        ctx.exit(_FAILED)


def _checks() -> Iterator[Check]:
    usable = True
    for name, group in groups().items():
        try:
            load(group)
        except WikiPipelineError as error:
            usable = False
            yield Check(f"settings ({name})", State.FAILED, error.message, error.advice or "Correct them.")
    if not usable:
        return
    settings = load(Settings)
    yield Check("settings", State.OK, "can all be used")
    yield from examine(settings)
    yield checked("language model", _language_model)
    yield checked("dagster", lambda: _dagster(settings))


def _language_model() -> Check:
    model = load(ChatSettings).chat_model
    if not model:
        return Check("language model", State.OK, "none is set: answers are quoted from the pages")
    return Check("language model", State.OK, f"{model} is set; `wiki-pipeline ask` asks it")


def _dagster(settings: Settings) -> Check:
    home = use_dagster_home(settings)
    from wiki_pipeline.defs.instance import examine as examine_instance  # noqa: PLC0415 - Dagster takes seconds

    found, problem, advice = examine_instance(home)
    return Check("dagster", State.WARNING if problem else State.OK, problem or found, advice)
