"""Forgetting a source: everything that was derived from it goes, in an order that a crash can't harm."""

from __future__ import annotations

import shutil

from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name


def forget(pipeline: Pipeline, source: SourceKey) -> None:
    """Drop the source's tables, vectors, clone and catalog entry. Repeatable; nothing happens upstream.

    The catalog entry goes last: as long as it is there, the source is listed and can be forgotten again.

    Raises:
        LeaseHeldError: the source is being synced at the moment.
    """
    seconds = pipeline.settings.lease_seconds
    with (
        pipeline.catalog.lease(lease_name(source), seconds),
        pipeline.catalog.lease(f"vectors of {source.tenant}", seconds, wait=10 * seconds),
    ):
        pipeline.store.forget(source)
        shutil.rmtree(pipeline.home_of(source), ignore_errors=True)
        pipeline.catalog.remove_source(source)
