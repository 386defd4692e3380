"""`doctor`, `backup`, `restore`, `migrate` as people call them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import Space
from wiki_pipeline_tests.cli.conftest import Run


def checks(run: Run, status: int) -> dict[str, dict[str, str]]:
    result = run("doctor", "--json")
    assert result.exit_code == status, result.stdout
    return {check["about"]: check for check in json.loads(result.stdout)}


def test_doctor_finds_all_well_and_says_what_to_do_where_it_is_not(
    run: Run, synced: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = checks(run, 0)
    assert {found[about]["state"] for about in ("settings", "mode", "database", "storage", "embedding model")} == {"ok"}
    assert found["default:confluence:ENG"]["found"] == "Engineering answers; 3 documents"
    assert found["dagster"]["state"] == "warning"  # no daemon ever ran on it
    assert "daemon" in found["dagster"]["advice"]
    assert "Engineering answers" in run("doctor").stdout

    monkeypatch.setenv("CONFLUENCE_TOKEN", "wr0ng-token")
    monkeypatch.setenv("CONFLUENCE_URL", "http://127.0.0.1:9/wiki")
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
    found = checks(run, 3)
    assert found["default:confluence:ENG"]["state"] == "failed"
    assert found["default:confluence:ENG"]["advice"]
    assert "wr0ng-token" not in json.dumps(found)

    monkeypatch.setenv("WIKI_PIPELINE_MODE", "cluster")
    found = checks(run, 3)
    assert found["mode"]["state"] == "failed"
    assert "database" not in found, "what can't be looked at is left out"
    monkeypatch.setenv("WIKI_PIPELINE_BATCH_DOCUMENTS", "none")
    found = checks(run, 3)
    assert "WIKI_PIPELINE_BATCH_DOCUMENTS" in found["settings (general)"]["found"]


def test_backup_and_restore_by_the_command_line(run: Run, synced: Space, empty: Path) -> None:
    made = json.loads(run("backup", "saved", "--json").stdout)
    assert made["tables"] == {"default": 5}
    assert run("restore", "saved").exit_code == 2  # it would be over what is there
    shutil.rmtree(empty / "state")
    assert json.loads(run("restore", "saved", "--list", "--json").stdout) == [made["name"]]
    assert run("restore", "saved", "--backup", "2020-01-01T00-00-00Z").exit_code == 2
    assert run("restore", "saved").exit_code == 0
    again = run("sync", "--json")
    assert again.exit_code == 0
    assert '"added": 0' in again.stdout
    assert "winches" in run("search", "winches").stdout.lower()


def test_migrate_can_be_repeated(run: Run, empty: Path) -> None:
    first = json.loads(run("migrate", "--json").stdout)
    assert first == json.loads(run("migrate", "--wait", "5", "--json").stdout)
    assert first["tables"] == 0
    assert "Dagster's storage is at" in run("migrate").stdout
