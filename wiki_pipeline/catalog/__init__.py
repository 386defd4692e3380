"""The catalog: what must be known about sources besides their text, in SQL (SQLite on a laptop, PostgreSQL elsewhere).

Sources and how to open them, leases (one writer a source), documents that failed, and the record of syncs.
"""

from wiki_pipeline.catalog.catalog import Catalog
from wiki_pipeline.catalog.leases import Lease
from wiki_pipeline.catalog.records import (
    FailureRecord,
    LeaseRecord,
    SourceRecord,
    SyncMode,
    SyncRecord,
    SyncStatus,
)

__all__ = [
    "Catalog",
    "FailureRecord",
    "Lease",
    "LeaseRecord",
    "SourceRecord",
    "SyncMode",
    "SyncRecord",
    "SyncStatus",
]
