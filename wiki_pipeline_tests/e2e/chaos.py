"""Chaos: people edit and push, calls fail, webhooks get lost, doubled and late, processes are killed; and in the end
all is as if nothing of it had happened.

`python -m wiki_pipeline_tests.e2e.chaos --seconds 600 --seed 7` runs it for as long as one likes, `--postgresql` on a
server of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from wiki_pipeline.catalog import OPEN, Catalog, EventState, Origin
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.demo.faults import dropped, rate_limited, slow_body, status
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.store import Storage, Store
from wiki_pipeline_tests import open_databases
from wiki_pipeline_tests.buckets import moto
from wiki_pipeline_tests.catalog import postgresql
from wiki_pipeline_tests.e2e.deliveries import Postman
from wiki_pipeline_tests.e2e.services import Services, WrongError, environment, started, wait_for
from wiki_pipeline_tests.e2e.upstream import EditedRepository, EditedSpace
from wiki_pipeline_tests.installation import OF_OTHERS
from wiki_pipeline_tests.sources.git.upstream import Upstream

SPACE, REPOSITORY = SourceKey("default", "confluence", "ENG"), SourceKey("default", "git", "handbook")
_MODEL, _DIMENSION = "wordllama-l2_supercat-256", 256
_SETTLED_SECONDS = 900.0
_LOOK_SECONDS = 1.0  # between two looks for deleted databases
_EDIT_SECONDS = 0.7  # between two, on average
_EVERY_MINUTE = "* * * * *"  # what webhooks missed the next poll finds
_LEAST_KILLS = 5  # of each kind, in a run that lasts
_KILLS_ASKED_FROM = 300.0  # seconds: in shorter ones kinds that live for seconds only may not be met so often
# Kinds of processes, by words of their command lines; what has none of them is a kind by the name of its program.
_UP = "wiki_pipeline.cli up"
_KINDS = {
    "gateway": "wiki_pipeline.gateway",
    "daemon": "wiki_pipeline.defs.daemon",
    "webserver": "wiki_pipeline.defs.webserver",
    "code server": "dagster api grpc",
    "worker": "wiki_pipeline.sync.worker",
    "run": "spawn_main",
    "resource tracker": "resource_tracker",
    "log capture": "watch_orphans.py",
    "tail": "tail -F",
}
SERVICES = ("gateway", "daemon", "webserver", "code server")


@dataclass
class Chaos:
    """One go of it.

    Attributes:
        folder: of all state.
        seconds: how long it lasts.
        rest: seconds that each kind of process has between two kills, at least and at most.
        catalog: address of its database; empty: SQLite in the folder.
        storage: variables by which its tables are in a bucket; empty: they are in the folder.
        edits: how many there were.
        killed: how many processes of which kind.
        answers: to webhooks, by status; 0 stands for none.
        events: how many ended in which state.
        settled: seconds from the last edit until everything was served.
    """

    folder: Path
    seconds: float
    seed: int
    rest: tuple[float, float]
    catalog: str = ""
    storage: Mapping[str, str] = field(default_factory=dict)
    edits: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    settled: float = 0.0
    _deleted: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Raises:
        WrongError: something was lost, or is not as a first sync makes it; says what.
        """
        with ConfluenceServer("cloud") as server:
            space = EditedSpace(server.space("ENG", "Engineering"), random.Random(f"{self.seed} space"))
            handbook = Upstream(self.folder / "handbook")
            repository = EditedRepository(handbook, random.Random(f"{self.seed} repository"))
            installation = environment(
                self.folder,
                server.url,
                handbook.path,
                WIKI_PIPELINE_EVENT_RETRY_SECONDS="0.5",
                WIKI_PIPELINE_CONFLUENCE_MAX_WAIT="1",
                WIKI_PIPELINE_CONFLUENCE_MEDIA_HOSTS=server.media_origin,
                WIKI_PIPELINE_DATABASE_URL=self._catalog_url,
                WIKI_PIPELINE_POLL_CRON=_EVERY_MINUTE,
                **self.storage,
            )
            with started([sys.executable, "-m", "wiki_pipeline.cli", "up"], self.folder, **installation) as services:
                addresses = services.addresses()
                postman = Postman(addresses["Wiki"].removesuffix("/wiki/"), random.Random(f"{self.seed} post"))
                _spoil(server, self.seed)
                self._rage([space, repository], postman, services)
                server.heal()
                quiet, moment = time.monotonic(), datetime.now(UTC)
                postman.finish()
                self.answers = postman.answers
                wait_for("all services answer again", lambda: _answer(addresses), _SETTLED_SECONDS)
                wait_for("all was polled and is settled", lambda: self._settled(moment), _SETTLED_SECONDS)
                self.settled = time.monotonic() - quiet
                wait_for("every run has ended", lambda: not _unfinished(addresses), _SETTLED_SECONDS)
                services.stop()
            if torn := [*self._deleted, *open_databases.damaged(self._home)]:
                raise WrongError(f"Databases deleted while they were open, or damaged: {torn}")
            self._account_for_events(postman.accepted)
            fresh = self.folder / "fresh"
            elsewhere = {
                "WIKI_PIPELINE_HOME": str(fresh),
                "DAGSTER_HOME": str(fresh / "dagster"),
                "WIKI_PIPELINE_DATABASE_URL": f"sqlite:///{fresh / 'catalog.sqlite'}",
                **{name: "" for name in self.storage if name.startswith("WIKI_PIPELINE_")},
            }
            self._command({**installation, **elsewhere}, "wiki_pipeline.cli", "sync")
        _compare(_place(self._home, self.storage), _place(fresh, {}))

    # --- the time of it ---

    def _rage(self, upstreams: Sequence[EditedSpace | EditedRepository], postman: Postman, services: Services) -> None:
        edits, kills = random.Random(f"{self.seed} edits"), random.Random(f"{self.seed} kills")
        edit_at = look_at = start = time.monotonic()
        kill_at: dict[str, float] = {}
        while (moment := time.monotonic()) < start + self.seconds or self._spares_some(moment - start):
            if moment >= edit_at:
                for told in edits.choices(upstreams, [4, 1])[0].edit():
                    postman.take(told)
                self.edits += 1
                edit_at = moment + edits.expovariate(1 / _EDIT_SECONDS)
            if moment >= look_at:
                self._deleted.update(open_databases.deleted(self.folder))
                look_at = moment + _LOOK_SECONDS
                for kind, found in _processes(services).items():
                    due = kill_at.setdefault(kind, start + kills.uniform(0, self.rest[1]))
                    if moment >= due:
                        self._kill(kind, kills.choice(found))
                        kill_at[kind] = moment + kills.uniform(*self.rest)
            time.sleep(0.05)

    def _spares_some(self, lasted: float) -> bool:
        """Whether some kind was not killed often enough yet; for as long again as it was to last at most."""
        enough = self.seconds < _KILLS_ASKED_FROM or lasted > 2 * self.seconds
        return not enough and any(self.killed[kind] < _LEAST_KILLS for kind in {*_KINDS, *self.killed})

    def _kill(self, kind: str, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[kind] += 1
            print(f"{time.strftime('%T')} killed a {kind}", flush=True)

    # --- the end of it ---

    def _settled(self, quiet: datetime) -> bool:
        with Catalog(self._catalog_url) as catalog:
            seen = [catalog.upstream.observation(source) for source in (SPACE, REPOSITORY)]
            counts = catalog.events.counts("default")
        is_polled = all(one and one.polled_at and one.polled_at > quiet for one in seen)
        return is_polled and not any(counts[state] for state in OPEN)

    def _account_for_events(self, accepted: set[str]) -> None:
        with Catalog(self._catalog_url) as catalog:
            events = catalog.events.find("default", limit=1_000_000)
        self.events = Counter(event.state.value for event in events)
        if mute := [event for event in events if event.state is not EventState.APPLIED and not event.reason]:
            raise WrongError(f"Events that were not applied, without a reason: {mute[:3]}")
        # "confluence delivery-7 for default:confluence:ENG"
        taken = {event.delivery_id.split(" ")[1] for event in events if event.origin is Origin.WEBHOOK}
        if lost := accepted - taken:
            raise WrongError(f"Accepted and lost: {sorted(lost)}")

    @property
    def _home(self) -> Path:
        return self.folder / "state"

    @property
    def _catalog_url(self) -> str:
        return self.catalog or f"sqlite:///{self._home / 'catalog.sqlite'}"

    def _command(self, installation: Mapping[str, str], *arguments: str) -> None:
        with started([sys.executable, "-m", *arguments], self.folder, **installation) as command:
            if command.process.wait(_SETTLED_SECONDS):
                raise WrongError(f"{' '.join(arguments)} failed: {command.output.read_text()[-3000:]}")


def _spoil(server: ConfluenceServer, seed: int) -> None:
    """From now on a tenth of all calls fails."""
    effects = [status(503), rate_limited(0), dropped(), dropped(after_bytes=40), slow_body(0.1)]
    for number, effect in enumerate(effects):
        server.fault("*", effect, times=None, probability=0.1 / len(effects), seed=seed + number)


def _processes(services: Services) -> dict[str, list[int]]:
    """Ids of all processes but the supervisor itself, by kind."""
    found: dict[str, list[int]] = {}
    for pid, command in sorted(services.processes().items()):
        if _UP not in command:
            found.setdefault(_kind(command), []).append(pid)
    return found


def _kind(command: str) -> str:
    """What a process is. Runs are what the code server spawns, or spawned before it died."""
    known = next((kind for kind, words in _KINDS.items() if words in command), "")
    return known or Path(command.split(" ", maxsplit=1)[0]).name


def _answer(addresses: Mapping[str, str]) -> bool:
    httpx.get(addresses["Wiki"], trust_env=False).raise_for_status()
    return bool(_graphql(addresses, "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"))


def _unfinished(addresses: Mapping[str, str]) -> object:
    statuses = "[QUEUED, NOT_STARTED, STARTING, STARTED, CANCELING]"
    asked = f"{{ runsOrError(filter: {{statuses: {statuses}}}) {{ ... on Runs {{ results {{ runId status }} }} }} }}"
    return _graphql(addresses, asked)["runsOrError"]["results"]


def _graphql(addresses: Mapping[str, str], query: str) -> Any:
    """The data that Dagster's UI shows.

    Raises:
        OSError: it does not answer.
    """
    try:
        answer = httpx.post(f"{addresses['Dagster UI']}/graphql", json={"query": query}, timeout=30, trust_env=False)
        return answer.raise_for_status().json()["data"]
    except httpx.HTTPError as error:
        raise OSError(str(error)) from None


def _place(home: Path, variables: Mapping[str, str]) -> Storage:
    """Where the tables of an installation are."""
    if not variables:
        return Storage(str(home / "lance"))
    options = {
        "aws_endpoint": variables["WIKI_PIPELINE_STORAGE_ENDPOINT"],
        "aws_region": variables["WIKI_PIPELINE_STORAGE_REGION"],
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": variables["AWS_SECRET_ACCESS_KEY"],
        "allow_http": "true",
    }
    return Storage(variables["WIKI_PIPELINE_STORAGE_URL"], options)


def _compare(lived: Storage, fresh: Storage) -> None:
    """Raises:
    WrongError: the two differ in a row of a table.
    """
    wrong = []
    for source in (SPACE, REPOSITORY):
        for stage in Stage:
            old, new = _rows(lived, stage, source), _rows(fresh, stage, source)
            if not new and stage not in (OF_OTHERS if source == SPACE else OF_OTHERS[:1]):
                wrong.append(f"The fresh {stage} of {source} is empty.")
            if old != new:
                wrong.append(f"{stage} of {source}: {_difference(old, new)}")
    if wrong:
        raise WrongError("\n".join(wrong))


def _rows(place: Storage, stage: Stage, source: SourceKey) -> Counter[str]:
    store = Store(place, "default")
    table = store.vectors(_MODEL, _DIMENSION, source) if stage is Stage.VECTORS else store.table(stage, source)
    return Counter(repr(row) for row in table.read().to_pylist())


def _difference(old: Counter[str], new: Counter[str]) -> str:
    more, less = [*(old - new).elements()], [*(new - old).elements()]
    told = "\n".join([*(f"  lived: {row[:600]}" for row in more[:3]), *(f"  fresh: {row[:600]}" for row in less[:3])])
    return f"{len(more)} rows too many, {len(less)} too few\n{told}"


def main() -> None:
    """Run it as the arguments say; tells what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rest", type=float, nargs=2, default=(20.0, 60.0), help="seconds between kills of a kind")
    parser.add_argument("--catalog", default="", help="address of a PostgreSQL database; SQLite otherwise")
    parser.add_argument("--storage", choices=["folder", "moto"], default="folder", help="where the tables are")
    parser.add_argument("--folder", type=Path, help="of all state, to look at afterwards; a temporary one otherwise")
    parser.add_argument("--postgresql", action="store_true", help="keep the catalog on a PostgreSQL made for it")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        programs = postgresql.find_programs() if given.postgresql else None
        if given.postgresql and programs is None:
            parser.error("PostgreSQL is not installed.")
        catalog = stack.enter_context(postgresql.running_server(programs)) if programs else given.catalog
        chaos = Chaos(folder, given.seconds, given.seed, tuple(given.rest), catalog)
        if given.storage == "moto":
            buckets = stack.enter_context(moto())
            buckets.make("chaos")
            chaos.storage = buckets.environment("chaos")
        try:
            chaos.run()
        finally:
            print(f"{chaos.edits} edits; answers {dict(chaos.answers)}; events {dict(chaos.events)}")
            print("| killed | times |\n| --- | ---: |")
            for kind, times in sorted(chaos.killed.items()):
                print(f"| {kind} | {times} |")
            print(f"All was served {chaos.settled:.0f} s after the last edit.", flush=True)


if __name__ == "__main__":
    main()
