"""Buckets for tests: moto's S3, which keeps If-None-Match, and rclone's, which ignores it. Both bound to loopback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from wiki_pipeline.store import Storage

RCLONE = shutil.which("rclone", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
KEY, SECRET = "tester", "a-secret-of-the-tests"
# As an installation's environment names a bucket; the credentials are AWS's own variables.
_OPTIONS = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "aws_region": "us-east-1", "allow_http": "true"}


class Buckets:
    """A running S3 server.

    Attributes:
        endpoint: its address.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def make(self, name: str) -> Storage:
        """A new bucket."""
        httpx.put(f"{self.endpoint}/{name}", timeout=120).raise_for_status()
        return self.storage(name)

    def storage(self, name: str) -> Storage:
        """A bucket, as it is opened."""
        return Storage(f"s3://{name}", {**_OPTIONS, "aws_endpoint": self.endpoint})

    def environment(self, name: str) -> dict[str, str]:
        """What an installation is given to keep its tables in a bucket."""
        return {
            "WIKI_PIPELINE_STORAGE_URL": f"s3://{name}/tables",
            "WIKI_PIPELINE_STORAGE_ENDPOINT": self.endpoint,
            "WIKI_PIPELINE_STORAGE_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }


@contextmanager
def moto() -> Iterator[Buckets]:
    """An empty moto server, in a process of its own."""
    program = (
        "import threading\n"
        "from werkzeug.serving import make_server\n"
        "from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app\n"
        "from moto.server import MotoRequestHandler as Handler\n"
        # One request after the other: between looking for a key and writing it, moto lets other threads in.
        "inner, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()\n"
        "def app(environment, start):\n"
        "    with turn:\n"
        "        return inner(environment, start)\n"
        "server = make_server('127.0.0.1', 0, app, threaded=True, request_handler=Handler)\n"
        "print(server.port, flush=True)\n"
        "server.serve_forever()\n"
    )
    environment = {**os.environ, "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "104857600"}
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            yield Buckets(f"http://127.0.0.1:{int(server.stdout.readline())}")
        finally:
            server.kill()


@contextmanager
def rclone(folder: Path, port: int) -> Iterator[Buckets]:
    """rclone serving a folder, whose folders are its buckets."""
    assert RCLONE is not None
    address = f"127.0.0.1:{port}"
    arguments = ["serve", "s3", str(folder), "--addr", address, "--auth-key", f"{KEY},{SECRET}", "--config", os.devnull]
    with subprocess.Popen(
        [RCLONE, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            for _ in range(300):
                try:
                    httpx.get(f"http://{address}/", timeout=60)
                except httpx.TransportError:
                    time.sleep(0.1)
                else:
                    break
            yield Buckets(f"http://{address}")
        finally:
            server.kill()


@contextmanager
def careless() -> Iterator[Buckets]:
    """A store of a few lines that takes every object, whatever the request's conditions are: as some real ones do."""
    objects: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("etag", '"1"')
            self.send_header("last-modified", "Mon, 30 Nov 2026 12:00:00 GMT")
            self.end_headers()
            self.wfile.write(body)

        def do_PUT(self) -> None:
            objects[self.path] = self.rfile.read(int(self.headers["content-length"]))
            self._answer(200)

        def do_GET(self) -> None:
            self._answer(200, objects.get(self.path, b""))

        def do_DELETE(self) -> None:
            objects.pop(self.path, None)
            self._answer(204)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            for name in re.findall("<Key>([^<]*)</Key>", body):
                objects.pop(f"{self.path.partition('?')[0].rstrip('/')}/{name}", None)
            self._answer(200, b"<DeleteResult/>")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Buckets(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()
    assert not objects, "the probe was left behind"
