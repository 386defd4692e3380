"""Recall and precision of segments, ours beside a recursive splitter's, by exact spans: 472 questions on 5 corpora.

All segments of a splitter are one tenant's serving table, a source a corpus; every question is asked of all of it.
Recall is the part of a question's answer spans that is in what was found, precision the part of what was found that is
answer, both by characters. In 2,000 tokens: the first segments that fit into them. The corpora are read from
`../shared/corpus`; where they are not, there is nothing to measure.
"""

from __future__ import annotations

import csv
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

import pyarrow as pa

from wiki_pipeline.model import CHUNKS, Chunk, CleanPage, SourceKey, digest, rows_to_arrow
from wiki_pipeline.store import Store, search, vector_rows
from wiki_pipeline.store.maintenance import index_rows
from wiki_pipeline.store.search import Mode
from wiki_pipeline.text.chunk import ChunkSizes, chunk_page, embedding_text
from wiki_pipeline.text.embed.static import StaticEmbedder
from wiki_pipeline.text.tokens import estimate_tokens
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import PEERS, ROOT, tell

CORPUS = ROOT.parent / "shared" / "corpus" / "brandonstarxel+chunking_evaluation"
FIRST, TOKENS = 5, 2_000
LEAST_RECALL, LEAST_PRECISION = 93.3, 3.5
_K = 40  # segments that 2,000 tokens could hold, and more
_STATE = {"fingerprint", "content_hash"}
_PEERS = {
    "recursive, 400 tokens": ("400", "0", "tokens"),
    "recursive, 1000/200 characters": ("1000", "200", "characters"),
}

Span = tuple[int, int]
Found = tuple[str, int, int]  # corpus and span


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the corpus and the spans that answer it."""

    text: str
    corpus: str
    answers: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """Recall and precision in percent, in the first segments and in the first tokens."""

    recall_first: float
    precision_first: float
    recall: float
    precision: float


def measure(_: int | None = None) -> Iterator[Figure]:
    """Every splitter and mode, over all questions and by corpus."""
    if not CORPUS.is_dir():
        tell("retrieval: no corpus beside the repository")
        return
    texts = {file.stem: file.read_text() for file in sorted((CORPUS / "corpora").glob("*.md"))}
    asked = list(questions())
    splitters = {"ours": ours(texts), **{name: peer(texts, *options) for name, options in _PEERS.items()}}
    for name, chunks in splitters.items():
        scores = dict(zip(get_args(Mode), _evaluated(texts, chunks, asked), strict=True))
        tell(f"retrieval, {name}: {sum(map(len, chunks.values()))} segments")
        yield from _figures(name, scores, asked, sum(map(len, chunks.values())))


def _figures(
    name: str, scores: Mapping[Mode, Sequence[Score]], asked: Sequence[Question], segments: int
) -> Iterator[Figure]:
    for mode, found in scores.items():
        all_ = _mean(found)
        bound = name == "ours" and mode == "text"
        basis = f"{len(asked)} questions, {segments:,} segments"
        for measured, value, least in (
            ("recall in 2,000 tokens", all_.recall, LEAST_RECALL),
            ("precision in 2,000 tokens", all_.precision, LEAST_PRECISION),
            ("recall in 5 segments", all_.recall_first, None),
            ("precision in 5 segments", all_.precision_first, None),
        ):
            yield Figure(f"Retrieval, {name}, {mode}: {measured}", value, "%", basis, least=least if bound else None)
    for corpus in sorted({question.corpus for question in asked}):
        of = [number for number, question in enumerate(asked) if question.corpus == corpus]
        means = {mode: _mean([found[number] for number in of]) for mode, found in scores.items()}
        basis = ", ".join(f"{mode} {mean.recall:.1f} / {mean.precision:.1f}" for mode, mean in means.items())
        named = f"Retrieval, {name}, hybrid in {corpus}: recall in 2,000 tokens"
        yield Figure(named, means["hybrid"].recall, "%", f"recall / precision: {basis}")


def questions() -> Iterator[Question]:
    """All questions of the corpora."""
    with (CORPUS / "questions_df.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            spans = tuple((answer["start_index"], answer["end_index"]) for answer in json.loads(row["references"]))
            yield Question(row["question"], row["corpus_id"], spans)


# --- segments --------------------------------------------------------------------------------------------------------


def ours(texts: Mapping[str, str]) -> dict[str, list[tuple[Chunk, Span]]]:
    """Each corpus as one page, cut by our own chunker."""
    cut = {}
    for name, text in texts.items():
        page = CleanPage(document_id=name, title=name, url="", markdown=text)
        chunks = chunk_page(page, _source(name), ChunkSizes())
        cut[name] = list(zip(chunks, _located(text, chunks), strict=True))
    return cut


def peer(texts: Mapping[str, str], *options: str) -> dict[str, list[tuple[Chunk, Span]]]:
    """Each corpus as LangChain's splitter cuts it; its segments have no surroundings to be searched."""
    command = [str(PEERS), "-m", f"{__package__}.peers.segments", str(CORPUS / "corpora"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    spans: dict[str, list[Span]] = json.loads(done.stdout)
    return {name: [_plain(name, text, (a, b)) for a, b in spans[name]] for name, text in texts.items()}


def _plain(name: str, text: str, span: Span) -> tuple[Chunk, Span]:
    segment = text[slice(*span)]
    chunk = Chunk(
        document_id=name,
        title=name,
        url="",
        chunk_id=digest(name, span),
        chunk_index=span[0],
        total_chunks=1,
        text=segment,
        search_text=f"\n{segment}",
        text_hash=digest(segment),
    )
    return chunk, span


def _located(text: str, chunks: Sequence[Chunk]) -> Iterator[Span]:
    """Where segments stand in their page, without the header or the fence that is repeated around them."""
    behind = 0
    for chunk in chunks:
        lines = chunk.text.split("\n")
        parts = ("\n".join(lines[first:last]) for first in range(len(lines)) for last in (len(lines), len(lines) - 1))
        start, length = next((at, len(part)) for part in parts if part and (at := text.find(part, behind)) >= 0)
        behind = start + 1
        yield start, start + length


def _source(corpus: str) -> SourceKey:
    return SourceKey("default", "git", corpus)


# --- searching -------------------------------------------------------------------------------------------------------


def _evaluated(
    texts: Mapping[str, str], chunks: Mapping[str, Sequence[tuple[Chunk, Span]]], asked: Sequence[Question]
) -> Iterator[list[Score]]:
    """The scores of every question, a list a mode."""
    embedder = StaticEmbedder()
    where: dict[str, Found] = {c.chunk_id: (name, *span) for name, of in chunks.items() for c, span in of}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder, "default")
        for name, of in chunks.items():
            serving = store.vectors(embedder.model, embedder.dimension, _source(name))
            serving.replace(_rows(embedder, _source(name), [chunk for chunk, _ in of]))
            index_rows(serving, 0)
        for mode in get_args(Mode):
            scores = []
            for question in asked:
                hits = search(store, embedder, question.text, k=_K, mode=mode, per_document=_K)
                scores.append(score(question, [where[hit.chunk_id] for hit in hits], texts))
            yield scores


def _rows(embedder: StaticEmbedder, source: SourceKey, chunks: Sequence[Chunk]) -> pa.Table:
    schema = pa.schema([field for field in CHUNKS if field.name not in _STATE])
    numbered = rows_to_arrow(chunks, schema)
    for name, values in (("chunk_index", range(len(chunks))), ("total_chunks", [len(chunks)] * len(chunks))):
        at = schema.get_field_index(name)
        numbered = numbered.set_column(at, schema.field(at), pa.array(values, schema.field(at).type))
    vectors = embedder.embed([embedding_text(chunk.search_text) for chunk in chunks]).vectors
    rows = vector_rows(numbered, vectors, source, embedder.model)
    for name in sorted(_STATE):
        rows = rows.append_column(name, pa.array([digest(name)] * len(chunks)))
    return rows


def score(question: Question, found: Sequence[Found], texts: Mapping[str, str]) -> Score:
    """How much of the answer was found, and how much of what was found is answer."""
    within, used = [], 0
    for corpus, start, end in found:
        used += estimate_tokens(texts[corpus][start:end])
        if used > TOKENS:
            break
        within.append((corpus, start, end))
    return Score(*_recall_and_precision(question, found[:FIRST]), *_recall_and_precision(question, within))


def _recall_and_precision(question: Question, found: Sequence[Found]) -> tuple[float, float]:
    answers = _joined(question.answers)
    spans = _joined([(start, end) for corpus, start, end in found if corpus == question.corpus])
    common = sum(max(0, min(end, to) - max(start, at)) for start, end in spans for at, to in answers)
    taken = sum(end - start for _, start, end in found)
    return 100 * common / sum(end - start for start, end in answers), 100 * common / taken if taken else 0.0


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans that overlap as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _mean(scores: Sequence[Score]) -> Score:
    return Score(*(fmean(getattr(one, name) for one in scores) for name in Score.__slots__))
