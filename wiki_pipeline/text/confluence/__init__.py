"""Confluence pages (storage format, view HTML) as Markdown."""
