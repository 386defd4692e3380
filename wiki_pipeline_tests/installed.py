"""The program as its wheel installs it, in an environment of its own that knows nothing of the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import wiki_pipeline

PACKAGE = Path(wiki_pipeline.__file__).parent


def build_wheel(folder: Path) -> Path:
    """The wheel as it is built from the checkout, in a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=PACKAGE.parent, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def install_wheel(wheel: Path, environment: Path) -> Path:
    """`wiki-pipeline` as the wheel installs it. What it requires comes from the packages of this environment, which
    knows the checkout by a `.pth` file only: those of other folders than an environment's own are not read."""
    python = environment / "bin" / "python"
    if uv := shutil.which("uv"):
        made = [uv, "venv", "--quiet", "--python", sys.executable, str(environment)]
        install = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python), str(wheel)]
    else:
        made = [sys.executable, "-m", "venv", "--without-pip", str(environment)]
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        install = [*pip, "install", "--quiet", "--no-deps", str(wheel)]
    for command in (made, install):
        subprocess.run(command, check=True)
    (packages,) = environment.glob("lib/python3.*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib"))
    return environment / "bin" / "wiki-pipeline"
