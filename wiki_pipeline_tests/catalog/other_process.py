"""A second process that uses the same catalog: `python -m ... COMMAND URL ARGUMENT...`. It prints one line a step and
waits for a line on its standard input before the next, so that a test says when things happen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from wiki_pipeline.catalog import Catalog, Kind
from wiki_pipeline.errors import QuotaError, WikiPipelineError
from wiki_pipeline.model import DocumentFailure, SourceKey, Stage
from wiki_pipeline_tests.children import started


def hold(url: str, name: str, ttl: str) -> None:
    """Take a lease, check it as often as asked to, give it back at the end of the input."""
    with Catalog(url) as catalog:
        print("ready", flush=True)
        sys.stdin.readline()
        with catalog.lease(name, float(ttl)) as lease:
            print("held", flush=True)
            for _ in sys.stdin:
                lease.check()
                print("still held", flush=True)


def add(url: str, count: str, name: str) -> None:
    """Add sources, and failures to the source `shared`, each in a transaction of its own."""
    shared = SourceKey("default", "git", "shared")
    with Catalog(url) as catalog:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(count)):
            key = SourceKey("default", "git", f"{name}-{number}")
            catalog.add_source(key, "{}")
            catalog.record_failures(shared, Stage.CHUNKS, [DocumentFailure("same", "Title", Stage.CHUNKS, "broken")])
        print("done", flush=True)


def first_start(url: str) -> None:
    """Open a catalog that is not there yet."""
    with Catalog(url) as catalog:
        print("ready", flush=True)
        sys.stdin.readline()
        print(len(catalog.sources("default")), flush=True)


def spend(url: str, tries: str) -> None:
    """Ask for one request of a quota so many times, each settled; says how many were."""
    with Catalog(url) as catalog:
        print("ready", flush=True)
        sys.stdin.readline()
        admitted = 0
        for _ in range(int(tries)):
            with suppress(QuotaError):
                reservation = catalog.quotas.reserve("acme", "ada", {Kind.REQUESTS: 1})
                catalog.quotas.settle(reservation, {Kind.REQUESTS: 1})
                admitted += 1
        print(admitted, flush=True)


COMMANDS: dict[str, Callable[..., None]] = {"hold": hold, "add": add, "first_start": first_start, "spend": spend}


class Other:
    """The process as the test sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    def go_on(self) -> None:
        """Let it do its next step."""
        self._input.write("\n")
        self._input.flush()

    def line(self) -> str:
        """What it says next; empty when it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def finish(self) -> tuple[int, str]:
        """Let it end. Its exit status and what it printed as an error."""
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors

    @property
    def _input(self) -> IO[str]:
        assert self.process.stdin is not None
        return self.process.stdin


@contextmanager
def start(command: str, *arguments: str) -> Iterator[Other]:
    """Start the process and wait until it is ready."""
    with started(
        [sys.executable, "-m", __name__, command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        yield Other(process)


if __name__ == "__main__":
    try:
        COMMANDS[sys.argv[1]](*sys.argv[2:])
    except WikiPipelineError as problem:
        print(problem.code, problem, file=sys.stderr)
        sys.exit(3)
