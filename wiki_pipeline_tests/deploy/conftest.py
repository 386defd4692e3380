"""Tests of what is deployed need tools that are not in the project's own environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline_tests.deploy import tools

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip them where the tools are missing."""
    if tools.there():
        return
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.skip(reason=tools.MISSING))
