"""What of the chunks found goes into a prompt, within a number of tokens, and how it stands there.

Pages are strangers' text. What no reader sees (comments, hidden elements, invisible characters) doesn't reach a model,
and what looks like a marker of ours is made to look different, so that no page can cite another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wiki_pipeline.answers.cite import Citation

_COMMENT_BEGIN, _COMMENT_END = "<!--", "-->"
_HIDDEN = re.compile(
    r"<(?P<tag>[a-zA-Z][a-zA-Z0-9]{0,20})\b(?=[^<>]{0,500}(?:\bhidden\b|display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden"
    r"|font-size\s{0,3}:\s{0,3}0|opacity\s{0,3}:\s{0,3}0\b|aria-hidden\s{0,3}=\s{0,3}[\"']?true))[^<>]{0,500}>",
    re.IGNORECASE,
)
# Zero-width and direction marks, soft hyphens, tags (U+E0000 to U+E007F) and variation selectors: text that isn't seen.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\ue000-\uf8ff]"
)
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,300})\]\([^()\s]{0,2000}(?:\s\"[^\"\n]{0,300}\")?\)")
_OUR_MARKER = re.compile(r"([\[【［]{1,2}\s{0,3}\^?)([cC]?\d{1,3})(?=[\s,;\]】］†])")
_ALT_SHOWN = 80
_TITLE = 160
# Above so many tokens the best stand at both ends, where models read best; below, order matters little.
_LONG = 4_000


@dataclass(frozen=True, slots=True)
class Packed:
    """What a prompt holds of the chunks.

    Attributes:
        citations: those that are in it, in the order of their numbers.
        shown: under each id, exactly what the model is shown.
        text: all of it.
    """

    citations: tuple[Citation, ...]
    shown: dict[str, str]
    text: str
    left_out: int = 0


def pack(citations: Sequence[Citation], budget: int, count: Callable[[str], int]) -> Packed:
    """As many of the chunks as have room, the best first; chunks of the same text once.

    Args:
        citations: best first.
        budget: tokens.
        count: tokens of a text.
    """
    chosen: list[Citation] = []
    shown: dict[str, str] = {}
    seen: set[str] = set()
    left = budget
    for citation in citations:
        if citation.text_hash in seen:
            continue
        text = shown_to_model(citation)
        size = count(text)
        if size > left and not chosen:
            text = text[: max(200, int(len(text) * left / size))]
            size = count(text)
        elif size > left:
            continue
        seen.add(citation.text_hash)
        chosen.append(citation)
        shown[citation.id] = text
        left -= size
    order = _both_ends(chosen) if budget - left > _LONG else chosen
    text = "\n\n".join(shown[citation.id] for citation in order)
    numbered = tuple(sorted(chosen, key=lambda citation: int(citation.id[1:])))
    return Packed(numbered, shown, text, len(citations) - len(chosen))


def _both_ends(best_first: Sequence[Citation]) -> list[Citation]:
    return [*best_first[::2], *reversed(best_first[1::2])]


def shown_to_model(citation: Citation) -> str:
    """A chunk as it stands in a prompt: id, where it is from, how old and how fresh, and its text."""
    facts = [citation.source_title]
    if citation.path:
        facts.append(citation.path)
    if citation.version:
        facts.append(f"version {citation.short_version}")
    if citation.modified_at:
        facts.append(f"changed {citation.modified_at[:10]}{f' by {citation.author}' if citation.author else ''}")
    if citation.stale:
        facts.append("OUT OF DATE: a newer state exists that is not in this text")
    title = " > ".join(map(_line, (citation.title, *citation.headings)))
    return f"[{citation.id}] {title} ({'; '.join(map(_line, facts))})\n{visible(citation.text)}"


def visible(text: str) -> str:
    """A page's text without what its readers don't see, and without anything that looks like a marker."""
    text = _INVISIBLE.sub("", _without_comments(text))
    if "<" in text:
        text = _without_hidden(text)
    text = _IMAGE.sub(lambda found: f"(picture: {found[1][:_ALT_SHOWN]})" if found[1].strip() else "(picture)", text)
    return _OUR_MARKER.sub(r"\1#\2", text).strip()


def _line(text: str) -> str:
    """A title or name on one line."""
    return " ".join(visible(text).split())[:_TITLE]


def _without_comments(text: str) -> str:
    parts, at = [], 0
    while (begin := text.find(_COMMENT_BEGIN, at)) >= 0:
        parts.append(text[at:begin])
        end = text.find(_COMMENT_END, begin + len(_COMMENT_BEGIN))
        if end < 0:  # browsers hide the rest too
            return "".join(parts)
        at = end + len(_COMMENT_END)
    return "".join((*parts, text[at:]))


def _without_hidden(text: str) -> str:
    """Without elements that browsers don't show; one that isn't closed hides to the end of its block."""
    parts, at, lowered = [], 0, text.lower()
    while found := _HIDDEN.search(text, at):
        parts.append(text[at : found.start()])
        close = f"</{found['tag'].lower()}"
        end = lowered.find(close, found.end())
        if end < 0:
            end = text.find("\n\n", found.end())
            at = len(text) if end < 0 else end
        else:
            closed = text.find(">", end)
            at = len(text) if closed < 0 else closed + 1
    return "".join((*parts, text[at:]))
