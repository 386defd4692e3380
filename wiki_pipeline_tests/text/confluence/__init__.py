"""Tests of `wiki_pipeline.text.confluence`."""
