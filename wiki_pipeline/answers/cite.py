"""Citations: what of which document an answer stands on, where that is read, who wrote it, and how fresh it is.

Everything in a citation is made by the program from what the tables and the catalog hold. Of a language model's text
only the id is taken, and only one that was issued for the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from wiki_pipeline.freshness import StaleDocument
from wiki_pipeline.links.wiki_addresses import page_address, wiki_path
from wiki_pipeline.model import Heading, SourceKey, Stage, digest
from wiki_pipeline.store import Hit, Store
from wiki_pipeline.wiki.anchors import anchor_below

_PLACE_COLUMNS = ("document_id", "headings", "code_language")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk is read in the wiki.

    Attributes:
        page: the document's address.
        fragment: `#anchor` of the heading above it, `#L3-L9` for source code, or empty.
        code: the document is source code.
    """

    page: str
    fragment: str
    code: bool


def places_of(store: Store, hits: Sequence[Hit]) -> list[Place]:
    """Where to read each of the chunks in the wiki: below its heading, or at its lines.

    Raises:
        StoreError: the tables are out of reach.
    """
    pages: dict[tuple[str, str], Mapping[str, Any]] = {}
    for source in {hit.source for hit in hits}:
        desired = sorted({hit.document_id for hit in hits if hit.source == source})
        rows = store.table(Stage.WIKI_PAGES, SourceKey.parse(source)).read(desired, _PLACE_COLUMNS)
        pages |= {(source, row["document_id"]): row for row in rows.to_pylist()}
    return [_place(hit, pages.get((hit.source, hit.document_id))) for hit in hits]


def _place(hit: Hit, page: Mapping[str, Any] | None) -> Place:
    address = page_address(SourceKey.parse(hit.source), wiki_path(hit.document_id, hit.title, hit.path))
    if page is None:
        return Place(address, "", code=False)
    if page["code_language"]:
        return Place(address, f"#L{hit.start_line}-L{hit.end_line}", code=True)
    anchor = anchor_below([Heading(**heading) for heading in page["headings"]], hit.heading_path)
    return Place(address, f"#{quote(anchor)}" if anchor else "", code=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staleness:
    """That a cited document is served behind its source, in the words of `freshness`.

    Attributes:
        since: ISO 8601; None where it was not recorded.
    """

    reason: str
    since: str | None
    upstream_version: str
    served_version: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A chunk that an answer may stand on.

    Attributes:
        id: `c3`; of this answer only, and never another chunk's.
        source: `tenant:kind:name`.
        source_title: for people.
        kind: of the source: `confluence`, `git`, ...
        version: of the page, or the commit.
        headings: above the chunk, outermost first, without the page's title.
        start_line, end_line: of a file of a repository; 0 for pages.
        url: where to read it upstream, at the lines where its host knows them; empty if people can't open it there.
        wiki_url: where to read it here.
        modified_at: ISO 8601, of the document's last change; None if unknown.
        text: the chunk as it was when it was cited.
        text_hash: of that text, so that it can be told later whether it still stands there.
        stale: None if its document is up to date as far as is known.
    """

    id: str
    chunk_id: str
    source: str
    source_title: str
    kind: str
    document_id: str
    version: str
    title: str
    headings: tuple[str, ...]
    path: str
    start_line: int
    end_line: int
    code: bool
    url: str
    wiki_url: str
    author: str
    modified_at: str | None
    text: str
    text_hash: str
    stale: Staleness | None = None

    @property
    def document(self) -> tuple[str, str]:
        """Source and id of the document."""
        return self.source, self.document_id

    @property
    def short_version(self) -> str:
        """As people say it: commits by their first digits."""
        return self.version[:8] if _COMMIT.fullmatch(self.version) else self.version

    @property
    def place(self) -> str:
        """Where in the document, for people: headings, or lines; empty for its beginning."""
        lines = f"lines {self.start_line} to {self.end_line}" if self.code else ""
        return " › ".join(filter(None, (*self.headings, lines)))


def cite(
    hits: Sequence[Hit],
    places: Sequence[Place],
    stale: Sequence[StaleDocument | None],
    source_titles: Mapping[str, str],
    first: int = 1,
) -> list[Citation]:
    """Citations of hits, numbered from `first` in their order."""
    each = zip(hits, places, stale, strict=True)
    return [_citation(number, *one, source_titles) for number, one in enumerate(each, first)]


def text_hash(text: str) -> str:
    """What `Citation.text_hash` is of a text."""
    return digest(text)


def _citation(
    number: int, hit: Hit, place: Place, stale: StaleDocument | None, source_titles: Mapping[str, str]
) -> Citation:
    modified = None if hit.last_modified is None else datetime.fromtimestamp(hit.last_modified, UTC).isoformat()
    return Citation(
        id=f"c{number}",
        chunk_id=hit.chunk_id,
        source=hit.source,
        source_title=source_titles.get(hit.source, hit.source),
        kind=hit.source_type,
        document_id=hit.document_id,
        version=hit.version,
        title=hit.title or "Untitled",
        headings=tuple(name for name in hit.heading_path if name != hit.title),
        path=hit.path,
        start_line=hit.start_line if place.code else 0,
        end_line=hit.end_line if place.code else 0,
        code=place.code,
        url=_upstream(hit, place),
        wiki_url=place.page + place.fragment,
        author=hit.author,
        modified_at=modified,
        text=hit.text,
        text_hash=text_hash(hit.text),
        stale=_staleness(stale),
    )


def _upstream(hit: Hit, place: Place) -> str:
    if not hit.url.startswith(("http://", "https://")):
        return ""
    if place.code and "#" not in hit.url and "/blob/" in hit.url:  # GitHub's, GitLab's and Gitea's spelling of lines
        return f"{hit.url}#L{hit.start_line}-L{hit.end_line}"
    return hit.url


def _staleness(stale: StaleDocument | None) -> Staleness | None:
    if stale is None:
        return None
    return Staleness(
        reason=stale.reason.value,
        since=stale.since.isoformat() if stale.since else None,
        upstream_version=stale.upstream_version,
        served_version=stale.served_version,
        detail=stale.detail,
    )


def from_json(facts: Mapping[str, Any]) -> Citation:
    """A citation as it was stored."""
    stale = facts.get("stale")
    given = {**facts, "headings": tuple(facts["headings"]), "stale": Staleness(**stale) if stale else None}
    return Citation(**given)


def by_id(citations: Iterable[Citation]) -> dict[str, Citation]:
    """Citations by their ids."""
    return {citation.id: citation for citation in citations}
