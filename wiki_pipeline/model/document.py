"""Documents: one frozen dataclass a table row, from `raw_pages` to `wiki_pages`.

The fields are the columns of the tables, in their order; `tables.py` derives the Arrow schemas from them. Documents
carry the same descriptive columns in every stage, so those are declared once, in `Document`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import pyarrow as pa

LongText = Annotated[str, pa.large_string()]
"""Text of any length: a column's texts may exceed 2 GB in sum."""

ByteCount = Annotated[int, pa.int64()]
BLOB = {b"lance-encoding:blob": b"true"}
Blob = Annotated[bytes, pa.large_binary(), BLOB]
"""Bytes that Lance stores apart from the other columns: scans pass them by, readers get them as files."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A page above another one in the tree."""

    document_id: str
    title: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a page, as met in its text. `target` is an absolute address, or a path within a repository."""

    text: str
    target: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a page: level 1 to 6, its text, its anchor in the rendered page."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """A page whose text is part of another one's: included by it, or by a page that it includes.

    Attributes:
        target: upstream address, as in `Link`, by which the text refers to it.
        title: what the reference calls it.
        via: id of the document that refers to it: the page itself, or one that it includes.
        source: partition key of the source that has it; empty while none of the tenant's sources does.
        document_id: its id there; empty while it is missing.
        text_hash: hash of what can be included of it; empty while it is missing.
    """

    target: str
    title: str
    via: str
    source: str = ""
    document_id: str = ""
    text_hash: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A person whom a text names.

    Attributes:
        person_id: account id (Cloud), user key or user name (Data Center).
        name: display name that the text shows; empty if it is not known.
    """

    person_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A prefix under which a text names documents, as `OPS` of `OPS-12`.

    Attributes:
        address: what such names follow, as `https://jira.example.com/browse/`; empty if no source has such documents.
    """

    prefix: str
    address: str


@dataclass(frozen=True, slots=True)
class UnknownMacro:
    """A macro of a page that no handler knows, and how often it occurs there."""

    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is known of a document besides its text; the columns that every table shares.

    Attributes:
        document_id: the source's own stable id: a Confluence page id, a repository path.
        title: for people; a repository file's is its path until its first heading is known.
        url: where to read it upstream; pinned to the commit for repository files. No credentials.
        parent_id: the document above it in the tree, if that is a document of the same source.
        position: order among its siblings as the source gives it.
        ancestors: from the root downwards.
        version: what people call its version: Confluence's number, the commit that last changed a file.
        path: the path in the repository; empty for Confluence.
        space_key: the space's key, or the repository's name.
        space_name: the space's name, or the repository's name.
        author: display name of who changed it last; empty if unknown.
        media_type: of the body as the source gave it: `application/vnd.atlassian.confluence.storage+xml`,
            `text/html` (Confluence's view), `text/markdown`, `text/x-python`, ...
        facets: what the source says of it in names and values, as `status=Done`, `assignee=Ada Lovelace`: searches
            filter by them, and other pages show them.
    """

    document_id: str
    title: str
    url: str
    parent_id: str | None = None
    position: int = 0
    ancestors: tuple[Ancestor, ...] = ()
    labels: tuple[str, ...] = ()
    version: str = ""
    path: str = ""
    space_key: str = ""
    space_name: str = ""
    author: str = ""
    created_at: datetime | None = None
    modified_at: datetime | None = None
    media_type: str = "text/plain"
    facets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage(Document):
    """A document as the source gave it.

    Attributes:
        version_key: what the source itself says changed; equal keys mean nothing to fetch.
        body: the whole body as text.
        notes: what the source had to do to bring it, for people ("storage body failed, view taken instead").
    """

    version_key: str
    body: LongText
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanPage(Document):
    """A document as Markdown with its structure.

    Attributes:
        markdown: GitHub-flavoured Markdown. For source code, the code itself (no fence).
        code_language: Pygments/tree-sitter name of the language if the document is source code, else empty.
        headings: in order of appearance.
        links: in order of appearance.
        dependencies: pages whose text is part of this one, or would be if they were there, in order of appearance.
        people: whom the text names, in order of appearance.
        names: under which prefixes the text names documents, or what may be such names; in order of appearance, the
            first hundred.
        unknown_macros: macros that no handler knows, by name.
        lost_words: words of a wiki page's body that the text holds less often, those that are missed most first; the
            first twenty. Words of pages that it includes don't count.
        notes: what was repaired or could not be kept, for people.
        words: number of words in the text.
    """

    markdown: LongText
    code_language: str = ""
    headings: tuple[Heading, ...] = ()
    links: tuple[Link, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    people: tuple[Person, ...] = ()
    names: tuple[Named, ...] = ()
    unknown_macros: tuple[UnknownMacro, ...] = ()
    lost_words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    words: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment(Document):
    """A file that a page shows or links, mirrored. Its `parent_id` is the document that its text belongs to.

    Attributes:
        version_key: what the source itself says changed; equal keys mean nothing to download.
        file_hash: hash of the bytes, 32 hex digits: its address in the wiki. Empty if it is not kept.
        size: in bytes.
        data: the bytes. Stored apart from the other columns, read by `StageTable.open_blob`.
        text: of a PDF or Word file, as Markdown; empty if it has none.
        text_by: what read the text: equal for the same version and limits of the reader.
        words: number of words in the text.
        notes: why it is not kept, or why it has no text, for people.
    """

    version_key: str
    file_hash: str = ""
    size: ByteCount = 0
    data: Blob = b""
    text: LongText = ""
    text_by: str = ""
    words: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk(Document):
    """A chunk of a document. A document with no text has one chunk: its title.

    Attributes:
        chunk_id: hash of source, document, place and text; an inserted line elsewhere leaves it as it is.
        chunk_index, total_chunks: position within the document, from 0.
        heading_path: headings above the chunk, outermost first; for code the enclosing scopes and the symbol.
        start_line, end_line: 1-based lines of the file (code, plain files) or of the Markdown (pages).
        text: what is shown and cited.
        search_text: what is searched: on its first line the surroundings (space, page, path, headings, identifiers
            split at case and underscores), below it the text without markup.
        text_hash: hash of what is embedded, `search_text` without its first line, so that a renamed document or heading
            keeps its vectors; equal hashes share a vector.
    """

    chunk_id: str
    chunk_index: int
    total_chunks: int
    heading_path: tuple[str, ...] = ()
    start_line: int = 0
    end_line: int = 0
    text: LongText
    search_text: LongText
    text_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiPage(Document):
    """A rendered page of the wiki.

    Attributes:
        wiki_path: its address below the source's own, as `98487/onboarding` or `docs/intro.md`; unique in the source.
        html: sanitised HTML of the page's body; links lead into the wiki where the target is there.
        markdown: the page as Markdown; source code as it is.
        code_language: as in `CleanPage`.
        headings: for the table of contents.
        words: number of words in the text.
        targets: where each of its links led when it was rendered, and what it shows of that: see `LinkIndex.targets`.
    """

    wiki_path: str
    html: LongText
    markdown: LongText
    code_language: str = ""
    headings: tuple[Heading, ...] = ()
    words: int = 0
    targets: tuple[str, ...] = ()
