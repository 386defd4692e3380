"""From a file's bytes to text: nothing crashes, and what is not plain UTF-8 is noted."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

# What Git itself looks at (buffer_is_binary).
_LOOKED_AT = 8000
# Enough to recognise an encoding, and a bound on the time that takes.
_SAMPLE = 64_000
# Too short a file has a zero byte by chance.
_WIDE_AT_LEAST = 8
_LOST = "\ufffd"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Those in which files of repositories really are; the more there are to choose from, the worse the guess.
_CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
]  # fmt: skip
_USUAL = "cp1252"
# What a file may declare itself to be. Not all that Python knows: `idna` or `utf_7` are no honest answers.
_DECLARABLE = {
    codecs.lookup(name).name: name for name in [*_CANDIDATES, "cp437", "cp850", "cp866", "mac_roman", "iso2022_jp"]
}
_DECLARABLE |= {f"iso8859-{part}": f"iso8859_{part}" for part in range(2, 17) if part != 12}
# As browsers do: who says Latin-1 and uses its control codes means the Windows code page.
_DECLARABLE |= {"iso8859-1": _USUAL, "ascii": _USUAL}
# PEP 263 and XML (first two lines), HTML's meta element (first kilobyte).
_IN_FIRST_LINES = re.compile(rb"""[^\n]*(?:\n[^\n]*)?coding[:=][ \t]*["']?([A-Za-z0-9._-]+)""")
_IN_HTML = re.compile(rb"""<meta\b[^>]*charset=["']?([A-Za-z0-9._-]+)""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text; `note` says for people what had to be done, empty for plain UTF-8."""

    text: str
    note: str = ""


def decode(content: bytes) -> Decoded:
    """The text of a file, whatever its encoding; bytes that are none become U+FFFD."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content[len(mark) :], encoding, "")
    wide = _wide_encoding(content)
    if wide:
        return _decoded(content, wide, ", recognised by its zero bytes")
    try:
        return Decoded(content.decode("utf-8").replace("\0", _LOST))
    except UnicodeDecodeError as error:
        sample = _sample(content, error.start)
    if _is_mostly_utf8(sample):
        return _decoded(content, "utf-8", "")
    declared = _declared(content)
    return (
        _decoded(content, declared, ", as it declares") if declared else _decoded(content, _guess(sample), ", a guess")
    )


def looks_binary(content: bytes) -> bool:
    """Whether it is no text: a NUL near its beginning, unless that is part of UTF-16 or UTF-32."""
    if content.startswith(tuple(mark for mark, _ in _MARKS)):
        return False
    return b"\0" in content[:_LOOKED_AT] and not _wide_encoding(content)


def _decoded(content: bytes, encoding: str, how: str) -> Decoded:
    notes = [f"Read as {encoding}{how}."] if encoding != "utf-8" else []
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode(encoding, "replace")
        notes.append(f"{text.count(_LOST)} places are not {encoding}; they show as {_LOST}.")
    return Decoded(text.replace("\0", _LOST), " ".join(notes))


def _sample(content: bytes, at: int) -> bytes:
    """Whole lines around a place that is not UTF-8; a line break is no part of a character in any candidate."""
    start = content.rfind(b"\n", 0, at) + 1
    sample = content[max(start, at - _SAMPLE) : at + _SAMPLE]
    end = sample.rfind(b"\n")
    return sample[:end] if end > at - start else sample


def _wide_encoding(content: bytes) -> str:
    """UTF-16 without a byte order mark, as long as it is mostly ASCII: every other byte is NUL."""
    head = content[:_LOOKED_AT]
    half = len(head) // 2
    if half < _WIDE_AT_LEAST or b"\0" not in head:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    for encoding, filled, empty in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
        if filled == 0 and empty > half * 0.7:
            return encoding
    return ""


def _is_mostly_utf8(sample: bytes) -> bool:
    """UTF-8 in which something broke, as against another encoding: most of what is not ASCII is right."""
    text = sample.decode("utf-8", "replace")
    broken = text.count(_LOST)
    return sum(character > "\x7f" for character in text) - broken > 4 * broken


def _declared(content: bytes) -> str:
    found = _IN_FIRST_LINES.match(content[:1024]) or _IN_HTML.search(content[:1024])
    if not found:
        return ""
    try:
        return _DECLARABLE.get(codecs.lookup(found[1].decode("ascii")).name, "")
    except LookupError:
        return ""


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few repositories need it

    matches = from_bytes(sample, cp_isolation=_CANDIDATES)
    best = matches.best()
    if best is None:
        return _USUAL
    # In a short text several are equally likely; then the usual one is.
    as_good = (match for match in matches if match.chaos <= best.chaos and match.coherence >= best.coherence)
    return _USUAL if any(_USUAL in match.could_be_from_charset for match in as_good) else best.encoding
