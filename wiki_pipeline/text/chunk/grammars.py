"""Syntax trees by tree-sitter, from grammars that are installed as wheels: nothing is compiled or downloaded.

A grammar for one more language is one line here and one dependency. Languages of which no wheel of their own is kept
come from `tree-sitter-language-pack`, which holds many; what it adds is in `_PACKED`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from tree_sitter import Language, Node, Parser

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


def syntax_tree(source: bytes, language: str) -> Node | None:
    """The root of a file's syntax tree; None if the language has no grammar or the file is too large."""
    if language not in LANGUAGES or len(source) > MAX_BYTES:
        return None
    return Parser(_language(language)).parse(source).root_node


@lru_cache
def _language(name: str) -> Language:
    if name in _PACKED:
        return Language(import_module("tree_sitter_language_pack").get_binding(_PACKED[name]))
    module, function = _GRAMMARS[name]
    return Language(getattr(import_module(module), function)())
