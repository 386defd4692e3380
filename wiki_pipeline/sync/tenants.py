"""Dropping a tenant, as a job that a crash can't harm; and what can be made again, and nobody has used for long.

Each step of a dropping can be done twice. What is done is in the catalog (`tenants.steps_done`), so that whoever goes
on with it (the same command, or the maintenance job) begins where it ended.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from wiki_pipeline.catalog import TenantRecord, TenantState
from wiki_pipeline.errors import ConfigurationError, LeaseHeldError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.store import open_files
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name, vectors_lease

_AT_ONCE = 1_000

Tell = Callable[[str], None]


def add(pipeline: Pipeline, name: str, title: str = "") -> TenantRecord:
    """Add a tenant.

    Raises:
        ConfigurationError: it can't have this name, or there is or was one of it.
    """
    SourceKey(name, "x", "x")  # which knows what a tenant may be called
    if name in {webhook.path for kind in kinds().values() for webhook in kind.webhooks()}:
        raise ConfigurationError(f"{name} is an address of webhooks.", "Choose another name.")
    return pipeline.catalog.tenancy.add(name, title)


# --- dropping ---


@dataclass(frozen=True, slots=True)
class Dropped:
    """What became of a tenant.

    Attributes:
        remains: what this program can't reach, for people.
    """

    record: TenantRecord
    remains: tuple[str, ...]


REMAINS = (
    (
        "Backups made before now hold its tables, and its secrets, sealed: delete them when their time has come. Its "
        "data key is in them too, wrapped by the master key of that time: after `wiki-pipeline secrets rotate`, "
        "destroy that master key."
    ),
    "Versions that the object store keeps of deleted files go by the bucket's own rules.",
    "Log files and what Prometheus has collected name its sources.",
    "Nothing happened upstream.",
)


def drop(
    pipeline: Pipeline,
    name: str,
    forget_runs: Callable[[str], None],
    tell: Tell = lambda _: None,
    *,
    after: Callable[[str], None] = lambda _: None,
    actor: str = "command line",
) -> Dropped:
    """Drop a tenant, or go on where a dropping ended. From its first step on nothing of the tenant is served or synced.

    Args:
        pipeline: of the default tenant.
        forget_runs: has Dagster forget a tenant's partitions and runs. Repeatable.
        tell: told of each step.
        after: called after each step, with its name.
        actor: who does it, for the one entry that the audit keeps of the tenant.

    Raises:
        ConfigurationError: there is no such tenant, or it is the default one.
        LeaseHeldError: a sync of it did not end in time. To be called again.
        CatalogError, StoreError: they can't be used. To be called again.
    """
    if name == pipeline.settings.tenant:
        raise ConfigurationError(
            f"{name} is the default tenant, whose the settings' sources are.",
            "Set WIKI_PIPELINE_TENANT to another first, or remove its sources.",
        )
    catalog = pipeline.catalog
    record = catalog.tenancy.begin_drop(name)
    after("block")
    if record.state is not TenantState.DROPPED:
        own = pipeline.even_dropped(name)
        steps: dict[str, Callable[[], object]] = {
            "stop": lambda: _stop(own),
            "tables": lambda: _remove_tables(own),
            "clones": lambda: _remove_folder(own.settings.sources_folder / name),
            "runs": lambda: forget_runs(name),
            "rows": lambda: catalog.tenancy.forget_rows(name),
            "key": lambda: pipeline.vault.destroy(name),
        }
        for step, do in steps.items():
            if step not in record.steps_done:
                tell(step)
                do()
                catalog.tenancy.step_done(name, step)
                after(step)
        catalog.tenancy.forget_rows(name)  # what came in meanwhile
        record = catalog.tenancy.end_drop(name, actor)
    return Dropped(record, REMAINS)


def resume_drops(pipeline: Pipeline, forget_runs: Callable[[str], None], tell: Tell = lambda _: None) -> list[str]:
    """Go on with droppings whose process is gone. Returns the names of the tenants that are dropped now.

    Raises:
        CatalogError, StoreError: they can't be used.
    """
    ended = []
    for record in pipeline.catalog.tenancy.all():
        if record.state is TenantState.DROPPING:
            try:
                drop(pipeline, record.name, forget_runs, tell, actor="maintenance")
            except LeaseHeldError as error:
                tell(str(error))  # the next time
            else:
                ended.append(record.name)
    return ended


def _stop(own: Pipeline) -> None:
    """Ask all that is under way to end, and wait until no process writes anything of the tenant's any more."""
    own.catalog.tenancy.stop(own.tenant)
    seconds = own.settings.lease_seconds
    for record in own.catalog.sources(own.tenant):
        with own.catalog.lease(lease_name(record.key), seconds, wait=10 * seconds):
            pass
    with own.catalog.lease(vectors_lease(own.tenant), seconds, wait=10 * seconds):
        pass


def _remove_tables(own: Pipeline) -> None:
    """All that is below the tenant's place: tables, and in a bucket the copies of its clones."""
    if own.store.storage.is_folder:
        _remove_folder(Path(own.store.url))
        return
    files = open_files(own.store.storage)
    portion: list[str] = []
    for name, _ in files.names():
        portion.append(name)
        if len(portion) == _AT_ONCE:
            files.delete(portion)
            portion = []
    if portion:
        files.delete(portion)


def _remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        shutil.rmtree(folder)  # says why it can't be removed


# --- what can be made again ---


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that can be made again, and that nobody has used for long.

    Attributes:
        what: `clone` or `tables`.
        name: the folder, or the source.
        last_used: the day; None if that is not known.
        reason: why it can go, for people.
    """

    tenant: str
    what: str
    name: str
    last_used: date | None
    reason: str
    size: int


def collect(pipeline: Pipeline, *, dry_run: bool = False) -> list[Garbage]:
    """Remove what of the tenant's can be made again and was not used for `WIKI_PIPELINE_KEEP_UNUSED_DAYS`: clones of
    sources, and what is left of sources that are no longer there. Never anything of the catalog. Returns what went.

    Args:
        dry_run: only say what would go.

    Raises:
        CatalogError, StoreError: they can't be used.
    """
    found = [*_clones(pipeline), *_tables(pipeline)]
    if dry_run:
        return found
    return [garbage for garbage in found if _removed(pipeline, garbage)]


def _clones(pipeline: Pipeline) -> list[Garbage]:
    root = pipeline.settings.sources_folder / pipeline.tenant
    if not root.is_dir():
        return []
    known = {record.key.slug: record.key for record in pipeline.catalog.sources(pipeline.tenant)}
    uses, limit = pipeline.catalog.uses.last(pipeline.tenant), _limit(pipeline)
    found = []
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        changed = datetime.fromtimestamp(folder.stat().st_mtime, UTC).date()
        last = max(uses.get(f"clone {folder.name}", changed), changed)
        if last < limit:
            reason = "not used for long" if folder.name in known else "of a source that is not there any more"
            found.append(Garbage(pipeline.tenant, "clone", folder.name, last, reason, _size(folder)))
    return found


def _tables(pipeline: Pipeline) -> list[Garbage]:
    """Tables that a forgetting which was cut short, or a catalog that was lost, has left behind."""
    store = pipeline.store
    if not store.storage.is_folder:
        return []
    known, limit = {record.key for record in pipeline.catalog.sources(pipeline.tenant)}, _limit(pipeline)
    found = []
    for key in store.sources():
        folders = [path for path in Path(store.url).glob("*.lance") if path.stem.partition(".")[2] == key.slug]
        last = max((datetime.fromtimestamp(p.stat().st_mtime, UTC).date() for p in folders), default=None)
        if key not in known and key.tenant == pipeline.tenant and last is not None and last < limit:
            size = sum(map(_size, folders))
            found.append(Garbage(key.tenant, "tables", str(key), last, "of a source that is not there any more", size))
    return found


def _removed(pipeline: Pipeline, garbage: Garbage) -> bool:
    seconds = pipeline.settings.lease_seconds
    if garbage.what == "tables":
        key = SourceKey.parse(garbage.name)
        try:
            with (
                pipeline.catalog.lease(lease_name(key), seconds),
                pipeline.catalog.lease(vectors_lease(key.tenant), seconds, wait=seconds),
            ):
                if pipeline.catalog.source(key) is None:
                    pipeline.store.forget(key)
                    return True
        except LeaseHeldError:
            pass
        return False
    known = {record.key.slug: record.key for record in pipeline.catalog.sources(pipeline.tenant)}
    folder = pipeline.settings.sources_folder / pipeline.tenant / garbage.name
    if garbage.name not in known:
        _remove_folder(folder)
        return True
    try:
        with pipeline.catalog.lease(lease_name(known[garbage.name]), seconds):
            _remove_folder(folder)
            return True
    except LeaseHeldError:  # it is being used
        return False


def _limit(pipeline: Pipeline) -> date:
    return (datetime.now(UTC) - timedelta(days=pipeline.settings.keep_unused_days)).date()


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
