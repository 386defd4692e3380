"""Confluence's storage format into a tree: XML with its namespaces bound, and a repair for what is not well-formed.

Before any parser sees a body, CDATA sections become escaped text and named HTML entities become characters. So code is
verbatim whichever parser reads it, no document type needs to be declared, and no entity can be: a body's own
`<!DOCTYPE` is shown as text, which makes entity bombs and external entities plain words.
"""

from __future__ import annotations

import re
from html import entities

from lxml import etree

from wiki_pipeline.text.clean.html import parse_html
from wiki_pipeline.text.clean.registry import Element

_ROOT = '<root xmlns:ac="ac" xmlns:ri="ri" xmlns:at="at">'
_XML_NAMES = {"amp", "lt", "gt", "quot", "apos"}
_NAMED = {
    name[:-1]: text for name, text in entities.html5.items() if name.endswith(";") and name[:-1] not in _XML_NAMES
}
_NAMED = {name: text.replace("&", "&amp;").replace("<", "&lt;") for name, text in _NAMED.items()}

# The end of a section; XML exports write it as `]] >`, which in a body that is not exported is part of the code.
_SECTION = r"<!\[CDATA\[(?P<code>.*?)\]\]>"
_EXPORTED_END = re.compile(r"\]\] >(?=\s*</|<!\[CDATA\[|[^<\]]*</)")
_REST = r"&(?P<name>[A-Za-z][A-Za-z0-9]*);|&(?P<bare>(?!#\d+;|#x[0-9A-Fa-f]+;))|<!(?P<declaration>DOCTYPE|ENTITY)"
_PREPARE = re.compile(f"{_SECTION}|{_REST}", re.DOTALL)
_PREPARE_REST = re.compile(_REST)
# Some tools declare namespaces in bodies (HTML's, MathML's, Confluence's own): names mean the same without.
_TAG_WITH_NAMESPACE = re.compile(r"<[A-Za-z][^<>]*\sxmlns[:=][^<>]*>")
_NAMESPACE = re.compile(r"""\sxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"]*"|'[^']*')""")
_NEEDS_PREPARING = re.compile(r"[&]|<!")
# Characters that XML 1.0 can't hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def parse_storage(body: str) -> tuple[Element, str]:
    """The root of a storage-format body, and what had to be repaired (empty if nothing).

    Never fails: what no XML parser accepts is read as HTML reads it.
    """
    prepared = _prepare(_CONTROL.sub("", body))
    try:
        return etree.fromstring(f"{_ROOT}{prepared}</root>", _parser()), ""
    except etree.XMLSyntaxError as error:
        root, loss = parse_html(prepared)
        return root, loss or f"The page is not well-formed and was repaired ({_explain(error)})."


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )


def _prepare(body: str) -> str:
    if _NEEDS_PREPARING.search(body):
        if "]] >" in body and "<![CDATA[" in body and "]]>" not in body:
            body = _EXPORTED_END.sub("]]>", body)
        # Behind the last end no section ends; looking for it from each start would take the square of the length.
        last = body.rfind("]]>") + len("]]>") if "]]>" in body else 0
        rest, opened, code = body[last:].partition("<![CDATA[")
        body = (
            _PREPARE.sub(_replaced, body[:last])
            + _PREPARE_REST.sub(_replaced, rest)
            + (_verbatim(code) if opened else "")
        )
    if "xmlns" in body:
        body = _TAG_WITH_NAMESPACE.sub(lambda tag: _NAMESPACE.sub("", tag.group()), body)
    return body


def _replaced(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "name":
        name = match.group("name")
        return match.group() if name in _XML_NAMES else _NAMED.get(name) or f"&amp;{name};"
    if kind == "code":
        return _verbatim(match.group("code"))
    return "&amp;" if kind == "bare" else f"&lt;!{match.group('declaration')}"


def _verbatim(code: str) -> str:
    return code.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _explain(error: etree.XMLSyntaxError) -> str:
    first = (error.msg or "syntax error").partition("\n")[0]  # lines below it quote the page
    message = re.sub(r",? line \d+.*", "", first).strip()
    return f"line {error.lineno}: {message[:120]}"
