"""Connections in the catalog, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from wiki_pipeline.catalog import SETTINGS, Catalog
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import Connection, SourceKey

NORTH = Connection("default", "confluence", "north", "https://north.example.org/wiki", {"username": "a"}, "env:NORTH")
ENG = SourceKey("default", "confluence", "north/ENG")


def test_connections_are_listed_by_name_and_by_tenant(catalog: Catalog) -> None:
    catalog.connections.add(NORTH)
    catalog.connections.add(Connection("default", "git", "code.corp", "https://code.corp"), SETTINGS)
    catalog.connections.add(Connection("other", "git", "code.corp", "https://code.corp"))
    listed = catalog.connections.list("default")
    assert [record.connection.name for record in listed] == ["code.corp", "north"]
    assert [record.managed_by for record in listed] == [SETTINGS, ""]
    assert listed[1].connection == NORTH
    assert catalog.connections.get("other", "north") is None


def test_adding_again_changes_it_and_keeps_when_it_was_added(catalog: Catalog) -> None:
    first = catalog.connections.add(NORTH)
    changed = Connection("default", "confluence", "north", "https://new.example.org/wiki", {}, "file:/run/secret")
    assert catalog.connections.add(changed).added_at == first.added_at
    found = catalog.connections.get("default", "north")
    assert found is not None
    assert found.connection == changed


def test_one_that_sources_use_is_not_removed_and_they_are_named(catalog: Catalog) -> None:
    catalog.connections.add(NORTH)
    catalog.add_source(ENG, "{}", connection="north")
    with pytest.raises(ConfigurationError, match=r"north is used by default:confluence:north/ENG\."):
        catalog.connections.remove("default", "north")
    catalog.remove_source(ENG)
    assert catalog.connections.remove("default", "north")
    assert not catalog.connections.remove("default", "north")


def test_a_source_keeps_its_connection_when_only_its_title_changes(catalog: Catalog) -> None:
    catalog.add_source(ENG, "{}", connection="north")
    assert catalog.add_source(ENG, "{}", "Engineering").connection == "north"


def test_sources_of_a_catalog_from_before_have_the_connection_of_the_settings(url: str) -> None:
    engine = create_engine(url)
    if url.startswith("sqlite"):
        Path(engine.url.database or "").parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", "wiki_pipeline.catalog:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        for name, kind in {"ENG": "confluence", "org/repo": "git"}.items():
            connection.execute(
                text(
                    "INSERT INTO sources (source, tenant, kind, name, specification, title, url, added_at) VALUES "
                    "(:source, 'default', :kind, :name, '{}', '', '', '2025-01-01 00:00:00')"
                ),
                {"source": f"default:{kind}:{name}", "kind": kind, "name": name},
            )
        connection.execute(
            text("INSERT INTO people VALUES ('default', 'confluence', 'u1', 'Ada Lovelace', '2025-01-01 00:00:00')")
        )
    engine.dispose()
    with Catalog(url) as catalog:
        assert {record.key.name: record.connection for record in catalog.sources("default")} == {
            "ENG": "default",
            "org/repo": "",
        }
        assert catalog.people.names(SourceKey("default", "confluence", "ENG")) == {"u1": "Ada Lovelace"}
        assert catalog.people.names(SourceKey("default", "git", "org/repo")) == {}


def test_people_of_one_site_are_not_those_of_another(catalog: Catalog) -> None:
    eng, ops, other = (SourceKey("default", "confluence", name) for name in ("ENG", "OPS", "north/ENG"))
    for key, connection in ((eng, "default"), (ops, "default"), (other, "north")):
        catalog.add_source(key, "{}", connection=connection)
    catalog.people.record(eng, {"u1": "Ada Lovelace"})
    catalog.people.record(other, {"u1": "Grace Hopper"})
    assert catalog.people.names(ops) == catalog.people.names(eng) == {"u1": "Ada Lovelace"}
    assert catalog.people.names(other) == {"u1": "Grace Hopper"}
    assert catalog.people.due(other, ["u1"], timedelta(0)) == ["u1"]
    catalog.people.forget(other, timedelta(0))
    assert catalog.people.names(eng) == {"u1": "Ada Lovelace"}
    catalog.people.record(other, {"u1": "Grace Hopper"})
    catalog.remove_source(other)
    catalog.add_source(other, "{}", connection="north")
    assert catalog.people.names(other) == {}
    catalog.remove_source(eng)
    assert catalog.people.names(ops) == {"u1": "Ada Lovelace"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"name": "North!"}, "not a name of a connection"),
        ({"secret_ref": "hunter2-the-token"}, "never the secret itself"),
        ({"url": "https://me:hunter2-the-token@example.org"}, "holds a user name, password or token"),
    ],
)
def test_what_can_t_be_a_connection_is_refused_without_repeating_secrets(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as refused:
        replace(Connection("default", "git", "n", "https://example.org"), **wrong)  # type: ignore[arg-type]
    assert "hunter2" not in str(refused.value)
