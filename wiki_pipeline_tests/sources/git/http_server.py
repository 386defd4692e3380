"""A Git server over HTTP for tests: Git's own `http-backend` behind a small real server, with secrets and faults."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass(frozen=True)
class Request:
    """A request as it came. `processes` is what every process of the machine showed as its arguments meanwhile."""

    method: str
    path: str
    authorization: str
    body: bytes
    processes: str

    @property
    def user_and_secret(self) -> str:
        """What Basic authorization says."""
        return base64.b64decode(self.authorization.removeprefix("Basic ")).decode() if self.authorization else ""


Fault = Callable[["_Handler"], None]


@dataclass
class GitServer:
    """Serves the repositories below a folder.

    Args:
        root: `http://.../org/repo.git` is the bare repository `root/org/repo.git`.
        secrets: if any, one of these as the password, else 401.
        protocol_v2: answer in protocol version 2, as all servers do today.
        fault: answers in place of Git; taken off the list one a request.
    """

    root: Path
    secrets: set[str] = field(default_factory=set)
    protocol_v2: bool = True
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> GitServer:
        server = self

        class Handler(_Handler):
            git = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        """Address of the root."""
        return f"http://{self.host}"


class _Handler(BaseHTTPRequestHandler):
    git: GitServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer, and end."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, body: bytes) -> None:
        authorization = self.headers.get("Authorization", "")
        request = Request(self.command, self.path, authorization, body, command_lines())
        self.git.requests.append(request)
        if self.git.faults:
            self.git.faults.pop(0)(self)
        elif self.git.secrets and request.user_and_secret.partition(":")[2] not in self.git.secrets:
            self.send(401, b"who are you?", WWW_Authenticate='Basic realm="git"')
        else:
            self._backend(body)

    def _backend(self, body: bytes) -> None:
        # A client that takes us for its proxy names the host too.
        path, _, query = re.sub("^http://[^/]*", "", self.path).partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") if self.git.protocol_v2 else "",
        }
        answer = subprocess.run(
            ["git", "http-backend"], input=body, env=environment, capture_output=True, check=False
        ).stdout
        head, _, content = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        self.send(int(headers.pop("Status", "200").split()[0]), content, **headers)


def command_lines() -> str:
    """The arguments of all processes of this machine, as `ps` would show them."""
    shown = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            shown.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(shown)


def status(code: int, body: bytes = b"") -> Fault:
    """Answer with a status."""
    return lambda handler: handler.send(code, body)


def redirect(to: str) -> Fault:
    """Send the client elsewhere, with the same path."""
    return lambda handler: handler.send(301, Location=to + handler.path)


def hang(until: threading.Event) -> Fault:
    """Say nothing until the test is over."""
    return lambda handler: void(until.wait(60))


def dropped(handler: _Handler) -> None:
    """Begin an answer and break off."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"001e# service=git-upload-pack\n")
    handler.close_connection = True


def void(_: object) -> None:
    """Nothing."""
