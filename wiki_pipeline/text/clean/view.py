"""Handlers for what Confluence's server makes of macros in the view representation, by their CSS classes."""

from __future__ import annotations
