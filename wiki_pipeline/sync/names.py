"""Names of the people whom a source's documents mention, kept in the catalog so that no page costs a request.

A sync asks for people whom it meets for the first time, all at once; a full one also asks again for those it has not
asked about for a while. A page's input hash covers the names that it shows (`sync.dependents`), so people who are
renamed make those pages again, and no others.
"""

from __future__ import annotations

import logging
from datetime import timedelta

import pyarrow as pa

from wiki_pipeline.errors import SourceError
from wiki_pipeline.model import RawPage, Stage, rows_from_arrow
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.sync.dependents import read_dependents
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.text.confluence.trees import people_in

MOST_PEOPLE = 20_000  # of all sources together; a hostile page could make up any number
_MOST_AT_ONCE = 2_000
_KEPT = timedelta(days=60)  # after the last full sync that found them mentioned
_LOG = logging.getLogger(__name__)


class People:
    """Whom the documents of one sync mention."""

    def __init__(self) -> None:
        self._met: set[str] = set()

    def meet(self, page: RawPage) -> None:
        """Record whom a page that was brought over mentions."""
        for person_id in people_in(page):
            if len(self._met) >= MOST_PEOPLE:
                return
            self._met.add(person_id)

    def _meet_all(self, sync: Sync) -> None:
        for batch in sync.table(Stage.RAW_PAGES).batches():
            for page in rows_from_arrow(RawPage, pa.Table.from_batches([batch])):
                self.meet(page)

    async def learn(self, sync: Sync, source: Source, *, everyone: bool) -> None:
        """Ask the source for names, and keep them. Without an answer pages show no names until a later sync.

        Args:
            everyone: whether to look after all that the source's documents mention, as a full sync does; otherwise
                only people who were met now and are not known are asked for.

        Raises:
            CatalogError, StoreError: out of reach.
        """
        people, key = sync.pipeline.catalog.people, sync.source
        known, mentioned = people.names(key), set(self._met)
        if everyone:
            if Stage.CLEAN_PAGES in sync.upgraded:
                self._meet_all(sync)  # whom pages mention is what the table may have been upgraded for
                mentioned |= self._met
            pages = read_dependents(sync.table(Stage.CLEAN_PAGES))
            mentioned.update(person.person_id for page in pages for person in page.people)
        desired = sorted(mentioned - known.keys())[: max(0, MOST_PEOPLE - len(known))]
        if everyone:
            desired += people.due(key, mentioned, timedelta(hours=sync.settings.names_refresh_hours))
            people.forget(key, _KEPT)
        if not desired:
            return
        try:
            people.record(key, await source.names(desired[:_MOST_AT_ONCE]))
        except SourceError as error:
            _LOG.warning("%s: names of people could not be read. %s", key, error.message)
