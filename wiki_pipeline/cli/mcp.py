"""`wiki-pipeline mcp`: the MCP server on standard input and output, for the program that starts it."""

from __future__ import annotations

from contextlib import closing

import anyio
import click

from wiki_pipeline.gateway.mcp.server import on_stdio
from wiki_pipeline.gateway.services import open_services
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load


@click.command("mcp")
def command() -> None:
    """Serve search and pages to an agent on this machine, by MCP on standard input and output.

    Agents start it by themselves: give them this command. Over HTTP the gateway serves the same at /mcp.
    """
    with closing(open_services(load(GatewaySettings))) as services:
        anyio.run(on_stdio, services)
