"""What stands between the parts of a table, list, link or macro, where no handler would look: moved to where one does.

Editors and importers leave such text behind, and macros that were never closed swallow what follows them. Browsers show
it, so it belongs to the page: in front of a table (as HTML has it), as an item of a list, behind a link, a line break
or a macro. So does a body of a macro that is not made to have one (a status around a paragraph).
"""

from __future__ import annotations

from lxml import etree

from wiki_pipeline.text.confluence.registry import AC, PLAIN, READS, RI, RICH, Element

_BODIES = frozenset({RICH, PLAIN})
_PARAMETERS = frozenset({AC + "parameter", AC + "default-parameter"})
_ROWS = frozenset({"tr"})
_TASK = AC + "task"
_ITEMS = frozenset({"li"})
_NOTHING: frozenset[str] = frozenset()
# By element: its parts. Elements below `ri:` are parts of links and images, too; bodies, of macros that read them.
_PARTS: dict[str, frozenset[str]] = {
    "table": frozenset({"thead", "tbody", "tfoot", "tr", "caption", "colgroup", "col"}),
    "thead": _ROWS,
    "tbody": _ROWS,
    "tfoot": _ROWS,
    "tr": frozenset({"td", "th"}),
    "colgroup": frozenset({"col"}),
    "col": _NOTHING,
    "ul": _ITEMS,
    "ol": _ITEMS,
    "menu": _ITEMS,
    "dir": _ITEMS,
    "dl": frozenset({"dt", "dd", "div"}),
    _TASK + "-list": frozenset({_TASK}),
    _TASK: frozenset(AC + part for part in ("task-id", "task-uuid", "task-status", "task-body")),
    AC + "link": frozenset({AC + "link-body", AC + "plain-text-link-body", AC + "image"}),
    AC + "image": frozenset({AC + "caption", AC + "adf-mark"}),
    AC + "structured-macro": _PARAMETERS,
    AC + "macro": _PARAMETERS,
    AC + "emoticon": _NOTHING,
    RI + "*": _NOTHING,
    **dict.fromkeys(("select", "datalist"), frozenset({"option", "optgroup"})),
    "optgroup": frozenset({"option"}),
    **dict.fromkeys(("br", "hr", "img", "input"), _NOTHING),
}
_MACROS = frozenset({AC + "structured-macro", AC + "macro"})
_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "colgroup", "col"})
_LISTS = frozenset({"ul", "ol", "menu", "dir", "dl", _TASK + "-list"})
_REFERRING = frozenset({AC + "link", AC + "image"})


def settle(root: Element) -> None:
    """Move, in place, all that stands between the parts of an element to where the handlers read it."""
    for node in list(root.iter(*_PARTS)):
        tag = node.tag
        parts = _PARTS.get(tag, _NOTHING)
        if tag in _MACROS:
            _join_bodies(node)
            parts |= READS.get((node.get(AC + "name") or "").lower(), _BODIES)
        text = node.text
        if text and not text.isspace():
            _free(node, parts)
            continue
        for child in node:
            tail = child.tail
            if (tail and not tail.isspace()) or (child.tag not in parts and not _belongs(node, child)):
                _free(node, parts)
                break


def _join_bodies(macro: Element) -> None:
    """Let a macro have one body of each kind: handlers read one, and importers write several."""
    for name in _BODIES:
        first, *others = macro.findall(name) or [None]
        if first is None or not others:
            continue
        if name == PLAIN:
            texts = [first.text, *(text for other in others for text in (other.text, other.tail))]
            first.text = "\n".join(filter(None, texts))
            for other in others:
                other.tail = None
                macro.remove(other)
        else:
            for other in others:
                other.tag = "div"
                first.append(other)


def _belongs(node: Element, child: Element) -> bool:
    return str(child.tag).startswith(RI) and (node.tag in _REFERRING or str(node.tag).startswith(RI))


def _free(node: Element, parts: frozenset[str]) -> None:
    if node.tag in _LISTS:
        _as_items(node, parts)
        return
    found = _place_for(node)
    pieces, node.text = [node.text], None  # of text, put in at once: each for itself would copy all before it
    for child in list(node):
        tail, child.tail = child.tail, None
        if child.tag not in parts and not _belongs(node, child):
            _append_text(found, pieces)
            found.append(child)
            if child.tag == PLAIN:
                child.tag = "div"
        pieces.append(tail)
    _append_text(found, pieces)


def _place_for(node: Element) -> Element:
    """A new element where text between the parts of a node is read. (In the tree: lxml is slow to bring things in.)"""
    if node.tag == _TASK:
        body = node.find(_TASK + "-body")
        return etree.SubElement(etree.SubElement(node, _TASK + "-body") if body is None else body, "div")
    if node.tag in _TABLE:
        while node.tag != "table" and (parent := node.getparent()) is not None and parent.tag in _TABLE:
            node = parent
        place = etree.Element("div")
        node.addprevious(place)
        return place
    while str(node.tag).startswith(RI) and (parent := node.getparent()) is not None and _belongs(parent, node):
        node = parent
    place = etree.Element("span")
    place.text = " "
    tail, node.tail = node.tail, None
    node.addnext(place)
    place.tail = tail
    return place


def _as_items(node: Element, parts: frozenset[str]) -> None:
    """Text and elements between the items of a list as items of their own; a list there belongs to the item above."""
    name = {"dl": "dd", _TASK + "-list": "p"}.get(node.tag, "li")
    text, node.text = node.text, None
    if text and not text.isspace():
        node.insert(0, _item(name, text))
    above: Element | None = None
    for child in list(node):
        tail, child.tail = child.tail, None
        last = child
        if child.tag in parts:
            above = child
        elif child.tag in _LISTS and above is not None:
            body = above.find(_TASK + "-body")
            (above if body is None else body).append(child)
            last = above
        else:
            item = _item(name)
            child.addprevious(item)
            item.append(child)
            last = item
        if tail and not tail.isspace():
            last.addnext(_item(name, tail))


def _item(name: str, text: str = "") -> Element:
    item = etree.Element(name)
    item.text = text
    return item


def _append_text(parent: Element, pieces: list[str | None]) -> None:
    """Move the pieces to the end of an element, but for white space."""
    text = " ".join(piece for piece in pieces if piece and not piece.isspace())
    pieces.clear()
    if not text:
        return
    last = next(parent.iterchildren(reversed=True), None)
    if last is not None:
        last.tail = f"{last.tail or ''} {text}"
    else:
        parent.text = f"{parent.text or ''} {text}"
