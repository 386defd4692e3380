"""Content hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.model import CLEAN_PAGES, Ancestor, CleanPage, Heading, Link, rows_to_arrow
from wiki_pipeline.store.content import content_hashes
from wiki_pipeline_tests.store.made import vector_table, without_state

texts = st.text(max_size=6)
documents = st.builds(
    CleanPage,
    document_id=texts,
    title=texts,
    url=texts,
    parent_id=st.none() | texts,
    position=st.integers(0, 3),
    ancestors=st.lists(st.builds(Ancestor, texts, texts), max_size=2).map(tuple),
    labels=st.lists(texts, max_size=3).map(tuple),
    modified_at=st.none() | st.integers(0, 3).map(lambda s: datetime.fromtimestamp(s, UTC)),
    markdown=texts,
    headings=st.lists(st.builds(Heading, st.integers(1, 6), texts, texts), max_size=2).map(tuple),
    links=st.lists(st.builds(Link, texts, texts), max_size=2).map(tuple),
)


def hashes(rows: pa.Table) -> list[str]:
    return content_hashes(rows, range(rows.num_rows + 1))


@settings(max_examples=50, deadline=None)
@given(st.lists(documents, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_document_has_the_same_hash_wherever_it_lies(made: list[CleanPage], random: Random) -> None:
    rows = rows_to_arrow(made, without_state(CLEAN_PAGES))
    together = hashes(rows)
    order = list(range(len(made)))
    random.shuffle(order)
    assert hashes(rows.take(order)) == [together[i] for i in order]
    assert [hashes(rows.slice(i, 1))[0] for i in range(len(made))] == together
    assert hashes(pa.concat_tables([rows, rows]))[len(made) :] == together
    assert [hashes(rows_to_arrow([page], rows.schema))[0] for page in made] == together


@settings(deadline=None)
@given(documents, documents)
def test_two_documents_share_a_hash_only_if_they_are_equal(one: CleanPage, other: CleanPage) -> None:
    first, second = hashes(rows_to_arrow([one, other], without_state(CLEAN_PAGES)))
    assert (first == second) == (one == other)


def test_text_that_moves_from_one_column_to_the_next_changes_the_hash() -> None:
    rows = pa.table({"a": ["xy", "x", ""], "b": ["z", "yz", "xyz"]})
    assert len(set(hashes(rows))) == 3


def test_null_and_empty_text_are_different() -> None:
    assert len(set(hashes(pa.table({"a": ["", None]})))) == 2


def test_rows_of_a_document_count_together() -> None:
    rows = vector_table({"1": ["alpha", "beta"], "2": ["alpha"]})
    before = content_hashes(rows, [0, 2, 3])
    vectors = rows["vector"].combine_chunks().flatten().to_numpy().copy()
    vectors[20] += np.float32(0.5)  # in the second row of document 1
    changed = rows.set_column(
        rows.schema.get_field_index("vector"), "vector", pa.FixedSizeListArray.from_arrays(pa.array(vectors), 16)
    )
    after = content_hashes(changed, [0, 2, 3])
    assert after[0] != before[0]
    assert after[1] == before[1]
