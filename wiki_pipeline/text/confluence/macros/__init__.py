"""Handlers of macros, a module a family. Importing this package registers them all."""

from wiki_pipeline.text.confluence.macros import code, dynamic, editor, media, notes, page_lists, panels, references

__all__ = ["code", "dynamic", "editor", "media", "notes", "page_lists", "panels", "references"]
