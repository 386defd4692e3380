"""Pages as agents read them: a section at a time, with what the page is and how fresh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.errors import PageNotFoundError, SourceNotFoundError
from wiki_pipeline.gateway.mcp.addresses import PageAddress, parse, short
from wiki_pipeline.gateway.services import Services
from wiki_pipeline.gateway.wiki_reader import SourceIndex, document_freshness
from wiki_pipeline.links.wiki_addresses import page_address
from wiki_pipeline.model import Stage, WikiPage
from wiki_pipeline.wiki.sections import Section, sections
from wiki_pipeline.wiki.tree import Node
from wiki_pipeline.wiki.views import Freshness


class Asked(BaseModel):
    """The arguments of a tool; no others are taken."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and where they reach the wiki.

    Attributes:
        serving: what they may read.
        root: address of the gateway, without a slash at its end; empty while nothing serves the wiki.
    """

    serving: Services
    root: str

    def link(self, path: str, upstream: str, address: PageAddress) -> str:
        """Where people read something: in the wiki if that is served, else upstream; never empty."""
        if self.root:
            return self.root + path
        return upstream if upstream.startswith(("http://", "https://")) else str(address)


@dataclass(frozen=True, slots=True)
class Reading:
    """One section of a page.

    Attributes:
        number: of the section, from 1.
        address: of the section, with the page's version.
        url: where people read it.
        changed: another version was asked for, which is not there any more.
    """

    record: SourceRecord
    page: WikiPage
    freshness: Freshness
    sections: tuple[Section, ...]
    number: int
    address: PageAddress
    url: str
    changed: bool

    @property
    def text(self) -> str:
        """The section, and where the page goes on."""
        text = self.sections[self.number - 1].text
        if len(self.sections) == 1:
            return text
        on = f" It goes on at {self.at(self.number + 1)}" if self.number < len(self.sections) else " It ends here."
        return f"{text.rstrip()}\n\n[Section {self.number} of {len(self.sections)} of this page.{on}]\n"

    def at(self, number: int) -> PageAddress:
        """The address of another section."""
        return replace(self.address, section=number, line=0)


def read(asker: Asker, text: str) -> Reading:
    """The section that an address means.

    Raises:
        PageNotFoundError: it is no address, or there is no such page or section.
        SourceNotFoundError: there is no such source, or the asker may not read it.
    """
    address = parse(text)
    if address is None:
        raise PageNotFoundError(
            f"{text[:200]!r} is not the id of a page.", "Ids are as search gives them: wiki://SOURCE/PAGE."
        )
    index = _index(asker, address.slug)
    node = _node(index, address.page)
    found = index.page(node) if node else None
    if node is None or found is None:
        raise PageNotFoundError(
            f"There is no page {address.page[:200]!r} in {index.record.title or index.record.key.name}.",
            "It may have been deleted or moved upstream: search for it again.",
        )
    page = found.page
    parts = tuple(_sections(asker.serving, index.record, page))
    number = address.section or _with_line(parts, address.line)
    if not 1 <= number <= len(parts):
        raise PageNotFoundError(f"This page has {len(parts)} sections, and none with the number {number}.")
    served = short(page.version)
    here = PageAddress(index.record.key.slug, page.document_id, served, number if len(parts) > 1 else 0)
    path = page_address(index.record.key, node.path) + _fragment(page, parts[number - 1], number)
    return Reading(
        record=index.record,
        page=page,
        freshness=document_freshness(asker.serving.reader.staleness(index.record), page.document_id),
        sections=parts,
        number=number,
        address=here,
        url=asker.link(path, page.url, here),
        changed=bool(address.version) and address.version != served,
    )


def _index(asker: Asker, slug: str) -> SourceIndex:
    reader = asker.serving.reader
    record = reader.source_at(slug)
    if record is None:  # some programs write the host of an address in lower case
        alike = [each for each in reader.sources() if each.key.slug.lower() == slug.lower()]
        record = alike[0] if len(alike) == 1 else None
    if record is None:
        raise SourceNotFoundError(f"There is no source {slug[:200]!r}.", "list_sources names them.")
    return reader.index(record)


def _node(index: SourceIndex, page: str) -> Node | None:
    """The document with an id, or at an address in the wiki, also an old one."""
    node = index.tree.document(page) or index.tree.at(page) or index.tree.document(page.partition("/")[0])
    return node if node and node.document_id else None


def _sections(serving: Services, record: SourceRecord, page: WikiPage) -> Iterator[Section]:
    """The page's own, then those of the files that it shows or links."""
    most = serving.settings.section_bytes
    yield from sections(page.markdown, most, code=bool(page.code_language))
    table = serving.store.table(Stage.ATTACHMENTS, record.key)
    files = table.read(columns=["document_id", "parent_id", "words"]).to_pylist()
    desired = [file["document_id"] for file in files if file["parent_id"] == page.document_id and file["words"]]
    rows = table.read(desired, ["title", "text"]).to_pylist() if desired else []
    for row in sorted(rows, key=lambda row: str(row["title"])):
        for part in sections(f"# File: {row['title']}\n\n{row['text']}", most):
            yield replace(part, title=part.title or f"File: {row['title']}", start_line=0, end_line=0)


def _with_line(parts: tuple[Section, ...], line: int) -> int:
    """The number of the section that holds a line of the page; the first if none does."""
    held = (number for number, part in enumerate(parts, 1) if part.start_line <= line <= part.end_line)
    return next(held, 1) if line else 1


def _fragment(page: WikiPage, section: Section, number: int) -> str:
    if number == 1 or not section.start_line:
        return ""
    if page.code_language:
        return f"#L{section.start_line}-L{section.end_line}"
    anchor = next((heading.anchor for heading in page.headings if heading.text == section.title), "")
    return f"#{quote(anchor)}" if anchor else ""


def iso(moment: datetime | None) -> str | None:
    """A moment as ISO 8601 in UTC, to the second."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
