"""What rows say of their documents, and what follows from it."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.store.plan import make_plan
from wiki_pipeline.store.state import INCONSISTENT, STATE, data_version, document_states


def rows(*documents: tuple[str, str, int, int]) -> pa.Table:
    """A document, its fingerprint, how many rows it has here and how many it says it has."""
    lines = [(id_, print_, total) for id_, print_, count, total in documents for _ in range(count)]
    return pa.table(
        {
            "document_id": pa.array([line[0] for line in lines], pa.string()),
            "fingerprint": pa.array([line[1] for line in lines], pa.string()),
            "content_hash": pa.array(["c"] * len(lines), pa.string()),
            "total_chunks": pa.array([line[2] for line in lines], pa.int32()),
        }
    )


def fingerprints(table: pa.Table, batch_rows: int = 1000) -> dict[str, str]:
    states = document_states(table.to_batches(max_chunksize=batch_rows))
    assert states.schema == STATE
    return dict(zip(states["document_id"].to_pylist(), states["fingerprint"].to_pylist(), strict=True))


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=2), st.integers(1, 5)), unique_by=lambda d: d[0]), st.integers(1, 7))
def test_each_document_is_found_once_however_the_rows_are_cut_into_batches(
    documents: list[tuple[str, int]], batch_rows: int
) -> None:
    table = rows(*[(id_, f"f-{id_}", count, count) for id_, count in documents])
    assert fingerprints(table, batch_rows) == {id_: f"f-{id_}" for id_, _ in documents}


def test_a_document_with_a_missing_row_is_torn() -> None:
    assert fingerprints(rows(("a", "f", 2, 3), ("b", "f", 1, 1))) == {"a": INCONSISTENT, "b": "f"}


def test_a_document_that_was_written_twice_is_torn() -> None:
    assert fingerprints(rows(("a", "f", 2, 2), ("b", "f", 1, 1), ("a", "f", 2, 2))) == {"a": INCONSISTENT, "b": "f"}
    assert fingerprints(rows(("a", "f", 4, 2))) == {"a": INCONSISTENT}


def test_a_document_of_two_versions_is_torn() -> None:
    assert fingerprints(rows(("a", "f1", 1, 2), ("a", "f2", 1, 2))) == {"a": INCONSISTENT}


def test_a_table_without_rows_has_no_documents() -> None:
    assert document_states([]).num_rows == 0


def test_the_data_version_does_not_depend_on_the_order_but_on_every_fingerprint() -> None:
    one = document_states(rows(("a", "f", 1, 1), ("b", "g", 1, 1)).to_batches())
    other_way = document_states(rows(("b", "g", 1, 1), ("a", "f", 1, 1)).to_batches())
    changed = document_states(rows(("b", "g", 1, 1), ("a", "f2", 1, 1)).to_batches())
    assert data_version(one) == data_version(other_way)
    assert len({data_version(one), data_version(changed), data_version(one.slice(0, 1))}) == 3


documents = st.dictionaries(st.text("abc", max_size=2), st.sampled_from(["1", "2", INCONSISTENT]))


@settings(deadline=None)
@given(documents, documents.map(lambda d: {k: v or "1" for k, v in d.items()}), st.booleans())
def test_a_plan_is_the_difference(have: dict[str, str], want: dict[str, str], delete_missing: bool) -> None:
    state = pa.table([list(have), list(have.values()), ["c"] * len(have)], schema=STATE)
    plan = make_plan(
        state, pa.chunked_array([pa.array(list(want), pa.string())]), list(want.values()), delete_missing=delete_missing
    )
    assert plan.todo.to_pylist() == [id_ for id_ in want if have.get(id_) != want[id_]]
    assert plan.fingerprints(plan.todo).to_pylist() == [want[id_] for id_ in plan.todo.to_pylist()]
    assert plan.added == len(want.keys() - have.keys())
    assert plan.changed == len(plan.todo) - plan.added
    assert plan.unchanged == len(want) - len(plan.todo)
    assert plan.deleted.to_pylist() == ([id_ for id_ in have if id_ not in want] if delete_missing else [])


def test_of_an_id_that_is_listed_twice_the_last_line_counts() -> None:
    plan = make_plan(STATE.empty_table(), pa.chunked_array([["a", "b", "a"]]), ["1", "2", "3"], delete_missing=True)
    assert plan.todo.to_pylist() == ["b", "a"]
    assert plan.todo_fingerprints.to_pylist() == ["2", "3"]
