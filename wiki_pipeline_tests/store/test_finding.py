"""What a search makes of a query: spelling, phrases, exclusions, fields, languages, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from wiki_pipeline.errors import RerankError
from wiki_pipeline.store import Filters, Found, Store, find
from wiki_pipeline.store.spelling import Vocabulary
from wiki_pipeline_tests.store.made import OTHER, SOURCE
from wiki_pipeline_tests.store.test_search import EMBEDDER, documents, fill


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = Store(str(tmp_path_factory.mktemp("lance")), "default")
    fill(made, {"rota": ["Who is on call at the weekend"]}, title="On-call rota", labels=("ops",))
    fill(made, {"party": ["Call for the summer party, on Friday"]}, title="Summer party", labels=("fun",))
    fill(made, {"gauge": ["The calibration of a radar gauge takes an hour"]}, title="Calibration")
    fill(made, {"pay": ["Die Größe der Vergütung für Rufbereitschaft steht im Vertrag"]}, title="Vergütung")
    fill(made, {"docs/a.md": ["Websocket connections are closed"]}, OTHER, title="WebSockets", path="docs/a.md")
    return made


def ask(store: Store, query: str, **options: object) -> Found:
    return find(store, EMBEDDER, query, **{"mode": "text", **options})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "first", "meant"),
    [
        ("calibraton gauge", "gauge", "calibration gauge"),
        ("radra", "gauge", "radar"),
        ("websokets", "docs/a.md", "websocket"),
        ("Rufbereitschft", "pay", "rufbereitschaft"),
        ("calibration", "gauge", ""),
    ],
)
def test_a_word_that_no_document_holds_is_read_as_one_that_is_spelled_nearly_so(
    store: Store, query: str, first: str, meant: str
) -> None:
    found = ask(store, query)
    assert documents(found.hits)[0] == first
    assert found.did_you_mean == meant


def test_a_word_that_only_others_may_read_is_never_suggested(store: Store) -> None:
    found = ask(store, "websokets", filters=Filters(sources=(SOURCE,)))
    assert (found.did_you_mean, found.unknown, found.hits) == ("", ("websokets",), ())


@pytest.mark.parametrize("query", ["Größe", "Groesse", "groesse", "GRÖSSE", "Grösse"])
def test_umlauts_are_found_however_they_are_typed(store: Store, query: str) -> None:
    assert documents(ask(store, query).hits) == ["pay"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"on call"', ["rota"]),
        ("call", ["party", "rota"]),
        ("call -party", ["rota"]),
        ("call title:rota", ["rota"]),
        ("call label:fun", ["party"]),
        ("call -label:fun", ["rota"]),
        ("path:docs/", ["docs/a.md"]),
        ('"call on"', []),
        ("web sockets", ["docs/a.md"]),
    ],
)
@pytest.mark.parametrize("mode", ["text", "hybrid"])
def test_marks_restrict_both_sides(store: Store, query: str, expected: list[str], mode: str) -> None:
    found = documents(ask(store, query, mode=mode).hits)
    if mode == "text" or '"' in query:
        assert sorted(found) == expected
    else:  # others are near in meaning
        assert found[0] in expected
        assert "party" not in found or "-" not in query


def test_what_shares_no_word_with_the_query_is_only_nearest_in_meaning(store: Store) -> None:
    found = ask(store, "qwertz yxcvb", mode="hybrid")
    assert found.nearest_only
    assert found.hits
    assert set(found.unknown) == {"qwertz", "yxcvb"}
    assert not ask(store, "calibration", mode="hybrid").nearest_only


def test_a_question_is_answered_in_its_own_language_first(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"de": ["Wie man CORS benutzt, und was man dabei nicht tun sollte: das ist hier"]}, title="CORS")
    fill(store, {"en": ["How one uses CORS, and what you should not do with it: that is here"]}, title="CORS")
    fill(store, {"ko": ["CORS 를 사용하는 방법과 하지 말아야 할 것"]}, title="CORS")
    assert documents(ask(store, "what is CORS").hits)[0] == "en"
    assert documents(ask(store, "was ist CORS").hits)[0] == "de"
    assert documents(ask(store, "CORS", language="ko").hits)[0] == "ko"


@pytest.mark.parametrize(
    "path",
    [
        "tests/leases.py",
        "src/test/java/Leases.java",
        "wiki_pipeline_tests/leases/held.py",
        "pkg/leases_test.go",
        "web/leases.spec.ts",
        "spec/leases_spec.rb",
        "LeasesTest.java",
        "a/test_leases.py",
    ],
)
def test_tests_come_after_what_they_test_unless_they_are_asked_for(tmp_path: Path, path: str) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"src/leases.py": ["A lease is taken over when its holder is gone for good"]}, OTHER, title="leases")
    fill(store, {path: ["a lease is taken over: take the lease over, the lease is over"]}, OTHER, title="leases")
    assert documents(ask(store, "lease is taken over").hits) == ["src/leases.py", path]
    assert documents(ask(store, "test that a lease is taken over").hits)[0] == path


def test_a_name_that_only_begins_like_that_of_a_test_is_none(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"src/leases.py": ["A lease is taken over when its holder is gone for good"]}, OTHER, title="leases")
    fill(store, {"contest/latest.py": ["a lease is taken over: take the lease over"]}, OTHER, title="leases")
    assert documents(ask(store, "lease is taken over").hits)[0] == "contest/latest.py"


class Opinion:
    """A reranker that likes the third text best, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        if self.fails:
            raise RerankError("It is down.")
        return [float(number == 2) for number, _ in enumerate(texts)]


def test_an_endpoint_s_order_is_taken_and_its_failure_changes_nothing(store: Store) -> None:
    own = ask(store, "call", mode="hybrid")
    other = ask(store, "call", mode="hybrid", reranker=Opinion())
    assert other.reranked
    assert documents(other.hits) != documents(own.hits)
    scores = [hit.score for hit in other.hits]
    assert scores == sorted(scores, reverse=True)
    failed = ask(store, "call", mode="hybrid", reranker=Opinion(fails=True))
    assert (documents(failed.hits), failed.reranked) == (documents(own.hits), False)


def test_a_vocabulary_learns_only_what_was_added(store: Store, tmp_path: Path) -> None:
    own = Store(str(tmp_path), "default")
    fill(own, {"a": ["Rufbereitschaft und Zulage"]})
    table = own.vectors(EMBEDDER.model, EMBEDDER.dimension, SOURCE)
    vocabulary = Vocabulary()
    vocabulary.brought_up_to(table.dataset())  # type: ignore[arg-type]
    assert vocabulary.near("Rufbereitshaft") == ["rufbereitschaft"]
    assert vocabulary.near("gauge") == []
    fill(own, {"b": ["A gauge"]})
    vocabulary.brought_up_to(table.dataset())  # type: ignore[arg-type]
    assert vocabulary.near("gaug") == ["gauge"]
    assert vocabulary.parts("Rufbereitschaftszulage") == ["rufbereitschaft", "zulage"]
    assert vocabulary.compounds("bereitschaft") == ["rufbereitschaft"]
