"""Secrets in the catalog: sealed, opened by their tenant alone, turned to another master key, destroyed."""

from __future__ import annotations

import base64
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from wiki_pipeline.access.sealing import MasterKey, Vault
from wiki_pipeline.access.settings import SealingSettings
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.settings import Mode, load
from wiki_pipeline_tests.migrated import put_catalog

SECRET = "the-secret-of-acme-4711"
OLD, NEW = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    put_catalog(tmp_path / "catalog.sqlite")
    return Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")


def vault(catalog: Catalog, home: Path, **settings: object) -> Vault:
    return Vault(catalog, load(SealingSettings, home=home, **settings))


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_what_was_sealed_is_opened_by_its_reference_and_by_its_tenant_alone(catalog: Catalog, tmp_path: Path) -> None:
    opened = vault(catalog, tmp_path)
    sealed = opened.seal("acme", "connection", "handbook", SecretStr(SECRET))
    assert resolve(sealed.ref, "x", opened.rows("acme")).get_secret_value() == SECRET
    assert sealed.last4 == "4711"
    with pytest.raises(ConfigurationError, match="missing"):
        resolve(sealed.ref, "x", opened.rows("other"))
    with pytest.raises(ConfigurationError, match="can't be opened here"):
        resolve(sealed.ref, "x")
    assert SECRET.encode() not in everything(tmp_path)


def test_a_changed_secret_keeps_its_reference_and_does_not_open_as_it_was(catalog: Catalog, tmp_path: Path) -> None:
    opened = vault(catalog, tmp_path)
    first = opened.seal("acme", "connection", "handbook", SecretStr("an older secret"))
    second = opened.seal("acme", "connection", "handbook", SecretStr(SECRET))
    assert (second.ref, second.version) == (first.ref, 2)
    assert opened.open("acme", second.secret_id, "x").get_secret_value() == SECRET
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as database:  # the older box, put back
        database.execute("UPDATE secrets SET nonce = ?, ciphertext = ?", (first.nonce, first.ciphertext))
        database.commit()
    with pytest.raises(ConfigurationError, match="its row was changed"):
        opened.open("acme", second.secret_id, "x")


@pytest.mark.parametrize(
    "change",
    [
        # With the id of the other's key, as who moves rows would do.
        "UPDATE secrets SET tenant = 'other', key_id = (SELECT key_id FROM data_keys WHERE tenant = 'other')",
        "UPDATE secrets SET kind = 'webhook'",
        "UPDATE secrets SET name = 'b'",
        "UPDATE secrets SET version = 2",
    ],
)
def test_a_row_that_is_moved_does_not_open(catalog: Catalog, tmp_path: Path, change: str) -> None:
    opened = vault(catalog, tmp_path)
    sealed = opened.seal("acme", "connection", "a", SecretStr(SECRET))
    opened.seal("other", "connection", "own", SecretStr("another secret"))
    with closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as database:
        database.execute(f"{change} WHERE secret_id = ?", (sealed.secret_id,))
        database.commit()
    with pytest.raises(ConfigurationError, match="its row was changed"):
        opened.open("other" if "other" in change else "acme", sealed.secret_id, "x")


def test_the_master_key_is_turned_while_both_are_loaded(catalog: Catalog, tmp_path: Path) -> None:
    sealed = vault(catalog, tmp_path, master_key=OLD).seal("acme", "connection", "a", SecretStr(SECRET))
    both = vault(catalog, tmp_path, master_key=f"{NEW},{OLD}")
    assert both.open("acme", sealed.secret_id, "x").get_secret_value() == SECRET
    assert (both.rotate(), both.rotate()) == (1, 0)
    assert vault(catalog, tmp_path, master_key=NEW).open("acme", sealed.secret_id, "x").get_secret_value() == SECRET
    for still_old in (both, vault(catalog, tmp_path, master_key=f"{OLD},{NEW}")):  # a process that knows both goes on
        assert still_old.open("acme", sealed.secret_id, "x").get_secret_value() == SECRET
    with pytest.raises(ConfigurationError, match="not loaded"):
        vault(catalog, tmp_path, master_key=OLD).open("acme", sealed.secret_id, "x")


def test_a_wrong_or_missing_key_is_an_error_and_never_plain_text(catalog: Catalog, tmp_path: Path) -> None:
    opened = vault(catalog, tmp_path, master_key=OLD)
    sealed = opened.seal("acme", "connection", "a", SecretStr(SECRET))
    cases: list[tuple[Callable[[], Vault], str]] = [
        (lambda: vault(catalog, tmp_path, master_key=NEW), "not loaded"),
        (lambda: vault(catalog, tmp_path), "is gone"),
        (lambda: vault(catalog, tmp_path, mode=Mode.CLUSTER), "no master key"),
        (lambda: vault(catalog, tmp_path, master_key="too-short"), "not 32 bytes"),
        (lambda: vault(catalog, tmp_path, master_key_file=str(tmp_path / "none")), "can't be read"),
        (lambda: vault(catalog, tmp_path, master_key=OLD, master_key_file="x"), "both set"),
    ]
    for wrong, message in cases:
        with pytest.raises(ConfigurationError, match=message) as error:
            wrong().open("acme", sealed.secret_id, "x")
        assert SECRET not in str(error.value)
        with pytest.raises(ConfigurationError, match=message) as error:
            wrong().seal("acme", "connection", "b", SecretStr(SECRET))
        assert SECRET not in str(error.value)
    assert [row.name for row in catalog.secrets.list("acme")] == ["a"]


def test_a_laptop_makes_its_key_once_for_its_owner_alone(catalog: Catalog, tmp_path: Path) -> None:
    home = tmp_path / "home"
    sealed = vault(catalog, home).seal("acme", "connection", "a", SecretStr(SECRET))
    file = home / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["master.key"]
    assert vault(catalog, home).open("acme", sealed.secret_id, "x").get_secret_value() == SECRET
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="read by others"):
        vault(catalog, home).open("acme", sealed.secret_id, "x")


def test_without_its_data_key_nothing_of_a_tenant_opens(catalog: Catalog, tmp_path: Path) -> None:
    opened = vault(catalog, tmp_path, master_key=OLD)
    sealed = opened.seal("acme", "connection", "a", SecretStr(SECRET))
    others = opened.seal("other", "connection", "a", SecretStr("of another tenant"))
    key = catalog.secrets.data_key("acme")
    assert key is not None
    assert opened.destroy("acme")
    assert not opened.destroy("acme")
    with pytest.raises(ConfigurationError, match="missing"):
        opened.open("acme", sealed.secret_id, "x")
    left = everything(tmp_path)  # the file and its log: no page holds the key or a box any more
    assert key.wrapped not in left
    assert sealed.ciphertext not in left
    assert opened.open("other", others.secret_id, "x").get_secret_value() == "of another tenant"


@given(st.binary(min_size=32, max_size=32))
def test_a_master_key_may_be_written_in_each_usual_form(key: bytes) -> None:
    forms = [key.hex(), base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode()]
    assert {MasterKey.of(text).key for text in forms} == {key}
    assert all(text not in repr(MasterKey.of(text)) for text in forms)
