"""What processes share: documents becoming rows one after the other, texts becoming vectors.

Other processes import this, so it imports little; and functions of `text` and `wiki` are what it is given, not of
`stages`. Both are tasks of `workers.py`: they call `begin` before each row, which is when the row's time begins.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa

from wiki_pipeline.errors import DocumentError
from wiki_pipeline.model import Document, DocumentFailure, SourceKey, Stage, rows_from_arrow, rows_to_arrow
from wiki_pipeline.text.embed.protocol import Embedded, Embedder

_LOG = logging.getLogger(__name__)
Input = TypeVar("Input", bound=Document)
Convert = Callable[[Input], Document | Iterable[Document]]
Begin = Callable[[int], None]
_DOING = {Stage.CLEAN_PAGES: "Converting", Stage.CHUNKS: "Splitting", Stage.WIKI_PAGES: "Rendering"}
_OTHERWISE = "Reading"


@dataclass(frozen=True, slots=True)
class Converted:
    """What some documents became: rows or a failure for each."""

    rows: pa.Table
    failures: list[DocumentFailure]


@dataclass(frozen=True, slots=True)
class Conversion(Generic[Input]):
    """From rows of one stage's table to rows of the next one's. A document that can't be converted fails alone.

    Attributes:
        source: whose documents they are.
        inputs: what the rows are.
        stage: whose rows are made.
        schema: of those, `fingerprint` and `content_hash` left out.
        convert: a document's row or rows from its row in the input; raises `DocumentError` where it can't.
    """

    source: SourceKey
    inputs: type[Input]
    stage: Stage
    schema: pa.Schema
    convert: Convert[Input]

    def __call__(self, taken: pa.Table, begin: Begin) -> Converted:
        rows: list[Document] = []
        failures: list[DocumentFailure] = []
        for number, document in enumerate(rows_from_arrow(self.inputs, taken)):
            begin(number)
            try:
                made = self.convert(document)
                rows.extend([made] if isinstance(made, Document) else made)
            except DocumentError as error:
                failures.append(DocumentFailure(document.document_id, document.title, self.stage, str(error)))
            except MemoryError:
                raise  # this process is not the same any more
            except Exception as error:
                # A defect of ours that one page brings to light must not keep the others from being served.
                _LOG.exception("%s of document %s of %s", self.stage, document.document_id, self.source)
                failures.append(DocumentFailure(document.document_id, document.title, self.stage, _defect(error)))
        return Converted(rows_to_arrow(rows, self.schema), failures)

    def failure(self, row: pa.Table, reason: str) -> Converted:
        """What becomes of a document that exceeded its limits or broke its process down."""
        document_id, title = (row[name][0].as_py() for name in ("document_id", "title"))
        message = f"{_DOING.get(self.stage, _OTHERWISE)} it {reason}. It is left out until it changes."
        failure = DocumentFailure(document_id, title, self.stage, message, over_limit=True)
        return Converted(self.schema.empty_table(), [failure])


@dataclass(frozen=True, slots=True)
class Embedding:
    """From rows with a column `text` to vectors."""

    embedder: Embedder

    def __call__(self, rows: pa.Table, _begin: Begin = lambda _: None) -> Embedded:
        return self.embedder.embed(rows["text"].to_pylist())

    def failure(self, row: pa.Table, _reason: str) -> Embedded:
        """This process embeds it, and meets the error if there is one."""
        return self(row)


def _defect(error: Exception) -> str:
    return (
        f"An unexpected {type(error).__name__} stopped its conversion. "
        "This is a defect of wiki-pipeline: please report it, with the log and the document if you may."
    )
