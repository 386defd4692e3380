"""A clean page becomes a page of the wiki: its body as HTML that is safe to show, its links leading where readers are.

Pure: the same page, links and code give the same bytes. Code is left as text with its language named; `highlight`
colours it when it is shown, which costs a reader milliseconds once and would cost a first sync most of its time.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from html import escape, unescape
from urllib.parse import unquote, urljoin, urlsplit

from wiki_pipeline.links.files import File, is_gallery, is_list
from wiki_pipeline.links.index import LinkIndex
from wiki_pipeline.links.wiki_addresses import wiki_path_of
from wiki_pipeline.model import CleanPage, Document, SourceKey, WikiPage
from wiki_pipeline.wiki import markup
from wiki_pipeline.wiki.anchors import Anchors
from wiki_pipeline.wiki.formulas import mathml
from wiki_pipeline.wiki.own_links import OwnLinks

CODE_VERSION = "6"

_TONES = {"new", "indeterminate", "done"}
_TOO_LARGE = (
    '<p class="notice">This page is too large or too deeply nested to be laid out. Its text follows as it is.</p>\n'
)
_DOCUMENT_COLUMNS = [column.name for column in fields(Document)]
# The places of sanitised HTML that need more than sanitising. Sound because `<` and `>` occur in tags alone there.
_PLACES = re.compile(
    r"<(?:a(?P<link>(?: [^>]*)?)>(?P<bare>(?:https?://[^<\s]+|\d+|[A-Z][A-Z0-9_]*-\d+)(?=</a>))?|/(?P<unlink>a)>|img(?P<image>[^>]*)>"
    r"|h(?P<level>[1-6])(?P<heading>[^>]*)>(?P<inner>.*?)</h(?P=level)>"
    r"|blockquote class=\"markdown-alert-(?P<alert>[a-z]+)\">"
    r"|table(?P<table>[^>]*)>|/(?P<untable>table)>"
    r"|span class=\"task(?P<done>[^\"]*)\"></span>"
    r"|span class=\"(?P<math>math math-(?:inline|display))\">(?P<formula>[^<]*)</span>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r'([a-z]+)="([^"]*)"')
_ID = re.compile(r' id="[^"]*"')
_CHECKED = ' checked=""'
_ANY_TAG = re.compile(r"<[^>]*>")


def render_page(page: CleanPage, source: SourceKey, links: LinkIndex) -> WikiPage:
    """Render a page.

    Args:
        page: the page as Markdown, or as source code if it has a `code_language`.
        source: the source that the page belongs to.
        links: knows which link targets the wiki has; `links.targets` is what the result depends on besides `page`.
    """
    return WikiPage(
        **{name: getattr(page, name) for name in _DOCUMENT_COLUMNS},
        wiki_path=wiki_path_of(page),
        html=_body(page, source, links),
        markdown=page.markdown,
        code_language=page.code_language,
        headings=page.headings,
        words=page.words,
        targets=links.targets(source, page.path, page.links),
    )


def render_own(page: CleanPage, source: SourceKey, links: OwnLinks) -> str:
    """The HTML of a page that the program made itself. It quotes strangers, so it is sanitised as any other."""
    return _body(page, source, links)


def _body(page: CleanPage, source: SourceKey, links: LinkIndex | OwnLinks) -> str:
    if page.code_language:
        return markup.source_block(page.markdown, page.code_language)
    html = markup.to_html(page.markdown)
    if html is None:
        return _TOO_LARGE + markup.source_block(page.markdown, "markdown")
    return _Finish(page, source, links).finished(html)


class _Finish:
    """One pass over a page's sanitised HTML: links, images, anchors of headings, alerts, tables, tasks, formulas."""

    def __init__(self, page: CleanPage, source: SourceKey, links: LinkIndex | OwnLinks) -> None:
        self._page = page
        self._source = source
        self._links = links
        self._headings = Anchors(page.headings)
        self._in_link = False
        self._behind_link = ""
        self._kinds = {
            "link": self._link,
            "bare": self._link,
            "unlink": self._link_end,
            "image": self._image,
            "inner": self._heading,
            "alert": self._alert,
            "table": self._table,
            "untable": self._table_end,
            "done": self._task,
            "formula": self._formula,
        }

    def finished(self, html: str) -> str:
        return _PLACES.sub(self._place, html)

    def _place(self, found: re.Match[str]) -> str:
        return self._kinds[found.lastgroup or ""](found)

    def _alert(self, found: re.Match[str]) -> str:
        name = found["alert"]
        return f'<blockquote class="alert alert-{name}"><p class="alert-title">{name.capitalize()}</p>'

    def _table(self, found: re.Match[str]) -> str:
        return f"{markup.TABLE}<table{found['table']}>"

    def _table_end(self, _found: re.Match[str]) -> str:
        return "</table></div>"

    def _task(self, found: re.Match[str]) -> str:
        return f'<input type="checkbox" disabled=""{_CHECKED if found["done"] else ""}>'

    def _formula(self, found: re.Match[str]) -> str:
        displayed = "display" in found["math"]
        if set_ := mathml(unescape(found["formula"]), displayed=displayed):
            return f'<span class="{found["math"]}">{set_}</span>'
        marks = "$$" if displayed else "$"
        return f'<span class="{found["math"]} source">{marks}{found["formula"]}{marks}</span>'

    # --- links and images ----------------------------------------------------------------------------------------

    def _link(self, found: re.Match[str]) -> str:
        """A link with `href` leading into the wiki, upstream or nowhere; marked where there is no such page. One that
        shows nothing but an address shows the title of the page instead."""
        self._in_link = True
        given = dict(_ATTRIBUTE.findall(found["link"]))
        target = unescape(given.pop("href", ""))
        within = self._within(target)
        address = within or (self._file(target) if target else "")
        href = f' href="{escape(address)}"{_relation(address)}' if address else ""
        if not within and self._links.is_broken(target):
            given |= {"class": "broken", "title": "Its space has no such page"}
        rest = "".join(f' {name}="{value}"' for name, value in given.items())
        shown = found["bare"] or ""
        title = self._links.title(unescape(shown), target, self._source, self._page.path) if shown else ""
        if within and (badge := self._links.badge(target, self._source, self._page.path)):
            tone = badge.tone if badge.tone in _TONES else "other"
            self._behind_link = f' <span class="status status-{tone}">{escape(badge.text)}</span>'
        return f"<a{href}{rest}>{escape(title) or shown}"

    def _link_end(self, _found: re.Match[str]) -> str:
        self._in_link, behind, self._behind_link = False, self._behind_link, ""
        return f"</a>{behind}"

    def _within(self, target: str) -> str | None:
        """Where a target leads on the page itself or in the wiki."""
        if target.startswith("#"):
            return target
        return self._links.resolve(target, self._source, self._page.path)

    def _file(self, target: str) -> str:
        """The address of a mirrored file, which is described behind the link; upstream's where there is none."""
        found = self._files(target)
        if found and is_list(target):
            self._behind_link = _list([file for file in found if file.is_picture or not is_gallery(target)])
        elif found:
            self._behind_link = _notes(found[0])
            return found[0].address or self._upstream(target)
        return self._upstream(target)

    def _files(self, target: str) -> Sequence[File]:
        return self._links.files(target, self._source, self._page.path)

    def _upstream(self, target: str) -> str:
        return _absolute(self._page.url, target)

    def _image(self, found: re.Match[str]) -> str:
        """A mirrored picture, else a link to it: a reader's browser asks no other host, none learns who reads."""
        attributes = dict(_ATTRIBUTE.findall(found["image"]))
        target = unescape(attributes.get("src", ""))
        file = next(iter(self._files(target)), None) if target else None
        if file is not None and file.is_picture:
            title = f' title="{attributes["title"]}"' if attributes.get("title") else ""
            return _picture(file, attributes.get("alt") or escape(file.name), title)
        address = (file.address if file else "") or (self._upstream(target) if target else "")
        name = unquote(posixpath.basename(urlsplit(address).path)) if address else ""
        shown = attributes.get("alt") or attributes.get("title") or escape(name) or "Image"
        notes = _notes(file) if file else ""
        if self._in_link or not address:
            return f'<span class="image">{shown}</span>{notes}'
        return f'<a class="image" href="{escape(address)}"{_relation(address)}>{shown}</a>{notes}'

    # --- headings ------------------------------------------------------------------------------------------------

    def _heading(self, found: re.Match[str]) -> str:
        level, inner = int(found["level"]), found["inner"]
        anchor = escape(self._headings.anchor(level, unescape(_ANY_TAG.sub("", inner))))
        inner = _PLACES.sub(self._place, inner)
        attributes = _ID.sub("", found["heading"])
        permalink = (
            "" if self._in_link else f'<a class="anchor" href="#{anchor}" aria-label="Link to this section"></a>'
        )
        return f'<h{level} id="{anchor}"{attributes}>{inner}{permalink}</h{level}>'


def _picture(file: File, alternative: str, title: str = "") -> str:
    """A picture in place; `alternative` is ready for an attribute."""
    return f'<img src="{escape(file.address)}" alt="{alternative}"{title} loading="lazy" decoding="async">'


def _notes(file: File) -> str:
    return "".join(f' <span class="file-note">({escape(note.rstrip("."))})</span>' for note in file.notes)


def _list(files: Sequence[File]) -> str:
    """A page's files where the page lists them: pictures in place, others by name."""
    return f'<span class="files">{"".join(_listed(file) for file in files)}</span>'


def _listed(file: File) -> str:
    shown = _picture(file, escape(file.name)) if file.is_picture else escape(file.name)
    linked = f'<a href="{escape(file.address)}">{shown}</a>' if file.address else f"<span>{shown}</span>"
    return linked + _notes(file)


@lru_cache(maxsize=4096)
def _absolute(base: str, target: str) -> str:
    """The absolute address of a target that the wiki does not have; empty if it has none that a browser may open."""
    if target.lower().startswith(("mailto:", "tel:")):
        return target
    try:
        address = urljoin(base, target)
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.scheme in {"http", "https"} and parts.hostname and not parts.username else ""


def _relation(address: str) -> str:
    return ' rel="noopener nofollow"' if address.startswith(("http://", "https://")) else ""
