"""`make setup` with a project and a package of our own, so that nothing has to be fetched."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from wiki_pipeline_tests import children

ROOT = Path(__file__).parents[1]
_METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
_WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_BACKEND = """
import shutil
def build_editable(folder, config_settings=None, metadata_directory=None):
    return shutil.copy("wheels/project-1.0-py3-none-any.whl", folder).rpartition("/")[2]
"""


def wheel(folder: Path, name: str, modules: int) -> Path:
    """A wheel with a package of so many modules, all of which it imports."""
    imports = "".join(f"import {name}.m{number}\n" for number in range(modules))
    files = {f"{name}/__init__.py": imports, f"{name}-1.0.dist-info/METADATA": _METADATA.format(name=name)}
    files |= {f"{name}-1.0.dist-info/WHEEL": _WHEEL}
    files |= {f"{name}/m{number}.py": f"value = {number}\n" for number in range(modules)}
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{name}-1.0.dist-info/RECORD"] = "\n".join([*record, f"{name}-1.0.dist-info/RECORD,,"])
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for at, text in files.items():
            archive.writestr(at, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the Makefile and the set-up of ours, and one locked package."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    package = wheel(wheels, "package", 300)
    wheel(wheels, "project", 1)
    (tmp_path / "backend.py").write_text(_BACKEND)
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (tmp_path / "pyproject.toml").write_text(f'{backend}[project]\nname = "project"\nversion = "1.0"\n')
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    (tmp_path / "requirements.lock").write_text(f"package==1.0 --hash=sha256:{digest}\n")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "setup", tmp_path / ".ci")
    return tmp_path


def environment(project: Path) -> dict[str, str]:
    """Without uv, and with nothing but the project's own wheels to install from."""
    tools = project / "tools"
    tools.mkdir(exist_ok=True)
    for tool in ("make", "bash", "grep", "cat", "rm", "touch", "dirname", "sed", "sort", "expand"):
        found = shutil.which(tool)
        if found and not (tools / tool).exists():
            (tools / tool).symlink_to(Path(found).absolute())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE", "VIRTUAL_ENV"))}
    return kept | {
        "PATH": str(tools),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(project / "wheels"),
        "PYTHON": str(Path(sys.executable).resolve()),  # the one behind this virtual environment
    }


def set_up(project: Path) -> None:
    """Run it to its end, and see that what was to be installed is whole."""
    done = subprocess.run(
        ["make", "setup"],
        check=False,
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    subprocess.run([project / ".venv/bin/python", "-c", "import package.m299, project.m0"], check=True)


@pytest.mark.timeout(900)  # four virtual environments
def test_a_set_up_that_did_not_end_is_repaired_by_the_next_and_one_that_did_is_left_alone(project: Path) -> None:
    """Killed at moments that it reaches by itself, however fast the machine is."""
    packages = project / f".venv/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    reached = {
        "pip is there": project / ".venv/bin/pip",
        "the package is half there": packages / "package/m100.py",
    }
    for place in reached.values():
        with children.started(
            ["make", "setup"],
            cwd=project,
            env=environment(project),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            while process.poll() is None and not place.exists():
                time.sleep(0.001)
    set_up(project)
    before = (project / ".venv/.ready").stat().st_mtime_ns
    set_up(project)
    assert (project / ".venv/.ready").stat().st_mtime_ns == before  # nothing was left to do
    (project / ".venv/.ready").unlink()  # as when the set-up of a new lock is killed
    (packages / "package/m299.py").unlink()  # which pip takes for installed all the same
    set_up(project)
