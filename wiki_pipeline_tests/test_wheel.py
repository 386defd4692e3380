"""The wheel, installed in an environment of its own, at work outside of the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

import wiki_pipeline
from wiki_pipeline_tests.e2e.services import started
from wiki_pipeline_tests.sources.git.upstream import Upstream

PACKAGE = Path(wiki_pipeline.__file__).parent

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it is built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=PACKAGE.parent, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`wiki-pipeline` as the wheel installs it. What it requires comes from the packages of this environment, which
    knows the checkout by a `.pth` file only: those of other folders than an environment's own are not read."""
    environment = tmp_path_factory.mktemp("environment")
    python = environment / "bin" / "python"
    if uv := shutil.which("uv"):
        made = [uv, "venv", "--quiet", "--python", sys.executable, str(environment)]
        install = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python), str(wheel)]
    else:
        made = [sys.executable, "-m", "venv", str(environment)]
        pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
        install = [*pip, "install", "--quiet", "--no-deps", str(wheel)]
    for command in (made, install):
        subprocess.run(command, check=True)
    (packages,) = environment.glob("lib/python3.*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin" / "wiki-pipeline"


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


def test_the_installed_program_shows_the_demo_handbook_without_a_clone(program: Path, tmp_path: Path) -> None:
    variables = {
        "HOME": str(tmp_path),
        "PYTHONPATH": "",
        "WIKI_PIPELINE_HOME": str(tmp_path / "state"),
        "WIKI_PIPELINE_GATEWAY_PORT": "0",
        "WIKI_PIPELINE_DAGSTER_PORT": "0",
    }
    with started([program, "up"], tmp_path, **variables) as up:
        with httpx.Client(trust_env=False, timeout=30) as client:
            root = up.addresses()["Wiki"].removesuffix("/wiki/")
            (handbook,) = client.get(f"{root}/v1/datasources").json()["datasources"]
            assert (handbook["source"], handbook["freshness"]) == ("default:confluence:HANDBOOK", "fresh")
            assert handbook["pages"] > 20
            assert "Handbook" in client.get(f"{root}{handbook['wiki_url']}").text
        (source,) = json.loads(run(program, tmp_path, "sources", "list", "--json"))
        assert source["source"] == "default:confluence:HANDBOOK"
        up.stop()


def test_the_installed_program_syncs_a_repository(program: Path, tmp_path: Path) -> None:
    where = run(program.with_name("python"), tmp_path, "-c", "import wiki_pipeline; print(wiki_pipeline.__file__)")
    assert Path(where.strip()).is_relative_to(program.parents[1])
    assert "Start everything" in run(program, tmp_path, "--help")
    upstream = Upstream(tmp_path / "pumps")
    upstream.commit({"README.md": "# Pumps\n\nThe pump is primed by hand.\n", "pump.py": "def prime() -> None: ...\n"})
    repositories = json.dumps([{"url": upstream.path}])
    outcome = json.loads(run(program, tmp_path, "sync", "--json", WIKI_PIPELINE_GIT_REPOSITORIES=repositories))
    assert [sync["status"] for sync in outcome["syncs"]] == ["completed"]
    added = {stage["stage"]: stage["added"] for stage in outcome["syncs"][0]["stages"]}
    assert (added["wiki_pages"], added["vectors"]) == (2, 2)
