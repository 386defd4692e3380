"""The settings that `wiki-pipeline up` looks at: those of everything that it starts."""

from __future__ import annotations

from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.gateway.settings import GatewaySettings


class UpSettings(GatewaySettings, DagsterSettings):
    """Settings of the gateway, its pipeline, and Dagster."""
