"""Pages and their segments for the tests of this room."""

from __future__ import annotations

import re
from dataclasses import replace

from wiki_pipeline.model import Chunk, CleanPage, SourceKey
from wiki_pipeline.text.chunk import ChunkSizes, chunk_page
from wiki_pipeline.text.chunk.size import ChunkSize

SOURCE = SourceKey("default", "git", "org/docs")
PAGE = CleanPage(document_id="docs/page.md", title="The page", url="https://example.org/page", markdown="")


def prose(markdown: str, *, tokens: int = 50, overlap: int = 0) -> list[Chunk]:
    """The segments of a page of Markdown."""
    sizes = ChunkSizes(prose=ChunkSize(tokens, overlap))
    return chunk_page(replace(PAGE, markdown=markdown), SOURCE, sizes)


def code(text: str, language: str, *, characters: int = 1400) -> list[Chunk]:
    """The segments of a file of source code."""
    page = replace(PAGE, markdown=text, code_language=language)
    return chunk_page(page, SOURCE, ChunkSizes(code=ChunkSize(characters, unit="characters")))


def cited(text: str, chunk: Chunk) -> str:
    """The lines of the document that the segment says it holds."""
    return "\n".join(text.split("\n")[chunk.start_line - 1 : chunk.end_line])


def words(text: str) -> set[str]:
    """What is between spaces."""
    return set(re.findall(r"\S+", text))
