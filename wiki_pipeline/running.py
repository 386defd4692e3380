"""What a running `wiki-pipeline up` tells the commands beside it, in files of the state folder.

`up.lock` is locked as long as it runs. `up.json` says where it serves and holds the settings of the demo, if it shows
one; it counts only while the lock is held, so that nothing has to be cleaned up after a crash. `demo.json` names the
sources that were made for the demo; it stays.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from wiki_pipeline.errors import ConfigurationError

_LOCK = "up.lock"
_SERVED = "up.json"
_DEMO = "demo.json"
_LOOKS = 10  # another command that looks whether somebody runs holds the lock for a moment


@dataclass(frozen=True, slots=True)
class Running:
    """What is served.

    Attributes:
        gateway: root address of wiki and API, without a slash at its end.
        settings: of the demo, by the names of their variables; empty without a demo.
    """

    gateway: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DemoSource:
    """A source that was made for the demo.

    Attributes:
        source, config: as the catalog has them; with another config it is somebody else's.
        served: by the demo's own server, which ends with it.
    """

    source: str
    config: str
    served: bool


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
        return Running(**json.loads(said))
    except OSError:
        return None
    return None


def remember_demo(home: Path, sources: Iterable[DemoSource]) -> None:
    """Take down which sources were made for the demo."""
    _write(home / _DEMO, [asdict(source) for source in sources])


def demo_sources(home: Path) -> list[DemoSource]:
    """The sources that were last made for a demo, without those that a person added since."""
    try:
        return [DemoSource(**said) for said in json.loads((home / _DEMO).read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return []


def adopt(home: Path, source: str) -> bool:
    """A person added this source: it is the demo's no more, and leaves only when a person removes it. False if it was
    not the demo's."""
    made = demo_sources(home)
    others = [each for each in made if each.source != source]
    if len(others) < len(made):
        remember_demo(home, others)
    return len(others) < len(made)


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
