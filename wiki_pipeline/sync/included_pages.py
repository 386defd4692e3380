"""Pages as other pages refer to them: found by upstream address in any of the tenant's sources of one kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

from wiki_pipeline.links.index import COLUMNS, LinkIndex
from wiki_pipeline.model import RawPage, SourceKey, Stage, rows_from_arrow
from wiki_pipeline.sync.issue_lists import IssueLists
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.known import Included, text_hash

_READ_AT_ONCE = 100
_KEPT_CHARACTERS = 32_000_000


class State(NamedTuple):
    """What an upstream address leads to now; all empty if nothing."""

    source: str = ""
    document_id: str = ""
    text_hash: str = ""


class Dependencies:
    """The raw pages of the tenant's sources of one kind, as other pages refer to them. Reads nothing before it must."""

    def __init__(self, pipeline: Pipeline, source: SourceKey) -> None:
        self._store = pipeline.store
        self._catalog = pipeline.catalog
        self._source = source
        self._lists = IssueLists(pipeline, source.tenant)
        self._pages: dict[tuple[SourceKey, str], Included | None] = {}
        self._kept = 0

    def find(self, target: str) -> Included | None:
        """The page that an upstream address means, with its body; None if no source has it."""
        if "/issues/?" in target:
            return self._lists.find(target)
        place = self._index.document(target, self._source)
        if place is None:
            return None
        if place not in self._pages:
            self._keep(place, next(self._read(place[0], [place[1]]), None))
        return self._pages[place]

    def prepare(self, targets: Iterable[str]) -> None:
        """Read at once what is about to be found singly, as much of it as may be kept."""
        for source, document_ids in self._places(targets).items():
            desired = [document_id for document_id in document_ids if (source, document_id) not in self._pages]
            for page in self._read(source, desired):
                self._keep((source, page.document_id), page)
                if self._kept > _KEPT_CHARACTERS:
                    return

    def states(self, targets: Iterable[str]) -> dict[str, State]:
        """What each of the addresses leads to now. Bodies are read in bounded numbers and not kept."""
        targets = set(targets)
        states = {
            (source, page.document_id): State(str(source), page.document_id, text_hash(page))
            for source, document_ids in self._places(targets).items()
            for page in self._read(source, document_ids)
        }
        lists = {target: found for target in targets if (found := self._lists.find(target))}
        return {
            target: State(text_hash=lists[target].text_hash)
            if target in lists
            else states.get(place, State())
            if (place := self._index.document(target, self._source))
            else State()
            for target in targets
        }

    def changed_at(self, source: str, document_id: str) -> datetime | None:
        """When a page changed last, as its source says."""
        table = self._store.table(Stage.RAW_PAGES, SourceKey.parse(source))
        moments: list[datetime | None] = table.read([document_id], ["modified_at"])["modified_at"].to_pylist()
        return moments[0] if moments else None

    def _places(self, targets: Iterable[str]) -> dict[SourceKey, list[str]]:
        """The ids of the pages that some addresses mean, by source; each once, sorted."""
        places = {place for target in set(targets) if (place := self._index.document(target, self._source))}
        return {
            source: [id_ for _, id_ in some] for source, some in groupby(sorted(places), key=lambda place: place[0])
        }

    def _keep(self, place: tuple[SourceKey, str], page: RawPage | None) -> None:
        if self._kept > _KEPT_CHARACTERS:
            self._pages.clear()
            self._kept = 0
        self._kept += len(page.body) if page else 0
        self._pages[place] = Included(page, str(place[0]), text_hash(page)) if page else None

    def _read(self, source: SourceKey, document_ids: Sequence[str]) -> Iterator[RawPage]:
        table = self._store.table(Stage.RAW_PAGES, source)
        for start in range(0, len(document_ids), _READ_AT_ONCE):
            yield from rows_from_arrow(RawPage, table.read(document_ids[start : start + _READ_AT_ONCE]))

    @cached_property
    def _index(self) -> LinkIndex:
        records = self._catalog.sources(self._source.tenant)
        sources = {self._source, *(record.key for record in records if record.key.kind == self._source.kind)}
        return LinkIndex({key: self._store.table(Stage.RAW_PAGES, key).read_known(COLUMNS) for key in sources})
