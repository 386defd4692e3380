"""What docutils needs for the documents of strangers: directives of Sphinx, which it does not know, each read for the
text that it shows; and a reader of lines whose time grows with their length.

docutils has one registry a process; names are added to it, none that it has is replaced but `code-block`, whose options
it would refuse. Its own reader of lines looks for the end of each mark up to the end of the paragraph, and for
addresses in all of a word: what is never closed, or a word of many colons, takes time with the square of its length or
worse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.parsers.rst.states import Inliner


class _AnyOptions(dict[str, Callable[[str], Any]]):
    """Takes every option; none is shown."""

    def __getitem__(self, name: str) -> Callable[[str], Any]:
        return lambda value: value

    def __bool__(self) -> bool:
        return True


class _Sphinx(Directive):
    """A directive whose arguments and content are text."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Callable[[str], Any]] | None] = _AnyOptions()

    def run(self) -> list[nodes.Node]:
        content = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, content)
        return [*self.heading(), *content.children]

    def heading(self) -> list[nodes.Node]:
        """What is shown above the content."""
        words = " ".join(self.arguments)
        return [nodes.paragraph("", "", nodes.strong("", words))] if words else []


class _Described(_Sphinx):
    """A function, class or option with its description."""

    def heading(self) -> list[nodes.Node]:
        signatures = [line.strip() for line in "\n".join(self.arguments).split("\n") if line.strip()]
        return [nodes.paragraph("", "", nodes.literal("", signature)) for signature in signatures]


class _Version(_Sphinx):
    """A note on a version."""

    def heading(self) -> list[nodes.Node]:
        words = {"versionadded": "Added in", "versionchanged": "Changed in", "deprecated": "Deprecated since"}
        text = f"{words.get(self.name, self.name)} {' '.join(self.arguments)}"
        return [nodes.paragraph("", "", nodes.emphasis("", text))]


class _Code(_Sphinx):
    """Code or a diagram as it stands."""

    def run(self) -> list[nodes.Node]:
        language = " ".join(self.arguments) or self.name
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text, classes=["code", language])] if text else []


class _Listed(_Sphinx):
    """A list of pages."""

    def run(self) -> list[nodes.Node]:
        items = [line.strip() for line in self.content if line.strip()]
        paragraphs = [nodes.list_item("", nodes.paragraph("", item)) for item in items]
        return [nodes.bullet_list("", *paragraphs)] if paragraphs else []


class _Silent(_Sphinx):
    """A setting."""

    def run(self) -> list[nodes.Node]:
        return []


_DIRECTIVES: dict[type[Directive], str] = {
    _Sphinx: "seealso tab-set tab-item tabs tab group-tab code-tab only centered hlist glossary grid grid-item card"
    " grid-item-card dropdown details margin sidebar literalinclude automodule autoclass autofunction autosummary"
    " automethod autodata autoexception click option-list csv-filter tip-box admonish",
    _Described: "function class method attribute data exception module option envvar describe object staticmethod"
    " classmethod property decorator py:function py:class py:method py:attribute py:data py:module py:exception"
    " py:property c:function c:type c:macro c:struct cpp:function cpp:class js:function js:class rst:directive confval",
    _Version: "versionadded versionchanged deprecated",
    _Code: "code-block sourcecode highlight-block prompt mermaid graphviz digraph plantuml uml ipython doctest testcode"
    " testoutput parsed-code",
    _Listed: "toctree",
    _Silent: "currentmodule highlight index tabularcolumns testsetup testcleanup sectionauthor codeauthor meta"
    " default-domain",
}


@cache
def register_directives() -> None:
    """Make them known to docutils, once."""
    for kind, names in _DIRECTIVES.items():
        for name in names.split():
            directives.register_directive(name, kind)


_AT_ONCE = 4_000  # characters of a paragraph; marks of longer ones don't reach across
_ADDRESS = 500  # characters of the longest word that may be an address
_LONG_WORD = re.compile(rf"(\S{{{_ADDRESS},}}+)")
_PIECE = re.compile(rf"[\s\S]{{1,{_AT_ONCE}}}(?:(?<=\s)|\Z)|\S{{1,{_ADDRESS}}}+")


class BoundedInliner(Inliner):
    """Reads long paragraphs piece by piece."""

    def parse(
        self, text: str, lineno: int, memo: Any, parent: nodes.Element
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The nodes of a paragraph. What can't be read stays as it is written; no reader sees docutils' complaint about
        it, and a complaint a mark would make a document of marks many times as large."""
        found: list[nodes.Node] = []
        kept = len(memo.document.parse_messages)
        for piece in _pieces(text):
            some, _ = super().parse(piece, lineno, memo, parent)
            del memo.document.parse_messages[kept:]
            found += (nodes.Text(node.astext()) if isinstance(node, nodes.problematic) else node for node in some)
        return found, []

    def implicit_inline(self, text: str, lineno: int) -> list[nodes.Text]:
        """Text with its addresses as links; no long word is one."""
        if len(text) < _ADDRESS:
            return super().implicit_inline(text, lineno)
        found: list[nodes.Text] = []
        for part in _LONG_WORD.split(text):
            found += [nodes.Text(part)] if _LONG_WORD.fullmatch(part) else self._short(part, lineno)
        return found

    def _short(self, text: str, lineno: int) -> list[nodes.Text]:
        return [node for piece in _pieces(text) for node in super(BoundedInliner, self).implicit_inline(piece, lineno)]


# docutils looks for the parts of its expressions in the class itself, not in those that it is made of.
for _name, _value in vars(Inliner).items():
    if isinstance(_value, str) and not _name.startswith("_"):
        setattr(BoundedInliner, _name, _value)


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that end at white space, if they can."""
    return iter([text]) if len(text) <= _AT_ONCE else (piece.group() for piece in _PIECE.finditer(text))
