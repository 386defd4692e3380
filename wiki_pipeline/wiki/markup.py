"""Markdown from strangers to HTML that can do nothing: pulldown-cmark parses, ammonia lets through what is on a list.

The result is a serialised HTML5 tree: tags are balanced, attribute values are in double quotes, and `<` and `>` occur
in tags alone. `render` relies on that.
"""

from __future__ import annotations

import re
from collections import Counter
from html import escape

import nh3
from pyromark import Markdown, Options

from wiki_pipeline.limits import is_too_deep

# What is around a table: wide ones scroll by themselves, by the keyboard too.
TABLE = '<div class="table" tabindex="0" role="group" aria-label="Table">'

# Beyond these a page is shown as its text: no browser could lay it out, and the sanitiser's time grows with the square
# of the depth and of the number of attributes of one tag. (GitHub, too, lays out no file of more than 512 KB.)
MAX_CHARACTERS = 500_000
MAX_DEPTH = 500
_CERTAINLY_SHALLOW = 20_000

_GITHUB = (
    Options.ENABLE_TABLES
    | Options.ENABLE_GFM
    | Options.ENABLE_STRIKETHROUGH
    | Options.ENABLE_TASKLISTS
    | Options.ENABLE_FOOTNOTES
    | Options.ENABLE_MATH
)
_MARKDOWN = Markdown(options=_GITHUB)


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_TEXT = names(
    "a abbr b bdi bdo br cite code del dfn em i ins kbd mark q rp rt ruby s samp small span strike strong sub sup time"
    " tt u var wbr"
)
_BLOCKS = names(
    "blockquote center dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 hr img li ol p pre summary ul"
)
_TABLES = names("caption col colgroup table tbody td tfoot th thead tr")
# Their content is no text for readers, so it goes with them.
_DROPPED_WHOLE = names(
    "script style iframe object embed noembed noframes noscript template svg math textarea select title"
)
_ATTRIBUTES = {tag: {"align"} for tag in names("p div h1 h2 h3 h4 h5 h6 tr table")} | {
    "*": {"class", "id", "title", "lang", "dir"},
    "a": {"href", "name"},
    "img": {"src", "alt"},
    "details": {"open"},
    "ol": {"start", "reversed", "type"},
    "li": {"value"},
    "time": {"datetime"},
    "col": {"span"},
    "colgroup": {"span"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}

_CLASS = re.compile(
    r"language-[\w+#.-]{1,40}|markdown-alert-(?:note|tip|important|warning|caution)|footnote-(?:reference|definition(?:-label)?)"
    r"|math math-(?:inline|display)|task(?: done)?|status status-[a-z]{3,6}(?: subtle)?"
)
# What stands in brackets for those who see no colours.
_LOZENGE = re.compile(r'(<span class="status [^"]*">)\[([^\[\]<>]*)\](?=</span>)')
# A page's own ids never begin as those of the templates do, so no page can stand in for a part of the site. (Anchors of
# headings hold letters, digits, `-` and `_` alone.)
TEMPLATE_PREFIX = "wiki:"
_ID = re.compile(rf"(?!{TEMPLATE_PREFIX})[\w.:-]{{1,200}}")
_DIRECTION = re.compile(r"ltr|rtl|auto")
_PATTERNS = {"class": _CLASS, "id": _ID, "name": _ID, "dir": _DIRECTION}

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/<>]*)")
# These hold nothing, or end by themselves where the next one begins.
_SHALLOW = names(
    "area base br col embed hr img input link meta source track wbr p li dt dd tbody thead tfoot tr td th option"
)


def _checked(_element: str, attribute: str, value: str) -> str | None:
    pattern = _PATTERNS.get(attribute)
    return value if pattern is None or pattern.fullmatch(value) else None


_CLEANER = nh3.Cleaner(
    tags=set(_TEXT | _BLOCKS | _TABLES),
    clean_content_tags=set(_DROPPED_WHOLE),
    attributes=_ATTRIBUTES,
    attribute_filter=_checked,
    url_schemes=_SCHEMES,
    link_rel=None,  # `render` knows which links leave the wiki
)


def to_html(markdown: str) -> str | None:
    """GitHub-flavoured Markdown as sanitised HTML; None if it is too large or too deep to be laid out."""
    if len(markdown) > MAX_CHARACTERS or is_too_deep(markdown):
        return None
    html = _MARKDOWN.html(markdown)
    # The parser's own form fields and styles, which as such would not pass, as classes and plain attributes.
    if 'type="checkbox"' in html:
        html = html.replace('<input disabled="" type="checkbox" checked=""/>', '<span class="task done"></span>')
        html = html.replace('<input disabled="" type="checkbox"/>', '<span class="task"></span>')
    if "<t" in html:
        html = html.replace(' style="text-align: ', ' align="')
    if len(html) > _CERTAINLY_SHALLOW and _depth(html) > MAX_DEPTH:
        return None
    cleaned = _CLEANER.clean(html)
    return _LOZENGE.sub(r"\1\2", cleaned) if '"status ' in cleaned else cleaned


def source_block(text: str, language: str) -> str:
    """Text as it is, to be shown with line numbers."""
    return f'<pre class="source"><code class="language-{escape(language)}">{escape(text, quote=False)}</code></pre>\n'


def _depth(html: str) -> int:
    """An upper bound of how deep the elements are nested: those opened and not closed, by name, summed up.

    By name, since a closing tag without its opening one closes nothing.
    """
    open_tags: Counter[str] = Counter()
    deepest = depth = 0
    for closing, name in _TAG.findall(html.lower()):
        if name in _SHALLOW:
            continue
        if not closing:
            open_tags[name] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif open_tags[name]:
            open_tags[name] -= 1
            depth -= 1
    return deepest
