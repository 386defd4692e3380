"""Source code as pieces: definitions with what describes them, members of classes that are too large, statements.

Syntax trees come from tree-sitter, whose grammars are installed as wheels: nothing is compiled or downloaded. A grammar
for one more language is one line here and one dependency. Languages of which no wheel of their own is kept come from
`tree-sitter-language-pack`, which holds many; what it adds is in `_PACKED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module

from tree_sitter import Language, Node, Parser

from wiki_pipeline.text.chunk.split import LINE, PARAGRAPH, Piece, line_starts
from wiki_pipeline.text.chunk.symbols import belongs_to_next, symbol_of

# Language, as in media types and Pygments: module of the wheel, function in it.
_GRAMMARS = {
    "bash": ("tree_sitter_bash", "language"),
    "c": ("tree_sitter_c", "language"),
    "cpp": ("tree_sitter_cpp", "language"),
    "csharp": ("tree_sitter_c_sharp", "language"),
    "cuda": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "hcl": ("tree_sitter_hcl", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "kotlin": ("tree_sitter_kotlin", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "scala": ("tree_sitter_scala", "language"),
    "sql": ("tree_sitter_sql", "language"),
    "swift": ("tree_sitter_swift", "language"),
    "terraform": ("tree_sitter_hcl", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
}
# Language: its name in the pack.
_PACKED = {
    "glsl": "glsl",
    "graphql": "graphql",
    "lua": "lua",
    "objective-c": "objc",
    "protobuf": "proto",
}
# What is larger is data or generated; a grammar's time on it is not bounded by its length alone.
MAX_BYTES = 1_000_000

LANGUAGES = frozenset(_GRAMMARS) | frozenset(_PACKED)
_DEEPEST = 14
# A definition in a language without grammar, at the beginning of a line.
_DEFINITION = re.compile(
    r"(?:(?:export|public|private|protected|internal|static|abstract|final|async|local|pub)\s+)*"
    r"(?:class|def|defmodule|function|func|fn|sub|proc|service|enum|type|interface|union|struct|trait|module|package"
    r"|namespace|object|record|contract|library|macro)\s+[\"']?([\w.$-]+)"
)


@dataclass(frozen=True, slots=True)
class _Place:
    """A line at which a piece begins."""

    rank: int
    path: tuple[str, ...]


def code_pieces(text: str, language: str, most: int) -> list[Piece]:
    """All of a source file as pieces of at most `most` characters; by lines where there is no grammar."""
    lines = text.split("\n")
    root = syntax_tree(text.encode("utf-8", "replace"), language)
    places = dict(_definitions(root, most) if root is not None else _paragraphs(lines))
    return list(_pieces(lines, places, most))


def _pieces(lines: list[str], places: dict[int, _Place], most: int) -> Iterator[Piece]:
    """The lines from each place to the next; what is too large by lines, what is no code (data in a line) by length."""
    starts = line_starts(lines)
    begins = sorted({0, *(row for row in places if row < len(lines))})
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        place = places.get(begin, _Place(PARAGRAPH, ()))
        size = starts[end] - starts[begin]
        if size <= most:
            yield Piece(starts[begin], starts[end], size, place.rank, place.path)
            continue
        for row in range(begin, end):
            rank = place.rank if row == begin else LINE - (1 if not lines[row - 1].strip() else 0)
            for left in range(starts[row], starts[row + 1], most):
                right = min(left + most, starts[row + 1])
                yield Piece(left, right, right - left, rank if left == starts[row] else LINE + 1, place.path)


# --- by grammar ------------------------------------------------------------------------------------------------------


def _definitions(root: Node, most: int) -> Iterator[tuple[int, _Place]]:
    """Where definitions and statements begin, from the outside inwards while they are too large to be one piece."""
    waiting: list[tuple[Node, int, tuple[str, ...]]] = [(root, 0, ())]
    while waiting:
        node, depth, scope = waiting.pop()
        described = -1
        for child in _items(node):
            row = child.start_point.row
            if belongs_to_next(child):
                described = row if described < 0 else described
                continue
            if described >= 0:
                row = described
            described = -1
            symbol = symbol_of(child)
            path = (*scope, symbol) if symbol else scope
            yield row, _Place(PARAGRAPH + 2 * min(depth, _DEEPEST - 1) + (0 if symbol else 1), path)
            if child.end_byte - child.start_byte > most:
                waiting.append((child, depth + 1, path))


def _items(node: Node) -> list[Node]:
    """The parts of a node that begin on lines of their own: those of its body, however deep that is wrapped."""
    if node.parent is None:  # asked once: the answer takes a walk from the root
        return [part for child in node.named_children for part in _parts_of_file(child)]
    while True:
        children = node.named_children
        own_lines = [child for child in children if child.start_point.row != node.start_point.row]
        largest = max(children, key=lambda child: child.end_byte - child.start_byte, default=None)
        if largest is None or (len(own_lines) > 1 and largest.end_byte - largest.start_byte < _most_of(node)):
            return own_lines
        node = largest


def _parts_of_file(child: Node) -> list[Node]:
    """What a child of a tree's root holds: some grammars have one more node around all of a file."""
    return child.named_children if child.type == "document" else [child]


def _most_of(node: Node) -> int:
    return (node.end_byte - node.start_byte) * 9 // 10


# --- without grammar -------------------------------------------------------------------------------------------------


def _paragraphs(lines: list[str]) -> Iterator[tuple[int, _Place]]:
    """Lines after an empty one, and definitions: those that are not indented are the stronger places."""
    path: tuple[str, ...] = ()
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        indent = min(len(line) - len(line.lstrip()), 2 * _DEEPEST - 2)
        found = _DEFINITION.match(line.lstrip())
        if indent == 0:
            path = (found.group(1),) if found else () if line[0].isalnum() else path
        follows_blank = row == 0 or not lines[row - 1].strip()
        if follows_blank or (found and indent == 0):
            yield row, _Place(PARAGRAPH + indent, path)


def syntax_tree(source: bytes, language: str) -> Node | None:
    """The root of a file's syntax tree; None if the language has no grammar or the file is too large."""
    if language not in LANGUAGES or len(source) > MAX_BYTES:
        return None
    return Parser(grammar(language)).parse(source).root_node


@lru_cache
def grammar(name: str) -> Language:
    """The grammar of one of `LANGUAGES`, for queries of what `syntax_tree` gives."""
    if name in _PACKED:
        return Language(import_module("tree_sitter_language_pack").get_binding(_PACKED[name]))
    module, function = _GRAMMARS[name]
    return Language(getattr(import_module(module), function)())
