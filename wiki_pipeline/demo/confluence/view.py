"""Storage format as Confluence renders it (`body.view`): plain HTML with Confluence's class names.

Only as much as a reader of `view` needs to meet: code, panels, tasks, status, links, images, layouts. A body that is
not well-formed is shown as text, as an editor that refuses it would.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from html.entities import html5
from urllib.parse import quote_plus

from lxml import etree

from wiki_pipeline.demo.confluence.site import Content

AC, RI = "urn:ac", "urn:ri"
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*);")
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_VOID = frozenset({"br", "hr", "img", "col"})
_ADMONITIONS = {"info": "information", "note": "warning", "tip": "success", "warning": "problem"}

_LOZENGES = {
    "green": " aui-lozenge-success",
    "red": " aui-lozenge-error",
    "yellow": " aui-lozenge-current",
    "blue": " aui-lozenge-complete",
    "purple": " aui-lozenge-new",
}


def render(storage: str, base: str, page: Content) -> str:
    """The HTML that Confluence would show of a page."""
    try:
        root = etree.fromstring(_wrapped(storage), etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError:
        return f"<pre>{html.escape(storage)}</pre>"
    return _Renderer(base, page).inner(root)


def plain_text(storage: str) -> str:
    """The words of a body."""
    return " ".join(html.unescape(re.sub(r"<!\[CDATA\[|\]\]>|<[^>]+>", " ", storage)).split())


def _wrapped(storage: str) -> bytes:
    def character(match: re.Match[str]) -> str:
        known = html5.get(match[1] + ";")
        return match[0] if match[1] in _XML_ENTITIES or known is None else known

    return f'<root xmlns:ac="{AC}" xmlns:ri="{RI}">{_ENTITY.sub(character, storage)}</root>'.encode()


class _Renderer:
    def __init__(self, base: str, page: Content) -> None:
        self._base = base
        self._page = page
        self._elements: dict[str, Callable[[etree._Element], str]] = {
            "structured-macro": self._macro,
            "macro": self._macro,
            "link": self._link,
            "image": self._image,
            "emoticon": lambda node: html.escape(_attribute(node, "emoji-fallback")),
            "task-list": lambda node: f'<ul class="inline-task-list">{self.inner(node)}</ul>',
            "task": self._task,
            "placeholder": lambda _node: "",
        }

    def inner(self, node: etree._Element) -> str:
        """All that is inside an element."""
        pieces = [html.escape(node.text or "", quote=False)]
        for child in node:
            if isinstance(child.tag, str):
                pieces.append(self._element(child))
            pieces.append(html.escape(child.tail or "", quote=False))
        return "".join(pieces)

    def _element(self, node: etree._Element) -> str:
        name = etree.QName(node)
        if name.namespace == AC:
            return self._elements.get(name.localname, self._block)(node)
        if name.namespace == RI:
            return ""
        attributes = "".join(f' {key}="{html.escape(value)}"' for key, value in node.attrib.items() if "{" not in key)
        if name.localname in _VOID:
            return f"<{name.localname}{attributes}/>"
        return f"<{name.localname}{attributes}>{self.inner(node)}</{name.localname}>"

    def _block(self, node: etree._Element) -> str:
        return f'<div class="{etree.QName(node).localname}">{self.inner(node)}</div>'

    def _macro(self, node: etree._Element) -> str:
        name = _attribute(node, "name")
        parameters = {_attribute(item, "name"): item.text or "" for item in node.findall(f"{{{AC}}}parameter")}
        plain = node.findtext(f"{{{AC}}}plain-text-body")
        rich = node.find(f"{{{AC}}}rich-text-body")
        if plain is not None:
            brush = f"brush: {parameters.get('language', 'java')}; gutter: false; theme: Confluence"
            pre = f'<pre class="syntaxhighlighter-pre" data-syntaxhighlighter-params="{html.escape(brush)}">'
            text = html.escape(plain, quote=False)
            return (
                f'<div class="code panel pdl"><div class="codeContent panelContent pdl">{pre}{text}</pre></div></div>'
            )
        if name == "status":
            style = _LOZENGES.get(parameters.get("colour", "").lower(), "")
            return f'<span class="status-macro aui-lozenge{style}">{html.escape(parameters.get("title", ""))}</span>'
        output = f'<div class="conf-macro output-block" data-macro-name="{html.escape(name)}">'
        if rich is None:
            return f"{output}</div>"
        title = f'<p class="title">{html.escape(parameters["title"])}</p>' if parameters.get("title") else ""
        if name in _ADMONITIONS:
            kind = f"confluence-information-macro confluence-information-macro-{_ADMONITIONS[name]}"
            body = f'<div class="confluence-information-macro-body">{self.inner(rich)}</div>'
            return f'<div class="{kind}">{title}{body}</div>'
        return f"{output}{title}{self.inner(rich)}</div>"

    def _link(self, node: etree._Element) -> str:
        target = node.find("*")
        text = "".join(
            self.inner(part) for part in node if etree.QName(part).localname in {"link-body", "plain-text-link-body"}
        )
        if target is None:
            return text
        kind = etree.QName(target).localname
        title = target.get(f"{{{RI}}}content-title") or target.get(f"{{{RI}}}filename") or ""
        if kind == "page":
            key = target.get(f"{{{RI}}}space-key") or self._page.space.key
            address = f"{self._base}/display/{key}/{quote_plus(title)}"
        elif kind == "attachment":
            address = f"{self._base}/download/attachments/{self._page.id}/{quote_plus(title)}"
        else:
            address = "#" + _attribute(node, "anchor")
        return f'<a href="{html.escape(address)}">{text or html.escape(title)}</a>'

    def _image(self, node: etree._Element) -> str:
        target = node.find("*")
        source = ""
        if target is not None:
            filename = target.get(f"{{{RI}}}filename", "")
            address = f"{self._base}/download/attachments/{self._page.id}/{quote_plus(filename)}"
            source = target.get(f"{{{RI}}}value") or address
        return f'<img class="confluence-embedded-image" src="{html.escape(source)}" alt="{_attribute(node, "alt")}"/>'

    def _task(self, node: etree._Element) -> str:
        done = node.findtext(f"{{{AC}}}task-status") == "complete"
        body = node.find(f"{{{AC}}}task-body")
        checked = ' class="checked"' if done else ""
        return f"<li{checked}>{self.inner(body) if body is not None else ''}</li>"


def _attribute(node: etree._Element, name: str) -> str:
    return str(node.get(f"{{{AC}}}{name}", ""))
