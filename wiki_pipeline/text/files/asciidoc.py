"""AsciiDoc, line by line: headings, lists, blocks, tables, links. Includes are named, not followed.

There is no AsciiDoc parser for Python that is kept well. This reads the structure that documents use; what it does not
know stays as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text import markdown
from wiki_pipeline.text.files.markdown_file import from_markdown
from wiki_pipeline.text.known import Known

_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)$")
_ATTRIBUTE = re.compile(r":!?([\w-]+)!?:[ \t]*(.*)$")
_DELIMITER = re.compile(r"(-{4,}+|\.{4,}+|={4,}+|_{4,}+|\*{4,}+|\+{4,}+|/{4,}+|--|```++)[\w+#-]*+[ \t]*+$")
_BLOCK_ATTRIBUTES = re.compile(r"\[([^\[\]]*)\][ \t]*$")
_TITLE = re.compile(r"\.([^ .\t].*)$")
_ITEM = re.compile(r"[ \t]*(\*{1,6}|-|\.{1,6}|\d+\.)[ \t]+(?:\[([ xX*])\][ \t]+)?(\S.*)$")
_TERM = re.compile(r"[ \t]*(\S.*?)(?<!:):{2,4}(?:[ \t]+(.*))?$")
_ADMONITION = re.compile(r"(NOTE|TIP|IMPORTANT|WARNING|CAUTION):[ \t]+(\S.*)$")
_MACRO = re.compile(r"(image|include|video|audio)::?([^\[\]]*)\[([^\]]*)\]$")
_CELL = re.compile(r"(?:^|(?<=\s))(?:[\d.+<>^*]*[aehlmsv]?)\|")
_MAX_DEPTH = 16
_ALERTS = {"NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"}


def clean_asciidoc(raw: RawPage, known: Known) -> CleanPage:
    """An AsciiDoc file."""
    return from_markdown(raw, _Converter(raw.body).markdown())


class _Converter:
    """One document's way to Markdown; reads lines from the front."""

    def __init__(self, text: str, inline: Inline | None = None, depth: int = 0) -> None:
        self._lines = text.replace("\r\n", "\n").split("\n")
        self._at = 0
        self._inline = inline or Inline(len(text))
        self._depth = depth
        self._style: list[str] = []
        self._title = ""

    def markdown(self) -> str:
        """The whole document."""
        self._skip_header()
        return "\n\n".join(block for block in self._blocks() if block.strip())

    def _skip_header(self) -> None:
        """Author and revision, the lines below the document's title: facts of the document, not its text."""
        if self._lines[0].startswith("= "):
            for at in range(1, len(self._lines)):
                line = self._lines[at]
                if not line.strip():
                    break
                if not _ATTRIBUTE.match(line):
                    self._lines[at] = "//"
                else:
                    self._announces(line)
                    self._at -= 1
                    self._lines[at] = "//"

    def _blocks(self) -> Iterator[str]:
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            if not line or (line.startswith("//") and not line.startswith("////")):
                self._at += 1
            elif not self._announces(line):
                title, self._title = self._title, ""
                block = self._block(line)
                yield f"**{self._inline.text(title)}**\n\n{block}" if title and block else block
                self._style = []

    def _announces(self, line: str) -> bool:
        """Take a line that says something of the block below: attributes, title, anchor; or sets an attribute."""
        attribute, style, title = _ATTRIBUTE.match(line), _BLOCK_ATTRIBUTES.match(line), _TITLE.match(line)
        if attribute:
            self._inline.attributes[attribute.group(1)] = self._inline.resolved(attribute.group(2))
        elif style:
            self._style = [part.strip() for part in style.group(1).split(",")]
        elif title and not _DELIMITER.match(line):
            self._title = title.group(1)
        elif line != "<<<":
            return False
        self._at += 1
        return True

    def _block(self, line: str) -> str:
        heading, delimiter = _HEADING.match(line), _DELIMITER.match(line)
        if delimiter:
            return self._delimited(delimiter.group(1))
        if heading:
            self._at += 1
            return f"{'#' * len(heading.group(1))} {self._inline.text(heading.group(2))}"
        if line.startswith(("|===", ",===", "!===")):
            return self._table(line)
        if line in {"'''", "---", "***"}:
            self._at += 1
            return "---"
        if _ITEM.match(line) or _is_term(line):
            return self._list()
        return self._paragraph()

    def _delimited(self, marks: str) -> str:
        self._at += 1
        start = self._at
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != marks:
            self._at += 1
        body = "\n".join(self._lines[start : self._at])
        self._at += 1
        style = self._style[0] if self._style else ""
        if marks[0] == "/":
            return ""
        if (marks[0] in "-.`+" and marks != "--") or style in {"source", "listing", "plantuml", "mermaid", "ditaa"}:
            language = (
                self._style[1] if style == "source" and len(self._style) > 1 else style if style != "listing" else ""
            )
            return markdown.fence(
                self._resolved_includes(body),
                "" if marks[0] == "." or (style in {"source", "listing"} and not language) else language,
            )
        if self._depth >= _MAX_DEPTH:
            return self._flowing(body.split("\n"))
        inner = _Converter(body, self._inline, self._depth + 1).markdown()
        if style.upper() in _ALERTS:
            return markdown.prefixed("> ", f"[!{style.upper()}]\n{inner}")
        return markdown.prefixed("> ", inner) if marks[0] in "_*" or style in {"quote", "verse", "sidebar"} else inner

    def _resolved_includes(self, code: str) -> str:
        return re.sub(r"^include::([^\[\n]+)\[[^\]\n]*\]$", r"(included: \1)", code, flags=re.MULTILINE)

    def _paragraph(self) -> str:
        lines: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].strip():
            line = self._lines[self._at].rstrip()
            if lines and (_DELIMITER.match(line) or _BLOCK_ATTRIBUTES.match(line) or line.startswith("|===")):
                break
            self._at += 1
            if line.startswith("//"):
                continue
            lines.append(line)
            if line == "+":
                lines.pop()
        if lines and lines[0].startswith((" ", "\t")):
            return markdown.fence("\n".join(lines))
        style = self._style[0] if self._style else ""
        if style == "source":
            return markdown.fence("\n".join(lines), self._style[1] if len(self._style) > 1 else "")
        macro = _MACRO.match(lines[0]) if len(lines) == 1 else None
        if macro:
            return self._block_macro(*macro.groups())
        text = self._flowing(lines)
        admonition = _ADMONITION.match(" ".join(lines))
        if admonition:
            return f"> [!{admonition.group(1)}]\n> {self._inline.text(admonition.group(2))}"
        return f"> [!{style.upper()}]\n> {text}" if style.upper() in _ALERTS else text

    def _block_macro(self, kind: str, target: str, text: str) -> str:
        target = self._inline.resolved(target)
        if kind == "include":
            return f"*[Included: {markdown.escape(target)}]*"
        folder = self._inline.attributes.get("imagesdir", "") if kind == "image" else ""
        address = f"{folder.rstrip('/')}/{target}" if folder and "://" not in target else target
        name = text.split(",", maxsplit=1)[0].strip("\"'") or target.rpartition("/")[2]
        return markdown.image(name, address) if kind == "image" else markdown.link(markdown.escape(name), address)

    def _flowing(self, lines: list[str]) -> str:
        joined = "\n".join(line[:-2] + "\\" if line.endswith(" +") else line for line in lines)
        return markdown.paragraph(self._inline.text(joined))

    def _list(self) -> str:
        """Items, nested by their marks; a line with `+` attaches the next block to its item."""
        out: list[str] = []
        levels: list[str] = []
        indent = 0
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            item, term = _ITEM.match(line), _TERM.match(line) if _is_term(line) else None
            if item:
                marks = "1." if item.group(1)[0].isdigit() else item.group(1)
                levels = levels[: levels.index(marks) + 1] if marks in levels else [*levels, marks][:16]
                depth = len(levels) - 1
                bullet = "1." if marks[0] in ".1" else "-"
                box = "" if item.group(2) is None else "[ ] " if item.group(2) == " " else "[x] "
                self._at += 1
                indent = depth * 3 + len(bullet) + 1
                out.append(
                    f"{' ' * (depth * 3)}{bullet} {box}{markdown.indented(self._item_text(item.group(3)), indent)}"
                )
            elif term:
                levels, indent = [], 2
                self._at += 1
                out.append(f"- **{self._inline.text(term.group(1))}**")
                if term.group(2):
                    out.append(f"  {self._item_text(term.group(2))}")
            elif line == "+" and self._at + 1 < len(self._lines):
                self._at += 1
                while self._at < len(self._lines) and self._announces(self._lines[self._at].rstrip()):
                    pass
                attached = self._block(self._lines[self._at].rstrip()) if self._at < len(self._lines) else ""
                self._style = []
                out.append("\n" + " " * indent + markdown.indented(attached, indent))
            elif not line and self._at + 1 < len(self._lines) and self._continues(self._lines[self._at + 1]):
                self._at += 1
            elif line.startswith((" ", "\t")) and out:
                self._at += 1
                out.append(f"{' ' * indent}{self._item_text(line.strip())}")
            else:
                break
        return "\n".join(out)

    def _continues(self, line: str) -> bool:
        return bool(_ITEM.match(line) or _TERM.match(line)) and not _MACRO.match(line.strip())

    def _item_text(self, first: str) -> str:
        lines = [first]
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            if (
                not line
                or line == "+"
                or self._continues(line)
                or _DELIMITER.match(line)
                or _BLOCK_ATTRIBUTES.match(line)
            ):
                break
            lines.append(line.strip())
            self._at += 1
        return self._flowing(lines)

    def _table(self, marks: str) -> str:
        self._at += 1
        start = self._at
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != marks:
            self._at += 1
        lines = self._lines[start : self._at]
        self._at += 1
        rows = (
            [[part.strip() for part in line.split(",")] for line in lines if line] if marks[0] == "," else _rows(lines)
        )
        return markdown.table([[markdown.cell(self._inline.text(cell)) for cell in row] for row in rows])


def _is_term(line: str) -> bool:
    """Whether a line begins what a list of terms describes."""
    return not line.startswith(("image:", "include:")) and _TERM.match(line) is not None


def _rows(lines: list[str]) -> list[list[str]]:
    """The cells of a table, in rows as wide as its first row."""
    first = next((line for line in lines if line.strip()), "")
    width = len(_CELL.findall(first))
    found: list[list[str]] = []  # of each cell, what its lines hold
    for line in lines:
        parts = _CELL.split(line)
        if found:
            found[-1].append(parts[0].strip())
        if len(parts) > 1 or not found:
            found += [[part.strip()] for part in parts[1:]]
    cells = [" ".join(filter(None, parts)) for parts in found]
    if width <= 1:
        blank = next((at for at, line in enumerate(lines) if at and not line.strip()), len(lines))
        width = max(1, sum(len(_CELL.findall(line)) for line in lines[:blank]))
    return [cells[at : at + width] for at in range(0, len(cells), width)]


# --- within a line ----------------------------------------------------------------------------------------------------


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
