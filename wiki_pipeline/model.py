"""The project's words as types, and the Arrow schemas of its tables.

A row of a table is a frozen dataclass with the schema's columns as fields, in the schema's order. Documents carry the
same descriptive columns from `raw_pages` to `vectors`, so those are declared once, in `Document`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pyarrow as pa

from wiki_pipeline.errors import ConfigurationError

# --- sources -----------------------------------------------------------------------------------------------------

_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,30}")
# No comma (breaks Dagster's command line), no white space, no control characters; a slash may not lead anywhere.
_NAME = re.compile(r"[^\s,:\\\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True, order=True)
class SourceKey:
    """One Confluence space or Git repository of one tenant; as text, the Dagster partition `tenant:kind:name`."""

    tenant: str
    kind: str
    name: str

    def __post_init__(self) -> None:
        parts = self.name.split("/")
        if (
            not _TENANT.fullmatch(self.tenant)
            or not _KIND.fullmatch(self.kind)
            or not _NAME.fullmatch(self.name)
            or any(part in {"", ".", ".."} for part in parts)
        ):
            raise ConfigurationError(
                f"{self.tenant}:{self.kind}:{self.name!r} is not a source.",
                "A source is written tenant:kind:name, as default:confluence:ENG or default:git:org/repo, "
                "without spaces, commas or further colons.",
            )

    def __str__(self) -> str:
        return f"{self.tenant}:{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> SourceKey:
        """Read `tenant:kind:name`.

        Raises:
            ConfigurationError: the text is not a source key.
        """
        parts = text.split(":")
        if len(parts) != 3:
            raise ConfigurationError(
                f"{text!r} is not a source.",
                "A source is written tenant:kind:name, as default:confluence:ENG or default:git:org/repo.",
            )
        return cls(*parts)

    @property
    def slug(self) -> str:
        """The source within its tenant as one safe word for table names and addresses, as `git-org-repo-1f3a9c`.

        Names that are safe as they are stay readable; all others get a hash, so two sources never share a slug.
        """
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name)
        readable = f"{self.kind}-{safe}"[:80]
        unchanged = safe == self.name and len(readable) < 80 and not re.search(r"-[0-9a-f]{6}$", safe)
        return readable if unchanged else f"{readable}-{digest(self.name)[:6]}"


class Stage(StrEnum):
    """The stages in the order of the flow; `clean_pages` and `attachments` feed both `chunks` and `wiki_pages`."""

    RAW_PAGES = "raw_pages"
    CLEAN_PAGES = "clean_pages"
    ATTACHMENTS = "attachments"
    CHUNKS = "chunks"
    VECTORS = "vectors"
    WIKI_PAGES = "wiki_pages"


DEFAULT_CONNECTION = "default"
_CONNECTION = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SECRET_REF = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*(#\S+)?|file:.+|row:\S+)?")


@dataclass(frozen=True, slots=True)
class Connection:
    """A site or host from which sources are read, and where the credential for it is kept. Holds no secret itself.

    Attributes:
        name: unique within the tenant; the settings' own Confluence is `default`.
        url: root of the site, or of the host; the credential is sent nowhere else.
        options: what else the kind needs to know, as the user name.
        secret_ref: `env:NAME` (a setting; `env:NAME#HOST` one host's in a JSON object), `file:PATH` or `row:ID`;
            empty: no credential. `wiki_pipeline.secret_refs` resolves it.

    Raises:
        ConfigurationError: a part can't be used; the message never repeats what may be a secret.
    """

    tenant: str
    kind: str
    name: str
    url: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    secret_ref: str = ""

    def __post_init__(self) -> None:
        if not _TENANT.fullmatch(self.tenant) or not _KIND.fullmatch(self.kind) or not _CONNECTION.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name[:80]!r} is not a name of a connection.",
                "Names are of lower-case letters, digits, dots, dashes and underscores, 63 characters at most.",
            )
        if not _SECRET_REF.fullmatch(self.secret_ref):
            raise ConfigurationError(
                f"The connection {self.name} does not say where its secret is.",
                "Write env:NAME (a variable that holds it) or file:PATH (a file that does), never the secret itself.",
            )
        try:
            has_userinfo = "@" in urlsplit(self.url).netloc
        except ValueError:
            raise ConfigurationError(f"The address of the connection {self.name} can't be read.") from None
        if has_userinfo:
            raise ConfigurationError(
                f"The address of the connection {self.name} holds a user name, password or token.",
                "Leave it out, and say by env:NAME or file:PATH where the secret is.",
            )


# --- fingerprints ------------------------------------------------------------------------------------------------


def digest(*parts: object) -> str:
    """A hash of the parts, 32 hex digits, in which no two different sequences of parts run together."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        _feed(state, part)
    return state.hexdigest()


def digests(beginning: Sequence[object], ends: Iterable[object]) -> list[str]:
    """`digest(*beginning, end)` for each of the ends, several times as quick."""
    begun = hashlib.blake2b(digest_size=16)
    for part in beginning:
        _feed(begun, part)
    hashes = []
    for end in ends:
        state = begun.copy()
        _feed(state, end)
        hashes.append(state.hexdigest())
    return hashes


def _feed(state: hashlib.blake2b, part: object) -> None:
    data = part if isinstance(part, bytes) else repr(part).encode("utf-8", "surrogatepass")
    state.update(len(data).to_bytes(8, "little"))
    state.update(data)


# --- rows --------------------------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage(Document):
    """A document as the source gave it.

    Attributes:
        version_key: what the source itself says changed; equal keys mean nothing to fetch.
        body: the whole body as text.
        notes: what the source had to do to bring it, for people ("storage body failed, view taken instead").
    """

    version_key: str
    body: str
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
        unknown_macros: macros that no handler knows, by name.
        lost_words: words of a wiki page's body that the text holds less often, those that are missed most first; the
            first twenty. Words of pages that it includes don't count.
        notes: what was repaired or could not be kept, for people.
        words: number of words in the text.
    """

    markdown: str
    code_language: str = ""
    headings: tuple[Heading, ...] = ()
    links: tuple[Link, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    people: tuple[Person, ...] = ()
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
    size: int = 0
    data: bytes = b""
    text: str = ""
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
    text: str
    search_text: str
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
    """

    wiki_path: str
    html: str
    markdown: str
    code_language: str = ""
    headings: tuple[Heading, ...] = ()
    words: int = 0


# --- what sources say --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """One line of a source's listing. Equal `version_key`: nothing to fetch."""

    document_id: str
    version_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRef:
    """One line of a source's listing of files beside its documents. Equal `version_key`: nothing to download.

    Attributes:
        attachment_id: the source's own stable id: Confluence's `att123`, a repository path.
        document_id: the document that it hangs on; empty if it is a file of the source as a whole.
        name: of the file, without folders.
        url: where people open it upstream; the address by which pages refer to it. No credentials.
        path: the path in the repository; empty for Confluence.
        version: what people call its version.
        media_type: as the source says; not to be trusted.
        size: in bytes, as the source says; None if it does not.
    """

    attachment_id: str
    name: str
    url: str
    version_key: str
    document_id: str = ""
    path: str = ""
    version: str = ""
    media_type: str = ""
    size: int | None = None
    author: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentGone:
    """The source confirms that a document is deleted, in the trash, archived, or out of the source's scope."""

    document_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class DocumentFailure:
    """One document that could not be brought up to date. It keeps its old rows and is tried again next time.

    Attributes:
        parent_id: of an attachment: the document that shows it.
    """

    document_id: str
    title: str
    stage: Stage
    message: str
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class LostWords:
    """A document whose text lacks words of its source."""

    document_id: str
    title: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """What a source is, for people.

    Attributes:
        title: the space's name, the repository's name.
        url: where to open it; no credentials.
        details: further facts worth showing, as ("API", "v2").
    """

    title: str
    url: str
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeHint:
    """Word that something may have changed: a reason to look, never a fact to store.

    Attributes:
        kind: kind of the source.
        source: None where only the document is known: some webhooks name no more.
        document_id: empty for the source as a whole.
        what: in the words of who said it, as "page_updated" or "push".
        version: the document's `version` from which on the change is in it; empty where none tells that.
    """

    kind: str
    source: SourceKey | None
    document_id: str = ""
    what: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a cheap look at a source found since the look before.

    Attributes:
        cursor: to be handed in next time.
        documents: ids of documents that may have changed; ids of unchanged ones do no harm.
        attachments: files beside documents that may have changed.
        whole: something changed, and only a complete listing tells what.
        exact: nothing else can have changed; otherwise deletions, moves and labels may have been missed.
    """

    cursor: str
    documents: tuple[str, ...] = ()
    attachments: tuple[AttachmentRef, ...] = ()
    whole: bool = False
    exact: bool = False


# --- what stages report ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What one stage did for one source.

    Attributes:
        added, updated, deleted, unchanged, failed: numbers of documents.
        rows: rows the source has in the stage's table afterwards.
        commits: commits written to the table (0 when nothing differed).
        seconds: wall time.
        tokens: tokens embedded (0 outside `vectors`).
        embedded: texts embedded; `reused`: vectors taken over by text hash.
        bytes: bytes of text taken in.
        skipped: documents the source left out, by reason ("binary": 12).
        dependency_changed: documents made again only because something that they depend on changed: a page that they
            include, the name of a person. They count as `updated` too.
        dependents: ids of the first hundred of those.
        unknown_macros: macros in the source's pages that no handler knows, by name (`clean_pages`).
        lossy: documents whose text lacks words of their source (`clean_pages`).
        lost_words: the first hundred of those, with the words.
        broken_links: links in the source's documents to documents that exist nowhere (`wiki_pages`).
        failures: the first hundred, by name.
        data_version: hash of the source's state in the table; equal means same content.
    """

    stage: Stage
    source: SourceKey
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: int = 0
    rows: int = 0
    commits: int = 0
    seconds: float = 0.0
    tokens: int = 0
    embedded: int = 0
    reused: int = 0
    bytes: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    dependency_changed: int = 0
    dependents: tuple[str, ...] = ()
    unknown_macros: dict[str, int] = field(default_factory=dict)
    lossy: int = 0
    lost_words: tuple[LostWords, ...] = ()
    broken_links: int = 0
    failures: tuple[DocumentFailure, ...] = ()
    data_version: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come. `total` is None until it is known."""

    stage: Stage
    source: SourceKey
    done: int
    total: int | None
    failed: int = 0


# --- Arrow -------------------------------------------------------------------------------------------------------

# Of all schemas below. Raise it whenever one of them changes: then tables of before are upgraded (`store.evolution`),
# and older versions of the program leave newer tables alone.
SCHEMA_VERSION = 1

_UTC_SECONDS = pa.timestamp("s", tz="UTC")
_ANCESTORS = pa.list_(pa.struct([("document_id", pa.string()), ("title", pa.string())]))
_HEADINGS = pa.list_(pa.struct([("level", pa.int32()), ("text", pa.string()), ("anchor", pa.string())]))
_LINKS = pa.list_(pa.struct([("text", pa.string()), ("target", pa.string())]))
_DEPENDENCIES = pa.list_(
    pa.struct([(name, pa.string()) for name in ("target", "title", "via", "source", "document_id", "text_hash")])
)
_PEOPLE = pa.list_(pa.struct([("person_id", pa.string()), ("name", pa.string())]))
_UNKNOWN_MACROS = pa.list_(pa.struct([("name", pa.string()), ("count", pa.int32())]))
_STRINGS = pa.list_(pa.string())


def _required(name: str, type_: pa.DataType) -> pa.Field:
    return pa.field(name, type_, nullable=False)


DOCUMENT_FIELDS: tuple[pa.Field, ...] = (
    _required("document_id", pa.string()),
    _required("title", pa.string()),
    _required("url", pa.string()),
    pa.field("parent_id", pa.string()),
    _required("position", pa.int32()),
    _required("ancestors", _ANCESTORS),
    _required("labels", _STRINGS),
    _required("version", pa.string()),
    _required("path", pa.string()),
    _required("space_key", pa.string()),
    _required("space_name", pa.string()),
    _required("author", pa.string()),
    pa.field("created_at", _UTC_SECONDS),
    pa.field("modified_at", _UTC_SECONDS),
    _required("media_type", pa.string()),
)

# Every table's last two columns: `fingerprint` says from what a document's rows were made (equal: nothing to do),
# `content_hash` what they hold (equal: nothing to do for the next stage). Both are the same in all rows of a document.
STATE_FIELDS: tuple[pa.Field, ...] = (
    _required("fingerprint", pa.string()),
    _required("content_hash", pa.string()),
)

RAW_PAGES = pa.schema(
    [
        *DOCUMENT_FIELDS,
        _required("version_key", pa.string()),
        _required("body", pa.large_string()),
        _required("notes", _STRINGS),
        *STATE_FIELDS,
    ]
)
CLEAN_PAGES = pa.schema(
    [
        *DOCUMENT_FIELDS,
        _required("markdown", pa.large_string()),
        _required("code_language", pa.string()),
        _required("headings", _HEADINGS),
        _required("links", _LINKS),
        _required("dependencies", _DEPENDENCIES),
        _required("people", _PEOPLE),
        _required("unknown_macros", _UNKNOWN_MACROS),
        _required("lost_words", _STRINGS),
        _required("notes", _STRINGS),
        _required("words", pa.int32()),
        *STATE_FIELDS,
    ]
)
# Makes Lance store a column's values apart from the others: scans pass them by, readers get them as files.
BLOB = {b"lance-encoding:blob": b"true"}
ATTACHMENTS = pa.schema(
    [
        *DOCUMENT_FIELDS,
        _required("version_key", pa.string()),
        _required("file_hash", pa.string()),
        _required("size", pa.int64()),
        pa.field("data", pa.large_binary(), nullable=False, metadata=BLOB),
        _required("text", pa.large_string()),
        _required("text_by", pa.string()),
        _required("words", pa.int32()),
        _required("notes", _STRINGS),
        *STATE_FIELDS,
    ]
)
CHUNKS = pa.schema(
    [
        *DOCUMENT_FIELDS,
        _required("chunk_id", pa.string()),
        _required("chunk_index", pa.int32()),
        _required("total_chunks", pa.int32()),
        _required("heading_path", _STRINGS),
        _required("start_line", pa.int32()),
        _required("end_line", pa.int32()),
        _required("text", pa.large_string()),
        _required("search_text", pa.large_string()),
        _required("text_hash", pa.string()),
        *STATE_FIELDS,
    ]
)
WIKI_PAGES = pa.schema(
    [
        *DOCUMENT_FIELDS,
        _required("wiki_path", pa.string()),
        _required("html", pa.large_string()),
        _required("markdown", pa.large_string()),
        _required("code_language", pa.string()),
        _required("headings", _HEADINGS),
        _required("words", pa.int32()),
        *STATE_FIELDS,
    ]
)


def vectors_schema(dimension: int) -> pa.Schema:
    """Schema of the serving table for vectors of `dimension` float32 numbers, each of length 1.

    It has the columns of `CHUNKS` and those by which readers filter and cite. `created_date` and `last_modified` are
    Unix seconds; `page_id` is the document id for Confluence pages and null otherwise; `search_cjk` holds the
    two-character sequences of Chinese, Japanese and Korean text, which have no spaces to split at.
    """
    return pa.schema(
        [
            _required("tenant", pa.string()),
            _required("source", pa.string()),
            _required("source_type", pa.string()),
            pa.field("page_id", pa.string()),
            *[f for f in CHUNKS if f.name not in {"created_at", "modified_at"}],
            pa.field("created_date", pa.int64()),
            pa.field("last_modified", pa.int64()),
            pa.field("last_modified_iso", pa.string()),
            _required("search_cjk", pa.large_string()),
            _required("embedding_model", pa.string()),
            _required("vector", pa.list_(pa.float32(), dimension)),
        ]
    )


Row = TypeVar("Row", bound=Document)
_NESTED: dict[str, type] = {
    "ancestors": Ancestor,
    "headings": Heading,
    "links": Link,
    "dependencies": Dependency,
    "people": Person,
    "unknown_macros": UnknownMacro,
}


def rows_to_arrow(rows: Sequence[Document], schema: pa.Schema, **columns: Iterable[object]) -> pa.Table:
    """Rows as an Arrow table of `schema`; columns that the rows do not have are given by name, one value a row."""
    arrays = []
    for column in schema:
        if column.name in columns:
            values: list[Any] = list(columns[column.name])
        elif column.name in _NESTED:
            names = [f.name for f in fields(_NESTED[column.name])]
            values = [[{n: getattr(v, n) for n in names} for v in getattr(row, column.name)] for row in rows]
        else:
            values = [getattr(row, column.name) for row in rows]
        arrays.append(pa.array(values, type=column.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def rows_from_arrow(row_type: type[Row], table: pa.Table) -> Iterator[Row]:
    """The table's rows as dataclasses; columns that `row_type` does not have are left out."""
    names = [f.name for f in fields(row_type) if f.name in table.column_names]
    for batch in table.select(names).to_batches():
        lists = [batch.column(name).to_pylist() for name in names]
        for values in zip(*lists, strict=True):
            record = dict(zip(names, values, strict=True))
            for name, value in record.items():
                if name in _NESTED:
                    record[name] = tuple(_NESTED[name](**item) for item in value or ())
                elif isinstance(value, list):
                    record[name] = tuple(value)
            yield row_type(**record)
