"""Texts of issues in the forms that Jira has: ADF (Cloud), wiki markup and the HTML made of it (Data Center)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

Adf = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Body:
    """A description or a comment in all its forms."""

    adf: Adf
    wiki: str
    html: str


def body(*blocks: Adf | str) -> Body:
    """A body from blocks of ADF; a string is a paragraph."""
    content = [paragraph(block) if isinstance(block, str) else block for block in blocks]
    document = {"type": "doc", "version": 1, "content": content}
    return Body(document, "\n\n".join(_wiki(block) for block in content), "".join(_html(block) for block in content))


def as_body(text: Body | Adf | str | None) -> Body | None:
    """A body from whatever a caller has: nothing, words, ADF."""
    if text is None or isinstance(text, Body):
        return text
    if isinstance(text, str):
        return body(*(part for part in text.split("\n\n") if part))
    made = body(*text.get("content", ()))
    return Body(text, made.wiki, made.html)


# --- ADF by hand -------------------------------------------------------------------------------------------------


def paragraph(*parts: Adf | str) -> Adf:
    """A paragraph."""
    return {"type": "paragraph", "content": [text(part) if isinstance(part, str) else part for part in parts]}


def text(words: str, *marks: str) -> Adf:
    """Words, with marks (`strong`, `em`, `code`)."""
    node: dict[str, Any] = {"type": "text", "text": words}
    return node | ({"marks": [{"type": mark} for mark in marks]} if marks else {})


def link(words: str, address: str) -> Adf:
    """Words that lead somewhere."""
    return {"type": "text", "text": words, "marks": [{"type": "link", "attrs": {"href": address}}]}


def card(address: str) -> Adf:
    """A smart link."""
    return {"type": "inlineCard", "attrs": {"url": address}}


def mention(account: str, name: str) -> Adf:
    """A person."""
    return {"type": "mention", "attrs": {"id": account, "text": f"@{name}"}}


def heading(words: str, level: int = 2) -> Adf:
    """A heading."""
    return {"type": "heading", "attrs": {"level": level}, "content": [text(words)]}


def items(*rows: Adf | str, ordered: bool = False) -> Adf:
    """A list."""
    content = [{"type": "listItem", "content": [row if not isinstance(row, str) else paragraph(row)]} for row in rows]
    return {"type": "orderedList" if ordered else "bulletList", "content": content}


def tasks(*rows: tuple[bool, str]) -> Adf:
    """A list of tasks, each done or not."""
    content = [
        {
            "type": "taskItem",
            "attrs": {"localId": str(number), "state": "DONE" if done else "TODO"},
            "content": [text(words)],
        }
        for number, (done, words) in enumerate(rows)
    ]
    return {"type": "taskList", "attrs": {"localId": "t"}, "content": content}


def code(source: str, language: str = "") -> Adf:
    """A block of code."""
    return {"type": "codeBlock", "attrs": {"language": language}, "content": [{"type": "text", "text": source}]}


def panel(*blocks: Adf | str, kind: str = "info") -> Adf:
    """A panel."""
    content = [paragraph(block) if isinstance(block, str) else block for block in blocks]
    return {"type": "panel", "attrs": {"panelType": kind}, "content": content}


def table(*rows: Iterable[str]) -> Adf:
    """A table, its first row a header."""
    made = []
    for number, row in enumerate(rows):
        kind = "tableCell" if number else "tableHeader"
        made.append({"type": "tableRow", "content": [{"type": kind, "content": [paragraph(cell)]} for cell in row]})
    return {"type": "table", "content": made}


def picture(name: str) -> Adf:
    """An attached picture in place."""
    media = {"type": "media", "attrs": {"type": "file", "id": f"media-{name}", "collection": "", "alt": name}}
    return {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [media]}


# --- what Data Center makes of it --------------------------------------------------------------------------------

_TAGS = {
    "paragraph": "p",
    "bulletList": "ul",
    "orderedList": "ol",
    "listItem": "li",
    "tableRow": "tr",
    "tableCell": "td",
    "tableHeader": "th",
    "blockquote": "blockquote",
    "taskList": "ul",
    "taskItem": "li",
}
_MARKS = {"strong": "b", "em": "em", "code": "tt", "underline": "ins", "strike": "del"}


def _html(node: Adf) -> str:  # noqa: PLR0911 - one a kind of node
    kind, attrs = node["type"], node.get("attrs", {})
    inner = "".join(_html(child) for child in node.get("content", ()))
    match kind:
        case "text":
            return _marked_html(node)
        case "hardBreak":
            return "<br/>"
        case "heading":
            return f"<h{attrs['level']}>{inner}</h{attrs['level']}>"
        case "codeBlock":
            language = attrs["language"]
            inner = f'<pre class="code-{language}">{inner}</pre>'
            return f'<div class="code panel"><div class="codeContent panelContent">{inner}</div></div>'
        case "panel":
            return f'<div class="panel"><div class="panelContent">{inner}</div></div>'
        case "table":
            return f'<div class="table-wrap"><table class="confluenceTable"><tbody>{inner}</tbody></table></div>'
        case "inlineCard":
            return f'<a href="{escape(attrs["url"])}">{escape(attrs["url"])}</a>'
        case "mention":
            name = escape(attrs["text"].removeprefix("@"))
            profile = f"/secure/ViewProfile.jspa?name={attrs['id']}"
            return f'<a href="{profile}" class="user-hover" rel="{attrs["id"]}">{name}</a>'
        case "media":
            name = escape(attrs["alt"])
            return f'<span class="image-wrap"><img src="/secure/attachment/0/{name}" alt="{name}"/></span>'
        case _:
            tag = _TAGS.get(kind)
            return f"<{tag}>{inner}</{tag}>" if tag else inner


def _marked_html(node: Adf) -> str:
    shown = escape(node["text"])
    for mark in node.get("marks", ()):
        if mark["type"] == "link":
            shown = f'<a href="{escape(mark["attrs"]["href"])}" class="external-link" rel="nofollow">{shown}</a>'
        elif tag := _MARKS.get(mark["type"]):
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _wiki(node: Adf, prefix: str = "") -> str:  # noqa: PLR0911 - one a kind of node
    kind, attrs = node["type"], node.get("attrs", {})
    inner = "".join(_wiki(child, prefix) for child in node.get("content", ()))
    match kind:
        case "text":
            return _marked_wiki(node)
        case "heading":
            return f"h{attrs['level']}. {inner}"
        case "codeBlock":
            return f"{{code:{attrs['language']}}}\n{inner}\n{{code}}"
        case "panel":
            return f"{{panel}}\n{inner}\n{{panel}}"
        case "bulletList" | "orderedList" | "taskList":
            mark = "#" if kind == "orderedList" else "*"
            return "\n".join(f"{mark} {_wiki(child)}" for child in node["content"])
        case "tableRow":
            return "|" + "".join(f"{_wiki(cell)}|" for cell in node["content"]) + "\n"
        case "inlineCard":
            return f"[{attrs['url']}]"
        case "mention":
            return f"[~{attrs['id']}]"
        case "media":
            return f"!{attrs['alt']}!"
        case _:
            return inner


def _marked_wiki(node: Adf) -> str:
    shown = node["text"]
    signs = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}
    for mark in node.get("marks", ()):
        if mark["type"] == "link":
            shown = f"[{shown}|{mark['attrs']['href']}]"
        elif mark["type"] == "code":
            shown = f"{{{{{shown}}}}}"
        elif sign := signs.get(mark["type"]):
            shown = f"{sign}{shown}{sign}"
    return str(shown)
