"""See `sources.http.concurrency`."""

from wiki_pipeline.sources.http.concurrency import in_order, together

__all__ = ["in_order", "together"]
