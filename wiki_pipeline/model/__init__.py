"""The project's words as types, by subject, and the tables that keep them.

`source` is what documents come from, `document` what they are, `change` what sources say of them, `stage` the steps
that they go through, `report` what those did; `tables` the Arrow schemas, `hashing` how equal content is recognised.
"""

from wiki_pipeline.model.change import AttachmentRef, ChangeHint, Changes, DocumentGone, DocumentRef
from wiki_pipeline.model.document import (
    BLOB,
    Ancestor,
    Attachment,
    Chunk,
    CleanPage,
    Dependency,
    Document,
    Heading,
    Link,
    Named,
    Person,
    RawPage,
    UnknownMacro,
    WikiPage,
)
from wiki_pipeline.model.hashing import digest, digests
from wiki_pipeline.model.report import DocumentFailure, LostWords, Progress, StageReport, Warnings
from wiki_pipeline.model.source import DEFAULT_CONNECTION, Connection, SourceDescription, SourceKey
from wiki_pipeline.model.stage import Stage
from wiki_pipeline.model.tables import (
    ATTACHMENTS,
    CHUNKS,
    CLEAN_PAGES,
    RAW_PAGES,
    SCHEMA_VERSION,
    STATE_FIELDS,
    WIKI_PAGES,
    columns_of,
    rows_from_arrow,
    rows_to_arrow,
    schema_of,
    vectors_schema,
)

__all__ = [
    "ATTACHMENTS",
    "BLOB",
    "CHUNKS",
    "CLEAN_PAGES",
    "DEFAULT_CONNECTION",
    "RAW_PAGES",
    "SCHEMA_VERSION",
    "STATE_FIELDS",
    "WIKI_PAGES",
    "Ancestor",
    "Attachment",
    "AttachmentRef",
    "ChangeHint",
    "Changes",
    "Chunk",
    "CleanPage",
    "Connection",
    "Dependency",
    "Document",
    "DocumentFailure",
    "DocumentGone",
    "DocumentRef",
    "Heading",
    "Link",
    "LostWords",
    "Named",
    "Person",
    "Progress",
    "RawPage",
    "SourceDescription",
    "SourceKey",
    "Stage",
    "StageReport",
    "UnknownMacro",
    "Warnings",
    "WikiPage",
    "columns_of",
    "digest",
    "digests",
    "rows_from_arrow",
    "rows_to_arrow",
    "schema_of",
    "vectors_schema",
]
