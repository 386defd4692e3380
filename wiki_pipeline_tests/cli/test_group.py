from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from wiki_pipeline.cli.group import COMMANDS
from wiki_pipeline_tests.cli.conftest import Run

HEAVY = {"dagster", "fastapi", "lancedb", "pandas", "pyarrow", "sqlalchemy"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_says_in_the_group_what_it_says_itself(name: str) -> None:
    command = import_module(f"wiki_pipeline.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(200) == COMMANDS[name]


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; from wiki_pipeline.cli import main; main(['--help'], standalone_mode=False); "
        f"sys.exit(', '.join({HEAVY!r} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.stderr == ""
    assert all(f"\n  {name} " in ended.stdout for name in COMMANDS)


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    result = run("synk")
    assert result.exit_code == 2
    assert "No such command 'synk'" in result.stderr


def test_a_wrong_setting_is_told_in_a_sentence_without_its_value(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_LEASE_SECONDS", "s3cret")
    result = run("status")
    assert result.exit_code == 2
    assert "WIKI_PIPELINE_LEASE_SECONDS" in result.stderr
    assert "s3cret" not in result.output
    assert "Traceback" not in result.output


def test_the_console_script_and_the_module_are_the_same_program() -> None:
    for program in (
        [str(Path(sys.executable).with_name("wiki-pipeline"))],
        [sys.executable, "-m", "wiki_pipeline.cli"],
    ):
        ended = subprocess.run([*program, "--version"], capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "version" in ended.stdout
