"""Jira: how addresses of its issues are written."""

from __future__ import annotations


def root_of(address: str) -> str:
    """The root of the site that an address is of: that of an issue, or of the site itself."""
    return address.partition("/browse/")[0].rstrip("/")


def issue_address(root: str, key: str) -> str:
    """The address of an issue, below its site's root."""
    return f"{root.rstrip('/')}/browse/{key}"
