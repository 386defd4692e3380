"""Macros that add a remark to words in a line: tooltips and footnotes."""

from __future__ import annotations

from wiki_pipeline.text.confluence.macro_parameters import parameters, plain_body, rich_body
from wiki_pipeline.text.confluence.registry import PLAIN, RICH, Element, macro
from wiki_pipeline.text.confluence.writer import PageWriter, one_line
from wiki_pipeline.text.markdown import escape

_TEXTS = ("text", "tooltip", "content", "title", "")


@macro("tooltip", "cfm-tooltip", "tooltip-macro", "abbreviation", block=False, reads=(RICH, PLAIN))
def tooltip(node: Element, page: PageWriter) -> str:
    """The words, and behind them in parentheses what is shown when one points at them."""
    words, remark = _words(node, page), _remark(node)
    return f"{words} ({remark})" if words and remark else words or remark


@macro("footnote", "cfm-footnote", "footnote-macro", block=False, reads=(RICH, PLAIN))
def footnote(node: Element, page: PageWriter) -> str:
    """The note in parentheses, where its number would stand."""
    note = " ".join(filter(None, (_words(node, page), _remark(node))))
    return f" ({note})" if note else ""


def _words(node: Element, page: PageWriter) -> str:
    body = rich_body(node)
    shown = one_line(page.blocks(body)) if body is not None else ""
    return f"{shown} {escape(plain_body(node))}".strip()


def _remark(node: Element) -> str:
    values = parameters(node)
    return escape(next((values[name] for name in _TEXTS if values.get(name)), ""))
