"""Stages: the steps that a document goes through, each with a table. Those whose tables many rooms read stand here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Self

import pyarrow as pa

from wiki_pipeline.model.tables import ATTACHMENTS, CHUNKS, CLEAN_PAGES, RAW_PAGES, WIKI_PAGES, vectors_schema


class _Declared(type):
    """Makes the class of stages iterable: `for stage in Stage`."""

    def __iter__(cls) -> Iterator[Stage]:
        return iter(tuple(Stage.known.values()))

    def __len__(cls) -> int:
        return len(Stage.known)


class Stage(str, metaclass=_Declared):
    """A stage by its name, which is the name of its table too.

    The stages below are words of the project: their rows pass between rooms. Any other stage is declared in its module
    of `wiki_pipeline.stages`, with `Stage.declare`, and from then on one of those that iterating over `Stage` gives.
    `Stage(name)` is the declared one; of a name that nothing declares, as old records may hold, a stage without table.

    Attributes:
        schema: of its table; of `vectors` for a model of one dimension, since the dimension is the model's.
    """

    known: ClassVar[dict[str, Stage]] = {}
    RAW_PAGES: ClassVar[Stage]
    CLEAN_PAGES: ClassVar[Stage]
    ATTACHMENTS: ClassVar[Stage]
    CHUNKS: ClassVar[Stage]
    VECTORS: ClassVar[Stage]
    WIKI_PAGES: ClassVar[Stage]

    schema: pa.Schema

    def __new__(cls, name: str) -> Self:
        found = cls.known.get(name)
        if isinstance(found, cls):
            return found
        stage = super().__new__(cls, name)
        stage.schema = pa.schema([])
        return stage

    def __reduce__(self) -> tuple[type[Stage], tuple[str]]:
        return Stage, (str(self),)

    @classmethod
    def declare(cls, name: str, schema: pa.Schema) -> Stage:
        """A stage with the schema of its table, as `schema_of` derives it from the class of its rows.

        Raises:
            ValueError: there is a stage of that name with another schema.
        """
        if name in cls.known and cls.known[name].schema != schema:
            raise ValueError(f"There is a stage {name} already.")
        stage = cls(name)
        stage.schema = schema
        cls.known[name] = stage
        return stage


Stage.RAW_PAGES = Stage.declare("raw_pages", RAW_PAGES)
Stage.CLEAN_PAGES = Stage.declare("clean_pages", CLEAN_PAGES)
Stage.ATTACHMENTS = Stage.declare("attachments", ATTACHMENTS)
Stage.CHUNKS = Stage.declare("chunks", CHUNKS)
Stage.VECTORS = Stage.declare("vectors", vectors_schema(1))
Stage.WIKI_PAGES = Stage.declare("wiki_pages", WIKI_PAGES)
