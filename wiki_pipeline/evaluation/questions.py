"""Questions with what is right for them, as lines of JSON.

    {"question": "Who is called first at night?", "documents": ["98487"], "kind": "question", "language": "en"}
    {"question": "How long are levels kept?", "passages": [{"document": "98501", "heading": "Retention"}]}
    {"question": "What does the moon station cost?", "answerable": false}

A document is named by its id as hits show it (a page's id, a file's path), where sources share ids with its source
before it: `confluence-ENG/98487`. Of several documents each is right: a question that takes two pages names both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import Hit

MAX_QUESTIONS = 20_000
_MOST_CHARACTERS = 1_000  # as many as a search takes
_Named = Annotated[str, Field(min_length=1, max_length=2_000)]


class Passage(BaseModel):
    """A place in a document.

    Attributes:
        heading: the chunk stands below it, at whatever depth.
        lines: first and last, from 1; the chunk shares one of them.
        text: the chunk holds it, whatever the white space and case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: _Named
    heading: str = ""
    lines: tuple[int, int] | None = None
    text: str = ""

    def holds(self, hit: Hit) -> bool:
        """Whether the chunk found is this place, or part of it."""
        if not is_document(self.document, hit):
            return False
        if self.heading and self.heading.casefold() not in {name.casefold() for name in hit.heading_path}:
            return False
        if self.lines and not (hit.start_line <= self.lines[1] and hit.end_line >= self.lines[0]):
            return False
        return _plain(self.text) in _plain(hit.text)


class Question(BaseModel):
    """One question of a set.

    Attributes:
        id: names it in saved runs; the question itself unless given.
        documents: the right ones; all of them are wanted.
        passages: the right places, instead of whole documents.
        answerable: whether the sources answer it at all; if not, nothing is right.
        answer: the answer in words, for those who measure answers.
        kind: keyword, question, paraphrase, typo ...: what figures are told apart by.
        language: of the question, as "de".
        split: "tune" for what settings may be fitted to, "held-out" for what they are judged by.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Annotated[str, Field(min_length=1, max_length=_MOST_CHARACTERS)]
    id: str = ""
    documents: tuple[_Named, ...] = ()
    passages: tuple[Passage, ...] = ()
    answerable: bool = True
    answer: str = ""
    kind: str = "question"
    language: str = ""
    split: str = ""

    @model_validator(mode="after")
    def _has_what_is_right(self) -> Question:
        if self.answerable and not (self.documents or self.passages):
            raise ValueError("name the right documents or passages, or say that it is not answerable")
        if not self.answerable and (self.documents or self.passages):
            raise ValueError("it is not answerable, so nothing can be right for it")
        return self

    @property
    def name(self) -> str:
        """What the question is known by in saved runs."""
        return self.id or self.question


def read_questions(path: Path) -> list[Question]:
    """The questions of a file; empty lines don't count.

    Raises:
        ConfigurationError: the file can't be read, a line is no question, two have one name, or there is none.
    """
    try:
        questions = list(_parsed(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} can't be read: {error}.", "Give a file with one question a line.") from None
    if not questions:
        raise ConfigurationError(f"{path} holds no question.", "Give a file with one question a line.")
    seen: set[str] = set()
    for question in questions:
        if question.name in seen:
            raise ConfigurationError(f"{path}: two questions are named {question.name!r}.", "Give each an id.")
        seen.add(question.name)
    return questions


def is_document(named: str, hit: Hit) -> bool:
    """Whether a hit is of the document that is named."""
    return named == hit.document_id or named == f"{SourceKey.parse(hit.source).slug}/{hit.document_id}"


def _parsed(path: Path) -> Iterator[Question]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if number > MAX_QUESTIONS:
                raise ConfigurationError(f"{path} has more than {MAX_QUESTIONS:,} lines.", "Measure it in parts.")
            if not line.strip():
                continue
            try:
                yield Question.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                what = f"{where}: {first['msg']}" if where else first["msg"]
                raise ConfigurationError(
                    f"{path}, line {number} is no question: {what}.",
                    'A line is like {"question": "...", "documents": ["98487"]}.',
                ) from None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
