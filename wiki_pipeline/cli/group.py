"""The group of commands: loads only the one that is asked for, and says errors in a sentence instead of a traceback."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import Any

import click

from wiki_pipeline.errors import ConfigurationError, SearchError, WikiPipelineError

# Name to one line of help: the modules take seconds to import together, and `--help` needs none of them.
COMMANDS = {
    "init": "Write a commented configuration to start from.",
    "settings": "Show all settings with their values; secrets are masked.",
    "up": "Start everything: first sync, Dagster UI, wiki and API.",
    "gateway": "Serve wiki, search, API and webhooks alone, without Dagster.",
    "sync": "Bring sources up to date, with progress.",
    "sources": "List, add and remove sources.",
    "tenants": "List, add and drop tenants: whose sources this installation holds.",
    "secrets": "Turn the master key of the secrets in the catalog, and see whether they open.",
    "quotas": "Show what the tenant uses, and set what plans, tenants and accounts may use.",
    "connections": "List, add, test and remove the sites and hosts that sources are read from.",
    "people": "Add, list, invite and disable people, and say what they are.",
    "tokens": "Make, list and revoke API tokens.",
    "audit": "Show or export who did what.",
    "status": "Show how fresh each source is, and which documents are stale.",
    "search": "Search the tenant's sources.",
    "ask": "Ask a question; the answer says where it is from.",
    "research": "Look into a question step by step; ends in a report with its sources.",
    "mcp": "Serve search and pages to an agent on this machine, by MCP on standard input and output.",
    "doctor": "Look whether settings, database, storage, Dagster, models and each source work, and say what to do.",
    "backup": "Back up the catalog and all tables below DIR or URL (s3://, gs://, az://).",
    "restore": "Bring a backup at DIR or URL back.",
    "migrate": "Bring the catalog and Dagster's storage to this version, and begin the list of tables.",
    "evaluate": "Measure how well questions of a file are answered, against an earlier run too.",
}


_INTERRUPTED = 128 + signal.SIGINT  # as shells say it


class Failed(click.ClickException):
    """An error for people, as click ends a program with it."""

    exit_code = 3


class Misused(Failed):
    """The same, where what was asked or configured is wrong."""

    exit_code = 2


class Commands(click.Group):
    """Commands that are modules of this package, each with its `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"wiki_pipeline.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(_INTERRUPTED)
        except WikiPipelineError as error:
            misused = isinstance(error, ConfigurationError | SearchError)
            raise (Misused if misused else Failed)(str(error)) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="wiki-pipeline")
def main() -> None:
    """Confluence spaces, Git repositories and Jira projects, searchable, readable and provably fresh.

    Settings come from the environment, .env and wiki-pipeline.toml. Every command ends with 0 if all is well,
    1 if some documents failed, 2 for usage or configuration, 3 if it could not be done.
    """
