"""Keeping tables quick to read while they grow by small commits: few fragments, indexes up to date, old files gone.

The writer calls this under its lease, so nothing else changes the table meanwhile. Every step is a commit of its own;
a crash between them harms nothing. Nothing here changes what a table says, only how fast it says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wiki_pipeline.store.indexes import create_vector_index, index_names, index_statistics, outgrown
from wiki_pipeline.store.storage import explained

if TYPE_CHECKING:
    from lance import LanceDataset

    from wiki_pipeline.store.stage_table import StageTable


@dataclass(frozen=True, slots=True)
class Tier:
    """Fragments below so many bytes are joined as soon as there are more than `fragments` of them."""

    bytes: int
    fragments: int


# A fragment costs a reader up to a millisecond and a few open files, so there should be hundreds at most. Each tier
# joins only fragments of about its own size, so a row is rewritten once a tier, not once a call. A page's edit leaves
# some tens of kilobytes, a sync's batch some megabytes; a fragment that outgrows the last tier is left alone.
TIERS = (Tier(bytes=1_000_000, fragments=32), Tier(bytes=16_000_000, fragments=128))
JOINED_BYTES = 64_000_000  # of a joined fragment, at most
JOINED_ROWS = 50_000
# From so large a part of deleted rows on, a fragment is rewritten without them; a small one when it is joined.
DELETED_PART = 0.3

# Rows that no index holds are searched one by one, about 30 ms a thousand: indexed at the end of a sync from so many
# on, and during a long sync at every so many (all at once at its end costs the same time and more memory).
UNINDEXED_ROWS = 1_000
# In a smaller table a part of it is enough: it would never be indexed else, and text search took 100 ms in it.
UNINDEXED_LEAST = 50
UNINDEXED_PART = 0.25
UNINDEXED_ROWS_IN_SYNC = 10_000
# New rows become an index of their own beside the others (a delta); from so many on they are merged into one.
INDEX_DELTAS = 32
# Below so many bytes of vectors (60,000 of 256 numbers) brute force takes some 30 ms and is exact; with the index
# 100,000 take 4 ms. It takes as much memory again while it is built.
VECTOR_INDEX_BYTES = 64_000_000
# Readers and queries that began on an older version have this long to end.
KEPT_VERSIONS = timedelta(hours=1)
# Looking for old versions means listing the table's files: done once in so many versions.
PRUNED_EVERY = 32


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What was done.

    Attributes:
        joined: fragments that are gone because they were joined or rewritten.
        indexed: whether index entries were added or merged.
        pruned_bytes: bytes of old versions that were deleted.
    """

    joined: int = 0
    indexed: bool = False
    pruned_bytes: int = 0


def maintain(table: StageTable, commits: int) -> Maintenance:
    """Do what is due. Cheap where nothing is.

    Args:
        table: any stage's table.
        commits: how many were written to it since this was called last.

    Raises:
        StoreError: disk full or storage out of reach. The table is as right as before.
    """
    joined = join_fragments(table)
    indexed = index_rows(table, UNINDEXED_ROWS, part=UNINDEXED_PART)
    pruned = prune(table) if joined or _passed_a_mark(table, commits) else 0
    return Maintenance(joined, indexed, pruned)


def maintain_fully(table: StageTable) -> Maintenance:
    """Do all that can be done, due or not: what a sync leaves for later.

    Raises:
        StoreError: as `maintain`.
    """
    return Maintenance(join_fragments(table), index_rows(table, 0), prune(table))


def join_fragments(table: StageTable, tiers: Sequence[Tier] = TIERS) -> int:
    """Join small fragments and drop deleted rows, tier by tier; how many fragments are gone for it.

    Raises:
        StoreError: as `maintain`.
    """
    gone = 0
    with explained(f"join fragments of {table.name}"):
        for tier in tiers:
            dataset = table.dataset()
            if dataset is None:
                return gone
            fragments = [fragment.metadata for fragment in dataset.get_fragments()]
            small = {f.id for f in fragments if _bytes(f) < tier.bytes}
            worn = {f.id for f in fragments if f.num_deletions > DELETED_PART * f.physical_rows} - small
            due = worn | small if len(small) > tier.fragments else worn
            if due:
                gone += _rewrite(dataset, [f.id for f in fragments if f.id not in due])
    return gone


def index_rows(table: StageTable, threshold: int, *, part: float = 1.0) -> bool:
    """Index the serving table's new rows if there are more than `threshold`, and keep the number of deltas small.

    Args:
        part: of the table; so large a part of it is enough too, but not fewer than `UNINDEXED_LEAST` rows.

    Raises:
        StoreError: as `maintain`.
    """
    with explained(f"index {table.name}"):
        dataset = table.dataset() if "vector" in table.schema.names else None
        if dataset is None:
            return False
        names = index_names(dataset)
        done = outgrown(dataset) if "vector" in names else _vector_bytes(dataset) >= VECTOR_INDEX_BYTES
        if done:
            create_vector_index(dataset)
        statistics = [index_statistics(dataset, name) for name in sorted(names)]
        due = min(threshold, max(UNINDEXED_LEAST, int(part * dataset.count_rows())))
        if any(index["num_unindexed_rows"] > due for index in statistics):
            deltas = max(index["num_indices"] for index in statistics)
            dataset.optimize.optimize_indices(num_indices_to_merge=deltas if deltas >= INDEX_DELTAS else 0)
            done = True
        return done


def prune(table: StageTable) -> int:
    """Delete what only versions older than `KEPT_VERSIONS` need; the number of bytes.

    Raises:
        StoreError: as `maintain`.
    """
    with explained(f"prune {table.name}"):
        dataset = table.dataset()
        if dataset is None:
            return 0
        # A version that someone has tagged is kept, instead of being a reason to fail.
        return int(dataset.cleanup_old_versions(KEPT_VERSIONS, error_if_tagged_old_versions=False).bytes_removed)


def statistics(table: StageTable) -> dict[str, float]:
    """How large a whole table is, and how it lies: rows, fragments, bytes, rows that no index holds (the most of any).

    Raises:
        StoreError: as `maintain`.
    """
    with explained(f"measure {table.name}"):
        dataset = table.dataset()
        if dataset is None:
            return {"rows": 0, "fragments": 0, "bytes": 0, "unindexed_rows": 0}
        fragments = [fragment.metadata for fragment in dataset.get_fragments()]
        unindexed = [index_statistics(dataset, name)["num_unindexed_rows"] for name in sorted(index_names(dataset))]
        return {
            "rows": dataset.count_rows(),
            "fragments": len(fragments),
            "bytes": sum(map(_bytes, fragments)),
            "unindexed_rows": max(unindexed, default=0),
        }


def _passed_a_mark(table: StageTable, commits: int) -> bool:
    dataset = table.dataset()
    return dataset is not None and dataset.version % PRUNED_EVERY < commits


def _rewrite(dataset: LanceDataset, untouched: Sequence[int]) -> int:
    metrics = dataset.optimize.compact_files(
        target_rows_per_fragment=JOINED_ROWS,
        max_bytes_per_file=JOINED_BYTES,
        materialize_deletions_threshold=DELETED_PART,
        excluded_fragment_ids=list(untouched),
        # Copies encoded pages as they are where no rows are deleted: a third of the time, and 20 MB instead of 250 MB.
        compaction_mode="try_binary_copy",
        num_threads=1,
    )
    return int(metrics.fragments_removed)


def _vector_bytes(dataset: LanceDataset) -> int:
    return int(dataset.count_rows()) * int(dataset.schema.field("vector").type.list_size) * 4


def _bytes(fragment: Any) -> int:
    return sum(file.file_size_bytes or 0 for file in fragment.files)
