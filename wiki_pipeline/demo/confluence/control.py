"""The control address of a server in its own process: what tests do to a `ConfluenceServer` object, over HTTP.

All is below `/_control/`, which no Confluence has; bodies and answers are JSON.

    POST   /_control/spaces/{key}                {"name"?, "description"?}
    POST   /_control/spaces/{key}/pages          arguments of `Space.add`, `parent` by id; answers {"id"}
    POST   /_control/pages/{id}/{operation}      arguments of that operation of `Content`, `parent` by id
    POST   /_control/faults                      see `faults.fault_from_json`;  DELETE takes all back
    POST   /_control/accounts                    arguments of `ConfluenceServer.allow`
    POST   /_control/latency                     {"seconds"}
    GET    /_control/state                       violations, number of requests, ...;  DELETE begins afresh
"""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from wiki_pipeline.demo.faults import fault_from_json
from wiki_pipeline.demo.web import Answer, Request, json_answer

if TYPE_CHECKING:
    from wiki_pipeline.demo.confluence.server import ConfluenceServer

OPERATIONS = frozenset(
    {
        "edit",
        "rename",
        "move",
        "trash",
        "restore",
        "archive",
        "purge",
        "label",
        "unlabel",
        "restrict",
        "attach",
        "detach",
        "comment",
    }
)
Json = dict[str, Any]


class Control:
    """Answers control requests for a server."""

    def __init__(self, server: ConfluenceServer) -> None:
        self._server = server
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Json]]] = [
            ("POST", re.compile(r"spaces/(?P<key>[^/]+)"), self._space),
            ("POST", re.compile(r"spaces/(?P<key>[^/]+)/pages"), self._add),
            ("POST", re.compile(r"pages/(?P<page_id>[^/]+)/(?P<operation>\w+)"), self._operate),
            ("POST", re.compile(r"faults"), self._fault),
            ("DELETE", re.compile(r"faults"), self._heal),
            ("POST", re.compile(r"accounts"), self._account),
            ("POST", re.compile(r"latency"), self._latency),
            ("GET", re.compile(r"state"), self._state),
            ("DELETE", re.compile(r"state"), self._forget),
        ]

    def answer(self, request: Request) -> Answer:
        """Do what is asked: 404 for what does not exist, 400 with the reason for what can't be done."""
        arguments = orjson.loads(request.body) if request.body else {}
        for method, pattern, action in self._routes:
            match = pattern.fullmatch(request.path.removeprefix("/_control/"))
            if match and method == request.method:
                try:
                    return json_answer(action(arguments, **match.groupdict()))
                except (TypeError, ValueError, KeyError) as problem:
                    return json_answer({"error": repr(problem)}, 400)
        return json_answer({"error": f"no control address {request.method} {request.path}"}, 404)

    def _space(self, arguments: Json, key: str) -> Json:
        space = self._server.space(key, **arguments)
        return {"key": space.key, "id": space.id}

    def _add(self, arguments: Json, key: str) -> Json:
        return {"id": self._server.space(key).add(**self._read(arguments)).id}

    def _operate(self, arguments: Json, page_id: str, operation: str) -> Json:
        if operation not in OPERATIONS:
            raise ValueError(f"there is no operation {operation!r}: {', '.join(sorted(OPERATIONS))}")
        page = self._server.site.contents[page_id]
        names = arguments.pop("names", ())
        getattr(page, operation)(*names, **self._read(arguments))
        return {"id": page.id, "version": page.version.number, "status": page.status}

    def _read(self, arguments: Json) -> Json:
        """Moments, parents, spaces and files as Python has them."""
        read: dict[str, Callable[[Any], Any]] = {
            "when": datetime.fromisoformat,
            "modified": datetime.fromisoformat,
            "parent": lambda page_id: self._server.site.contents[page_id] if page_id else None,
            "space": self._server.space,
            "data": base64.b64decode,
        }
        return {name: read[name](value) if name in read else value for name, value in arguments.items()}

    def _fault(self, arguments: Json) -> Json:
        self._server.app.faults.append(fault_from_json(arguments))
        return {}

    def _heal(self, _arguments: Json) -> Json:
        self._server.heal()
        return {}

    def _account(self, arguments: Json) -> Json:
        self._server.allow(**arguments)
        return {}

    def _latency(self, arguments: Json) -> Json:
        self._server.app.latency = float(arguments["seconds"])
        return {}

    def _state(self, _arguments: Json) -> Json:
        server = self._server
        return {
            "violations": server.violations,
            "requests": len(server.app.requests),
            "max_in_flight": server.max_in_flight,
            "faults": [{"path": fault.path, "struck": fault.struck} for fault in server.app.faults],
            "pages": {key: len(space.contents) for key, space in server.site.spaces.items()},
        }

    def _forget(self, _arguments: Json) -> Json:
        self._server.forget_requests()
        return {}


class RemoteServer:
    """A server in its own process, driven over its control address. `url` is what people configure."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=httpx.URL(url).copy_with(path="/_control/"))

    def do(self, path: str, method: str = "POST", /, **arguments: Any) -> Json:
        """One control request, as `do("pages/1001/edit", body="<p>New</p>")`.

        Raises:
            httpx.HTTPStatusError: it could not be done.
        """
        answer = self._http.request(method, path, content=orjson.dumps(arguments))
        answer.raise_for_status()
        return dict(orjson.loads(answer.content))

    def close(self) -> None:
        """Release the connection. The process goes on."""
        self._http.close()

    def state(self) -> Json:
        """What the server has seen: violations, requests, faults struck, number of pages."""
        return self.do("state", "GET")


@contextmanager
def server_process(*arguments: str) -> Iterator[RemoteServer]:
    """Run `python -m wiki_pipeline.demo.confluence` with these arguments until the block ends."""
    command = [sys.executable, "-m", "wiki_pipeline.demo.confluence", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise RuntimeError(f"the server ended with {process.wait()} before it listened")
            with closing(RemoteServer(line.split()[-1])) as remote:
                yield remote
        finally:
            process.terminate()
