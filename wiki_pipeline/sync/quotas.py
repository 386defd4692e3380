"""How much a tenant keeps: documents, bytes, sources; counted where they are."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from wiki_pipeline.catalog import Kind
from wiki_pipeline.catalog.quotas import too_many_sources
from wiki_pipeline.errors import QuotaError
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline

_MEASURED_SECONDS = 30.0
_lock = threading.Lock()
_sizes: dict[str, tuple[float, int]] = {}  # by folder: when it was measured, and what it held


def measured(pipeline: Pipeline, tenant: str) -> dict[Kind, int]:
    """What a tenant keeps, if these are its tables. Bytes are looked at twice a minute at most; those in a bucket are
    not known."""
    if tenant != pipeline.store.tenant:
        return {}
    records = pipeline.catalog.sources(tenant)
    found = {
        Kind.REPOSITORIES: len(records),
        Kind.PAGES: sum(pipeline.store.table(Stage.RAW_PAGES, record.key).row_count() for record in records),
    }
    size = kept_bytes(pipeline)
    return found if size is None else {**found, Kind.BYTES: size}


def kept_bytes(pipeline: Pipeline) -> int | None:
    """Bytes of the tenant's tables and of its sources' folders; None where they are in a bucket."""
    folders = [str(pipeline.settings.sources_folder / pipeline.store.tenant)]
    if not pipeline.store.storage.is_folder:
        return None
    folders.append(pipeline.store.url)
    return sum(map(_size_of, folders))


def room_for_pages(pipeline: Pipeline, source: SourceKey) -> int | None:
    """How many documents the tenant may take in beside those that it has; None: as many as there are.

    Args:
        source: of which they would be; for messages.
    """
    quotas, tenant = pipeline.catalog.quotas, source.tenant
    pages, size = quotas.cap(tenant, Kind.PAGES), quotas.cap(tenant, Kind.BYTES)
    if pages is None and size is None:
        return None
    if size is not None and (kept := kept_bytes(pipeline)) is not None and kept >= size:
        return 0
    if pages is None:
        return None
    records = pipeline.catalog.sources(tenant)
    return max(0, pages - sum(pipeline.store.table(Stage.RAW_PAGES, record.key).row_count() for record in records))


def check_sources(pipeline: Pipeline, key: SourceKey) -> int | None:
    """How many sources a tenant may have, before one is looked at that may be new; None: without bound. For the last
    word see `Catalog.add_source`.

    Raises:
        QuotaError: it has so many, and this one is not among them.
    """
    most = pipeline.catalog.quotas.cap(key.tenant, Kind.REPOSITORIES)
    if most is not None and pipeline.catalog.source(key) is None and len(pipeline.catalog.sources(key.tenant)) >= most:
        raise QuotaError(*too_many_sources(key.tenant, most))
    return most


def _size_of(folder: str) -> int:
    with _lock:
        known = _sizes.get(folder)
        if known is not None and time.monotonic() - known[0] < _MEASURED_SECONDS:
            return known[1]
    size = sum(_bytes(Path(folder)))
    with _lock:
        _sizes[folder] = (time.monotonic(), size)
        while len(_sizes) > 1_000:
            _sizes.pop(next(iter(_sizes)))
    return size


def _bytes(folder: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # it was removed meanwhile, or is not there yet
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _bytes(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
