"""What a model wrote against what it cites: each sentence's sources, and whether its facts stand in them.

Facts are what can be compared without understanding: numbers, dates, versions, paths, addresses, identifiers, and what
is set as code. Every one of a sentence has to occur in a chunk that the sentence cites. A sentence without a source,
or with a fact that its sources don't hold, is marked; nothing is hidden.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wiki_pipeline.answers.answer import Sentence
from wiki_pipeline.answers.markers import Marker, Token
from wiki_pipeline.answers.sentences import Kind, Part, parts_of

_CODE = re.compile(r"`([^`\n]{2,200})`")
_ADDRESS = re.compile(r"\bhttps?://[^\s<>()\[\]\"'`]{3,500}")
_PATH = re.compile(r"(?<![\w/.])(?:~?/)?(?:[\w.@-]{1,80}/){1,20}[\w.@-]{0,80}|(?<![\w/])/[\w.-]{2,80}")
_FILE = re.compile(
    r"(?<![\w/.-])[\w-]{1,80}\.(?:py|toml|ya?ml|json|md|txt|sh|js|ts|go|rs|java|sql|cfg|ini|env|xml|html|css|csv|pdf"
    r"|log)\b"
)
_NAME = re.compile(
    r"(?<![\w-])(?:--?[a-z][\w-]{2,60}|[A-Za-z]\w{0,60}_\w{1,60}|[a-z]{1,40}[A-Z]\w{1,60}|[A-Z][a-z]{1,40}[A-Z]\w{0,60}"
    r"|[A-Z]{2,12}-\d{1,8})(?![\w-])"
)
_NUMBER = re.compile(r"(?<![\w])[vV]?\d{1,30}(?:[.,:'’\u00a0\u202f]\d{1,30}){0,8}")
_MONTH_NAMES = """
january jan januar januari janvier enero gennaio janeiro
february feb februar februari février fevrier febrero febbraio fevereiro
march mar märz maerz maart mars marzo março
april apr avril abril aprile
may mai mei mayo maggio maio
june jun juni juin junio giugno junho
july jul juli juillet julio luglio julho
august aug augustus août aout agosto
september sep sept septembre septiembre settembre setembro
october oct oktober okt octobre octubre ottobre outubro
november nov novembre noviembre novembro
december dec dezember dez décembre decembre diciembre dicembre dezembro
"""
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES.strip().splitlines(), 1) for name in names.split()}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_DAY_MONTH = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:\.|st|nd|rd|th|er|º)?\s{{1,2}}(?:de\s)?({_MONTH})\b\.?,?\s{{0,2}}(?:de\s)?(\d{{4}})?",
    re.IGNORECASE,
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\.?\s{{1,2}}(\d{{1,2}})(?:st|nd|rd|th)?(?!\d),?\s{{0,2}}(\d{{4}})?", re.IGNORECASE
)
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?!\d)")
_EAST_ASIAN = re.compile(r"(?<!\d)(\d{4})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?日")
# With the places of year, month and day.
_DATES: tuple[tuple[re.Pattern[str], tuple[int, int, int]], ...] = (
    (_ISO_DATE, (1, 2, 3)),
    (_EAST_ASIAN, (1, 2, 3)),
    (_DOTTED, (3, 2, 1)),
    (_DAY_MONTH, (3, 2, 1)),
    (_MONTH_DAY, (3, 1, 2)),
)
# Numbers that are written as words, in five languages: from nought to twenty, and some above.
_TO_TWENTY = """
zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty
null ein zwei drei vier fünf sechs sieben acht neun zehn
elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn zwanzig
zéro un deux trois quatre cinq six sept huit neuf dix
onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf vingt
cero uno dos tres cuatro cinco seis siete ocho nueve diez
once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte
zero uno due tre quattro cinque sei sette otto nove dieci
undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti
"""
_ABOVE = """
1 eine einer einen une una once
2 twice both
30 thirty dreißig trente treinta
40 forty vierzig quarante cuarenta
50 fifty fünfzig cinquante cincuenta
60 sixty sechzig soixante sesenta
70 seventy siebzig setenta
80 eighty achtzig ochenta
90 ninety neunzig noventa
100 hundred hundert cent cien
1000 thousand tausend mille mil
"""
_SAID = [word for line in _TO_TWENTY.strip().splitlines() for word in line.split()]
_WORDS = {word: str(number % 21) for number, word in enumerate(_SAID)} | {
    word: line.split()[0] for line in _ABOVE.strip().splitlines() for word in line.split()[1:]
}
_A_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?")
_SPACE = re.compile(r"\s+")
_ITEM_NUMBER = re.compile(r"^\s{0,8}\d{1,3}[.)]\s")
_FEWEST_WORDS = 3
_CJK = re.compile("[ぁ-ヿ㐀-䶿一-鿿가-힣]")


@dataclass(frozen=True, slots=True)
class Source:
    """A text that may be cited, prepared for comparison.

    Attributes:
        text: case-folded, white space as single blanks.
        numbers: with one spelling each, those written as words too.
        dates: (year or 0, month, day).
    """

    text: str
    numbers: frozenset[str]
    dates: frozenset[tuple[int, int, int]]


def source_of(shown: str) -> Source:
    """What a model was shown of a chunk."""
    plain = _plain(shown)
    dates, rest = _dates(plain)
    numbers = {_number(found[0]) for found in _NUMBER.finditer(rest)}
    numbers |= {str(part) for date in dates for part in date if part}
    numbers |= {_WORDS[word] for word in _A_WORD.findall(plain) if word in _WORDS}
    return Source(plain, frozenset(numbers), dates | {(0, month, day) for _, month, day in dates})


def checked(tokens: Sequence[Token], shown: Mapping[str, str], said_nothing: str = "") -> tuple[Sentence, ...]:
    """The sentences of a text that say something, each with its sources and with what those don't hold.

    Args:
        tokens: the text with its markers.
        shown: what the model was shown under each id.
        said_nothing: the id that stands for "not in the sources"; its sentences need no source. Places are told as if
            it were not there.
    """
    text, markers = _apart(tokens)
    parts = parts_of(text)
    sources = {name: source_of(shown[name]) for _, names in markers for name in names if name in shown}
    of_part = _attached(parts, markers)
    sentences, added, place = [], 0, 0
    for number, part in enumerate(parts):
        begin = part.begin + added
        ids: dict[str, None] = {}
        while place < len(markers) and of_part[place] == number:
            ids |= dict.fromkeys(markers[place][1])
            added += sum(len(name) + 2 for name in markers[place][1] if name != said_nothing)
            place += 1
        if said_nothing in ids or not _is_claim(part, text):
            continue
        cited = tuple(name for name in ids if name in sources)
        missing = _missing(part.of(text), [sources[name] for name in cited]) if cited else ()
        last = [position for position, owner in zip(markers, of_part, strict=True) if owner == number]
        end = max([part.end, *(position for position, _ in last)]) + added
        sentences.append(Sentence(begin=begin, end=end, citations=cited, missing=missing))
    return tuple(sentences)


def _apart(tokens: Sequence[Token]) -> tuple[str, list[tuple[int, tuple[str, ...]]]]:
    """The text without markers, and where which ids stood."""
    pieces: list[str] = []
    markers: list[tuple[int, tuple[str, ...]]] = []
    at = 0
    for token in tokens:
        if isinstance(token, Marker):
            markers.append((at, token.ids))
        else:
            pieces.append(token)
            at += len(token)
    return "".join(pieces), markers


def _attached(parts: Sequence[Part], markers: Sequence[tuple[int, tuple[str, ...]]]) -> list[int]:
    """The part that each marker belongs to: the one that it stands in or behind; before all of them, the first."""
    owners, number = [], 0
    for position, _ in markers:
        while number + 1 < len(parts) and parts[number + 1].begin < position:
            number += 1
        owners.append(number if parts else -1)
    return owners


def _is_claim(part: Part, text: str) -> bool:
    """Whether a part says something that needs a source."""
    if part.kind in {Kind.HEADING, Kind.CODE}:
        return False
    said = part.of(text)
    if said.rstrip().endswith((":", "：")):
        return False  # what follows says it
    words = len(_A_WORD.findall(said))
    return words >= _FEWEST_WORDS or any(character.isdigit() for character in said) or len(_CJK.findall(said)) >= 4


def _missing(sentence: str, sources: Sequence[Source]) -> tuple[str, ...]:
    """The facts of a sentence that none of its sources holds, as they are written there."""
    missing: dict[str, None] = {}
    rest = _ITEM_NUMBER.sub(" ", sentence)
    for pattern, group in ((_ADDRESS, 0), (_CODE, 1), (_PATH, 0), (_FILE, 0), (_NAME, 0)):
        for found in pattern.finditer(rest):
            name = found[group].strip(" .,;:")
            if pattern is _PATH and not _is_path(name):
                continue
            if not any(_plain(name) in source.text for source in sources):
                missing[name] = None
            rest = rest[: found.start()] + " " * len(found[0]) + rest[found.end() :]
    dates, without = _dates(_plain(rest))
    for date in sorted(dates):
        if not any(date in source.dates for source in sources):
            missing[_shown(date)] = None
    for found in _NUMBER.finditer(without):
        if not any(_number(found[0]) in source.numbers for source in sources):
            missing[found[0]] = None
    return tuple(missing)


def _is_path(name: str) -> bool:
    """Not "and/or" or "24/7"."""
    parts = name.strip("/~").split("/")
    return name.startswith(("/", "~")) or len(parts) > 2 or "." in parts[-1].strip(".") or name.endswith("/")


def _plain(text: str) -> str:
    """Text for comparison: NFKC, digits of any script as 0 to 9, case-folded, blanks single, quotes straight."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text)
        text = text.translate(_QUOTES)
    return _SPACE.sub(" ", text).casefold().strip()


_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-"})


def _number(written: str) -> str:
    """A number in one spelling: no thousands separators, a point before decimals, no `v` before a version."""
    bare = written.lstrip("vV").replace("\u00a0", "").replace("\u202f", "").replace("’", "").replace("'", "")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3}){1,}", bare):
        return bare.replace(",", "").replace(".", "").lstrip("0") or "0"
    if "," in bare:
        # The last of the two separates the decimals.
        decimal, other = (",", ".") if bare.rfind(",") > bare.rfind(".") else (".", ",")
        bare = bare.replace(other, "").replace(decimal, ".")
    whole = bare.lstrip("0") if bare.isdigit() else bare
    return re.sub(r"^(\d+)\.0+$", r"\1", whole) or "0"


def _dates(plain: str) -> tuple[frozenset[tuple[int, int, int]], str]:
    """The dates of a text, and the text without them."""
    dates: set[tuple[int, int, int]] = set()

    def take(year: str | None, month: str, day: str) -> str:
        number = _MONTHS.get(month) or int(month)
        if 1 <= number <= 12 and 1 <= int(day) <= 31:
            dates.add((int(year or 0), number, int(day)))
        return " "

    for pattern, (year, month, day) in _DATES:
        plain = pattern.sub(lambda found, y=year, m=month, d=day: take(found[y], found[m], found[d]), plain)  # type: ignore[misc]
    return frozenset(dates), plain


def _shown(date: tuple[int, int, int]) -> str:
    year, month, day = date
    return f"{year}-{month:02}-{day:02}" if year else f"{day}.{month}."
