"""What AsciiDoc writes within a line: emphasis, code, links, images, references, attributes."""

from __future__ import annotations

import re

from wiki_pipeline.text import markdown

# What stands between marks that differ has a longest length: without one, each mark that is never closed would be
# looked for up to the end of the text, in time that grows with the square of its length.
_INLINE = re.compile(
    r"`\+?(?P<code>[^`\n]+?)\+?`"
    r"|(?P<image>image):(?P<image_target>[^\s\[]{1,1000}+)\[(?P<image_text>[^\]]{0,1000}+)\]"
    r"|(?:link:|xref:)(?P<target>[^\s\[]{1,1000}+)\[(?P<text>[^\]]{0,1000}+)\]"
    r"|(?P<url>(?:https?|ftp|mailto):[^\s\[\]<>]{1,1000}+)\[(?P<url_text>[^\]]{0,1000}+)\]"
    r"|<<(?P<ref>[^,>]{1,200}+)(?:,[ ]*+(?P<ref_text>[^>]{0,500}+))?>>"
    r"|\[\[[^\]]{0,200}+\]\]|(?<!\w)\[[#.][^\]]{0,200}+\](?=[#*_`])"
    r"|(?<![\w*])\*(?P<bold>\S|\S[^*\n]*?\S)\*(?![\w*])|\*\*(?P<bold_within>[^*\n]+)\*\*"
    r"|(?<![\w_])_(?P<italic>\S|\S[^_\n]*?\S)_(?![\w_])|__(?P<italic_within>[^_\n]+)__"
    r"|\{(?P<attribute>[\w-]+)\}"
)
_REFERENCE = re.compile(r"\{([\w-]+)\}")
_MOST_ADDED = 100_000
_STANDARD = {"nbsp": " ", "sp": " ", "empty": "", "blank": ""}


class Inline:
    """Lines of one document, with the attributes that it has set so far.

    Args:
        size: characters of the document. What references add to it is bounded: attributes that hold each other twice
            would double its text with every line.
    """

    def __init__(self, size: int) -> None:
        self.attributes = dict(_STANDARD)
        self._left = size + _MOST_ADDED

    def resolved(self, text: str) -> str:
        """The text with references to attributes replaced; unknown ones stay, and all when they have added too much."""
        return _REFERENCE.sub(lambda found: self._value(found.group(1), found.group()), text)

    def _value(self, name: str, reference: str) -> str:
        value = self.attributes.get(name, reference)
        if len(value) > self._left:
            return reference
        self._left -= len(value)
        return value

    def text(self, text: str) -> str:
        """A line, or several, as inline Markdown."""
        out, at = [], 0
        for found in _INLINE.finditer(text):
            out += [escaped(text[at : found.start()]), self._span(found)]
            at = found.end()
        return "".join([*out, escaped(text[at:])])

    def _span(self, found: re.Match[str]) -> str:
        bold, italic = found["bold"] or found["bold_within"], found["italic"] or found["italic_within"]
        if found["code"]:
            return markdown.code_span(self.resolved(found["code"]))
        if bold or italic:
            return f"**{self.text(bold)}**" if bold else f"*{self.text(italic)}*"
        if found["attribute"]:
            return escaped(self._value(found["attribute"], found.group()))
        if found["image"]:
            return markdown.image(_first(found["image_text"]), self.resolved(found["image_target"]))
        return self._link(found)

    def _link(self, found: re.Match[str]) -> str:
        if found["ref"]:
            return markdown.link(escaped(found["ref_text"] or found["ref"]), f"#{found['ref'].lstrip('#')}")
        target = found["target"] or found["url"]
        if not target:
            return ""
        text = _first(found["text"] if found["target"] else found["url_text"])
        return markdown.link(self.text(text) if text else "", self.resolved(target))


def escaped(text: str) -> str:
    """Plain text as Markdown; line ends stay."""
    return "\n".join(markdown.escape(line) for line in text.split("\n"))


def _first(attributes: str) -> str:
    """The text in a macro's brackets, before its further attributes (`[text,window=_blank]`, `[text^]`)."""
    return attributes.split(",", maxsplit=1)[0].rstrip("^").strip('"')
