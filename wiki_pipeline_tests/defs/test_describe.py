"""What Dagster says of assets before anything has run, and where private names of Dagster are."""

from __future__ import annotations

import ast
from pathlib import Path

import dagster as dg
import pytest

import wiki_pipeline
from wiki_pipeline.defs.assets import raw_pages, stale_documents, vectors
from wiki_pipeline.defs.describe import describe
from wiki_pipeline.defs.report import table_uri
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.defs.sources import sources_upstream
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import RAW_PAGES
from wiki_pipeline.settings import load

PACKAGE = Path(wiki_pipeline.__file__).parent


def specs() -> dict[str, dg.AssetSpec]:
    """The described assets, by name."""
    found: dict[str, dg.AssetSpec] = {}
    for asset in describe([sources_upstream, raw_pages, vectors, stale_documents], load(DagsterSettings)):
        for spec in asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset]:
            found[spec.key.to_user_string()] = spec
    return found


def test_columns_table_and_code_are_told() -> None:
    told = specs()
    metadata = told["raw_pages"].metadata
    schema = metadata["dagster/column_schema"]
    assert [column.name for column in schema.columns] == RAW_PAGES.names
    assert {c.name: c.constraints.nullable for c in schema.columns}["parent_id"] is True
    assert metadata["dagster/table_name"] == "raw_pages.<source>"
    assert metadata["dagster/uri"].startswith("file:///")
    (code,) = metadata["dagster/code_references"].code_references
    assert Path(code.file_path) == PACKAGE / "defs" / "assets.py"
    columns = {c.name: c.type for c in told["vectors"].metadata["dagster/column_schema"].columns}
    assert columns["vector"] == "list<float>"


def test_owners_are_those_of_the_settings_and_none_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {tuple(spec.owners) for spec in specs().values()} == {()}
    monkeypatch.setenv("WIKI_PIPELINE_OWNERS", "team:docs, ada@example.org")
    assert {tuple(spec.owners) for spec in specs().values()} == {("team:docs", "ada@example.org")}
    monkeypatch.setenv("WIKI_PIPELINE_OWNERS", "docs")
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_OWNERS"):
        load(DagsterSettings)


def test_a_stage_is_due_at_each_resync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_RESYNC_CRON", "15 */6 * * *")
    policy = specs()["raw_pages"].freshness_policy
    assert policy is not None
    assert "15 */6 * * *" in str(policy)
    assert str(6 * 3600) in str(policy)
    assert specs()["sources_upstream"].freshness_policy is None
    assert specs()["stale_documents"].freshness_policy is not None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://key:secret@bucket/lance?token=1", "s3://bucket/lance"),
        ("gs://bucket/lance", "gs://bucket/lance"),
        ("/var/lib/some where", "file:///var/lib/some%20where"),
    ],
)
def test_an_address_is_shown_without_credentials(address: str, shown: str) -> None:
    assert table_uri(address) == shown


def test_private_names_of_dagster_are_in_one_module() -> None:
    using = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if any(module.startswith(("dagster._", "dagster_shared")) for module in modules):
                using.add(path.relative_to(PACKAGE).as_posix())
    assert using == {"defs/dagster_internals.py"}
