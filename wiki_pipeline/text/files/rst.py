"""reStructuredText: docutils reads it, its HTML goes through the table of handlers.

Neither can a file include others nor pass raw HTML through here. Directives and roles of Sphinx, which docutils does
not know, are read for their content; what nobody knows is shown as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.confluence.elements import text_of
from wiki_pipeline.text.confluence.html import parse_html
from wiki_pipeline.text.confluence.registry import AC, Element
from wiki_pipeline.text.confluence.view import adapt
from wiki_pipeline.text.confluence.wiki_page import written
from wiki_pipeline.text.files.source_code import clean_code
from wiki_pipeline.text.known import Known
from wiki_pipeline.text.page import noted

# docutils is slow and recursive: what is larger is shown as it is.
MAX_CHARACTERS = 1_000_000
_SETTINGS = {
    "_disable_config": True,
    "doctitle_xform": False,
    "docinfo_xform": False,
    "embed_stylesheet": False,
    "file_insertion_enabled": False,
    "halt_level": 5,
    "initial_header_level": "1",
    "line_length_limit": 100_000,
    "math_output": "LaTeX",
    "raw_enabled": False,
    "report_level": 2,
    "smart_quotes": False,
    "syntax_highlight": "none",
    "warning_stream": False,
}
# A colon within a name begins none: else each colon of a line would be one to begin at.
_ROLE = re.compile(r"(?<![\w-]):(?P<role>[\w-]++(?::[\w-]++)*+):`(?P<text>[^`]+)`")
_DOCUTILS_ROLES = {
    "abbreviation",
    "acronym",
    "code",
    "emphasis",
    "literal",
    "math",
    "strong",
    "sub",
    "subscript",
    "sup",
    "superscript",
    "title",
    "title-reference",
}
_TEXT_ROLES = {
    "any",
    "dfn",
    "doc",
    "download",
    "eq",
    "guilabel",
    "index",
    "keyword",
    "menuselection",
    "numref",
    "pep",
    "ref",
    "rfc",
    "term",
}


def clean_rst(raw: RawPage, known: Known) -> CleanPage:
    """A reStructuredText file; one that docutils can't read is kept as text, with a note."""
    if len(raw.body) > MAX_CHARACTERS:
        return noted(clean_code(raw, known), "This file is too large to be converted; its source is shown.")
    from docutils.core import publish_parts  # noqa: PLC0415 - a fifth of a second at start-up
    from docutils.parsers.rst import Parser  # noqa: PLC0415

    from wiki_pipeline.text.files.docutils_parts import BoundedInliner, register_directives  # noqa: PLC0415

    register_directives()
    parser = Parser(inliner=BoundedInliner())
    try:
        written_out = publish_parts(
            _ROLE.sub(_role, raw.body), parser=parser, writer="html5", settings_overrides=_SETTINGS
        )
        html = written_out["body"]
    except MemoryError:
        raise
    except Exception:  # docutils raises whatever it happens to meet in a broken file
        return noted(clean_code(raw, known), "This file is not valid reStructuredText; its source is shown.")
    root, _ = parse_html(html)
    for node in list(root.iter("aside", "span", "pre", "code", "tt", "div")):
        for name in (node.get("class") or "").split():
            if name in _RULES:
                _RULES[name](node)
    adapt(root)
    return written(root, raw, known, title_from_heading=True)


def _role(match: re.Match[str]) -> str:
    """A role of Sphinx as what a reader sees of it: its text, or code."""
    role, text = match["role"], match["text"]
    if role in _DOCUTILS_ROLES:
        return match.group()
    shown = re.sub(r"\s*<[^<>]*>$", "", text) or text.strip("<>")
    return shown if role.rpartition(":")[2] in _TEXT_ROLES else f"``{shown.lstrip('~!')}``"


# --- what docutils reports -------------------------------------------------------------------------------------------


def _report(node: Element) -> None:
    """A complaint of docutils: the source that it could not read stays, the complaint goes."""
    for child in list(node):
        if "literal-block" not in (child.get("class") or ""):
            child.tail = None
            node.remove(child)
    node.text = None


def _admonition(node: Element) -> None:
    names = (node.get("class") or "").split()
    kind = next((_ADMONITIONS[name] for name in names if name in _ADMONITIONS), "information")
    node.set("class", f"confluence-information-macro confluence-information-macro-{kind}")
    title = node.find("p")
    if title is not None and "admonition-title" in (title.get("class") or ""):
        generic = (title.text or "").strip().lower() in _ADMONITIONS
        title.set("class", "title")
        if generic:
            title.text = None
    for child in node:
        if child is not title:
            child.set("class", f"confluence-information-macro-body {child.get('class') or ''}")


def _literal(node: Element) -> None:
    if node.tag == "span":
        node.tag = "code"


def _math(node: Element) -> None:
    block = node.tag == "pre"
    node.tag = f"{AC}structured-macro"
    node.set(f"{AC}name", "mathblock" if block else "mathinline")
    body = etree.SubElement(node, f"{AC}plain-text-body")
    body.text, node.text = text_of(node).strip(), None


_ADMONITIONS = {
    "attention": "note",
    "caution": "note",
    "danger": "warning",
    "error": "warning",
    "hint": "tip",
    "important": "note",
    "note": "information",
    "seealso": "information",
    "tip": "tip",
    "warning": "note",
}
_RULES: dict[str, Callable[[Element], None]] = {
    "admonition": _admonition,
    "literal": _literal,
    "math": _math,
    "system-message": _report,
}
