"""Clean pages as segments that retrieve well and stay what they are when something else changes.

Prose is cut along headings, code along its syntax tree; `split.py` decides where, so that an edit changes the segment
it is in and no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields

from wiki_pipeline.model import Chunk, CleanPage, Document, SourceKey, digest
from wiki_pipeline.text.chunk.code import code_pieces
from wiki_pipeline.text.chunk.prose import prose_pieces
from wiki_pipeline.text.chunk.search_text import embedding_text, search_text
from wiki_pipeline.text.chunk.size import ChunkSizes, bound, in_characters, measure
from wiki_pipeline.text.chunk.split import Segment, segments

# Part of every chunk's fingerprint: raise it whenever the same page gives other chunks.
CODE_VERSION = "6"

__all__ = ["CODE_VERSION", "ChunkSizes", "chunk_page", "embedding_text"]

Files = Mapping[str, Sequence[tuple[str, str]]]
_SHARED = tuple(field.name for field in fields(Document))


def chunk_page(page: CleanPage, source: SourceKey, sizes: ChunkSizes, files: Files | None = None) -> list[Chunk]:
    """The segments of a page in reading order; never empty, a page without text has its title. Pure.

    Args:
        files: name and text (Markdown) of files that hang on pages, by page. Their segments follow the page's own,
            below the file's name as heading, and have no lines of the page.
    """
    found = list(_passages(page, sizes)) or [Segment(page.title, (), 1, 1)]
    for name, text in (files or {}).get(page.document_id, ()):
        found += (Segment(segment.text, (name, *segment.path), 0, 0) for segment in _prose(text, sizes))
    shared = {name: getattr(page, name) for name in _SHARED}
    chunks = []
    for index, (chunk_id, segment, searched) in enumerate(_identified(page, source, found)):
        chunks.append(
            Chunk(
                **shared,
                chunk_id=chunk_id,
                chunk_index=index,
                total_chunks=len(found),
                heading_path=segment.path,
                start_line=segment.start_line,
                end_line=segment.end_line,
                text=segment.text,
                search_text=searched,
                text_hash=digest(embedding_text(searched)),
            )
        )
    return chunks


def _passages(page: CleanPage, sizes: ChunkSizes) -> Iterator[Segment]:
    if page.code_language:
        size = in_characters(sizes.code)
        pieces = code_pieces(page.markdown, page.code_language, bound(size))
        return segments(page.markdown, pieces, most=bound(size), overlap=size.overlap)
    return _prose(page.markdown, sizes)


def _prose(text: str, sizes: ChunkSizes) -> Iterator[Segment]:
    size = sizes.prose
    return segments(text, prose_pieces(text, bound(size), measure(size)), most=bound(size), overlap=size.overlap)


def _identified(page: CleanPage, source: SourceKey, found: Iterable[Segment]) -> Iterator[tuple[str, Segment, str]]:
    """Each segment with an id that depends on its place and text, not on its number in the page."""
    seen: Counter[tuple[tuple[str, ...], str]] = Counter()
    for segment in found:
        key = (segment.path, segment.text)
        identity = digest(str(source), page.document_id, segment.path, segment.text, seen[key])
        seen[key] += 1
        yield identity, segment, search_text(page, segment.path, segment.text)
