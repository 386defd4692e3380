"""A language model's Markdown as HTML that holds nothing but text: no tags, links, pictures or addresses of its own.

Written from the parser's events, element by element: what is not in the table below is shown as the text that it is.
What the program puts in (citations) comes in by number, so that no text of a model can stand for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from pyromark import Markdown, Options

from wiki_pipeline.wiki import markup

BEGIN, END = "\ue000", "\ue001"
"""Around the number of something that the program puts into the text. Neither may be in the text before."""

MAX_CHARACTERS = 300_000

_MARKDOWN = Markdown(options=Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH)
_PLACE = re.compile(f"{BEGIN}(\\d{{1,6}}){END}")
_STRAY = re.compile(f"[{BEGIN}{END}]")
_ELEMENTS = {
    "Paragraph": "p",
    "BlockQuote": "blockquote",
    "Item": "li",
    "Emphasis": "em",
    "Strong": "strong",
    "Strikethrough": "del",
    "Table": "table",
    "TableHead": "thead",
    "TableRow": "tr",
    "TableCell": "td",
    "CodeBlock": "pre",
}


def without_places(text: str) -> str:
    """A model's text without the characters that the program marks places with."""
    return _STRAY.sub("", text)


def to_html(markdown: str, placed: Sequence[str] = ()) -> str:
    """Markdown as HTML.

    Args:
        markdown: with `BEGIN`, a number and `END` where something is put in.
        placed: HTML by number, made by the program.
    """
    if len(markdown) > MAX_CHARACTERS:
        return f'<pre tabindex="0">{_text(markdown, placed)}</pre>'
    return _Writer(placed).html(_MARKDOWN.events(markdown))


class _Writer:
    """Writes elements as they begin and end."""

    def __init__(self, placed: Sequence[str]) -> None:
        self._placed = placed
        self._out: list[str] = []
        self._lists: list[str] = []
        self._head = False
        self._links: list[str] = []

    def html(self, events: Iterable[Any]) -> str:
        for event in events:
            if isinstance(event, str):
                self._mark(event)
            else:
                ((kind, value),) = event.items()
                self._event(kind, value)
        return "".join(self._out)

    def _mark(self, event: str) -> None:
        self._out.append({"SoftBreak": "\n", "HardBreak": "<br>", "Rule": "<hr>"}.get(event, ""))

    def _event(self, kind: str, value: Any) -> None:
        match kind:
            case "Start":
                self._start(*_named(value))
            case "End":
                self._end(*_named(value))
            case "Code":
                self._out.append(f"<code>{_text(value, self._placed)}</code>")
            case "Text" | "Html" | "InlineHtml" | "InlineMath" | "DisplayMath" | "FootnoteReference":
                self._out.append(_text(value, self._placed))
            case _:
                pass

    def _start(self, name: str, facts: Any) -> None:
        if name == "List":
            self._lists.append("ul" if facts is None else "ol")
            start = f' start="{int(facts)}"' if isinstance(facts, int) and facts != 1 else ""
            self._out.append(f"<{self._lists[-1]}{start}>")
        elif name == "Heading":
            self._out.append("<p><strong>")  # the page has headings of its own
        elif name in {"Link", "Image"}:
            self._links.append(str(facts.get("dest_url", "")) if isinstance(facts, Mapping) else "")
        elif name == "TableHead":
            self._head = True
            self._out.append("<thead><tr>")
        elif name == "Table":
            self._out.append(f"{markup.TABLE}<table>")
        elif name in _ELEMENTS:
            self._out.append(f"<{self._element(name)}>" + ("<code>" if name == "CodeBlock" else ""))

    def _end(self, name: str, _: Any) -> None:
        if name == "List":
            self._out.append(f"</{self._lists.pop()}>" if self._lists else "")
        elif name == "Heading":
            self._out.append("</strong></p>")
        elif name in {"Link", "Image"}:
            address = self._links.pop() if self._links else ""
            # As text: no click follows it, and nothing is loaded from it.
            self._out.append(f" ({escape(address)})" if address else "")
        elif name == "TableHead":
            self._head = False
            self._out.append("</tr></thead>")
        elif name == "Table":
            self._out.append("</table></div>")
        elif name in _ELEMENTS:
            self._out.append(("</code>" if name == "CodeBlock" else "") + f"</{self._element(name)}>")

    def _element(self, name: str) -> str:
        return "th" if self._head and name == "TableCell" else _ELEMENTS[name]


def _named(value: Any) -> tuple[str, Any]:
    """The name of an element and what is known of it."""
    if isinstance(value, str):
        return value, None
    ((name, facts),) = value.items()
    return name, facts


def _text(text: str, placed: Sequence[str]) -> str:
    """Text, with what the program puts in."""
    parts, at = [], 0
    for found in _PLACE.finditer(text):
        parts.append(escape(text[at : found.start()]))
        number = int(found[1])
        parts.append(placed[number] if number < len(placed) else "")
        at = found.end()
    parts.append(escape(text[at:]))
    return "".join(parts)
