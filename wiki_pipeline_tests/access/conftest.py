"""An identity provider, and settings that lead to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline.access.settings import AccessSettings, ProviderSettings
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.settings import load
from wiki_pipeline_tests.access.issuer import CLIENT, SECRET, Issuer
from wiki_pipeline_tests.migrated import put_catalog


def provider(issuer: Issuer, folder: Path, /, **more: Any) -> ProviderSettings:
    """How the issuer of the tests is configured."""
    (folder / "client-secret").write_text(SECRET)
    facts = {"name": "company", "issuer": issuer.url, "client_id": CLIENT, "secret": f"file:{folder / 'client-secret'}"}
    return ProviderSettings.model_validate({**facts, **more})


def settings(issuer: Issuer, folder: Path, /, **more: Any) -> AccessSettings:
    """Access with that provider alone."""
    return load(AccessSettings, home=folder, providers=(provider(issuer, folder, **more),))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    path = tmp_path / "catalog.sqlite"
    put_catalog(path)
    with Catalog(f"sqlite:///{path}") as catalog:
        yield catalog
