"""Tests of documents as Markdown."""
