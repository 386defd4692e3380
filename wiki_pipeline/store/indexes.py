"""Which indexes the serving table has, and how they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lance import LanceDataset

# Columns, and how their indexes read them. ICU finds words in scripts without spaces, and the pairs of characters in
# `search_cjk` find the parts of those words. English endings are taken off (run, running); rows and queries alike, so
# that words of other languages still meet themselves. No stop words: a title may be made of them.
TEXT_INDEXES: dict[str, dict[str, Any]] = {
    "search_text": {"base_tokenizer": "icu/split", "stem": True, "language": "English", "remove_stop_words": False},
    "search_cjk": {"base_tokenizer": "whitespace", "stem": False, "remove_stop_words": False},
}
# In their names: raise it whenever what is above changes, so that tables of before get new ones.
_EDITION = "2"


def create_text_indexes(dataset: LanceDataset) -> bool:
    """Make the full-text indexes that are missing and drop those of earlier editions; whether there were any. On an
    empty table it costs nothing, and searching needs them.

    Raises:
        OSError, RuntimeError, ValueError: from the storage.
    """
    desired = {f"{column}_{_EDITION}": column for column in TEXT_INDEXES}
    indexes = {index.name: index.field_names for index in dataset.describe_indices()}
    missing = sorted(desired.keys() - indexes.keys())
    for name in missing:
        dataset.create_scalar_index(desired[name], "INVERTED", name=name, **TEXT_INDEXES[desired[name]])
    earlier = [name for name, columns in indexes.items() if columns[0] in TEXT_INDEXES and name not in desired]
    for name in earlier:
        dataset.drop_index(name)
    return bool(missing or earlier)


def index_names(dataset: LanceDataset) -> set[str]:
    """Names of the table's indexes; the vector index is `vector`."""
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
