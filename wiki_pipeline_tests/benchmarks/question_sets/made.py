"""What a set is, how its documents become a tenant's serving table, and questions that are made from documents."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from wiki_pipeline.evaluation import Question
from wiki_pipeline.model import CHUNKS, CleanPage, SourceKey, rows_to_arrow
from wiki_pipeline.store import Store, vector_rows
from wiki_pipeline.store.maintenance import index_rows
from wiki_pipeline.text.chunk import ChunkSizes, chunk_page, embedding_text
from wiki_pipeline.text.embed import Embedder

_STATE = ("fingerprint", "content_hash")
_WORD = re.compile(r"[^\W\d_]+")
_TYPED_BESIDE = {"a": "s", "e": "r", "i": "o", "n": "m", "o": "p", "r": "t", "s": "d", "t": "y", "l": "k", "c": "v"}


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Documents and questions about them.

    Attributes:
        pages: of each source.
        tuned: whether the search was fitted to it; if not, it is only judged by it.
    """

    name: str
    pages: Mapping[SourceKey, Sequence[CleanPage]]
    questions: Sequence[Question]
    tuned: bool


def filled(store: Store, embedder: Embedder, pages: Mapping[SourceKey, Sequence[CleanPage]]) -> int:
    """Chunk, embed and index all pages, as the stages do; how many chunks there are."""
    count = 0
    schema = pa.schema([field for field in CHUNKS if field.name not in _STATE])
    for source, of in pages.items():
        chunks = [chunk for page in of for chunk in chunk_page(page, source, ChunkSizes())]
        vectors = embedder.embed([embedding_text(chunk.search_text) for chunk in chunks]).vectors
        rows = vector_rows(rows_to_arrow(chunks, schema), vectors, source, embedder.model)
        for name in _STATE:
            rows = rows.append_column(name, rows["document_id"])
        serving = store.vectors(embedder.model, embedder.dimension, source)
        serving.replace(rows)
        index_rows(serving, 0)
        count += len(chunks)
    return count


def mistyped(text: str, chance: random.Random) -> str:
    """The text with a slip in its longest word and, from three words on, in one more; as fingers make them."""
    words = sorted({word for word in _WORD.findall(text) if len(word) >= 5}, key=lambda word: (-len(word), word))
    for word in words[: 2 if len(words) > 2 else 1]:
        text = text.replace(word, _slipped(word, chance), 1)
    return text


def _slipped(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    match chance.randrange(4):
        case 0:
            return word[:at] + word[at + 1 :]
        case 1:
            return word[:at] + word[at] + word[at:]
        case 2 if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case _:
            return word[:at] + _TYPED_BESIDE.get(word[at].lower(), "x") + word[at + 1 :]


def two_at_once(questions: Sequence[Question], count: int, chance: random.Random) -> list[Question]:
    """Questions that ask two things, each answered by a document of its own."""
    pairs = [chance.sample(list(questions), 2) for _ in range(count)]
    return [
        Question(
            id=f"two pages {number}",
            question=f"{first.question.rstrip('?. ')} and {second.question}",
            documents=tuple(dict.fromkeys((*first.documents, *second.documents))),
            kind="two pages",
            language=first.language,
        )
        for number, (first, second) in enumerate(pairs)
    ]


def sampled(questions: Sequence[Question], count: int, chance: random.Random) -> list[Question]:
    """So many of the questions, evenly over their kinds and languages."""
    groups: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        groups[question.kind, question.language].append(question)
    share = max(1, count // len(groups))
    return [q for group in groups.values() for q in chance.sample(group, min(share, len(group)))]
