"""Tests of `wiki_pipeline.sync`."""
