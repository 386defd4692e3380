"""A tenant's tables: one a stage and source, and the serving table that all sources share.

They are plain LanceDB tables in one folder a tenant, named `{stage}.{source}` and `vectors.{model}`; anyone may read
them with lancedb, pandas, DuckDB or Polars. What is written here goes through pylance, which lancedb stands on, because
only pylance can replace documents in one commit cheaply. Searches go through it too: a query of lancedb's takes three
times its processor time, and each of them looks for a newer version, where one look a search is enough.

Reading is safe at any time. Writing is for one process at a time, who holds a lease from the catalog.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.machine import cores, memory
from wiki_pipeline.model import SourceKey, Stage, digest, vectors_schema
from wiki_pipeline.store.evolution import refuse_newer, require
from wiki_pipeline.store.spelling import Vocabulary
from wiki_pipeline.store.stage_table import StageTable
from wiki_pipeline.store.storage import Storage, TableNames, explained

if TYPE_CHECKING:
    from lance import LanceDataset
    from lance.lance import _Session as Session
    from lancedb import DBConnection

_SOURCE = b"wiki_pipeline.source"  # in a table's metadata: whose documents it holds
# Caches of what is searched; Lance's own bounds are 6 GB and 1 GB. A small container has less.
_INDEX_CACHE_BYTES = 256 * 1024 * 1024
_METADATA_CACHE_BYTES = 64 * 1024 * 1024
_CACHED_PART = 8  # of the memory that the process may use, an eighth at most; of metadata a quarter of that


class Store:
    """The tables of one tenant. Cheap to open: nothing is read or imported until it is needed. Safe between threads.

    Args:
        place: where this tenant's and all other tenants' tables are: a folder, an address, or an opened `Storage`.
        tenant: whose tables.
        names: the list of the tenant's tables, for a bucket; a folder is its own list.
        share: of the memory that this process may use for caches of tables; the stores of many tenants share it.

    Raises:
        ConfigurationError: not a tenant's name.
    """

    def __init__(self, place: str | Storage, tenant: str, names: TableNames | None = None, share: float = 1.0) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", tenant):
            raise ConfigurationError(
                f"{tenant!r} is not a tenant's name.", "Set WIKI_PIPELINE_TENANT to lower-case letters and digits."
            )
        self.tenant = tenant
        storage = Storage.at(place).child(tenant)
        self.storage = storage if storage.is_folder else replace(storage, names=names)
        self.url = self.storage.url
        self.searches = threading.BoundedSemaphore(cores())
        """How many searches run at once: more only take turns on the cores, each with its memory."""
        self.embedding = threading.Lock()
        """Held while a query is embedded: an embedder is for one thread at a time."""
        self._share = share
        self._lock = threading.Lock()
        self._connection: DBConnection | None = None
        self._session: Session | None = None
        self._snapshots: dict[str, LanceDataset] = {}
        self._vocabularies: dict[str, Vocabulary] = {}

    def table(self, stage: Stage, source: SourceKey) -> StageTable:
        """A source's own table of a stage; it need not exist yet. For `Stage.VECTORS` see `vectors`.

        Raises:
            ValueError: it is no stage with a table that a source has for itself: a defect of the caller.
        """
        self._own(source)
        if stage is Stage.VECTORS or not stage.schema.names:
            raise ValueError(f"A source has no table {stage!r} of its own.")
        schema = stage.schema.with_metadata({_SOURCE: str(source).encode()})
        return StageTable(self.storage, f"{stage}.{source.slug}", schema)

    def vectors(self, model: str, dimension: int, source: SourceKey) -> StageTable:
        """The serving table of an embedding model, seen through one source: other sources' rows are out of sight."""
        self._own(source)
        return StageTable(self.storage, vectors_name(model), vectors_schema(dimension), source)

    def older(self, source: SourceKey, model: str) -> dict[Stage, StageTable]:
        """Those of a source's tables that an older version of the program made, the serving table of `model` included.

        Raises:
            StoreError: the storage is out of reach, or a newer version made one of the tables.
        """
        tables = {stage: self.table(stage, source) for stage in Stage if stage is not Stage.VECTORS}
        dataset = self.storage.open_dataset(vectors_name(model))
        if dataset is not None:
            # As long as those that it holds: a model need not be asked for the length of its vectors here.
            tables[Stage.VECTORS] = self.vectors(model, dataset.schema.field("vector").type.list_size, source)
        return {stage: table for stage, table in tables.items() if table.is_older()}

    def names(self) -> list[str]:
        """Names of all tables that exist, sorted.

        Raises:
            StoreError: the storage is out of reach.
        """
        if self.storage.is_folder:
            # A folder says it without lancedb, whose import takes a sync seconds and 100 MB.
            with explained("list the tables"):
                return sorted(path.stem for path in Path(self.url).glob("*.lance"))
        known = None if self.storage.names is None else self.storage.names.all()
        if known is None:
            known = self._listed()
            if self.storage.names is not None:
                self.storage.names.begin(known)
        return sorted(known)

    def _listed(self) -> list[str]:
        names: list[str] = []
        token: str | None = None
        with explained("list the tables"):
            while True:
                page = self._connect().list_tables(page_token=token)
                names += page.tables
                token = page.page_token
                if not token:
                    return names

    def sources(self) -> list[SourceKey]:
        """The sources that have a table of their own.

        Raises:
            StoreError: the storage is out of reach.
        """
        found = set()
        for name in self.names():
            dataset = self.storage.open_dataset(name)
            key = (dataset.schema.metadata or {}).get(_SOURCE) if dataset is not None else None
            if key is not None:
                found.add(SourceKey.parse(key.decode()))
        return sorted(found)

    def forget(self, source: SourceKey) -> None:
        """Drop a source's tables and take its rows out of the serving tables. Repeatable. The caller holds its leases.

        Raises:
            StoreError: the storage is out of reach; what is left goes when this is called again.
        """
        self._own(source)
        names = self.names()
        self._clear_vectors(source, names)
        for name in names:
            stage, _, owner = name.partition(".")
            if stage != Stage.VECTORS and owner == source.slug:  # of stages that are gone, too
                self.storage.drop(name)

    def forget_other_models(self, serving: StageTable) -> None:
        """Take a source's rows out of the serving tables of all models but one. The caller holds its leases.

        Args:
            serving: the table to keep, seen through the source.

        Raises:
            StoreError: the storage is out of reach; what is left goes when this is called again.
        """
        if serving.source is not None:
            self._clear_vectors(serving.source, [name for name in self.names() if name != serving.name])

    def snapshot(self, name: str, columns: Iterable[pa.Field] = ()) -> LanceDataset | None:
        """The table's latest version, for searching; None if there is no such table. What it has read stays in memory,
        for later versions too.

        Args:
            columns: what is going to be read of it.

        Raises:
            StoreError: the storage is out of reach, or another version of the program made the table.
        """
        with self._lock:
            known = self._snapshots.get(name)
        try:
            if known is not None and known.latest_version == known.version:
                return known
            dataset = known.checkout_version(known.latest_version) if known is not None else None
        except (OSError, RuntimeError, ValueError):
            dataset = None  # dropped, perhaps made anew: opening it tells
        if dataset is None:
            dataset = self.storage.open_dataset(name, self._shared())
        if dataset is None:
            return None
        refuse_newer(dataset.schema, name)
        require(dataset.schema, columns, name)
        with self._lock:
            self._snapshots[name] = dataset
        return dataset

    def reopen(self, name: str) -> None:
        """Open the table anew when it is searched next: reading what was open has failed."""
        with self._lock:
            self._snapshots.pop(name, None)

    def vocabulary(self, name: str) -> Vocabulary:
        """The words of a serving table, counted up to its latest version.

        Raises:
            StoreError: the storage is out of reach.
        """
        with self._lock:
            vocabulary = self._vocabularies.setdefault(name, Vocabulary())
        with explained(f"read the words of {name}"):
            dataset = self.storage.open_dataset(name)
            if dataset is not None:
                vocabulary.brought_up_to(dataset)
        return vocabulary

    def table_url(self, name: str) -> str:
        """Where the table is: what lance, DuckDB and Polars open."""
        return self.storage.table_url(name)

    def _clear_vectors(self, source: SourceKey, names: list[str]) -> None:
        for name in names:
            if name.startswith(f"{Stage.VECTORS}."):
                dataset = self.storage.open_dataset(name)
                if dataset is not None:
                    StageTable(self.storage, name, dataset.schema, source).clear()

    def _connect(self) -> DBConnection:
        with self._lock:
            if self._connection is None:
                import lancedb  # takes seconds, and only tables that go, and lists of remote ones, need it

                self._connection = lancedb.connect(self.url, storage_options=self.storage.lance_options)
            return self._connection

    def _shared(self) -> Session:
        from lance.lance import _Session as Session  # `lance.Session`, which its own typing does not export

        with self._lock:
            if self._session is None:
                part = memory() // _CACHED_PART
                self._session = Session(
                    index_cache_size_bytes=int(min(_INDEX_CACHE_BYTES, part) * self._share),
                    metadata_cache_size_bytes=int(min(_METADATA_CACHE_BYTES, part // 4) * self._share),
                )
            return self._session

    def _own(self, source: SourceKey) -> None:
        if source.tenant != self.tenant:
            raise ConfigurationError(f"{source} is not a source of the tenant {self.tenant}.")


def vectors_name(model: str) -> str:
    """Name of the serving table of an embedding model, as `vectors.wordllama`; two models never share one."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", model)[:80]
    return f"{Stage.VECTORS}.{safe}" if safe == model else f"{Stage.VECTORS}.{safe}-{digest(model)[:6]}"
