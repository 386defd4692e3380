"""What the search page says beside its results."""

from __future__ import annotations

from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.views import Restriction, Result, SearchView

RESULT = Result(title="Rota", href="/wiki/x", source_title="Handbook", path="", modified_at=None, chunks=())


def page(**said: object) -> str:
    values = {
        "query": "rotta <b>",
        "chosen": Restriction(),
        "mode": "hybrid",
        "sources": {},
        "modes": {},
        "results": [RESULT],
    }
    return site.html(SearchView(**{**values, **said}))  # type: ignore[arg-type]


def test_what_was_read_otherwise_is_said_and_can_be_asked_for() -> None:
    shown = page(did_you_mean="rota & more", unknown=("<b>",))
    assert "Did you mean" in shown
    assert 'href="/search?q=rota+%26+more&amp;mode=hybrid"' in shown
    assert "<b>" not in shown
    assert "1 page" in shown


def test_what_is_only_near_in_meaning_is_not_called_found() -> None:
    shown = page(nearest_only=True)
    assert "Nothing was found" in shown
    assert "Nearest in meaning" in shown
    assert "1 page<" not in shown
    assert "/wiki/x" in shown


def test_a_misspelled_query_without_results_suggests_one() -> None:
    assert "Did you mean" in page(results=(), did_you_mean="rota")
