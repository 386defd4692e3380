"""The whole program as people run it: one command, its services, and an end that leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from wiki_pipeline_tests import children

SECRET = "of-the-webhooks"
START_SECONDS = 600
STOP_SECONDS = 90
_ADDRESS = re.compile(r"^(Dagster UI|Wiki|API) +(http://\S+)$", re.MULTILINE)
# Variables that would reach into what is started: settings, a make around it, what has Python compile all of it anew.
_SETTINGS = (
    *("WIKI_PIPELINE_", "CONFLUENCE_", "OPENAI_", "DAGSTER_", "VIRTUAL_ENV", "MAKE", "MFLAGS"),
    "PYTHONDONTWRITEBYTECODE",
)


class WrongError(Exception):
    """Something is not as a user should find it."""


@dataclass(frozen=True)
class Services:
    """A command that is running, and everything that it started.

    Attributes:
        output: file of what it said.
    """

    process: subprocess.Popen[str]
    output: Path
    mark: str

    def addresses(self) -> Mapping[str, str]:
        """The three addresses that it prints once all is ready, by name.

        Raises:
            WrongError: it ended, or took too long.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = dict(_ADDRESS.findall(self.output.read_text()))
            if len(found) == 3:
                return found
            try:
                raise WrongError(f"It ended with status {self.process.wait(0.5)}.")
            except subprocess.TimeoutExpired:
                continue
        raise WrongError(f"It printed no addresses within {START_SECONDS} s.")

    def processes(self) -> dict[int, str]:
        """The command line of every process that it started and that still runs, by process id."""
        return children.marked(self.mark)

    def stop(self) -> None:
        """Stop as Ctrl-C does, which the terminal sends to all processes of the foreground.

        Raises:
            WrongError: it did not stop, or left processes behind.
        """
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise WrongError(f"It did not stop within {STOP_SECONDS} s of a Ctrl-C.") from None
        if left := self.processes():
            raise WrongError(f"Processes are left: {left}")


@contextmanager
def started(command: Sequence[str | Path], folder: Path, **environment: str) -> Iterator[Services]:
    """Run a command in a folder, without settings but those given; nothing of it is left at the end."""
    mark = uuid.uuid4().hex
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    with tempfile.TemporaryDirectory() as elsewhere:
        output = Path(elsewhere, "output.txt")
        with (
            output.open("wb") as file,
            children.started(
                command,
                env={**inherited, **environment},
                mark=mark,
                cwd=folder,
                stdout=file,
                stderr=file,
                start_new_session=True,
            ) as process,
        ):
            yield Services(process, output, mark)


def wait_for(about: str, holds: Callable[[], object], seconds: float = 300) -> None:
    """Wait until something holds that processes have to do first; what raises does not hold yet.

    Raises:
        WrongError: it never did; with the last reason.
    """
    deadline, reason = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except (OSError, ValueError, LookupError, httpx.HTTPError) as error:
            reason = f"{type(error).__name__}: {error}"
        time.sleep(0.2)
    raise WrongError(f"Not so within {seconds} s: {about}. {reason}")


def environment(folder: Path, confluence: str, repository: str, **others: str) -> dict[str, str]:
    """Settings for an installation of its own: all state in a folder, any free ports, the space ENG of a Confluence and
    a repository as the source `handbook`, webhooks signed with `SECRET`."""
    return {
        "WIKI_PIPELINE_HOME": str(folder / "state"),
        "DAGSTER_HOME": str(folder / "dagster"),
        "WIKI_PIPELINE_GATEWAY_PORT": "0",
        "WIKI_PIPELINE_DAGSTER_PORT": "0",
        "CONFLUENCE_URL": confluence,
        "CONFLUENCE_TOKEN": "any-token",
        "CONFLUENCE_SPACES": json.dumps({"ENG": []}),
        "CONFLUENCE_WEBHOOK_SECRET": SECRET,
        "WIKI_PIPELINE_GIT_WEBHOOK_SECRET": SECRET,
        "WIKI_PIPELINE_GIT_REPOSITORIES": json.dumps([{"url": repository, "name": "handbook"}]),
        **others,
    }
