"""References to secrets, and what they lead to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.secret_refs import resolve


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CONFLUENCE_TOKEN", "NORTH_TOKEN", "TOKENS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_no_reference_is_no_secret() -> None:
    assert resolve("", "connection north").get_secret_value() == ""


def test_a_setting_is_found_wherever_settings_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "wiki-pipeline.toml").write_text('NORTH_TOKEN = "from the file"\n')
    assert resolve("env:NORTH_TOKEN", "connection north").get_secret_value() == "from the file"
    (folder / ".env").write_text("NORTH_TOKEN=from-dotenv\n")
    assert resolve("env:NORTH_TOKEN", "connection north").get_secret_value() == "from-dotenv"
    monkeypatch.setenv("NORTH_TOKEN", "from-environment")
    assert resolve("env:NORTH_TOKEN", "connection north").get_secret_value() == "from-environment"


@pytest.mark.parametrize("written", ["code.corp", "https://code.corp", "code.corp:443", "https://CODE.corp/"])
def test_one_host_s_token_is_found_however_the_host_is_written(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENS", json.dumps({"http://code.corp": "clear", written: "t1", "other.corp": "t2"}))
    assert resolve("env:TOKENS#https://code.corp", "connection code.corp").get_secret_value() == "t1"


def test_a_file_s_secret_is_read_without_the_line_s_end(folder: Path) -> None:
    (folder / "secret").write_text("s3cr3t\n")
    secret = resolve(f"file:{folder / 'secret'}", "connection north")
    assert secret.get_secret_value() == "s3cr3t"
    assert "s3cr3t" not in repr(secret)


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("env:NORTH_TOKEN", "The secret of connection north is missing: NORTH_TOKEN is not set"),
        ("env:TOKENS#code.corp", "TOKENS has nothing for code.corp"),
        ("file:/nowhere/at/all", "can't be read from /nowhere/at/all: No such file"),
        ("row:17", "can't be opened here.*env:NAME.*file:PATH"),
    ],
)
def test_a_secret_that_is_not_there_is_named_with_its_owner(reference: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        resolve(reference, "connection north")
