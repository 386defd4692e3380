"""Small pieces of GitHub-flavoured Markdown: escaping, fences, prefixes, tables. Strings in, strings out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

# A quick look that spares most lines the careful pattern behind it.
_LINE_SUSPECT = frozenset("#-+>=|~[0123456789")

_BLANK = re.compile(r"[ \t\r\n\u00a0]+")
# What would be read as markup in running text; each alternative begins with a literal, which the regex engine can seek.
# An underscore inside a word, a lone tilde or bracket is not, and stays.
_SPECIAL = re.compile(
    r"[`*]|_(?![^\W_])|_(?<![^\W_]_)|~(?<!\s~)|~(?![^\W_])"
    r"|\\(?!\w)"
    r"|<(?=[A-Za-z/!?]|[^\s<>]+@|\Z)|&(?=#?\w+;)"
    r"|\](?=\(|\Z)|\$(?=\S)",
    re.DOTALL,
)
# A formula that its author wrote as TeX; a price or a shell variable is none.
_FORMULA = re.compile(r"\$\$[^$]+\$\$|\$(?![\s\d])[^$]*[\\^_{=][^$]*(?<![\s\\])\$(?!\w)")
_LINE_START = re.compile(
    r"^(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|(\d{1,9})([.)])(?=\s|$)"  # headings, items, quotes
    r"|(?:=+|-(?:[ \t]*-)+)(?=[ \t]*$)|\||~~~|\[(?=[^\]\n]{1,999}\]:))",  # rules, tables, fences, definitions
    re.MULTILINE,
)
_RUN_OF_BACKTICKS = re.compile(r"`+")
_TARGET_UNSAFE = re.compile(r"[\s<>()\\\x00-\x1f]")
_BRACKET = re.compile(r"\\.|([\[\]])", re.DOTALL)
_TITLE_UNSAFE = re.compile(r'["\\\r\n]')
_NEXT_LINE = re.compile(r"\n(?=[^\n])")
_GAP = re.compile(r"(?<= ) +(?! ?\n)")
_HARD_BREAK = re.compile(r" *  \n *")
_BREAK = re.compile(r"\s*\n\s*")
_LANGUAGE = re.compile(r"[^A-Za-z0-9_+#.-]")
# Inline Markdown in pieces: code spans, escapes, references, tags, brackets of links, marks of emphasis.
_PIECE = re.compile(
    r"(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)|(?P<loose>`+)|\\(?P<escaped>[!-/:-@\[-`{-~])|(?P<entity>&#?\w+;)"
    r"|(?P<open>!?\[)|(?P<close>\](?:\((?:[^()\"]|\"[^\"]*\")*\))?)|</?[A-Za-z!][^<>]*>|\*+|~~",
    re.DOTALL,
)


def escape(text: str) -> str:
    """Text as Markdown that shows exactly it, white space collapsed (also no-break spaces: they hide from search)."""
    # Plain searches, one by one: most texts hold none of these, and a pattern of them all takes several times as long.
    if "\n" in text or "  " in text or "\u00a0" in text or "\t" in text or "\r" in text:
        text = _BLANK.sub(" ", text)
    if not (
        "_" in text or "*" in text or "`" in text or "<" in text or "&" in text
        or "]" in text or "\\" in text or "~" in text or "$" in text
    ):  # fmt: skip
        return text
    if text.count("$") < 2:
        return _SPECIAL.sub(_escaped, text)
    parts, at = [], 0
    for formula in _FORMULA.finditer(text):
        parts += [_SPECIAL.sub(_escaped, text[at : formula.start()]), formula.group()]
        at = formula.end()
    return "".join([*parts, _SPECIAL.sub(_escaped, text[at:])])


def _escaped(match: re.Match[str]) -> str:
    found = match.group()
    if found == "&":
        return "&amp;"
    return "\\" + found


def paragraph(text: str) -> str:
    """Inline Markdown as a paragraph: stripped, and no line of it reads as a list, heading, quote or rule."""
    text = text.strip(" \n")
    if not text:
        return ""
    if "  " in text:
        text = _GAP.sub("", text)
    if "\n" in text:
        text = _HARD_BREAK.sub("  \n", text)
    if text[0] in _LINE_SUSPECT or "\n" in text:
        return _LINE_START.sub(_defused, text)
    return text


def _defused(match: re.Match[str]) -> str:
    digits = match.group(1)
    return f"{digits}\\{match.group(2)}" if digits else "\\" + match.group()


def plain(inline: str) -> str:
    """Inline Markdown as plain text: no emphasis, link targets, tags or escapes; code as it stands."""
    shown: list[str] = []
    opened: list[int] = []  # places in `shown` of brackets that may belong to a link
    at = 0
    for piece in _PIECE.finditer(inline):
        shown.append(inline[at : piece.start()])
        at = piece.end()
        if piece["open"]:
            opened.append(len(shown))
            shown.append(piece["open"])
        elif piece["close"]:
            begin = opened.pop() if opened else None
            if begin is not None and len(piece["close"]) > 1:
                shown[begin] = ""
            else:
                shown.append(piece["close"])
        elif piece["entity"]:
            shown.append(html.unescape(piece["entity"]))
        else:
            shown.append(piece["code"] or piece["escaped"] or piece["loose"] or "")
    return " ".join("".join([*shown, inline[at:]]).split())


def html_text(text: str) -> str:
    """Plain text inside an HTML tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code_span(text: str) -> str:
    """Text as an inline code span, whatever backticks it holds."""
    text = " ".join(text.split())
    if not text:
        return ""
    if "`" not in text:
        return f"`{text}`"
    fence = "`" * (max(map(len, _RUN_OF_BACKTICKS.findall(text))) + 1)
    return f"{fence} {text} {fence}"


def fence(code: str, language: str = "") -> str:
    """A fenced code block, its fence longer than any run of backticks in the code; the code is kept verbatim."""
    longest = max(map(len, _RUN_OF_BACKTICKS.findall(code)), default=0) if "`" in code else 0
    marks = "`" * max(3, longest + 1)
    code = code.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    return f"{marks}{_LANGUAGE.sub('', language)}\n{code}\n{marks}"


def prefixed(prefix: str, block: str) -> str:
    """Every line of a block behind a prefix, as `> `; empty lines get the prefix without its trailing space."""
    bare = prefix.rstrip()
    return "\n".join([prefix + line if line else bare for line in block.split("\n")])


def indented(block: str, width: int) -> str:
    """A block indented to continue a list item; the first line, which follows the marker, and empty lines stay."""
    return _NEXT_LINE.sub("\n" + " " * width, block) if "\n" in block and width else block


def link(text: str, target: str, title: str = "") -> str:
    """A link; text alone if there is no target, the target if there is no text."""
    if not target:
        return text
    shown = _with_brackets_in_pairs(text.strip() or escape(target))
    address = _address(target)
    return f'[{shown}]({address} "{_TITLE_UNSAFE.sub(" ", title)}")' if title else f"[{shown}]({address})"


LOZENGE_COLOURS = ("grey", "red", "yellow", "blue", "green", "purple")


def lozenge(text: str, colour: str = "", *, subtle: bool = False) -> str:
    """A status: `text`, which is Markdown, in brackets for all that show no colours; unknown colours are grey."""
    tone = colour.lower() if colour.lower() in LOZENGE_COLOURS else LOZENGE_COLOURS[0]
    return f'<span class="status status-{tone}{" subtle" * subtle}">[{text}]</span>'


def image(alternative: str, target: str, title: str = "") -> str:
    """An image; `alternative` is plain text."""
    alternative = _with_brackets_in_pairs(escape(alternative))
    caption = f' "{_TITLE_UNSAFE.sub(" ", title)}"' if title and title != alternative else ""
    return f"![{alternative}]({_address(target)}{caption})"


def _with_brackets_in_pairs(inline: str) -> str:
    """The text of a link, whose brackets must be in pairs, or escaped."""
    depth = 0
    for bracket in filter(None, _BRACKET.findall(inline)):
        depth += 1 if bracket == "[" else -1
        if depth < 0:
            break
    return _BRACKET.sub(lambda found: f"\\{found[1]}" if found[1] else found[0], inline) if depth else inline


def _address(target: str) -> str:
    return _TARGET_UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), target.strip())


def table(rows: Sequence[Sequence[str]], alignments: Iterable[str] = ()) -> str:
    """A pipe table of inline cells, the first row its header; rows may be of different length.

    `alignments` holds, for each column, `left`, `center`, `right` or nothing.
    """
    width = max(map(len, rows), default=0)
    if not width:
        return ""
    marks = {"left": ":---", "center": ":---:", "right": "---:"}
    rules = [marks.get(alignment, "---") for alignment in alignments][:width]
    rules += ["---"] * (width - len(rules))
    lines = [_row([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([lines[0], _row(rules), *lines[1:]])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(block: str) -> str:
    """Block Markdown without lists, tables or fences as the content of a pipe table's cell."""
    line = _BREAK.sub("<br>", block.strip()) if "\n" in block else block
    return line.replace("|", "\\|")
