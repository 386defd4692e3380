"""What is known of a repository at one commit: all its files, which are documents, who changed each last.

Kept beside the clone as an Arrow file, so that a sync without news reads nothing else, and one with news looks only at
what is new. Losing the file costs time, nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import pyarrow as pa

# To be raised with the columns.
_FORMAT = b"1"


@dataclass(frozen=True, slots=True)
class File:
    """An entry of the tree.

    Attributes:
        path: as Git has it.
        document_id: the path as text (see `readable`).
        mode, oid: as Git has them.
        left_out: why it is no document; empty if it is one.
        size: of the blob in bytes; 0 where it was not needed.
        commit, author, changed_at, created_at: see `history.Change`.
    """

    path: bytes
    document_id: str
    mode: str
    oid: str
    left_out: str
    size: int
    commit: str
    author: str
    changed_at: int
    created_at: int


_TYPES = {"bytes": pa.binary(), "str": pa.string(), "int": pa.int64()}
_SCHEMA = pa.schema([pa.field(f.name, _TYPES[str(f.type)], nullable=False) for f in fields(File)])


@dataclass(frozen=True)
class Snapshot:
    """The files of one commit. `rules` says by which rules and attributes they were judged; equal: the same judgement.

    An empty `commit` is a repository in which nothing was ever committed.
    """

    commit: str = ""
    rules: str = ""
    attributes: str = ""
    files: Mapping[bytes, File] = field(default_factory=dict)

    @cached_property
    def documents(self) -> dict[str, File]:
        """Files that are documents, by document id, in the order of their paths."""
        return {file.document_id: file for _, file in sorted(self.files.items()) if not file.left_out}

    @cached_property
    def skipped(self) -> dict[str, int]:
        """Numbers of entries that are no documents, by reason."""
        return dict(sorted(Counter(file.left_out for file in self.files.values() if file.left_out).items()))

    def save(self, to: Path) -> None:
        """Write it so that a crash leaves the old one or the new one."""
        marks = {b"format": _FORMAT, b"commit": self.commit, b"rules": self.rules, b"attributes": self.attributes}
        arrays = [pa.array([getattr(file, f.name) for file in self.files.values()], type=f.type) for f in _SCHEMA]
        table = pa.Table.from_arrays(arrays, schema=_SCHEMA.with_metadata(marks))
        new = to.with_suffix(".new")
        # Compressed, as it goes to a bucket with each commit where clones are kept in one.
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with pa.OSFile(str(new), "wb") as sink, pa.ipc.new_file(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        new.replace(to)

    @classmethod
    def load(cls, path: Path) -> Snapshot:
        """Read what `save` wrote; an empty snapshot if there is none, or none that can be used."""
        try:
            with pa.memory_map(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
                marks = table.schema.metadata or {}
                if marks.get(b"format") != _FORMAT or not table.schema.equals(_SCHEMA):
                    return cls()
                files = {file.path: file for file in _rows(table)}
        except (OSError, ValueError, pa.ArrowException):
            return cls()
        commit, rules, attributes = (marks[key].decode() for key in (b"commit", b"rules", b"attributes"))
        return cls(commit, rules, attributes, files)


def _rows(table: pa.Table) -> Iterator[File]:
    for batch in table.to_batches():
        yield from (File(*values) for values in zip(*(column.to_pylist() for column in batch.columns), strict=True))
