"""HTML, and XML that is none, into the same kind of tree as the storage format; BeautifulSoup reads it.

The tree is copied into lxml elements so that one table of handlers serves both. What is nested deeper than
`MAX_TREE_DEPTH` is attached at that depth, so no later step meets an endless chain.
"""

from __future__ import annotations

import re
import warnings
from html import unescape
from itertools import islice

from bs4 import BeautifulSoup, Tag
from bs4.element import CData, Comment, Declaration, Doctype, NavigableString, PageElement, ProcessingInstruction
from lxml import etree

from wiki_pipeline.text.clean.registry import AC, Element, qualified

MAX_TREE_DEPTH = 200
# BeautifulSoup reads some 30,000 tags a second.
MAX_TAGS = 200_000
MAX_ATTRIBUTES = 64
_NOT_TEXT = (Comment, Doctype, Declaration, ProcessingInstruction)
_NAME = re.compile(r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?")
_MACROS = {AC + "structured-macro", AC + "macro"}
_MACRO_PARTS = {AC + part for part in ("parameter", "default-parameter", "rich-text-body", "plain-text-body")}
_FOR_PROGRAMS = re.compile(
    r"<(?P<name>ac:parameter|ac:task-id|ac:task-status|ac:task-uuid|script|style)\b[^<>]*>[^<]*(?:</(?P=name)>)?",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|br|li|tr|td|th|h[1-6]|pre|blockquote|section|ac:[a-z-]*(?:body|macro|task|cell))\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def parse_html(text: str) -> tuple[Element, str]:
    """The root of an HTML document or fragment, and what was lost of its structure, for people (empty if nothing).

    Never fails; comments and declarations are left out.
    """
    if text.count("<") > MAX_TAGS:
        return _paragraphs(text), "The page is not well-formed or too large to be laid out: its text is kept."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "looks like a file name", "looks like XML": both are fine here
        soup = BeautifulSoup(_ended(text), "html.parser")
    root = etree.Element("root")
    parents: list[Element] = [root]
    pending: list[tuple[PageElement, int]] = [(child, 0) for child in reversed(soup.contents)]
    while pending:
        node, depth = pending.pop()
        parent = parents[min(depth, MAX_TREE_DEPTH)]
        if isinstance(node, Tag):
            name = qualified(node.name) if _NAME.fullmatch(node.name) else "span"
            element = etree.SubElement(_home(parent, name), name)
            _copy_attributes(node, element)
            del parents[min(depth, MAX_TREE_DEPTH) + 1 :]
            parents.append(element)
            pending.extend((child, depth + 1) for child in reversed(node.contents))
        elif isinstance(node, NavigableString) and (isinstance(node, CData) or not isinstance(node, _NOT_TEXT)):
            shown = _CONTROL.sub("", node)
            _append_text(_home(parent, "") if shown.strip() else parent, shown)
    return root, ""


def _ended(text: str) -> str:
    """The text with what opens a comment or a declaration shown as text where none ends any more.

    The parser would look for the end from each of them to the end of the text.
    """
    for begin, end in (("<!--", "-->"), ("<![", "]"), ("<!", ">"), ("<?", ">")):
        last = text.rfind(end) + len(end) if end in text else 0
        if text.find(begin, last) >= 0:
            text = text[:last] + text[last:].replace(begin, f"&lt;{begin[1:]}")
    return text


def _home(parent: Element, name: str) -> Element:
    """Where an element, or text if it has no name, belongs: never directly into a macro, unless as a part of it.

    A macro that was never closed swallows what follows it, and its handler reads only its parts.
    """
    while parent.tag in _MACROS and name not in _MACRO_PARTS:
        outer = parent.getparent()
        if outer is None:
            break
        parent = outer
    return parent


def _paragraphs(text: str) -> Element:
    """The words of a page without its structure, in time that depends on its length alone."""
    last = text.rfind("-->") + len("-->")  # behind it no comment ends; looking from each start would take too long
    text = _COMMENT.sub("", text[:last]) + text[last:]
    root = etree.Element("root")
    for block in _BLOCK_TAG.split(_FOR_PROGRAMS.sub("", text)):
        words = " ".join(_CONTROL.sub("", unescape(_TAG.sub("", block))).split())
        if words:
            etree.SubElement(root, "p").text = words
    return root


def _copy_attributes(tag: Tag, element: Element) -> None:
    for key, value in islice(tag.attrs.items(), MAX_ATTRIBUTES):
        if _NAME.fullmatch(key):
            element.set(qualified(key), _CONTROL.sub("", " ".join(value) if isinstance(value, list) else str(value)))


def _append_text(parent: Element, text: str) -> None:
    last = next(parent.iterchildren(reversed=True), None)  # `len(parent)` would count them each time
    if last is not None:
        last.tail = (last.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
