"""One table as a stage of one source sees it: read its state and rows, replace documents in one commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import RawIOBase
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.errors import StoreError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store.content import check_vectors
from wiki_pipeline.store.evolution import differ, evolve, is_apart, refuse_newer, require, stamped
from wiki_pipeline.store.indexes import create_text_indexes
from wiki_pipeline.store.replace import addresses, replace
from wiki_pipeline.store.state import INCONSISTENT, document_states, state_columns
from wiki_pipeline.store.storage import Storage, explained
from wiki_pipeline.tracing import span

if TYPE_CHECKING:
    from lance import LanceDataset

_BATCH_ROWS = 1024  # bodies may be long, and what a scan reads ahead is a multiple of this


class StageTable:
    """One table as a stage of one source sees it. Holds no open files; every call sees the latest version.

    Attributes:
        name: the table's name in the tenant's folder or prefix.
        schema: of the rows to write.
        source: set where other sources' rows are in the table too, and then nothing here touches those.
    """

    def __init__(self, place: str | Storage, name: str, schema: pa.Schema, source: SourceKey | None = None) -> None:
        self.name = name
        self.schema = schema
        self.source = source
        self._storage = Storage.at(place)
        self._has_indexes = False

    def state(self) -> pa.Table:
        """One row of `STATE` (document_id, fingerprint, content_hash) a document.

        Raises:
            StoreError: the storage is out of reach.
        """
        with explained(f"read {self.name}"):
            return document_states(self._scan(state_columns(self.schema)))

    def read(self, document_ids: Sequence[str] | None = None, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of the documents, in the table's order: a document's rows lie together as they were written.

        Args:
            document_ids: None for all, which is meant for small columns; ids that are not there are left out.
            columns: None for all but those that are stored apart (`open_blob`).

        Raises:
            StoreError: the storage is out of reach.
        """
        names = list(columns) if columns is not None else [f.name for f in self.schema if not is_apart(f)]
        desired = None if document_ids is None else pc.field("document_id").isin(pa.array(document_ids, pa.string()))
        with explained(f"read {self.name}"):
            batches = list(self._scan(names, desired))
        schema = pa.schema([self.schema.field(name) for name in names])
        return pa.Table.from_batches(batches, batches[0].schema).cast(schema) if batches else schema.empty_table()

    def read_known(self, columns: Sequence[str]) -> pa.Table:
        """Columns of all rows; those that a table of an older version lacks are empty lists or texts.

        Raises:
            StoreError: the storage is out of reach.
        """
        dataset = self.dataset()
        lacking = [] if dataset is None else [name for name in columns if name not in dataset.schema.names]
        rows = self.read(columns=[name for name in columns if name not in lacking])
        for name in lacking:
            kind = self.schema.field(name).type
            rows = rows.append_column(name, pa.array([[] if pa.types.is_list(kind) else ""] * len(rows), kind))
        return rows.select(list(columns))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, a bounded number at a time, in the table's order.

        Raises:
            StoreError: the storage is out of reach.
        """
        with explained(f"read {self.name}"):
            yield from self._scan(list(columns) if columns is not None else self.schema.names)

    def open_blob(
        self, column: str, condition: pc.Expression, columns: Sequence[str] = ()
    ) -> tuple[RawIOBase, dict[str, Any]] | None:
        """A value of a column that is stored apart (`model.BLOB`), of the first row that fits; None if none does.

        Returns:
            The value as a file, to be read in pieces and closed, and the row's other `columns`.

        Raises:
            StoreError: the storage is out of reach.
        """
        dataset = self.dataset()
        if dataset is None:
            return None
        require(dataset.schema, [self.schema.field(name) for name in (column, *columns)], self.name)
        with explained(f"read {self.name}"):
            scanner = dataset.scanner(columns=list(columns), filter=condition, with_row_address=True, limit=1)
            for row in scanner.to_table().to_pylist():
                blob = dataset.take_blobs(column, addresses=[row.pop("_rowaddr")])[0]
                return None if blob is None else (cast("RawIOBase", blob), row)
        return None

    def row_count(self) -> int:
        """Number of rows.

        Raises:
            StoreError: the storage is out of reach.
        """
        dataset = self.dataset()
        if dataset is None:
            return 0
        with explained(f"count {self.name}"):
            return int(dataset.count_rows(filter=self._mine()))

    def rows_of_all_sources(self) -> int:
        """Number of rows of the whole table, also where it is seen through one source.

        Raises:
            StoreError: the storage is out of reach.
        """
        dataset = self.dataset()
        if dataset is None:
            return 0
        with explained(f"count {self.name}"):
            return int(dataset.count_rows())

    def replace(self, rows: pa.Table, delete: Sequence[str] = (), known: Sequence[str] | None = None) -> bool:
        """One commit: all rows of the documents in `rows` and in `delete` go, `rows` come. Readers see all or nothing.

        Args:
            rows: of `schema`, a document's rows together; as many as its `total_chunks` says.
            delete: documents to take out.
            known: of the documents in `rows`, those that the table has, which takes a scan to find out; None: any may
                be there.

        Returns:
            Whether there was anything to commit.

        Raises:
            StoreError: disk full, storage out of reach, or another writer came in between.
            EmbeddingError: a vector that must not be stored. Nothing was committed.
            ValueError: rows that don't fit together: a defect of the caller.
        """
        rows = rows.select(self.schema.names).cast(self.schema)
        documents = self._checked(rows)
        with explained(f"write {self.name}"):
            dataset = self._writable(create=rows.num_rows > 0)
            if dataset is None:
                return False
            there = documents if known is None else pa.array(known, pa.string())
            leaving = pa.concat_arrays([there, pa.array(delete, pa.string())])
            stale = addresses(dataset, leaving, None if self.source is None else str(self.source))
            if not rows.num_rows and not len(stale):
                return False
            with span("commit", table=self.name, rows=rows.num_rows, replaced=len(stale)):
                replace(dataset, rows, stale)
            return True

    def clear(self) -> None:
        """Take out all rows, in one commit.

        Raises:
            StoreError: as `replace`.
        """
        self.replace(self.schema.empty_table(), self.state()["document_id"].to_pylist())

    def is_older(self) -> bool:
        """Whether the table is there with other columns than `schema`, as an older version of the program made it.

        Raises:
            StoreError: the storage is out of reach, or a newer version made the table.
        """
        dataset = self.dataset()
        return dataset is not None and differ(dataset.schema, self.schema)

    def upgrade(self) -> None:
        """Bring the table to the columns of `schema`; see `evolution`. The caller holds its lease.

        Raises:
            StoreError: as `is_older`, or disk full. What was done so far harms nothing.
        """
        dataset = self.dataset()
        if dataset is not None and differ(dataset.schema, self.schema):
            with explained(f"upgrade {self.name}"):
                dataset = evolve(dataset, self.schema)
                if self.source is not None:
                    create_text_indexes(dataset)

    def dataset(self) -> LanceDataset | None:
        """The whole table (other sources' rows too) at its latest version; None before its first row.

        Raises:
            StoreError: the storage is out of reach, or a newer version of the program made the table.
        """
        dataset = self._storage.open_dataset(self.name)
        if dataset is not None:
            refuse_newer(dataset.schema, self.name)
        return dataset

    def _mine(self) -> pc.Expression | None:
        return None if self.source is None else pc.field("source") == str(self.source)

    def _scan(self, columns: Sequence[str], desired: pc.Expression | None = None) -> Iterator[pa.RecordBatch]:
        dataset = self.dataset()
        if dataset is None:
            return
        require(dataset.schema, [self.schema.field(name) for name in columns], self.name)
        mine = self._mine()
        condition = mine if desired is None else desired if mine is None else mine & desired
        scanner = dataset.scanner(
            columns=list(columns),
            filter=condition,
            # Long texts are read only for the rows that are desired, not for all to be filtered afterwards.
            late_materialization=condition is not None,
            batch_size=_BATCH_ROWS,
            batch_size_bytes=4_000_000,
            batch_readahead=2,
            fragment_readahead=2,
        )
        yield from scanner.to_batches()

    def _writable(self, *, create: bool) -> LanceDataset | None:
        dataset = self.dataset()
        if dataset is None and create:
            dataset = self._create()
        if dataset is None:
            return None
        if differ(dataset.schema, self.schema):  # although syncs begin with `upgrade`
            raise StoreError(
                f"The table {self.name} has other columns than are to be written: vectors of another length, if the "
                "embedding model was changed under its name.",
                f"Delete {self._storage.table_url(self.name)} and sync all sources again.",
            )
        if self.source is not None and not self._has_indexes:
            # Looked at once a writer, not only when the table is made: the process may have died in between.
            self._has_indexes = True
            if create_text_indexes(dataset):
                dataset = self.dataset()
        return dataset

    def _create(self) -> LanceDataset:
        import lance

        if self._storage.names is not None:
            # Before it is there: a name without a table reads as empty, a table without a name would be left behind.
            self._storage.names.add(self.name)
        return lance.write_dataset(
            stamped(self.schema).empty_table(),
            self._storage.table_url(self.name),
            mode="create",
            storage_options=self._storage.lance_options,
        )

    def _checked(self, rows: pa.Table) -> pa.Array:
        """The documents in `rows`, after making sure that `state` will find them in order."""
        states = document_states(rows.select(state_columns(self.schema)).to_batches())
        torn = states.filter(pc.equal(states["fingerprint"], INCONSISTENT))
        if torn.num_rows:
            raise ValueError(f"{self.name}: rows of {torn['document_id'][0]} don't lie together or are not complete")
        if self.source is not None:
            check_vectors(rows)
            if not pc.all(pc.equal(rows["source"], str(self.source))).as_py() and rows.num_rows:
                raise ValueError(f"{self.name}: rows of another source than {self.source}")
        return states["document_id"].combine_chunks()
