"""The wheel, installed in an environment of its own, at work outside of the checkout."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import zipfile
from pathlib import Path
from subprocess import DEVNULL

import pytest

from wiki_pipeline.demo.confluence.downloads import media_origin
from wiki_pipeline_tests import children
from wiki_pipeline_tests.installed import PACKAGE
from wiki_pipeline_tests.sources.git.upstream import Upstream

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def run(program: Path, folder: Path, *arguments: str, **variables: str) -> str:
    """What a program says, run in `folder` with these variables and no others of this process."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "WIKI_PIPELINE_HOME": str(folder / "state")}
    done = subprocess.run(
        [program, *arguments], cwd=folder, env={**environment, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    files = {file.relative_to(PACKAGE.parent) for file in PACKAGE.rglob("*") if file.is_file()}
    kept = {str(file) for file in files if "__pycache__" not in file.parts}
    with zipfile.ZipFile(wheel) as archive:
        assert kept == {name for name in archive.namelist() if name.startswith("wiki_pipeline/")}


def test_the_installed_program_syncs_the_demo_s_handbook_and_a_repository(program: Path, tmp_path: Path) -> None:
    """`e2e/test_freshness.py` has it serve what it synced."""
    python = program.with_name("python")
    where = run(python, tmp_path, "-c", "import wiki_pipeline; print(wiki_pipeline.__file__)")
    assert Path(where.strip()).is_relative_to(program.parents[1])
    assert "Start everything" in run(program, tmp_path, "--help")
    upstream = Upstream(tmp_path / "pumps")
    upstream.commit({"README.md": "# Pumps\n\nThe pump is primed by hand.\n", "pump.py": "def prime() -> None: ...\n"})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/wiki"
        server = [str(python), "-m", "wiki_pipeline.demo.confluence", "--handbook", "--fd", str(listening.fileno())]
        environment = {**os.environ, "PYTHONPATH": ""}
        with children.started(
            server, cwd=tmp_path, env=environment, pass_fds=[listening.fileno()], stdout=DEVNULL, stderr=DEVNULL
        ):
            settings = {
                "CONFLUENCE_URL": url,
                "CONFLUENCE_TOKEN": "any-token",
                "CONFLUENCE_SPACES": '{"HANDBOOK": []}',
                "WIKI_PIPELINE_CONFLUENCE_MEDIA_HOSTS": media_origin(url).removesuffix("/wiki"),
                "WIKI_PIPELINE_GIT_REPOSITORIES": json.dumps([{"url": upstream.path}]),
            }
            outcome = json.loads(run(program, tmp_path, "sync", "--json", **settings))
    assert [sync["status"] for sync in outcome["syncs"]] == ["completed", "completed"]
    added = [{stage["stage"]: stage["added"] for stage in sync["stages"]} for sync in outcome["syncs"]]
    handbook, repository = added
    assert handbook["wiki_pages"] > 20
    assert (repository["wiki_pages"], repository["vectors"]) == (2, 2)
