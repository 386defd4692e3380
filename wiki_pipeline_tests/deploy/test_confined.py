"""The programs where the chart, compose and the image put them: a root file system that can't be written, user 10001,
no rights, and folders for what is written. Linux' own namespaces stand for the container; to build the image itself
takes a registry."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from wiki_pipeline_tests import children
from wiki_pipeline_tests.deploy import tools
from wiki_pipeline_tests.e2e.services import wait_for

_TOKEN = "0123456789abcdef0123456789abcdef"
# All of the root is read-only, mounts below it too; only the folders that the chart mounts are new and empty.
_INSIDE = """
set -eu
mount --make-rprivate /
for folder in /var/lib/wiki-pipeline /opt/dagster; do mkdir -p "$folder"; done
mount -t tmpfs -o size=1g,mode=1777 none {scratch}
for folder in /var/lib/wiki-pipeline /opt/dagster; do
    mount -t tmpfs -o uid=10001,gid=10001,mode=0700 none "$folder"
done
mount -o remount,bind,ro /
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
"""
_AS_USER = ["setpriv", "--reuid", "10001", "--regid", "10001", "--clear-groups", sys.executable, "-c", ""]


def _possible() -> bool:
    """Whether this is Linux' root, and the interpreter is where others may run it."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    return subprocess.run(_AS_USER, capture_output=True, timeout=60, check=False, cwd="/").returncode == 0


pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not _possible(), reason="takes root on Linux, and a Python that others may run"),
]


@contextmanager
def _confined(folder: Path, *command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    scratch = folder / "tmp"
    scratch.mkdir()
    given = {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        "PYTHONPATH": str(tools.ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "WIKI_PIPELINE_HOME": "/var/lib/wiki-pipeline",
        "DAGSTER_HOME": "/opt/dagster",
        **environment,
    }
    script = [
        "unshare",
        "--mount",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        _INSIDE.format(scratch=scratch),
        "sh",
        *command,
    ]
    with (
        (folder / "log.txt").open("w") as log,
        children.started(script, env=given, cwd="/", stdout=log, stderr=log) as process,
    ):
        yield process


def _said(folder: Path) -> str:
    return (folder / "log.txt").read_text(encoding="utf-8")


def test_the_confinement_is_one(tmp_path: Path) -> None:
    """Who it is, and what it may not write."""
    tmp_path.chmod(0o755)
    program = (
        "import os\n"
        "print(os.getuid(), os.getgid(), os.getgroups())\n"
        "for path in ['/usr/x', '/etc/x', '/var/x']:\n"
        "    try:\n"
        "        open(path, 'w')\n"
        "        print('wrote', path)\n"
        "    except OSError as error:\n"
        "        print(error.strerror)\n"
        "open(os.environ['WIKI_PIPELINE_HOME'] + '/x', 'w').close()\n"
        "print([line for line in open('/proc/self/status') if line.startswith(('CapEff', 'CapBnd', 'NoNewPrivs'))])\n"
    )
    with _confined(tmp_path, sys.executable, "-c", program) as process:
        assert process.wait(60) == 0, _said(tmp_path)
    said = _said(tmp_path).splitlines()
    assert said[0] == "10001 10001 []"
    assert said[1:4] == ["Read-only file system"] * 3
    assert "'CapEff:\\t0000000000000000\\n'" in said[4]
    assert "'NoNewPrivs:\\t1\\n'" in said[4]


def test_the_gateway_serves_from_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    settings = {
        "WIKI_PIPELINE_GATEWAY_HOST": "0.0.0.0",  # noqa: S104 - as in a pod, with a token
        "WIKI_PIPELINE_GATEWAY_PORT": str(port),
        "WIKI_PIPELINE_API_TOKENS": _TOKEN,
    }
    command = [sys.executable, "-m", "wiki_pipeline.gateway"]
    with _confined(tmp_path, *command, **settings) as process:

        def ready() -> bool:
            if process.poll() is not None:
                pytest.fail(_said(tmp_path))
            return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=60, trust_env=False).is_success

        wait_for("it is ready", ready, 240)
        headers = {"authorization": f"Bearer {_TOKEN}"}
        answer = httpx.get(f"http://127.0.0.1:{port}/v1/search?q=x", headers=headers, timeout=60, trust_env=False)
        assert answer.status_code == 200, answer.text
        assert httpx.get(f"http://127.0.0.1:{port}/v1/search?q=x", timeout=60, trust_env=False).status_code == 401


def test_definitions_load_from_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    program = "from wiki_pipeline.definitions import defs; print(len(defs.resolve_all_asset_specs()), 'assets')"
    with _confined(tmp_path, sys.executable, "-c", program) as process:
        assert process.wait(200) == 0, _said(tmp_path)
    assert "assets" in _said(tmp_path)
