"""Finding chunks. The embedder is the embedded one, whole."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.errors import SearchError, StoreError
from wiki_pipeline.model import CleanPage, SourceKey
from wiki_pipeline.store import Filters, Hit, Store, search, vector_rows
from wiki_pipeline.store.indexes import TEXT_INDEXES, index_names
from wiki_pipeline.store.maintenance import index_rows
from wiki_pipeline.store.ranking import Candidate, fused
from wiki_pipeline.store.search import Mode
from wiki_pipeline.text.chunk import ChunkSizes, chunk_page
from wiki_pipeline.text.embed.static import StaticEmbedder
from wiki_pipeline.text.normalise import normalise
from wiki_pipeline_tests.store.made import OTHER, SOURCE, chunk_table, with_state

EMBEDDER = StaticEmbedder()
MODES: list[Mode] = ["hybrid", "vector", "text"]
PASSAGES = {
    "deploy": "How to roll out a new release to the production cluster",
    "holiday": "Employees request vacation days in the calendar tool",
    "database": "Restore PostgreSQL from last night's backup",
    "error": "The job stops with code XJ-4711 when the queue is full",
    "kitchen": "The coffee machine is cleaned every Friday",
    "istanbul": "İstanbul ofisi IŞIK sokağında, çalışma saatleri",
    "tokyo": "東京都渋谷区のオフィスへの行き方",
    "seoul": "서울 사무실에서는 점심을 제공합니다",
    "cafe": "Le café de la réunion, ﬁn de l'étage",
}


def fill(store: Store, texts: Mapping[str, Sequence[str]], source: SourceKey = SOURCE, **columns: object) -> None:
    chunks = chunk_table(texts, source, **columns)
    vectors = EMBEDDER.embed(chunks["search_text"].to_pylist()).vectors
    rows = with_state(vector_rows(chunks, vectors, source, EMBEDDER.model))
    store.vectors(EMBEDDER.model, EMBEDDER.dimension, source).replace(rows)


def find(store: Store, query: str, k: int = 10, mode: Mode = "hybrid", filters: Filters | None = None) -> list[Hit]:
    return search(store, EMBEDDER, query, k=k, mode=mode, filters=filters)


def documents(hits: Sequence[Hit]) -> list[str]:
    return [hit.document_id for hit in hits]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Half of the chunks are in the index, half are not yet."""
    made = Store(str(tmp_path_factory.mktemp("lance")), "default")
    names = list(PASSAGES)
    fill(made, {name: [PASSAGES[name]] for name in names[::2]})
    index_rows(made.vectors(EMBEDDER.model, EMBEDDER.dimension, SOURCE), 0)
    fill(made, {name: [PASSAGES[name]] for name in names[1::2]})
    return made


def test_meaning_is_found_without_shared_words(store: Store) -> None:
    assert documents(find(store, "time off work", mode="vector"))[0] == "holiday"
    assert documents(find(store, "time off work", mode="text")) == []


def test_a_code_is_found_by_its_letters(store: Store) -> None:
    assert documents(find(store, "XJ-4711", mode="text")) == ["error"]


def test_hybrid_finds_what_either_side_finds_alone(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    recipe = "Peel the onions, heat the oil, stir the rice and season with pepper. " * 5
    vacations = {f"vacation{i}": [f"Employees request vacation days in calendar number {i}"] for i in range(4)}
    fill(store, {"recipe": [recipe + "QZ9"], **vacations})
    query = "holiday leave QZ9"
    by_meaning = documents(find(store, query, k=4, mode="vector"))
    assert sorted(by_meaning) == sorted(vacations)
    assert documents(find(store, query, mode="text")) == ["recipe"]
    assert sorted(documents(find(store, query, k=2))) == sorted(["recipe", by_meaning[0]])


@pytest.mark.parametrize("mode", MODES)
def test_the_best_comes_first(store: Store, mode: Mode) -> None:
    hits = find(store, "clean the coffee machine before the release", mode=mode)
    scores = [hit.score for hit in hits]
    assert len(set(scores)) > 1
    assert scores == sorted(scores, reverse=True)
    assert hits[0].document_id == "kitchen"


@pytest.mark.parametrize(
    ("query", "document"),
    [
        ("istanbul", "istanbul"),
        ("İSTANBUL", "istanbul"),
        ("ISTANBUL", "istanbul"),
        ("çalışma", "istanbul"),
        ("IŞIK", "istanbul"),
        ("ışık", "istanbul"),
        ("東京", "tokyo"),
        ("京都", "tokyo"),  # as part of the word, which ICU alone does not find
        ("渋谷", "tokyo"),
        ("オフィス", "tokyo"),
        ("ｵﾌｨｽ", "tokyo"),
        ("서울", "seoul"),
        ("사무실", "seoul"),
        ("CAFÉ", "cafe"),
        ("cafe", "cafe"),
        ("fin", "cafe"),
        ("reunion", "cafe"),
    ],
)
def test_words_of_many_scripts_are_found_however_they_are_typed(store: Store, query: str, document: str) -> None:
    assert documents(find(store, query, mode="text")) == [document]
    assert document in documents(find(store, query))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "query",
    [
        '"coffee machine"',
        '"coffee',
        "coffee AND NOT machine OR",
        "+coffee -zebra",
        "coffee~2 mach* (",
        "title:coffee [a TO b] {",
        "coffee'; DROP TABLE vectors; --",
        "coffee \\ % _ $1 ? `",
        "coffee\x00machine",
        "coffee \ud800 ☕😀",
        "coffee " * 10_000,
        " ".join(f"word{i}" for i in range(10_000)) + " coffee",
        "coffee" + "京都" * 5_000,
        "?!",
        "x" * 100_000,
    ],
    ids=lambda query: query[:12].encode("unicode_escape").decode(),
)
def test_no_query_does_harm(store: Store, mode: Mode, query: str) -> None:
    hits = find(store, query, mode=mode)
    if query.startswith(("coffee", '"coffee', "+coffee")):
        assert "kitchen" in documents(hits)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(min_size=1, max_size=40))
def test_any_text_is_a_query_or_a_clear_refusal(store: Store, text: str) -> None:
    if normalise(text).strip():
        assert len(find(store, text)) <= 10
    else:
        with pytest.raises(SearchError, match="empty"):
            find(store, text)


@pytest.mark.parametrize("query", ["", "   ", "\n\t", "\x00"])
def test_an_empty_query_is_refused(store: Store, query: str) -> None:
    with pytest.raises(SearchError, match="empty"):
        find(store, query)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("query", ["***", "?!", "😀🎉", "-- ''", "。、", "☕"])
def test_a_query_without_a_letter_or_digit_finds_nothing(store: Store, mode: Mode, query: str) -> None:
    assert find(store, query, mode=mode) == []


def test_endings_of_words_are_no_hindrance(store: Store) -> None:
    assert documents(find(store, "cleaning machines", mode="text")) == ["kitchen"]


@pytest.mark.parametrize("query", ["retry count", "getRetryCount", "get_retry_count", "GetRetryCount()"])
def test_identifiers_are_found_by_their_words_and_by_other_spellings(tmp_path: Path, query: str) -> None:
    store = Store(str(tmp_path), "default")
    page = CleanPage(document_id="a", title="a.py", url="", markdown="x = getRetryCount()", code_language="python")
    (chunk,) = chunk_page(page, SOURCE, ChunkSizes())
    fill(store, {"a": [chunk.search_text], "b": ["nothing of the kind"]})
    assert documents(find(store, query, mode="text")) == ["a"]


@pytest.mark.parametrize("mode", ["hybrid", "text"])
def test_the_page_whose_title_is_asked_for_comes_before_those_that_speak_of_it(tmp_path: Path, mode: Mode) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"rota": ["Duty roster\nWho is called first this week, and who stands in"]}, title="Duty roster")
    fill(store, {"talk": ["The duty roster: how the duty roster came about, and who made the duty roster"]})
    fill(store, {"head": ["Rules\nNobody is on call twice in a row, unless they agree"]}, heading_path=("Rules",))
    fill(store, {"body": ["Of all that was said in the meeting, the rules were what people remembered"]})
    assert documents(find(store, "duty roster", mode=mode))[0] == "rota"
    assert documents(find(store, "rules", mode=mode))[0] == "head"


def test_a_table_of_an_earlier_edition_gets_the_indexes_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("wiki_pipeline.store.indexes._EDITION", "1")
        before.setitem(TEXT_INDEXES, "search_text", {**TEXT_INDEXES["search_text"], "stem": False})
        fill(Store(str(tmp_path), "default"), {"a": ["running"]})
        assert find(Store(str(tmp_path), "default"), "run", mode="text") == []
    store = Store(str(tmp_path), "default")
    fill(store, {"b": ["runs"]})
    assert sorted(documents(find(store, "run", mode="text"))) == ["a", "b"]
    dataset = store.vectors(EMBEDDER.model, EMBEDDER.dimension, SOURCE).dataset()
    assert dataset is not None
    assert len(index_names(dataset)) == 2


def test_what_makes_no_sense_is_refused(store: Store) -> None:
    with pytest.raises(SearchError, match="no search mode 'sql'"):
        find(store, "x", mode="sql")  # type: ignore[arg-type]
    for k in (0, 101, -1):
        with pytest.raises(SearchError, match="1 to 100"):
            find(store, "x", k=k)
    with pytest.raises(SearchError, match="too long"):
        find(store, "x", filters=Filters(document_ids=tuple(map(str, range(1001)))))


def test_before_the_first_sync_nothing_is_found(tmp_path: Path) -> None:
    empty = Store(str(tmp_path), "default")
    assert [find(empty, "coffee", mode=mode) for mode in MODES] == [[], [], []]
    fill(empty, {"a": ["coffee"]})
    empty.vectors(EMBEDDER.model, EMBEDDER.dimension, SOURCE).clear()
    assert [find(empty, "coffee", mode=mode) for mode in MODES] == [[], [], []]


def test_a_hit_carries_all_that_is_needed_to_cite_it(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    moment = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)
    fill(
        store,
        {"42": ["İlk chunk", "second chunk"]},
        labels=("howto", "ops"),
        heading_path=("Top", "Below"),
        version="7",
        space_key="ENG",
        space_name="Engineering",
        author="Ada",
        created_at=moment,
        modified_at=moment,
        start_line=3,
        end_line=9,
        path="docs/a.md",
        media_type="text/markdown",
    )
    hit = find(store, "ilk", k=1, mode="text")[0]
    assert hit.score > 0
    assert (hit.tenant, hit.source, hit.source_type, hit.page_id) == ("default", str(SOURCE), "confluence", "42")
    assert (hit.document_id, hit.version, hit.title, hit.space_key, hit.space_name) == (
        "42",
        "7",
        "Page 42",
        "ENG",
        "Engineering",
    )
    assert (hit.created_date, hit.last_modified) == (int(moment.timestamp()),) * 2
    assert hit.last_modified_iso == "2024-02-29T12:30:00Z"
    assert (hit.heading_path, hit.labels, hit.start_line, hit.end_line) == (("Top", "Below"), ("howto", "ops"), 3, 9)
    assert (hit.chunk_index, hit.total_chunks, hit.embedding_model) == (0, 2, EMBEDDER.model)
    assert (hit.text, hit.search_text) == ("İlk chunk", "Ilk chunk")


def test_a_repository_file_has_no_page_id(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"README.md": ["coffee"]}, OTHER)
    hit = find(store, "coffee")[0]
    assert (hit.source_type, hit.page_id, hit.last_modified) == ("git", None, None)


def test_equal_scores_come_in_the_same_order_every_time(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {f"d{i}": ["the same words"] for i in range(20)})
    answers = {tuple(hit.chunk_id for hit in find(store, "same words", mode=mode)) for mode in MODES for _ in range(5)}
    assert len(answers) == 1


def test_a_document_may_be_kept_from_filling_the_answer(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"long": [f"coffee number {i}" for i in range(12)], "short": ["some coffee"]})
    assert documents(search(store, EMBEDDER, "coffee number", k=5)) == ["long"] * 5
    assert documents(search(store, EMBEDDER, "coffee number", k=5, per_document=5)) == ["long"] * 5
    assert sorted(documents(search(store, EMBEDDER, "coffee number", k=5, per_document=1))) == ["long", "short"]


def test_a_filter_comes_before_the_ranking(tmp_path: Path) -> None:
    """Three hundred better chunks of another source don't use up the candidates."""
    store = Store(str(tmp_path), "default")
    fill(store, {f"near{i}": ["coffee machine coffee"] for i in range(300)})
    fill(store, {f"far{i}": [f"a machine that nobody wants, number {i}"] for i in range(5)}, OTHER)
    index_rows(store.vectors(EMBEDDER.model, EMBEDDER.dimension, SOURCE), 0)
    for mode in MODES:
        hits = find(store, "coffee machine", mode=mode, filters=Filters(sources=(OTHER,)))
        assert sorted(documents(hits)) == [f"far{i}" for i in range(5)]


VALUES = [
    "plain",
    "it's",
    "' OR '1'='1",
    "x'; DROP TABLE vectors; --",
    'double "quote"',
    "%",
    "_",
    "\\",
    "😀",
    "a\x00b",
]
values = st.sampled_from(VALUES)


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One document for each value, which is its id, author, label, path and space."""
    store = Store(str(tmp_path_factory.mktemp("filed")), "default")
    for i, value in enumerate(VALUES):
        moment = datetime.fromtimestamp(1_000 + i, UTC)
        fill(
            store,
            {value: ["coffee"]},
            SOURCE if i % 2 else OTHER,
            author=value,
            labels=(value, "all"),
            path=f"{value}/file",
            space_key=value,
            media_type=value,
            modified_at=moment,
        )
    return store


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("field", ["space_keys", "labels", "authors", "media_types", "document_ids"])
def test_values_of_a_filter_are_only_ever_values(filed: Store, field: str, mode: Mode) -> None:
    for value in VALUES:
        hits = find(filed, "coffee", k=100, mode=mode, filters=Filters(**{field: (value, "nothing")}))  # type: ignore[arg-type]
        assert documents(hits) == [value]


def test_a_path_prefix_is_no_pattern(filed: Store) -> None:
    for value in VALUES:
        assert documents(find(filed, "coffee", filters=Filters(path_prefix=f"{value}/"))) == [value]
    assert documents(find(filed, "coffee", filters=Filters(path_prefix="file"))) == []


def test_all_filters_must_hold_and_any_value_of_each(filed: Store) -> None:
    def found(**filters: object) -> set[str]:
        return set(documents(find(filed, "coffee", k=100, filters=Filters(**filters))))  # type: ignore[arg-type]

    assert found(labels=("all",)) == set(VALUES)
    assert found(sources=(SOURCE,)) == set(VALUES[1::2])
    assert found(sources=(SOURCE, OTHER), authors=("plain", "%")) == {"plain", "%"}
    assert found(sources=(SOURCE,), authors=("plain", "%")) == {"%"}
    assert found(
        modified_from=datetime.fromtimestamp(1_002, UTC), modified_before=datetime.fromtimestamp(1_004, UTC)
    ) == {*VALUES[2:4]}
    assert found(modified_from=datetime(1970, 1, 1, 0, 16, 49)) == {VALUES[9]}  # noqa: DTZ001 - without a zone: UTC
    assert found(authors=("\ud800",)) == set()


def test_kinds_languages_and_parts_of_names_restrict_by_option_and_by_operator(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    german = ["Die Kaffeemaschine ist defekt, und wir wissen noch nicht, wann sie wieder geht. coffee"]
    english = ["The machine is broken and we do not know when it will be back with coffee for all of us."]
    fill(store, {"de": german}, OTHER, author="Ana Ruiz", media_type="application/xml", labels=("Kitchen",))
    fill(store, {"en": english}, SOURCE, author="Ben Okri", media_type="text/markdown")
    fill(store, {"code": ["def coffee(): return the_machine_is_broken"]}, SOURCE, author="", media_type="text/x-python")

    def both(filters: Filters, operators: str) -> set[str]:
        by_option = documents(find(store, "coffee", filters=filters))
        assert sorted(by_option) == sorted(documents(find(store, f"coffee {operators}")))
        return set(by_option)

    kind = SOURCE.kind
    assert both(Filters(kinds=("code",)), "kind:code") == {"code"}
    assert both(Filters(kinds=("prose",)), "kind:prose") == {"de", "en"}
    assert both(Filters(kinds=(kind,)), f"kind:{kind}") >= {"en", "code"}
    assert both(Filters(authors=("ana",)), "author:ana") == {"de"}
    assert both(Filters(labels=("kitchen", "Kitchen")), "label:Kitchen") == {"de"}
    assert both(Filters(languages=("de",)), "lang:de") == {"de"}
    assert both(Filters(languages=("de",), authors=("ben",)), "lang:de author:ben") == set()
    assert set(documents(find(store, "lang:en"))) == {"en"}


def test_a_large_table_finds_what_a_small_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {str(n): [f"word{n % 7} word{n % 11} Größe websockets number{n}"] for n in range(120)})
    queries = ["word3 word5", "Groesse number7", "web sockets word1", '"word3 word5" number80']
    whole = [documents(find(store, query, mode="text")) for query in queries]
    monkeypatch.setattr("wiki_pipeline.store.candidates._FEW_ROWS", 0)
    assert [documents(find(store, query, mode="text")) for query in queries] == whole


def test_a_table_that_was_made_anew_is_searched(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"a": ["coffee"]})
    assert documents(find(store, "coffee")) == ["a"]
    (folder,) = tmp_path.rglob("vectors.*.lance")
    shutil.rmtree(folder)
    fill(store, {"b": ["coffee"]})
    assert documents(find(store, "coffee")) == ["b"]


def test_documents_without_a_date_are_not_within_any_dates(store: Store) -> None:
    assert find(store, "coffee", filters=Filters(modified_from=datetime(1970, 1, 1, tzinfo=UTC))) == []


def test_another_model_has_a_table_of_its_own(store: Store) -> None:
    class Other(StaticEmbedder):
        model = "another"

    assert search(store, Other(), "coffee") == []


def test_vectors_of_another_length_are_an_error_with_advice(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    chunks = chunk_table({"a": ["coffee"]})
    vectors = EMBEDDER.embed(["coffee"]).vectors[:, :100]
    store.vectors(EMBEDDER.model, 100, SOURCE).replace(with_state(vector_rows(chunks, vectors, SOURCE, EMBEDDER.model)))
    with pytest.raises(StoreError, match="256 numbers, but those stored have 100"):
        find(store, "coffee")


@pytest.mark.parametrize(("weight", "first"), [(0.3, "words"), (1.0, "meaning")])
def test_meaning_counts_as_much_as_its_model_is_worth(weight: float, first: str) -> None:
    def candidate(key: str, score: float) -> Candidate:
        return Candidate(key, (str(SOURCE), key), score, {})

    by_text = [candidate("words", 10.0), candidate("meaning", 4.0)]
    by_vector = [candidate("meaning", 0.9), candidate("words", 0.5)]
    assert fused(by_vector, by_text, weight=weight)[0].key == first


def test_a_table_that_can_not_be_searched_is_an_error_that_says_so(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {"a": ["coffee"]})
    for file in tmp_path.rglob("*.lance"):
        if file.is_file():
            file.unlink()
    with pytest.raises(StoreError, match="Could not search"):
        find(store, "coffee")


def test_many_searches_at_once_all_answer(store: Store) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: tuple(documents(find(store, "coffee machine"))), range(64)))
    assert len(set(answers)) == 1
    assert answers[0][0] == "kitchen"
