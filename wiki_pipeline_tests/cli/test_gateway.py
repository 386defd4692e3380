"""The gateway as a command of its own."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from wiki_pipeline_tests.installation import install

pytestmark = pytest.mark.integration

COMMAND = [sys.executable, "-m", "wiki_pipeline.cli", "gateway"]


def test_it_serves_alone_until_it_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    install(monkeypatch, tmp_path, WIKI_PIPELINE_GATEWAY_PORT=str(port))
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert _answer(f"http://127.0.0.1:{port}/livez", process).status_code == 200
            assert "wiki-pipeline" in httpx.get(f"http://127.0.0.1:{port}/", timeout=60).text
        finally:
            process.send_signal(signal.SIGTERM)
            out, errors = process.communicate(timeout=120)
    assert (out, "Traceback" in errors) == ("", False)


def test_a_port_in_use_is_said_and_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        install(monkeypatch, tmp_path, WIKI_PIPELINE_GATEWAY_PORT=str(other.getsockname()[1]))
        ended = subprocess.run(COMMAND, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Address already in use. Stop what uses it" in ended.stderr


def _answer(url: str, process: subprocess.Popen[str]) -> httpx.Response:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx.get(url, timeout=30)
        except httpx.ConnectError:
            time.sleep(0.1)
    raise AssertionError("It does not listen.")
