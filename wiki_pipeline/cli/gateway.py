"""`wiki-pipeline gateway`: the gateway alone, without Dagster and without a first sync."""

from __future__ import annotations

import click

from wiki_pipeline.gateway.server import listen, serve
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load


@click.command("gateway")
def command() -> None:
    """Serve wiki, search, API and webhooks alone, without Dagster.

    It serves what others sync, until it is stopped. Where it listens is set by WIKI_PIPELINE_GATEWAY_HOST and
    WIKI_PIPELINE_GATEWAY_PORT.
    """
    settings = load(GatewaySettings)
    serve(settings, listen(settings))
