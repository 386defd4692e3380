"""Symbols, imports and namespace of a file by its syntax tree.

What counts as a symbol in a language is data: a file of tree-sitter queries in `languages/`, with the rule by which the
language tells public from private in its first lines. One more language is one more file there. The captures:

    @symbol.KIND with @name    a definition; @receiver: the type that a Go method belongs to
    @scope, with @name         around definitions and none itself (`impl`, `namespace`); `.hidden`: nothing in it counts
    @frame, @frame.export      around one definition: its comment stands above the frame
    @section                   from here on definitions are private, public (C++, Ruby)
    @attribute, @comment       what may stand between a definition and its comment, and that
    @import, @package, @module what the file uses, where it says it belongs, submodules that it declares (Rust)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from tree_sitter import Node, Query, QueryCursor

from wiki_pipeline.repository_wiki.facts import Import, Symbol
from wiki_pipeline.text.chunk.code import grammar, syntax_tree

_SAME_QUERIES = {"tsx": "typescript", "cuda": "cpp"}
_FOLDER = files("wiki_pipeline.repository_wiki").joinpath("languages")
_VISIBILITY = re.compile(r"^;; visibility: (\w+) ?(.*)$", re.MULTILINE)
_MOST_SYMBOLS = 3_000  # of one file: what has more is data
_MATCHES = 100_000  # that are under way at a time; more are given up by tree-sitter
_SIGNATURE = 300
_DOC = 4_000
_LEAVES = {"function", "method", "constructor", "prototype", "macro"}
_OPEN = {"interface", "trait", "annotation", "enum"}  # their members are as public as they are
_WORD = re.compile(r"\w+")
_ANNOTATION = re.compile(r"^(?:(?:@[\w.]+|#\[[^\]]*\]|\[[^\]]*\])(?:\([^()]*(?:\([^()]*\)[^()]*)*\))?\s*)+")
_HEADER_COMMENTS, _HEADER_ROWS = 60, 120  # further down nothing describes a file
_FOR_OTHERS = re.compile(r"copyright|licen[sc]e|spdx|eslint|@flow|<reference|^go:|^ ?\+build|^!", re.IGNORECASE)
_XML = re.compile(r"</?(?:summary|remarks|para|returns|value|example|param|see|c|code|inheritdoc|typeparam)\b[^>]*>")
_IMPORT = re.compile(r"^(?:global )?(?:import|using)\s+(?:static\s+|\w+\s*=\s*)?")
_QUOTES = "\"'`<> \t"


@dataclass(frozen=True, slots=True)
class _Language:
    query: Query
    rule: str
    words: frozenset[str]


@dataclass(slots=True)
class _Range:
    """A captured part of the file."""

    start: int
    end: int
    kind: str
    node: Node
    name: Node | None = None
    receiver: str = ""
    # While it is the innermost one:
    path: str = ""
    public: bool = True
    section: str = ""
    first_row: int = 0


@dataclass(slots=True)
class Syntax:
    """What a syntax tree shows."""

    symbols: list[Symbol] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    namespace: str = ""
    header: str = ""


@cache
def languages() -> frozenset[str]:
    """The languages that have queries."""
    own = {file.name.removesuffix(".scm") for file in _FOLDER.iterdir() if file.name.endswith(".scm")}
    return frozenset(own | _SAME_QUERIES.keys())


@cache
def _language(name: str) -> _Language:
    text = _FOLDER.joinpath(f"{_SAME_QUERIES.get(name, name)}.scm").read_text(encoding="utf-8")
    found = _VISIBILITY.search(text)
    rule, words = (found[1], found[2].split()) if found else ("name", [])
    return _Language(Query(grammar(name), text), rule, frozenset(words))


def read_syntax(text: str, language: str) -> Syntax | None:
    """What a file's syntax tree shows; None if there are no queries for its language, or it is too large."""
    source = text.encode("utf-8", "replace")
    root = syntax_tree(source, language) if language in languages() else None
    if root is None:
        return None
    known, made = _language(language), Syntax()
    ranges, comments, exported = _captured(root, known, made)
    described = _Comments(comments, source)
    made.symbols = list(_symbols(ranges, described, known, source, exported=exported))
    made.header = described.header({each.first_row for each in ranges if each.kind not in {"section", "scope.package"}})
    made.imports.sort(key=lambda each: each.line)
    return made


def _captured(root: Node, known: _Language, made: Syntax) -> tuple[list[_Range], list[Node], bool]:
    """The ranges in the order in which they open, comments and attributes, and whether anything is exported."""
    ranges: list[_Range] = []
    comments: list[Node] = []
    exported = False
    cursor = QueryCursor(known.query, match_limit=_MATCHES)
    for _, captures in cursor.matches(root):
        name = _first(captures, "name")
        for capture, nodes in captures.items():
            kind, _, rest = capture.partition(".")
            node = nodes[0]
            if kind in {"symbol", "scope", "frame", "section"}:
                exported = exported or capture == "frame.export"
                receiver = _text(_first(captures, "receiver"))
                ranges.append(_Range(node.start_byte, node.end_byte, rest if kind == "symbol" else capture, node))
                ranges[-1].name, ranges[-1].receiver = name, receiver
            elif kind in {"comment", "attribute"}:
                comments.append(node)
            elif kind == "package":
                made.namespace = made.namespace or _text(node)
            elif kind == "module":
                made.imports.append(Import(f"mod {_text(node)}", (), node.start_point.row + 1))
            elif kind == "import":
                target = _IMPORT.sub("", _text(node)).rstrip("; ").strip(_QUOTES)
                made.imports.append(Import(target, (), node.start_point.row + 1))
    frames = {"frame", "frame.export"}
    ranges.sort(key=lambda each: (each.start, -each.end, each.kind not in frames))
    return ranges, comments, exported


def _symbols(
    ranges: Sequence[_Range], described: _Comments, known: _Language, source: bytes, *, exported: bool
) -> Iterator[Symbol]:
    stack: list[_Range] = []
    seen: set[tuple[str, int]] = set()
    for each in ranges:
        while stack and stack[-1].end <= each.start:
            stack.pop()
        around = next((other for other in reversed(stack) if not other.kind.startswith("frame")), None)
        frame = stack[-1] if stack and stack[-1].kind.startswith("frame") else None
        if each.kind == "section":
            if around is not None:
                around.section = _text(each.node).strip(": ")
            continue
        stack.append(each)
        each.path, each.public = (around.path, around.public) if around else ("", True)
        each.first_row = frame.first_row if frame else each.node.start_point.row
        if each.kind.startswith("frame") or each.name is None:
            continue
        own = _text(each.name).replace("::", ".").split("<")[0].strip("\"'")
        own = f"{each.receiver}.{own}" if each.receiver else own
        if each.kind.startswith("scope"):
            each.path = each.path if each.kind != "scope" else f"{each.path}.{own}".lstrip(".")
            each.public = each.public and each.kind != "scope.hidden"
            continue
        inner = around is not None and around.kind in _LEAVES
        place = (own, each.name.start_byte)
        if inner or place in seen or len(seen) >= _MOST_SYMBOLS:
            each.kind = "function"  # what is inside it is inside a function as well
            continue
        seen.add(place)
        each.path = f"{each.path}.{own}".lstrip(".")
        each.public = each.public and _is_public(each, around, frame, known, source, exported=exported)
        yield Symbol(
            name=each.path,
            kind="method" if each.kind == "function" and around and around.kind in _CLASSES else each.kind,
            signature=_signature(each, source),
            doc="" if around and around.first_row == each.first_row else described.above(each.first_row),
            line=each.name.start_point.row + 1,
            end_line=max(each.name.start_point.row + 1, each.node.end_point.row + (each.node.end_point.column > 0)),
            public=each.public,
        )


_CLASSES = {"class", "struct", "interface", "trait", "scope", "object", "record", "enum", "union", "module"}


def _is_public(  # noqa: PLR0911 - one rule a line
    each: _Range, around: _Range | None, frame: _Range | None, known: _Language, source: bytes, *, exported: bool
) -> bool:
    name = _text(each.name).rpartition("::")[2]
    before = set(
        _WORD.findall(source[each.start : each.name.start_byte if each.name else each.start].decode("utf-8", "replace"))
    )
    if name.startswith(("_", "#")) and not (name.startswith("__") and name.endswith("__")):
        return False
    if around is not None and around.section in {"private", "protected"}:
        return False
    if around is not None and around.kind == "class" and not around.section and known.query is _language("cpp").query:
        return False  # C++: private until a section says otherwise
    match known.rule:
        case "capital":
            return name[:1].isupper() and (not each.receiver or each.receiver[:1].isupper())
        case "marked":
            return bool(before & known.words) or (around is not None and around.kind in _OPEN)
        case "unmarked":
            return not before & known.words
        case "exported":
            outermost = around is None
            shown = frame is not None and frame.kind == "frame.export"
            return not before & {"private", "protected"} and (not outermost or shown or not exported)
    return True


def _signature(each: _Range, source: bytes) -> str:
    node = each.node
    body = node.child_by_field_name("body") or _body(node)
    value = node.child_by_field_name("value")
    if body is None and value is not None and value.type in {"arrow_function", "function_expression", "class"}:
        body = value.child_by_field_name("body")
    end = body.start_byte if body is not None else node.end_byte
    text = source[node.start_byte : min(end, node.start_byte + 4 * _SIGNATURE)].decode("utf-8", "replace")
    text = _ANNOTATION.sub("", text)
    text = " ".join(text.split()).removesuffix("{").rstrip().removesuffix("=>")
    return _cut(text.rstrip("=;: "), _SIGNATURE)


def _body(node: Node) -> Node | None:
    """A body that is no field, as in Kotlin and in C's typedefs: members are no part of a signature."""
    for child in node.named_children[-3:]:
        if child.type in {"class_body", "function_body", "enum_class_body", "accessor_list"}:
            return child
        inner = child.child_by_field_name("body")
        if inner is not None and "specifier" in child.type:
            return inner
        if child.type in {"struct_type", "interface_type"} and child.named_children:
            return child.named_children[0] if child.type == "struct_type" else child.children[1]
    return None


class _Comments:
    """Comments by the row in which they end."""

    def __init__(self, nodes: Sequence[Node], source: bytes) -> None:
        self._source = source
        self._by_end: dict[int, Node] = {}
        self._attributes: set[int] = set()
        for node in nodes:
            # A Rust line comment ends at the beginning of the next line.
            end = node.end_point.row - (node.end_point.column == 0 and node.end_point.row > node.start_point.row)
            self._by_end[end] = node
            if "comment" not in node.type:
                self._attributes.add(end)

    def above(self, row: int) -> str:
        """The comment that ends above a row, without its marks."""
        parts: list[str] = []
        row -= 1
        while row >= 0 and (node := self._by_end.get(row)) is not None and len(parts) < 200:
            if row not in self._attributes:
                parts.append(self._raw(node))
            row = node.start_point.row - 1
        return _uncommented("\n".join(reversed(parts)))

    def header(self, described: set[int]) -> str:
        """The first comment of the file that stands above no symbol and is not about licences or for tools.

        Args:
            described: rows in which symbols begin.
        """
        ends = sorted(self._by_end.keys() - self._attributes)
        for end in ends[:_HEADER_COMMENTS]:
            following = self._by_end.get(end + 1)
            if following is not None and following.start_point.row == end + 1:
                continue  # not the last line of its block
            if end + 1 in described or end > _HEADER_ROWS:
                return ""
            if (text := self.above(end + 1)) and not _FOR_OTHERS.search(text):
                return text
        return ""

    def _raw(self, node: Node) -> str:
        return self._source[node.start_byte : min(node.end_byte, node.start_byte + _DOC)].decode("utf-8", "replace")


def _uncommented(text: str) -> str:
    """A comment's words: without `//`, `#`, `/* */`, the stars at its left, and C#'s elements."""
    lines = []
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = re.sub(r"^\s*(?:///?!?|//!|/\*+!?|#+!?|--+|\*(?!/))\s?", "", line)
        bare = re.sub(r"\s*\*+/\s*$", "", bare)
        lines.append(bare.rstrip())
    return _cut(_XML.sub("", "\n".join(lines)).strip(), _DOC)


def _first(captures: Mapping[str, Sequence[Node]], name: str) -> Node | None:
    return next(iter(captures.get(name, ())), None)


def _text(node: Node | None) -> str:
    text = node.text if node is not None else None
    return " ".join(text.decode("utf-8", "replace").split())[:500] if text else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
