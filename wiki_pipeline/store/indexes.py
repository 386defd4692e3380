"""Which indexes the serving table has, and how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lance import LanceDataset

# Without stemming and stop words, so that no language is treated as English; ICU finds words in scripts without
# spaces, and the pairs of characters in `search_cjk` find the parts of those words.
TEXT_INDEXES: dict[str, str] = {"search_text": "icu/split", "search_cjk": "whitespace"}


def create_text_indexes(dataset: LanceDataset) -> bool:
    """Make the full-text indexes that are missing; whether there were any. On an empty table it costs nothing, and
    searching needs them.

    Raises:
        OSError, RuntimeError, ValueError: from the storage.
    """
    missing = TEXT_INDEXES.keys() - index_names(dataset)
    for column in sorted(missing):
        dataset.create_scalar_index(
            column, "INVERTED", name=column, base_tokenizer=TEXT_INDEXES[column], stem=False, remove_stop_words=False
        )
    return bool(missing)


def index_names(dataset: LanceDataset) -> set[str]:
    """Names of the table's indexes; each is named after its column."""
    return {index.name for index in dataset.describe_indices()}


def index_statistics(dataset: LanceDataset, name: str) -> dict[str, Any]:
    """What LanceDB says of an index, as `num_indices` (deltas) and `num_unindexed_rows`."""
    statistics: dict[str, Any] = dataset.stats.index_stats(name)
    return statistics


# Rows a partition of the vector index: the size that LanceDB's documentation starts from for IVF.
_PARTITION_ROWS = 4096
# Partitions are trained once; when the table has outgrown them so many times, they are trained anew.
_OUTGROWN = 4


def create_vector_index(dataset: LanceDataset) -> None:
    """Make the approximate vector index, or make it anew. IVF with 8-bit numbers: with distances of the best candidates
    computed again from the vectors (`refine_factor`) it finds what brute force finds; the product-quantised ones don't.

    Raises:
        OSError, RuntimeError, ValueError: from the storage.
    """
    partitions = max(1, dataset.count_rows() // _PARTITION_ROWS)
    dataset.create_index("vector", "IVF_SQ", name="vector", metric="cosine", num_partitions=partitions, replace=True)


def outgrown(dataset: LanceDataset) -> bool:
    """Whether the vector index was trained on a table so much smaller that its partitions are too large now."""
    partitions: int = index_statistics(dataset, "vector")["indices"][0]["num_partitions"]
    rows: int = dataset.count_rows()
    return rows > _OUTGROWN * _PARTITION_ROWS * partitions
