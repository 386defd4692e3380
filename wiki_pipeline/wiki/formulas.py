"""Formulas in TeX as MathML, which browsers set by themselves; docutils translates them."""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

from wiki_pipeline.wiki.markup import names

_LONGEST = 2_000
_NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
# All that may come: of what the translation makes, what shows a formula and does nothing else.
_ELEMENTS = names(
    "math mi mn mo ms mspace mtext menclose merror mfenced mfrac mpadded mphantom mroot mrow msqrt mstyle"
    " mmultiscripts mover mprescripts msub msubsup msup munder munderover mtable mtd mtr none semantics"
)
_ATTRIBUTES = names(
    "accent accentunder columnalign columnspacing depth display displaystyle fence form height largeop linebreak"
    " linethickness lspace mathsize mathvariant maxsize minsize movablelimits notation rowspacing rspace scriptlevel"
    " separator stretchy symmetric voffset width columnlines rowlines align"
)
_BETWEEN = re.compile(r">\s*\n\s*<")


@lru_cache(maxsize=512)
def mathml(tex: str, *, displayed: bool) -> str:
    """A formula as MathML, its source with it; empty if it can't be translated."""
    if not tex.strip() or len(tex) > _LONGEST:
        return ""
    # Here, as pages without formulas, by far the most, would wait for it.
    from docutils.utils.math import MathError  # noqa: PLC0415
    from docutils.utils.math.latex2mathml import tex2mathml  # noqa: PLC0415

    try:
        # The one name among its results that XML does not know.
        text = tex2mathml(tex, as_block=displayed).replace("&ApplyFunction;", "\u2061")
        root = etree.fromstring(_BETWEEN.sub("><", text), etree.XMLParser(resolve_entities=False, no_network=True))
    except (MathError, etree.XMLSyntaxError):
        return ""
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError):  # TeX that the translation trips over
        return ""
    return _with_source(root, tex) if _is_harmless(root) else ""


def _is_harmless(root: etree._Element) -> bool:
    for node in root.iter():
        name = node.tag.removeprefix(_NAMESPACE) if isinstance(node.tag, str) else ""
        if name not in _ELEMENTS:
            return False
        for attribute in list(node.attrib):
            if attribute not in _ATTRIBUTES:
                del node.attrib[attribute]
    return True


def _with_source(root: etree._Element, tex: str) -> str:
    row = etree.Element(f"{_NAMESPACE}mrow")
    row.extend(list(root))
    row.text, root.text = root.text, None
    semantics = etree.SubElement(root, f"{_NAMESPACE}semantics")
    semantics.append(row)
    source = etree.SubElement(semantics, f"{_NAMESPACE}annotation", encoding="application/x-tex")
    source.text = tex
    etree.cleanup_namespaces(root)
    return str(etree.tostring(root, encoding="unicode"))
