"""HTTP to one Confluence site; see `sources.http.client`."""

from __future__ import annotations

import asyncio

from wiki_pipeline.sources.confluence.answers import CONFLUENCE
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.http.client import Params, SiteClient, Sleep, seconds_to_wait

__all__ = ["ConfluenceClient", "Params", "Sleep", "seconds_to_wait"]


class ConfluenceClient(SiteClient):
    """Requests to one Confluence with one set of credentials.

    Args:
        settings: with an address.
        source: names the source in errors.
        sleep: waits between tries; tests hand in their own.
    """

    def __init__(self, settings: ConfluenceSettings, source: str, sleep: Sleep = asyncio.sleep) -> None:
        super().__init__(settings, CONFLUENCE, source, sleep)
