"""JQL: queries into trees, and whether an issue is among what a query finds.

What can't be answered from an issue alone (histories, functions about boards and people) is `UnsupportedQueryError`:
better no answer than a wrong one. Dates are read as Jira does: quoted ones in somebody's time zone, numbers as
milliseconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Literal

MAX_LENGTH = 10_000
_MAX_DEPTH = 50

Found = Sequence[str] | datetime | None
Facts = Callable[[str], Found]
"""An issue's values of a field, by its lower-case name; None for a field that there is not."""


class QueryError(ValueError):
    """The text is no JQL; says where."""


class UnsupportedQueryError(QueryError):
    """JQL that can't be answered here."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a clause: text as it was written, or a function with its arguments."""

    text: str
    kind: Literal["word", "text", "empty", "function"] = "word"
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """`field operator values`; the field's name in lower case."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What a part does not find."""

    part: Node


@dataclass(frozen=True, slots=True)
class Both:
    """What all parts find, or any of them."""

    parts: tuple[Node, ...]
    any: bool = False


Node = Clause | Not | Both


@dataclass(frozen=True, slots=True)
class Query:
    """A query: which issues, and in which order (fields, each with whether it is descending)."""

    where: Node | None
    order: tuple[tuple[str, bool], ...] = ()


# --- parsing -----------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')|(?P<operator>!=|!~|<=|>=|[=<>~!()&|,])"
    r"|(?P<word>[^\s=!<>~(),&|\"']+))"
)
_OPERATORS = {"=", "!=", "~", "!~", "<", "<=", ">", ">="}
_HISTORY = {"was", "changed"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


def _tokens(jql: str) -> Iterator[_Token]:
    at = 0
    while at < len(jql):
        if not jql[at:].strip():
            return
        found = _TOKEN.match(jql, at)
        if found is None:
            raise QueryError(f"The query can't be read at character {at + 1}.")
        kind = found.lastgroup or ""
        text = found[kind]
        yield _Token(kind, _ESCAPED.sub(r"\1", text[1:-1]) if kind == "text" else text, found.start(kind))
        at = found.end()


def parse(jql: str) -> Query:
    """Read a query.

    Raises:
        QueryError: it can't be read; says where.
        UnsupportedQueryError: it asks for histories, which are not understood here.
    """
    if len(jql) > MAX_LENGTH:
        raise QueryError("The query is too long.")
    return _Parser(list(_tokens(jql))).query()


def without_order(jql: str) -> str:
    """A query without its `ORDER BY`, wherever that stands in it outside of quotes.

    Raises:
        QueryError: it can't be read.
    """
    tokens = list(_tokens(jql))
    for one, two in pairwise(tokens):
        if one.word == "order" and two.word == "by":
            return jql[: one.at].strip()
    return jql.strip()


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def query(self) -> Query:
        where = None if self._is("order") or self._token is None else self._any()
        order: list[tuple[str, bool]] = []
        if self._take("order"):
            self._require("by")
            while True:
                field = self._field()
                order.append((field, self._take("desc") or not (self._take("asc") or True)))
                if not self._take(","):
                    break
        if self._token is not None:
            raise QueryError(f"Unexpected {self._token.text!r} at character {self._token.at + 1}.")
        return Query(where, tuple(order))

    @property
    def _token(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _is(self, text: str) -> bool:
        token = self._token
        return token is not None and (token.word == text or (token.kind == "operator" and token.text == text))

    def _take(self, *texts: str) -> bool:
        if any(self._is(text) for text in texts):
            self._at += 1
            return True
        return False

    def _require(self, text: str) -> None:
        if not self._take(text):
            raise QueryError(f"Expected {text!r}{self._here}.")

    @property
    def _here(self) -> str:
        token = self._token
        return f" at character {token.at + 1}" if token else " at the end"

    def _any(self) -> Node:
        parts = [self._all()]
        while self._take("or", "|"):
            self._take("|")
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Both(tuple(parts), any=True)

    def _all(self) -> Node:
        parts = [self._one()]
        while self._take("and", "&"):
            self._take("&")
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _one(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise QueryError("The query is nested too deeply.")
        try:
            if self._take("not", "!"):
                return Not(self._one())
            if self._take("("):
                inner = self._any()
                self._require(")")
                return inner
            return self._clause()
        finally:
            self._depth -= 1

    def _field(self) -> str:
        token = self._token
        if token is None or token.kind == "operator":
            raise QueryError(f"Expected a field{self._here}.")
        self._at += 1
        return token.text.lower()

    def _clause(self) -> Clause:
        field = self._field()
        token = self._token
        if token is None:
            raise QueryError("Expected an operator at the end.")
        if token.word in _HISTORY:
            raise UnsupportedQueryError(f"{token.text.upper()} asks for an issue's history.")
        self._at += 1
        if token.kind == "operator" and token.text in _OPERATORS:
            value = self._value()
            if value.kind == "empty" and token.text in {"=", "!="}:
                return Clause(field, "is" if token.text == "=" else "is not", (value,))
            return Clause(field, token.text, (value,))
        if token.word == "is":
            negated = self._take("not")
            if not self._take("empty", "null"):
                raise QueryError(f"Expected EMPTY{self._here}.")
            return Clause(field, "is not" if negated else "is", (Value("", "empty"),))
        if token.word == "in" or (token.word == "not" and self._take("in")):
            return Clause(field, "in" if token.word == "in" else "not in", self._list())
        raise QueryError(f"{token.text!r} at character {token.at + 1} is no operator.")

    def _list(self) -> tuple[Value, ...]:
        if not self._take("("):
            return (self._value(),)  # a function that stands for several
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._require(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._token
        if token is None or token.kind == "operator":
            raise QueryError(f"Expected a value{self._here}.")
        self._at += 1
        if token.word in {"empty", "null"}:
            return Value("", "empty")
        if token.kind == "word" and self._take("("):
            arguments = []
            while not self._take(")"):
                arguments.append(self._value().text)
                self._take(",")
            return Value(token.text.lower(), "function", tuple(arguments))
        return Value(token.text, "text" if token.kind == "text" else "word")


# --- answering ---------------------------------------------------------------------------------------------------

_DATES = {"created", "updated", "resolved", "due", "duedate", "createddate", "updateddate", "resolutiondate"}
_SAME = {
    "issue": "key",
    "issuekey": "key",
    "type": "issuetype",
    "fixversion": "fixversion",
    "affectedversion": "version",
    "createddate": "created",
    "updateddate": "updated",
    "resolutiondate": "resolved",
    "duedate": "due",
    "epic link": "parent",
    "parentepic": "parent",
}
_CATEGORIES = {
    "to do": "new",
    "in progress": "indeterminate",
    "done": "done",
    "new": "new",
    "indeterminate": "indeterminate",
}
_RELATIVE = re.compile(r"([+-]?)(\d+)([wdhm])")
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_FORMS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and when: what relative dates and `currentUser()` mean.

    Attributes:
        user: names of the one who asks; empty: nobody in particular, for whom `currentUser()` can't be answered.
    """

    now: datetime
    zone: tzinfo = UTC
    user: tuple[str, ...] = ()


def holds(query: Query, facts: Facts, asker: Asker) -> bool:
    """Whether a query finds an issue.

    Raises:
        UnsupportedQueryError: it asks for something that can't be told of an issue here.
        QueryError: a value is none of its field.
    """
    return query.where is None or _holds(query.where, facts, asker)


def fields_of(node: Node | None) -> Iterator[str]:
    """The fields that a query asks for, in the names by which `Facts` is asked."""
    match node:
        case Clause():
            yield _SAME.get(node.field, node.field)
        case Not():
            yield from fields_of(node.part)
        case Both():
            for part in node.parts:
                yield from fields_of(part)


def projects(query: Query) -> Iterator[str]:
    """The projects within which alone a query finds anything, in capitals; nothing if it does not say."""
    yield from _projects(query.where)


def _projects(node: Node | None) -> Iterator[str]:
    match node:
        case Clause(field="project", operator="=" | "in"):
            yield from (value.text.upper() for value in node.values)
        case Both(any=False):
            for part in node.parts:
                yield from _projects(part)
        case _:
            return


def _holds(node: Node, facts: Facts, asker: Asker) -> bool:
    match node:
        case Not():
            return not _holds(node.part, facts, asker)
        case Both():
            found = [_holds(part, facts, asker) for part in node.parts]  # all are looked at: an error in any is one
            return any(found) if node.any else all(found)
        case Clause():
            return _clause(node, facts, asker)


def _clause(clause: Clause, facts: Facts, asker: Asker) -> bool:
    field = _SAME.get(clause.field, clause.field)
    found = facts(field)
    if found is None and field not in _DATES:
        raise UnsupportedQueryError(f"The field {clause.field!r} is not known here.")
    if clause.operator in {"is", "is not"}:
        return (not found) == (clause.operator == "is")
    if isinstance(found, datetime) or (found is None and field in _DATES):
        return _by_date(clause, found if isinstance(found, datetime) else None, asker)
    texts = [text.casefold() for text in found or ()]
    if clause.operator in {"~", "!~"}:
        words = set(_WORD.findall(" ".join(texts)))
        asked = _WORD.findall(clause.values[0].text.casefold().replace("*", ""))
        return all(any(word.startswith(part) for word in words) for part in asked) == (clause.operator == "~")
    if clause.operator in {"=", "!=", "in", "not in"}:
        if not texts and field != "resolution" and clause.operator in {"!=", "not in"}:
            return field == "labels" and any(value.kind == "empty" for value in clause.values)
        hit = any(_equal(field, value, texts, asker) for value in clause.values)
        return hit == (clause.operator in {"=", "in"})
    return _by_number(clause, field, texts)


def _equal(field: str, value: Value, texts: Sequence[str], asker: Asker) -> bool:
    if value.kind == "empty":
        return not texts
    if value.kind == "function":
        if value.text == "currentuser" and asker.user:
            return any(name.casefold() in texts for name in asker.user)
        raise UnsupportedQueryError(f"{value.text}() can't be answered here.")
    text = value.text.casefold()
    if field == "resolution" and text == "unresolved":
        return not texts
    if field == "statuscategory":
        text = _CATEGORIES.get(text, text)
    return text in texts


def _by_number(clause: Clause, field: str, texts: Sequence[str]) -> bool:
    """Keys and ids compared by size: `key > OPS-12`, `id >= 10000`."""
    if field not in {"key", "id"}:
        raise UnsupportedQueryError(f"{clause.field} {clause.operator} can't be answered here.")
    project, _, number = clause.values[0].text.casefold().rpartition("-")
    for text in texts:
        own, _, mine = text.rpartition("-")
        if own == project and mine.isdigit() and number.isdigit():
            return _compared(int(mine), clause.operator, int(number))
    return False


def _by_date(clause: Clause, found: datetime | None, asker: Asker) -> bool:
    moments = [_moment(value, asker) for value in clause.values]
    if found is None:
        return False
    if clause.operator in {"in", "not in"}:
        return (found in moments) == (clause.operator == "in")
    if clause.operator not in _OPERATORS - {"~", "!~"}:
        raise QueryError(f"The operator {clause.operator!r} is not supported by the {clause.field!r} field.")
    return _compared(found, clause.operator, moments[0])


def _compared(one: datetime | int, operator: str, other: datetime | int) -> bool:
    a, b = (each.timestamp() if isinstance(each, datetime) else float(each) for each in (one, other))
    return {"=": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[operator]


def _moment(value: Value, asker: Asker) -> datetime:
    """The moment that a value means.

    Raises:
        QueryError: it is none, in the words in which Jira says so.
    """
    text = value.text.strip()
    if value.kind == "function":
        return _of_function(value, asker)
    if value.kind == "word" and text.isdigit():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    if relative := _RELATIVE.fullmatch(text):
        step = int(relative[2]) * _UNITS[relative[3]]
        return asker.now - step if relative[1] == "-" else asker.now + step
    for form in _FORMS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=asker.zone)
        except ValueError:
            continue
    raise QueryError(
        f"Date value '{text}' for field is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', "
        "'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _of_function(value: Value, asker: Asker) -> datetime:
    now = asker.now.astimezone(asker.zone)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = day - timedelta(days=day.weekday())
    begins = {
        "now": now,
        "startofday": day,
        "endofday": day + timedelta(days=1, milliseconds=-1),
        "startofweek": week,
        "endofweek": week + timedelta(weeks=1, milliseconds=-1),
        "startofmonth": day.replace(day=1),
        "startofyear": day.replace(month=1, day=1),
    }
    moment = begins.get(value.text)
    if moment is None:
        raise UnsupportedQueryError(f"{value.text}() can't be answered here.")
    for argument in value.arguments:
        step = _RELATIVE.fullmatch(argument)
        if step is None:
            raise UnsupportedQueryError(f"{value.text}({argument}) can't be answered here.")
        moment += int(step[2]) * _UNITS[step[3]] * (-1 if step[1] == "-" else 1)
    return moment
