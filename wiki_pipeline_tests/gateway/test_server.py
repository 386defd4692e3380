from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wiki_pipeline_tests.installation import install


def test_a_port_in_use_ends_the_gateway_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        install(monkeypatch, tmp_path, WIKI_PIPELINE_GATEWAY_PORT=str(port))
        command = [sys.executable, "-m", "wiki_pipeline.gateway"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"The gateway can't listen on port {port} of 127.0.0.1: Address already in use. "
        "Stop what uses it, or set WIKI_PIPELINE_GATEWAY_PORT to another one.\n"
    )
