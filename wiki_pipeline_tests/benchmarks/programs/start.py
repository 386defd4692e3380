"""The start of a process, which is measured apart from its work, with the imports that it would do later."""

from __future__ import annotations

import importlib

_LATE = ("certifi", "h2.connection", "httpcore", "lance", "safetensors.numpy", "tokenizers", "lxml.etree")


def import_what_comes_late() -> None:
    """Import the libraries that a sync imports within functions, as the peers import theirs at their beginning."""
    for name in _LATE:
        importlib.import_module(name)
