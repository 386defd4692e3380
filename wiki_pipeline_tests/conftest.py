"""Fixtures that several rooms share; every test's tier; and the end of whatever processes tests leave behind."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline_tests.children import kill_all
from wiki_pipeline_tests.installed import build_wheel, install_wheel

if TYPE_CHECKING:  # the engine takes seconds to import, which unit tests would pay
    from wiki_pipeline_tests.synced import SyncedSpace

# How long an example takes is the machine's affair; what must be true of it is not.
settings.register_profile("whatever the machine", deadline=None)
settings.load_profile("whatever the machine")

# Tests start hundreds of Python processes. Where the environment forbids to keep bytecode, each would compile the whole
# program anew, and pytest its tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

_HERE = Path(__file__).parent
_TIERS = ("benchmark", "e2e", "security", "browser", "integration", "unit")  # the dearest first
_ROOMS = {
    "benchmarks": "benchmark",
    "e2e": "e2e",
    "security": "security",
    # Rooms whose tests start servers and processes, or write tables.
    **dict.fromkeys(
        ["catalog", "cli", "defs", "demo", "freshness", "gateway", "operations", "sources", "stages", "store", "sync"],
        "integration",
    ),
}
_FIXTURES = {
    "chat_server": "integration",
    "browser": "browser",
    **dict.fromkeys(
        ["confluence_cloud", "confluence_datacenter", "postgresql_url", "postgresql_server"], "integration"
    ),
}
_PROCESSES = {"other_process", "started"}  # names that modules import which start processes
_SUITE = "STARTED_BY_THE_SUITE"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only unit tests are asked for, don't import the rooms that have none: it takes longer than the tests."""
    if config.option.markexpr == "unit" and _HERE in collection_path.parents:
        return collection_path.relative_to(_HERE).parts[0] in _ROOMS or None
    return None


@pytest.hookimpl(tryfirst=True)  # before tests are selected by their markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier: the slowest that its markers, fixtures, module and room speak for.

    And put the dear modules first: workers of pytest-xdist take them in this order, and none begins a long one late.
    """
    dear: dict[Path, tuple[float, int]] = {}
    for item in items:
        tier = min(_spoken_for(item), key=_TIERS.index)
        item.add_marker(tier)
        limit = item.get_closest_marker("timeout")
        seconds = float(limit.args[0]) if limit and limit.args else 0.0
        dear[item.path] = min(dear.get(item.path, (0.0, len(_TIERS))), (-seconds, _TIERS.index(tier)))
    items.sort(key=lambda item: dear[item.path])


def _spoken_for(item: pytest.Item) -> Iterator[str]:
    yield _ROOMS.get(item.path.relative_to(_HERE).parts[0], "unit")
    yield from (tier for tier in _TIERS if item.get_closest_marker(tier))
    yield from (_FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in _FIXTURES)
    if isinstance(item, pytest.Function):
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        if "postgresql" in parameters.values() or not _PROCESSES.isdisjoint(vars(item.module)):
            yield "integration"


def pytest_configure() -> None:
    """Mark all processes that are started from here on, the workers of pytest-xdist and what they start included."""
    os.environ.setdefault(_SUITE, uuid.uuid4().hex)


def pytest_sessionfinish() -> None:
    """End the processes that wait for the next sync of this one."""
    if workers := sys.modules.get("wiki_pipeline.sync.workers"):
        workers.end_spares()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what is still running when all is over, and name it: a test forgot it, or was killed itself."""
    if not hasattr(config, "workerinput"):
        for command in kill_all(os.environ[_SUITE], _SUITE).values():
            print(f"The tests left a process behind, which was killed: {command}", file=sys.stderr)


@pytest.fixture
def confluence_cloud() -> Iterator[ConfluenceServer]:
    """A Confluence Cloud without spaces; the test fails if a client sent it what no right client sends."""
    with ConfluenceServer("cloud") as server:
        yield server
        assert server.violations == []


@pytest.fixture
def confluence_datacenter() -> Iterator[ConfluenceServer]:
    """A Confluence Data Center without spaces; the test fails if a client sent it what no right client sends."""
    with ConfluenceServer("datacenter") as server:
        yield server
        assert server.violations == []


@pytest.fixture(scope="session")
def synced_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncedSpace]:
    """Twelve pages of a Confluence Cloud, synced once; tests take a copy."""
    from wiki_pipeline_tests.synced import synced_space, twelve_pages  # noqa: PLC0415 - as above

    with synced_space("cloud", tmp_path_factory.mktemp("cloud"), twelve_pages) as synced:
        yield synced


@pytest.fixture(scope="session")
def synced_datacenter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncedSpace]:
    """Twelve pages of a Confluence Data Center, synced once; tests take a copy."""
    from wiki_pipeline_tests.synced import synced_space, twelve_pages  # noqa: PLC0415 - as above

    with synced_space("datacenter", tmp_path_factory.mktemp("datacenter"), twelve_pages) as synced:
        yield synced


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is built from the checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`wiki-pipeline` as the wheel installs it."""
    return install_wheel(wheel, tmp_path_factory.mktemp("environment"))
