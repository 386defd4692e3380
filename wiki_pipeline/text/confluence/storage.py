"""Confluence's storage format into a tree: XML with its namespaces bound, and a repair for what is not well-formed.

Before any parser sees a body, CDATA sections become escaped text and named HTML entities become characters. So code is
verbatim whichever parser reads it, no document type needs to be declared, and no entity can be: a body's own
`<!DOCTYPE` is shown as text, which makes entity bombs and external entities plain words.
"""

from __future__ import annotations

import re
from html import entities

from lxml import etree

from wiki_pipeline.text.confluence.html import parse_html
from wiki_pipeline.text.confluence.registry import Element

_ROOT = '<root xmlns:ac="ac" xmlns:ri="ri" xmlns:at="at">'
_XML_NAMES = {"amp", "lt", "gt", "quot", "apos"}
_NAMED = {
    name[:-1]: text for name, text in entities.html5.items() if name.endswith(";") and name[:-1] not in _XML_NAMES
}
_NAMED = {name: text.replace("&", "&amp;").replace("<", "&lt;") for name, text in _NAMED.items()}

_SECTION_BEGIN, _SECTION_END, _BODY_END = "<![CDATA[", "]]>", "</ac:plain-text-"
# XML exports write the end of a section as `]] >`, which in a body that is not exported is part of the code.
_EXPORTED_END = re.compile(r"\]\] >(?=\s*</|<!\[CDATA\[|[^<\]]*</)")
# A reference by name, or an ampersand that begins none.
_REFERENCE = re.compile(r"&(?!#\d+;|#x[0-9A-Fa-f]+;)(?:([A-Za-z][A-Za-z0-9]*);)?")
# A character beyond 65,535 in two halves, as programs write it that count in 16 bits: XML allows it in one only.
_HALVES = re.compile(
    r"&#(?:(?P<high>55(?:29[6-9]|[3-9]\d\d)|56(?:[0-2]\d\d|3[01]\d))|[xX](?P<high_hex>[dD][89abAB][0-9A-Fa-f]{2}));"
    r"&#(?:(?P<low>56(?:3[2-9]\d|[4-9]\d\d)|57(?:[0-2]\d\d|3(?:[0-3]\d|4[0-3])))|[xX](?P<low_hex>[dD][c-fC-F][0-9A-Fa-f]{2}));"
)
_DECLARATION = re.compile(r"<!(?=DOCTYPE|ENTITY)")
# Some tools declare namespaces in bodies (HTML's, MathML's, Confluence's own): names mean the same without.
_TAG_WITH_NAMESPACE = re.compile(r"<[A-Za-z][^<>]*\sxmlns[:=][^<>]*>")
_NAMESPACE = re.compile(r"""\sxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"]*"|'[^']*')""")
# Characters that XML 1.0 can't hold.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def parse_storage(body: str) -> tuple[Element, str]:
    """The root of a storage-format body, and what had to be repaired (empty if nothing).

    Never fails: what no XML parser accepts is read as HTML reads it.
    """
    prepared, unended = _prepare(body)
    repair = "a CDATA section has no end" if unended else ""
    try:
        return etree.fromstring(f"{_ROOT}{prepared}</root>", _parser()), _repaired(repair) if repair else ""
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        possible = _CONTROL.sub("", body)
        if possible != body:
            return parse_storage(possible)
        root, loss = parse_html(prepared)
        return root, loss or _repaired(repair or _explain(error))


def _repaired(why: str) -> str:
    return f"The page is not well-formed and was repaired ({why})."


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=True
    )


def _prepare(body: str) -> tuple[str, bool]:
    """The body with its CDATA sections as escaped text and its named entities as characters; whether one has no end."""
    if "]] >" in body and _SECTION_BEGIN in body and _SECTION_END not in body:
        body = _EXPORTED_END.sub(_SECTION_END, body)
    parts: list[str] = []
    at = 0
    unended = False
    while (begin := body.find(_SECTION_BEGIN, at)) >= 0:
        start = begin + len(_SECTION_BEGIN)
        end = body.find(_SECTION_END, start) if not unended else -1
        parts.append(_without_names(body[at:begin]))
        if end < 0:
            unended = True
            end = body.find(_BODY_END, start)  # where the element ends of which it is the text
            end = at = end if end >= 0 else len(body)
        else:
            at = end + len(_SECTION_END)
        parts.append(_verbatim(body[start:end]))
    parts.append(_without_names(body[at:]))
    prepared = "".join(parts)
    if "xmlns" in prepared:
        prepared = _TAG_WITH_NAMESPACE.sub(lambda tag: _NAMESPACE.sub("", tag.group()), prepared)
    return prepared, unended


def _without_names(markup: str) -> str:
    if "<!" in markup:
        markup = _DECLARATION.sub("&lt;!", markup)
    if "&" not in markup:
        return markup
    return _REFERENCE.sub(_character, _HALVES.sub(_whole, markup) if "&#" in markup else markup)


def _whole(halves: re.Match[str]) -> str:
    high = int(halves["high"] or int(halves["high_hex"], 16))
    low = int(halves["low"] or int(halves["low_hex"], 16))
    return f"&#{0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00};"


def _character(reference: re.Match[str]) -> str:
    name = reference.group(1)
    if name in _XML_NAMES:
        return reference.group()
    return _NAMED.get(name) or f"&amp;{reference.group()[1:]}"


def _verbatim(code: str) -> str:
    return code.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _explain(error: etree.XMLSyntaxError | UnicodeEncodeError) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it holds half a character"
    first = (error.msg or "syntax error").partition("\n")[0]  # lines below it quote the page
    message = re.sub(r",? line \d+.*", "", first).strip()
    return f"line {error.lineno}: {message[:120]}"
