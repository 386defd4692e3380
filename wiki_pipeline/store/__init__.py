"""LanceDB: a tenant's tables, one function that brings any of them up to date, search, and maintenance.

The only room that knows lancedb and lance. The names below are what stages, gateway and command line use.
"""

from __future__ import annotations

from wiki_pipeline.store.files import Files, ObjectFiles, open_files
from wiki_pipeline.store.filters import Filters
from wiki_pipeline.store.maintenance import Maintenance, maintain, maintain_fully, statistics
from wiki_pipeline.store.plan import Plan
from wiki_pipeline.store.probe import probe
from wiki_pipeline.store.reconcile import Compute, reconcile
from wiki_pipeline.store.reconciliation import Batch, Reconciliation, compare, fingerprint
from wiki_pipeline.store.search import Found, Hit, find, search
from wiki_pipeline.store.stage_table import StageTable
from wiki_pipeline.store.storage import Storage
from wiki_pipeline.store.tables import Store
from wiki_pipeline.store.vectors import KnownVectors, vector_rows

__all__ = [
    "Batch",
    "Compute",
    "Files",
    "Filters",
    "Found",
    "Hit",
    "KnownVectors",
    "Maintenance",
    "ObjectFiles",
    "Plan",
    "Reconciliation",
    "StageTable",
    "Storage",
    "Store",
    "compare",
    "find",
    "fingerprint",
    "maintain",
    "maintain_fully",
    "open_files",
    "probe",
    "reconcile",
    "search",
    "statistics",
    "vector_rows",
]
