"""Tests of `wiki_pipeline.text.files`."""
