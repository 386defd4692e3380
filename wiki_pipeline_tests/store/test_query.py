"""What is read in a query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.store.filters import with_facet
from wiki_pipeline.store.query import Asked, parsed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("who is on call", Asked("who is on call")),
        ('"on call" rota', Asked("on call rota", phrases=("on call",))),
        ("rota -weekend", Asked("rota", without=("weekend",))),
        ('rota -"day shift"', Asked("rota", without=("day shift",))),
        ("on-call e-mail -5 --oneline -v", Asked("on-call e-mail -5 --oneline -v")),
        ("std::vector http://x/y foo:bar", Asked("std::vector http://x/y foo:bar")),
        ('"never closed', Asked('"never closed')),
        ("-everything", Asked("-everything")),  # of what, nobody can say
        ("title:rota who", Asked("rota who", conditions=("(contains(lower(title), 'rota'))",))),
        (
            'Title:"On Call" x',
            Asked("On Call x", conditions=("(contains(lower(title), 'on') AND contains(lower(title), 'call'))",)),
        ),
        ("x -label:archive", Asked("x", conditions=("NOT (array_has_any(labels, ['archive']))",))),
        ("x Label:HowTo", Asked("x", conditions=("(array_has_any(labels, ['HowTo', 'howto']))",))),
        ('x author:"Ana R"', Asked("x", conditions=("(contains(lower(author), 'ana r'))",))),
        ("x kind:code", Asked("x", conditions=("(starts_with(media_type, 'text/x-'))",))),
        ("x kind:jira", Asked("x", conditions=("(source_type = 'jira')",))),
        ("x lang:de", Asked("x", languages=("de",))),
        ("x after:2026-10-01", Asked("x", conditions=("(last_modified >= 1790812800)",))),
        (
            "x since:2026-10 before:2027",
            Asked("x", conditions=("(last_modified >= 1790812800)", "(last_modified < 1798761600)")),
        ),
        ("x before:tomorrow after:2026-13-01", Asked("x before:tomorrow after:2026-13-01")),
        ("x status:Done", Asked("x", conditions=(f"({with_facet('status=done')})",))),
        (
            "x is:open -type:bug",
            Asked("x", conditions=(f"({with_facet('category=open')})", f"NOT ({with_facet('type=BUG')})")),
        ),
        ("path:it's/ x", Asked("x", conditions=("(contains(lower(path), 'it''s/'))",))),
    ],
)
def test_marks_mean_what_people_expect_and_all_else_is_words(query: str, expected: Asked) -> None:
    assert parsed(query) == expected


@given(st.text(max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    asked = parsed(text)
    assert len(asked.terms) <= 64
    assert len(asked.keys) <= 64


def test_fillers_of_any_language_are_no_terms_unless_there_is_nothing_else() -> None:
    assert parsed("wie hoch ist die Vergütung").terms == ["hoch", "Vergütung"]
    assert parsed("où est la station").terms == ["station"]
    assert parsed("who is it").terms == ["who", "is", "it"]
