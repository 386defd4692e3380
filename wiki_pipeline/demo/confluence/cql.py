"""The part of CQL that clients of a wiki use: parsed strictly, evaluated over the search index.

As Confluence does it: dates without a zone are read in the calling user's time zone, which no API tells; stored times
are compared by the minute. There is no `status` field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from wiki_pipeline.demo.confluence.search_index import Indexed

Predicate = Callable[[Indexed], bool]

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(?P<op>>=|<=|!=|!~|[=<>~(),])|(?P<word>[^\s"\'=<>!~(),]+))'
)
_FIELDS: dict[str, Callable[[Indexed], Any]] = {
    "space": lambda item: item.space_key.casefold(),
    "space.key": lambda item: item.space_key.casefold(),
    "type": lambda item: item.type,
    "id": lambda item: item.id,
    "content": lambda item: item.id,
    "title": lambda item: item.title.casefold(),
    "label": lambda item: item.labels,
    "parent": lambda item: item.parent,
    "ancestor": lambda item: item.ancestors,
    "creator": lambda item: item.creator.key,
    "created": lambda item: item.created,
    "lastmodified": lambda item: item.modified,
}
_DATES = frozenset({"created", "lastmodified"})
_FOLDED = frozenset({"space", "space.key", "title"})
_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_UNITS = {"y": 365 * 24 * 60, "M": 30 * 24 * 60, "w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}


class CqlError(ValueError):
    """The query can't be parsed, or names what does not exist."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query."""

    matches: Predicate
    order: tuple[tuple[str, bool], ...] = ()

    def run(self, entries: Iterable[Indexed]) -> list[str]:
        """Ids of what is found, in the order asked for; newest first if none is."""
        found = [item for item in entries if self.matches(item)]
        for name, descending in reversed(self.order):
            found.sort(key=_FIELDS[name], reverse=descending)
        return [item.id for item in found]


def parse(text: str, zone: tzinfo, now: datetime) -> Query:
    """Read a query.

    Args:
        zone: the time zone of the person asking.
        now: for `now("-4h")`.

    Raises:
        CqlError: says where the query stops making sense.
    """
    parser = _Parser(_tokens(text), zone, now)
    matches = parser.alternatives()
    order = parser.order()
    if parser.tokens:
        raise CqlError(f"unexpected {parser.tokens[0]!r} in {text!r}")
    return Query(matches, order)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if not match:
            raise CqlError(f"can't read {text[position:]!r}")
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


@dataclass(slots=True)
class _Parser:
    tokens: list[str]
    zone: tzinfo
    now: datetime
    _depth: int = field(default=0)

    def alternatives(self) -> Predicate:
        parts = [self._conjunction()]
        while self._accept("or"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda item: any(part(item) for part in parts)

    def order(self) -> tuple[tuple[str, bool], ...]:
        order: list[tuple[str, bool]] = []
        if self._accept("order"):
            self._expect("by")
            while True:
                order.append((self._field(), self._direction()))
                if not self._accept(","):
                    break
        return tuple(order)

    def _direction(self) -> bool:
        return self._accept("desc") or (self._accept("asc") and False)

    def _conjunction(self) -> Predicate:
        parts = [self._term()]
        while self._accept("and"):
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else lambda item: all(part(item) for part in parts)

    def _term(self) -> Predicate:
        if self._accept("not"):
            negated = self._term()
            return lambda item: not negated(item)
        if self._accept("("):
            inner = self.alternatives()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Predicate:
        name = self._field()
        read = _FIELDS[name]
        operator = self._next().lower()
        if operator == "not":
            self._expect("in")
            operator = "not in"
        if name in _DATES:
            return _compare_minutes(read, operator, self._moment())
        if operator in {"in", "not in"}:
            values = self._list(name)
        elif operator in {"=", "!=", "~", "!~"}:
            values = {self._value(name)}
        else:
            raise CqlError(f"{name} can't be compared with {operator}")
        return _membership(read, operator, values)

    def _field(self) -> str:
        name = self._next().lower()
        if name not in _FIELDS:
            raise CqlError(f"there is no field {name!r}")
        return name

    def _list(self, name: str) -> set[str]:
        self._expect("(")
        values = {self._value(name)}
        while self._accept(","):
            values.add(self._value(name))
        self._expect(")")
        return values

    def _value(self, name: str) -> str:
        token = self._next()
        if token in {"(", ")", ",", "="}:
            raise CqlError(f"a value is missing after {name}")
        value = re.sub(r"\\(.)", r"\1", token[1:-1]) if token[0] in "\"'" else token
        return value.casefold() if name in _FOLDED else value

    def _moment(self) -> datetime:
        value = self._value("")
        if value.lower() in {"now", "now()"}:
            return self._now()
        for form in _FORMATS:
            try:
                return datetime.strptime(value, form).replace(tzinfo=self.zone).astimezone(UTC)
            except ValueError:
                continue
        raise CqlError(f"can't read the date {value!r}: it is written yyyy-MM-dd HH:mm")

    def _now(self) -> datetime:
        self._expect("(")
        if self._accept(")"):
            return self.now
        offset = re.fullmatch(r"([+-]?\d+)([yMwdhm])", self._value(""))
        if not offset:
            raise CqlError('now() takes an offset as "-4h"')
        self._expect(")")
        return self.now + timedelta(minutes=int(offset[1]) * _UNITS[offset[2]])

    def _next(self) -> str:
        if not self.tokens:
            raise CqlError("the query ends too early")
        return self.tokens.pop(0)

    def _accept(self, word: str) -> bool:
        if self.tokens and self.tokens[0].lower() == word:
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise CqlError(f"expected {word!r} before {' '.join(self.tokens) or 'the end'}")


def _membership(read: Callable[[Indexed], Any], operator: str, values: set[str]) -> Predicate:
    def found(item: Indexed) -> bool:
        held = read(item)
        held = held if isinstance(held, tuple) else (held,)
        if "~" in operator:
            return any(word in text for word in values for text in held)
        return any(text in values for text in held)

    return found if operator in {"=", "in", "~"} else lambda item: not found(item)


def _compare_minutes(read: Callable[[Indexed], Any], operator: str, moment: datetime) -> Predicate:
    limit = moment.replace(second=0, microsecond=0)
    comparisons: dict[str, Callable[[datetime], bool]] = {
        "=": lambda when: when == limit,
        "!=": lambda when: when != limit,
        ">": lambda when: when > limit,
        ">=": lambda when: when >= limit,
        "<": lambda when: when < limit,
        "<=": lambda when: when <= limit,
    }
    if operator not in comparisons:
        raise CqlError(f"a date can't be compared with {operator}")
    compare = comparisons[operator]
    return lambda item: compare(read(item).replace(second=0, microsecond=0))
