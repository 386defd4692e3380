from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest

from wiki_pipeline.cli import init
from wiki_pipeline.cli.settings import groups, read
from wiki_pipeline_tests.cli.conftest import Run


def test_all_settings_are_shown_with_where_they_stand(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_BATCH_DOCUMENTS", "333")
    result = run("settings", "--json")
    assert result.exit_code == 0
    listed = json.loads(result.stdout)
    shown = {setting["name"]: setting for setting in listed}
    assert len(listed) == len(shown)
    known = (field.validation_alias for group in groups().values() for field in group.model_fields.values())
    assert shown.keys() == set(map(str, known))
    documents = shown["WIKI_PIPELINE_BATCH_DOCUMENTS"]
    assert (documents["value"], documents["is_set"]) == (333, True)
    assert shown["WIKI_PIPELINE_CODE_CHUNKS"]["value"] == "1400 characters"
    assert shown["CONFLUENCE_SPACES"]["group"] == "confluence"
    assert not shown["CONFLUENCE_SPACES"]["is_set"]
    assert all(setting["description"] for setting in shown.values())


def test_people_see_at_once_what_is_set(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_BATCH_DOCUMENTS", "333")
    shown = run("settings").stdout.splitlines()
    assert {"* WIKI_PIPELINE_BATCH_DOCUMENTS = 333", "  WIKI_PIPELINE_PROSE_CHUNKS = 400 tokens", "confluence"} <= set(
        shown
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONFLUENCE_TOKEN", "s3cret"),
        ("OPENAI_API_KEY", "s3cret"),
        ("WIKI_PIPELINE_DATABASE_URL", "postgresql://wiki:s3cret@db/wiki"),
        ("WIKI_PIPELINE_GIT_TOKENS", '{"gitlab.example.org": "s3cret"}'),
        ("WIKI_PIPELINE_STORAGE_URL", "s3://key:s3cret@bucket/folder"),
        ("OPENAI_BASE_URL", "https://user:s3cret@models.example.org/v1"),
    ],
)
@pytest.mark.parametrize("arguments", [["settings"], ["settings", "--json"]])
def test_no_secret_is_shown(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, arguments: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    result = run(*arguments)
    assert result.exit_code == 0
    assert name in result.stdout
    assert "s3cret" not in result.output


def test_init_writes_a_file_that_changes_nothing_until_it_is_edited(run: Run, empty: Path) -> None:
    before = list(read())
    assert run("init").exit_code == 0
    file = empty / "wiki-pipeline.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tomllib.loads(file.read_text()) == {}
    assert list(read()) == before


def test_every_line_of_the_file_that_init_writes_holds_its_setting_s_default(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WIKI_PIPELINE_HOME")
    before = {setting.name: setting.value for setting in read()}
    names = tuple(f"# {name} = " for name in before)
    lines = [line.removeprefix("# ") for line in init.text().splitlines() if line.startswith(names)]
    assert len(lines) == len(before)
    (empty / "wiki-pipeline.toml").write_text("\n".join(lines))
    after = list(read())
    assert {setting.name: setting.value for setting in after} == before
    assert all(setting.is_set for setting in after)


def test_init_leaves_a_file_that_is_there_unless_it_is_forced(run: Run, empty: Path) -> None:
    file = empty / "wiki-pipeline.toml"
    file.write_text('WIKI_PIPELINE_TENANT = "mine"\n')
    result = run("init")
    assert result.exit_code == 2
    assert "left as it is" in result.stderr
    assert file.read_text() == 'WIKI_PIPELINE_TENANT = "mine"\n'
    assert run("init", "--force").exit_code == 0
    assert tomllib.loads(file.read_text()) == {}
