"""What a running `wiki-pipeline up` tells the commands beside it, in files of the state folder.

`up.lock` is locked as long as it runs. `up.json` says where it serves, and whether it shows the demo; it counts only
while the lock is held, so that nothing has to be cleaned up after a crash.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from wiki_pipeline.errors import ConfigurationError

_LOCK = "up.lock"
_SERVED = "up.json"
_LOOKS = 10  # another command that looks whether one runs holds the lock for a moment


@dataclass(frozen=True, slots=True)
class Running:
    """What is served.

    Attributes:
        gateway: root address of wiki and API, without a slash at its end.
        demo: whether the demo's server runs.
    """

    gateway: str
    demo: bool = False


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Be the only `up` on this state: two daemons would start every run twice. The system lifts the lock at our end.

    Raises:
        ConfigurationError: another one runs; says which process.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / _LOCK).open("a+") as file:
        if not _locked(file.fileno()):
            file.seek(0)
            raise ConfigurationError(
                f"wiki-pipeline is running on {home} already, as process {file.read().strip()}.",
                "Stop that one, or set WIKI_PIPELINE_HOME to another folder.",
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        (home / _SERVED).unlink(missing_ok=True)  # of one that was killed
        try:
            yield
        finally:
            (home / _SERVED).unlink(missing_ok=True)


def announce(home: Path, running: Running) -> None:
    """Tell the commands beside this one what is served. To be called by who is the `only_one`."""
    _write(home / _SERVED, asdict(running))


def running(home: Path) -> Running | None:
    """What is served from this state folder at the moment; None if nothing is."""
    try:
        said = (home / _SERVED).read_text(encoding="utf-8")
        with (home / _LOCK).open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        served = json.loads(said)
        return Running(served["gateway"], bool(served.get("demo")))
    except OSError:
        return None
    return None


def _locked(descriptor: int) -> bool:
    for _ in range(_LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(value, indent=2), encoding="utf-8")
    draft.replace(path)
