"""Values as both APIs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.model import Ancestor, RawPage
from wiki_pipeline.sources.confluence.config import PageScope, SourceConfig
from wiki_pipeline.sources.confluence.page import Page, Scope, Space, read_position, read_time, sorted_labels


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2023-02-17T09:08:30.734Z", datetime(2023, 2, 17, 9, 8, 30, 734_000, tzinfo=UTC)),
        ("2023-02-17T10:08:30.734+01:00", datetime(2023, 2, 17, 9, 8, 30, 734_000, tzinfo=UTC)),
        ("2023-02-17T04:08:30-0500", datetime(2023, 2, 17, 9, 8, 30, tzinfo=UTC)),
        ("2023-02-17T09:08:30", datetime(2023, 2, 17, 9, 8, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1676624910, None),
    ],
)
def test_moments_are_read_in_utc(text: Any, moment: datetime | None) -> None:
    found = read_time(text)
    assert found == moment
    assert found is None or found.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("value", "position"), [(0, 0), (624825146, 624825146), (-3, -3), ("none", 0), (None, 0), (10**12, 2**31 - 1)]
)
def test_positions_are_numbers_that_fit_their_column(value: Any, position: int) -> None:
    assert read_position(value) == position


def test_labels_are_sorted_and_other_people_s_favourites_left_out() -> None:
    labels = [
        {"prefix": "global", "name": "b"},
        {"prefix": "my", "name": "favourite"},
        {"prefix": "team", "name": "core"},
        {"label": "a"},
        {"prefix": "global", "name": "b"},
        {"prefix": "global"},
    ]
    assert sorted_labels(labels) == ("a", "b", "team:core")


IDS = st.lists(st.sampled_from("12345"), unique=True, max_size=5)


@given(
    above=IDS,
    containers=st.sets(st.sampled_from("12345")),
    scope=st.dictionaries(st.sampled_from("12345"), st.booleans()),
)
def test_the_parent_of_a_row_is_a_document_of_the_source(
    above: list[str], containers: set[str], scope: dict[str, bool]
) -> None:
    pages = tuple(PageScope(page_id, deep) for page_id, deep in scope.items())
    config = SourceConfig("https://x", "DEV", (*pages, PageScope("9")))
    page = Page(
        id="9",
        title="Page",
        url="https://x/9",
        version=1,
        changed_at=None,
        position=0,
        ancestors=tuple(Ancestor(page_id, page_id) for page_id in above),
        labels=(),
        containers=frozenset(containers),
    )
    row = Scope(Space("1", "DEV", "Dev", "https://x"), config, 1000).answer(
        page, {"body": {"storage": {"value": ""}}}, "storage"
    )
    assert isinstance(row, RawPage)
    if row.parent_id is not None:
        depth = above.index(row.parent_id)
        assert row.parent_id not in containers
        assert config.holds(row.parent_id, above[:depth])
    nearest = row.parent_id and above.index(row.parent_id)
    for depth in range((nearest + 1) if isinstance(nearest, int) else 0, len(above)):
        assert above[depth] in containers or not config.holds(above[depth], above[:depth])
