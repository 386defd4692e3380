"""Tests of `wiki_pipeline.links`."""
