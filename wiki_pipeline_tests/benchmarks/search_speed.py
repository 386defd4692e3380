"""How long a search takes in 100,000 chunks, beside LanceDB's bare full-text query in the same process."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median, quantiles

import lancedb
from lancedb.query import MatchQuery

from wiki_pipeline.model import CleanPage, SourceKey
from wiki_pipeline.store import Store, find
from wiki_pipeline.store.tables import vectors_name
from wiki_pipeline.text.embed.static import StaticEmbedder
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import tell
from wiki_pipeline_tests.benchmarks.question_sets.made import filled

CHUNKS = 100_000
MORE_THAN_BARE, WITH_CLIENTS = 15, 150  # milliseconds
_CLIENTS, _QUERIES = 8, 160
_PAGE_CHUNKS = 10


def measure(chunks: int | None = None) -> Iterator[Figure]:
    """The median of single searches against the bare query's, and the 95th percentile with eight clients."""
    chunks = chunks or CHUNKS
    chance = random.Random(7)
    words = [_word(chance) for _ in range(20_000)]
    source = SourceKey("default", "git", "large")
    pages = [_page(number, words, chance) for number in range(chunks // _PAGE_CHUNKS)]
    queries = [" ".join(_common(words, chance) for _ in range(4)) for _ in range(_QUERIES)]
    embedder = StaticEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder, "default")
        count = filled(store, embedder, {source: pages})
        tell(f"search speed: {count} chunks")
        table = lancedb.connect(store.url, read_consistency_interval=timedelta(0)).open_table(
            vectors_name(embedder.model)
        )

        def bare(query: str) -> None:
            asked = table.search(MatchQuery(query, "search_text"), query_type="fts")  # type: ignore[call-arg]
            asked.select(["chunk_id", "title", "search_text"]).limit(10).to_arrow()

        def ours(query: str) -> None:
            find(store, embedder, query)

        for each in queries[:10]:
            bare(each)
            ours(each)
        alone = {name: median(_timed(ask, each) for each in queries) for name, ask in (("bare", bare), ("ours", ours))}
        with ThreadPoolExecutor(_CLIENTS) as clients:
            many = list(clients.map(lambda each: _timed(ours, each), queries))
    basis = f"{count:,} chunks; bare {alone['bare']:.1f} ms, ours {alone['ours']:.1f} ms"
    more = alone["ours"] - alone["bare"]
    yield Figure("Search: more than a bare full-text query, median", more, "ms", basis, most=MORE_THAN_BARE)
    last = quantiles(many, n=20)[-1]
    yield Figure(f"Search: 95th percentile with {_CLIENTS} clients", last, "ms", f"{count:,} chunks", most=WITH_CLIENTS)


def _timed(ask: Callable[[str], None], query: str) -> float:
    start = time.perf_counter()
    ask(query)
    return 1_000 * (time.perf_counter() - start)


def _page(number: int, words: list[str], chance: random.Random) -> CleanPage:
    sections = (
        f"## {_common(words, chance)} {_common(words, chance)}\n\n{_text(words, chance)}" for _ in range(_PAGE_CHUNKS)
    )
    markdown = "\n\n".join(sections)
    return CleanPage(document_id=str(number), title=f"Page {number}", url="", markdown=markdown, path=f"{number}.md")


def _text(words: list[str], chance: random.Random) -> str:
    return " ".join(_common(words, chance) for _ in range(150))


def _common(words: list[str], chance: random.Random) -> str:
    """A word, the first ones far oftener than the last, as in any language."""
    return words[min(int(chance.paretovariate(0.6)) - 1, len(words) - 1)]


def _word(chance: random.Random) -> str:
    return "".join(chance.choice("bdfgklmnprstv") + chance.choice("aeiou") for _ in range(chance.randint(2, 5)))
