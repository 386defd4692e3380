"""HTML, and XML that is none, into the same kind of tree as the storage format; BeautifulSoup reads it.

The tree is copied into lxml elements so that one table of handlers serves both. What is nested deeper than
`MAX_TREE_DEPTH` is attached at that depth, so no later step meets an endless chain.
"""

from __future__ import annotations

import re
import warnings

from bs4 import BeautifulSoup, Tag
from bs4.element import CData, Comment, Declaration, Doctype, NavigableString, PageElement, ProcessingInstruction
from lxml import etree

from wiki_pipeline.text.clean.registry import Element, qualified

MAX_TREE_DEPTH = 200
_NOT_TEXT = (Comment, Doctype, Declaration, ProcessingInstruction)
_NAME = re.compile(r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def parse_html(text: str) -> Element:
    """The root of an HTML document or fragment. Never fails; comments and declarations are left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "looks like a file name", "looks like XML": both are fine here
        soup = BeautifulSoup(text, "html.parser")
    root = etree.Element("root")
    parents: list[Element] = [root]
    pending: list[tuple[PageElement, int]] = [(child, 0) for child in reversed(soup.contents)]
    while pending:
        node, depth = pending.pop()
        parent = parents[min(depth, MAX_TREE_DEPTH)]
        if isinstance(node, Tag):
            del parents[min(depth, MAX_TREE_DEPTH) + 1 :]
            parents.append(_copied(parent, node))
            pending.extend((child, depth + 1) for child in reversed(node.contents))
        elif isinstance(node, NavigableString) and (isinstance(node, CData) or not isinstance(node, _NOT_TEXT)):
            _append_text(parent, _CONTROL.sub("", node))
    return root


def _copied(parent: Element, tag: Tag) -> Element:
    name = tag.name if _NAME.fullmatch(tag.name) else "span"
    element = etree.SubElement(parent, qualified(name))
    for key, value in tag.attrs.items():
        if _NAME.fullmatch(key):
            element.set(qualified(key), _CONTROL.sub("", " ".join(value) if isinstance(value, list) else str(value)))
    return element


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        last = parent[-1]
        last.tail = (last.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
