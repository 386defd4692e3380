"""Hashes that no two different sequences of parts share, rows of any class as tables, and what reports count."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.model import (
    Document,
    Link,
    SourceKey,
    Stage,
    StageReport,
    columns_of,
    digest,
    digests,
    rows_from_arrow,
    rows_to_arrow,
)

_PARTS = st.text() | st.binary() | st.integers() | st.tuples(st.text())


@given(st.lists(_PARTS, max_size=4), st.lists(_PARTS, max_size=4))
def test_hashes_of_several_ends_are_those_of_each(beginning: list[object], ends: list[object]) -> None:
    assert digests(beginning, ends) == [digest(*beginning, end) for end in ends]


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_different_parts_have_different_hashes(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Document):
    """A row class as a stage of its own declares one."""

    sentences: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()


def test_rows_of_a_class_that_a_stage_declares_are_kept_as_they_are() -> None:
    rows = [
        Summary(
            document_id="1", title="Pumps", url="", sentences=("One.", "Two."), links=(Link("here", "https://a/b"),)
        ),
        Summary(document_id="2", title="Winches", url="", parent_id="1"),
    ]
    table = rows_to_arrow(rows, pa.schema(columns_of(Summary)))
    assert list(rows_from_arrow(Summary, table)) == rows
    assert rows_to_arrow([], table.schema).num_rows == 0


def test_a_count_is_a_field_of_the_report_or_one_of_its_own() -> None:
    report = StageReport(
        stage=Stage.CLEAN_PAGES,
        source=SourceKey("default", "confluence", "ENG"),
        lossy=2,
        unknown_macros={"gallery": 3, "tabs": 1},
        counts={"minutes": 4},
    )
    assert [report.count(name) for name in ("lossy", "unknown_macros", "minutes", "hours")] == [2, 4, 4, 0]
