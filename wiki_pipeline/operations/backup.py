"""Backup and restore: catalog and tables as a pair that fits together.

The catalog is dumped first, in one transaction; then each table is copied as it is at one version, while syncs go on.
So tables may be newer than the catalog, never older: what a sync committed in between the next sync finds done, and
what the catalog takes for done is in the tables. Clones are left out: the next sync fetches them.

A backup is a folder of its own (`2026-11-30T13-15-00Z/`) with a manifest, which is written last: without it, it is
none.
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ConfigurationError, StoreError
from wiki_pipeline.settings import load
from wiki_pipeline.store import Files, Storage, Store, open_files
from wiki_pipeline.sync.pipeline import check_mode
from wiki_pipeline.sync.settings import Settings

_MANIFEST = "manifest.json"
_CATALOG = "catalog.jsonl.gz"
_FORMAT = 1
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ")
_ATTEMPTS = 3
_NOT_DATA = ("/_versions/", "/_refs/", "/_transactions/")  # of a table's folder: only one version's manifest is copied

Listener = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is complete.

    Attributes:
        name: of its folder.
        program: version of wiki-pipeline that made it.
        rows: of the catalog, by table.
        tables: number of tables by tenant.
        bytes: of the tables.
    """

    name: str
    program: str
    rows: Mapping[str, int]
    tables: Mapping[str, int]
    bytes: int


def storage_at(place: str, settings: Settings) -> Storage:
    """Where backups are: a folder, or a bucket, which is reached as that of the tables is.

    Raises:
        ConfigurationError: not an address of either.
    """
    storage = Storage.at(place)
    return storage if storage.is_folder else Storage(storage.url, settings.storage_options_of(storage.url))


def backup(settings: Settings, place: str, tell: Listener = lambda _: None) -> Backup:
    """Back the installation up, all tenants, below a place. Everything may go on meanwhile.

    Raises:
        ConfigurationError, CatalogError, StoreError: something can't be read or written. What is there then has no
            manifest, and is no backup.
    """
    check_mode(settings)
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    to = open_files(storage_at(place, settings).child(name))
    with Catalog(settings.catalog_url) as catalog, tempfile.TemporaryDirectory() as scratch:
        tell("catalog")
        revision, rows = _dump(catalog, to, Path(scratch))
        listed: dict[str, list[str]] = {}
        size = 0
        for tenant in sorted({*catalog.tenants(), settings.tenant}):
            store = _store(settings, tenant, catalog)
            listed[tenant] = []
            for table in store.names():
                tell(f"{tenant}: {table}")
                copied = _copy_table(store, table, to, Path(scratch))
                if copied is not None:
                    listed[tenant].append(table)
                    size += copied
        done = Backup(name, version("wiki-pipeline"), rows, {t: len(names) for t, names in listed.items()}, size)
        manifest = {"format": _FORMAT, "schema": revision, **asdict(done), "names": listed}
        to.write(_MANIFEST, json.dumps(manifest, indent=1).encode())
    return done


def backups(settings: Settings, place: str) -> list[str]:
    """Names of the complete backups at a place, the oldest first.

    Raises:
        StoreError: it is out of reach.
    """
    files = open_files(storage_at(place, settings))
    found = (name.partition("/") for name, _ in files.names())
    return sorted({folder for folder, _, rest in found if rest == _MANIFEST and _NAME.fullmatch(folder)})


def restore(settings: Settings, place: str, name: str = "", tell: Listener = lambda _: None) -> Backup:
    """Bring a backup back into an installation that is empty. Nothing may use it meanwhile.

    The tables come first: an installation whose catalog is empty shows nothing and syncs nothing.

    Args:
        name: of the backup; empty: the newest.

    Raises:
        ConfigurationError: there is no such backup, or the installation holds something.
        CatalogError, StoreError: something can't be read or written.
    """
    check_mode(settings)
    known = backups(settings, place)
    chosen = name or (known[-1] if known else "")
    if chosen not in known:
        raise ConfigurationError(
            f"There is no backup {chosen or 'at all'} at {place}.",
            f"There are: {', '.join(known)}." if known else "A backup without its manifest was not completed.",
        )
    source = open_files(storage_at(place, settings).child(chosen))
    manifest = _manifest(source)
    with tempfile.TemporaryDirectory() as scratch, Catalog(settings.catalog_url) as catalog:
        for tenant in manifest["names"]:
            _refuse_filled(settings, tenant)
        for tenant, tables in manifest["names"].items():
            files = open_files(_of_tenant(settings, tenant))
            for table in tables:
                tell(f"{tenant}: {table}")
                prefix = f"tables/{tenant}/{table}.lance"
                for file, _ in source.names(prefix):
                    _copy(source, file, files, f"{table}.lance{file.removeprefix(prefix)}", Path(scratch))
        tell("catalog")
        dump = Path(scratch) / _CATALOG
        if not source.download(_CATALOG, dump):
            raise StoreError(f"The backup {chosen} lacks its catalog.", "Take another one.")
        with gzip.open(dump, "rt", encoding="utf-8") as lines:
            catalog.restore(line for line in lines)
        for tenant, tables in manifest["names"].items():
            if not _of_tenant(settings, tenant).is_folder:
                catalog.table_names(tenant).begin(tables)
    fields = {field: manifest[field] for field in ("name", "program", "rows", "tables", "bytes")}
    return Backup(**fields)


def _dump(catalog: Catalog, to: Files, scratch: Path) -> tuple[str, dict[str, int]]:
    file, rows, table, revision = scratch / _CATALOG, dict[str, int](), "", ""
    with gzip.open(file, "wt", encoding="utf-8", compresslevel=3) as writing:
        for line in catalog.dump():
            writing.write(line + "\n")
            if line.startswith("{"):
                said = json.loads(line)
                revision, table = said.get("revision", revision), said.get("table", table)
                if table:
                    rows.setdefault(table, 0)
            else:
                rows[table] += 1
    to.upload(file, _CATALOG)
    return revision, rows


def _copy_table(store: Store, table: str, to: Files, scratch: Path) -> int | None:
    """Copy a table as it is at its newest version; its bytes, or None if it is gone."""
    files = open_files(store.storage)
    for attempt in range(_ATTEMPTS):
        with _held(store, table, attempt) as number:
            if number is None:
                return None
            root = f"{table}.lance"
            # What a version consists of was there before its manifest; what is newer harms nothing.
            names = list(files.names(root))
            manifests = [name for name, _ in names if _is_manifest(name.removeprefix(root), number)]
            if len(manifests) != 1:
                continue  # the version's manifest was cleaned up in between
            kept = [(n, s) for n, s in names if n in manifests or not n.removeprefix(root).startswith(_NOT_DATA)]
            for name, _ in [*[each for each in kept if each[0] not in manifests], (manifests[0], 0)]:
                _copy(files, name, to, f"tables/{store.tenant}/{name}", scratch)
            return sum(size for _, size in kept)
    raise StoreError(f"{table} changed faster than it could be copied.", "Back up at a quieter time.")


@contextmanager
def _held(store: Store, table: str, attempt: int) -> Iterator[int | None]:
    """The number of a table's newest version, which is not cleaned up meanwhile; None if there is no table."""
    dataset = store.storage.open_dataset(table)
    if dataset is None:
        yield None
        return
    tag = f"backup-{datetime.now(UTC):%Y%m%d%H%M%S%f}-{attempt}"
    dataset.tags.create(tag, dataset.version)
    try:
        yield int(dataset.version)
    finally:
        dataset.tags.delete(tag)


def _is_manifest(name: str, number: int) -> bool:
    """Whether a file is the manifest of a version, by either of Lance's two ways to name it."""
    return name in {f"/_versions/{number}.manifest", f"/_versions/{2**64 - 1 - number}.manifest"}


def _copy(source: Files, name: str, to: Files, new: str, scratch: Path) -> None:
    file = scratch / "copied"
    if not source.download(name, file):
        raise StoreError(f"{name} is gone from {source.url}.", "Try again.")
    to.upload(file, new)
    file.unlink()


def _manifest(source: Files) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(source.read(_MANIFEST) or b"{}")
        if found["format"] == _FORMAT and found["names"] is not None:
            return found
    except (ValueError, KeyError, TypeError):
        pass
    raise ConfigurationError(f"The manifest at {source.url} can't be read.", "Use the version that made the backup.")


def _refuse_filled(settings: Settings, tenant: str) -> None:
    storage = _of_tenant(settings, tenant)
    if there := next((name for name, _ in open_files(storage).names()), ""):
        raise ConfigurationError(
            f"{storage.url} holds something already ({there}).",
            "Restore into an empty place: move it away first, or set WIKI_PIPELINE_STORAGE_URL to another.",
        )


def _of_tenant(settings: Settings, tenant: str) -> Storage:
    return (
        load(Settings, tenant=tenant).storage.child(tenant)
        if tenant != settings.tenant
        else (settings.storage.child(tenant))
    )


def _store(settings: Settings, tenant: str, catalog: Catalog) -> Store:
    storage = settings.storage if tenant == settings.tenant else load(Settings, tenant=tenant).storage
    return Store(storage, tenant, catalog.table_names(tenant))
