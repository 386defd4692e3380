"""The benchmarks' generated repository is the one that was asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

from wiki_pipeline_tests.benchmarks.repository import make_repository


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def test_a_repository_has_its_files_and_its_history(tmp_path: Path) -> None:
    made = make_repository(tmp_path / "made.git", 60, 12)
    files = _git(made, "ls-tree", "-r", "--name-only", "main").split()
    assert len(files) == 60
    assert {file.rpartition(".")[2] for file in files} >= {"py", "ts", "md"}
    assert _git(made, "rev-list", "--count", "main").strip() == "12"


def test_the_same_arguments_give_the_same_commit(tmp_path: Path) -> None:
    heads = {_git(make_repository(tmp_path / name, 20, 4), "rev-parse", "main") for name in ("one.git", "two.git")}
    assert len(heads) == 1
