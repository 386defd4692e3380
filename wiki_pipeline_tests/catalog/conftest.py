"""Every test that asks for `url` or `catalog` runs on both databases.

Behind `url` is an empty one; that of `catalog` has its tables, copied from one that was migrated once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.catalog.database import sqlite_path
from wiki_pipeline.model import SourceKey
from wiki_pipeline_tests.catalog.postgresql import find_programs, running_server
from wiki_pipeline_tests.migrated import put_catalog


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    programs = find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with running_server(programs) as address:
        yield address


@pytest.fixture
def postgresql_url(postgresql_server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the test's own: with the tables if the test wants a catalog, empty otherwise."""
    wanted = "catalog" in request.fixturenames
    template = request.getfixturevalue("postgresql_migrated") if wanted else "template0"
    with _database(postgresql_server, f"test_{abs(hash(request.node.nodeid))}", template) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_migrated(postgresql_server: str) -> Iterator[str]:
    """Name of a database with the tables of an empty catalog, which nothing is connected to."""
    name = "migrated"
    with _database(postgresql_server, name) as url:
        with Catalog(url) as catalog:
            catalog.sources("default")
        yield name


@contextmanager
def _database(server: str, name: str, template: str = "template0") -> Iterator[str]:
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    yield make_url(server).set(database=name).render_as_string()
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'home' / 'catalog.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    if path := sqlite_path(url):
        put_catalog(path)
    with Catalog(url) as opened:
        yield opened


@pytest.fixture
def source(catalog: Catalog) -> SourceKey:
    """A source that is in the catalog."""
    key = SourceKey("default", "git", "org/repo")
    catalog.add_source(key, "{}")
    return key
