"""What a survey finds in one file: values that know neither how they were found nor how they are shown.

They are kept as JSON in the survey's rows (`dumped`, `loaded`), so a page that needs a file's symbols reads no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition.

    Attributes:
        name: with what is around it, as `Client.get`.
        kind: `function`, `class`, `method`, ...
        signature: on one line, without its body.
        doc: its docstring or comment, without marks.
        line, end_line: 1-based. On `line` stands the name.
        public: whether others are meant to use it, by the language's own rule.
    """

    name: str
    kind: str
    signature: str
    doc: str
    line: int
    end_line: int
    public: bool

    @property
    def short(self) -> str:
        """The name alone."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Import:
    """That a file uses another one, as it is written there; `names` are what it takes from it, where that is said."""

    target: str
    names: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something else that a file declares or reads.

    Attributes:
        kind: `route`, `command`, `setting`, `schema`, `dependency`, `pipeline`, `object`, `entry`, `task`, `about`,
            `owner`.
        name: as it is called: `GET /pages`, `--verbose`, `DATABASE_URL`, ...
        detail: what goes with it: handler, default, version, fields.
        line: 1-based; where the name stands.
        group: which of several: the framework, the scope of a dependency, what a task is for.
    """

    kind: str
    name: str
    detail: str
    line: int
    group: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A document's place in the order that the repository's own documentation has: title (empty: its own) and depth."""

    path: str
    title: str
    depth: int


@dataclass(frozen=True, slots=True)
class FileFacts:
    """All that is known of a file.

    Attributes:
        language: as Pygments names it; `markdown` and the like for documents.
        lines: how many.
        purpose: what it says of itself at its top, in one paragraph; empty if nothing.
        namespace: the package or namespace that it declares itself to be in.
        order: of other documents, if the file is a table of contents.
        notes: why something is missing, for people.
    """

    language: str = ""
    lines: int = 0
    purpose: str = ""
    namespace: str = ""
    symbols: tuple[Symbol, ...] = ()
    imports: tuple[Import, ...] = ()
    findings: tuple[Finding, ...] = ()
    order: tuple[Placed, ...] = ()
    notes: tuple[str, ...] = field(default=())


def dumped(facts: FileFacts) -> str:
    """As JSON; the same facts give the same text."""
    return orjson.dumps(facts).decode()


def loaded(text: str) -> FileFacts:
    """What `dumped` wrote.

    Raises:
        ValueError: it is not that.
    """
    found: Mapping[str, Any] = orjson.loads(text)
    return FileFacts(
        language=found["language"],
        lines=found["lines"],
        purpose=found["purpose"],
        namespace=found["namespace"],
        symbols=tuple(Symbol(**each) for each in found["symbols"]),
        imports=tuple(Import(each["target"], tuple(each["names"]), each["line"]) for each in found["imports"]),
        findings=tuple(Finding(**each) for each in found["findings"]),
        order=tuple(Placed(**each) for each in found["order"]),
        notes=tuple(found["notes"]),
    )
