"""What a stage is: declared once, in its own module, and listed in `wiki_pipeline.stages`.

A declaration says all that others must know of a stage: how it is brought up to date, and what is shown of it by
whoever shows stages, Dagster or the command line. It knows neither of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.model.report import COUNTED
from wiki_pipeline.sync.drivers import Inputs
from wiki_pipeline.sync.session import SourceTables


@dataclass(frozen=True, slots=True)
class Histogram:
    """A picture of a table: how often a number of each size occurs.

    Attributes:
        title: what is counted, with its unit.
        columns: of the table, that `numbers` needs.
        numbers: those to show, from all rows of a source; None: the values of the one column.
    """

    title: str
    columns: Sequence[str]
    numbers: Callable[[pa.Table], Sequence[int]] | None = None


@dataclass(frozen=True, slots=True)
class Bars:
    """A picture of a table: a bar a group, with its size.

    Attributes:
        title, columns: as of `Histogram`.
        groups: name and size of each, from left to right.
    """

    title: str
    columns: Sequence[str]
    groups: Callable[[pa.Table], Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class StageCheck:
    """What should be true of all documents after a stage; where it is not, people see a warning.

    Attributes:
        name: as Dagster shows it.
        description: what is checked, and what follows where it fails.
        problem: what happened to the documents that fail it, as it is said after their number.
        passed: what is said if there are none.
        count: how many of a source's documents fail it, by its last report.
        documents: some of them, a row each with the columns that are shown, by a report that was just made.
    """

    name: str
    description: str
    problem: str
    passed: str
    count: Callable[[StageReport], int]
    documents: Callable[[StageReport], Sequence[Mapping[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredStage:
    """One stage.

    Attributes:
        stage: its name and the schema of its table.
        code_version: part of every row's fingerprint; raised whenever the same input gives another output.
        update: brings its table of one source up to date, in an open sync; takes the sync, and what only it takes.
        inputs: what its table should be made from, as far as that is known without asking the source; None for the
            first stage, which is made from the source alone.
        preview: columns of the rows that are shown.
        picture: what is drawn of the table.
        counts: what it counts besides added, updated, deleted and failed documents: names of the report's fields.
        own_counts: what it counts that no other stage does: names in the report's `counts`.
        summary: what is said of a report in a line, after those numbers; empty if nothing is.
        checks: besides that every document was processed.
        document_id: the column that names the document to which a row belongs.
    """

    stage: Stage
    code_version: str
    update: Callable[..., StageReport]
    inputs: Callable[[SourceTables], Inputs] | None = None
    preview: Sequence[str]
    picture: Histogram | Bars
    counts: Sequence[str] = ()
    own_counts: Sequence[str] = ()
    summary: Callable[[StageReport], str] = lambda report: ""
    checks: Sequence[StageCheck] = ()
    document_id: str = "document_id"

    def __post_init__(self) -> None:
        """Check what is counted.

        Raises:
            ValueError: the report has no such number.
        """
        if wrong := sorted(set(self.counts) - COUNTED):
            named = ", ".join(wrong)
            raise ValueError(f"The stage {self.stage} counts {named}: no report has that. Its own go into own_counts.")

    def numbers(self, report: StageReport) -> dict[str, int]:
        """All that the stage counts, by name.

        Raises:
            ValueError: the report counts something that is not declared, which would not be shown.
        """
        if unknown := sorted(report.counts.keys() - set(self.own_counts)):
            raise ValueError(f"The stage {self.stage} does not declare that it counts {', '.join(unknown)}.")
        return {name: report.count(name) for name in (*self.counts, *self.own_counts)}
