"""Runs: the rows of an evaluation, summed up, kept in a file, and compared with those of another day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wiki_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import pandas as pd

_FORM = 1
_MOST_BYTES = 256_000_000
_FACTS = ("id", "question", "kind", "language", "split", "way")


@dataclass(frozen=True, slots=True)
class Run:
    """An evaluation with how it came about.

    Attributes:
        rows: as `evaluated` gives them.
        facts: model, version, time and the like, in words.
    """

    rows: pd.DataFrame
    facts: dict[str, str]

    def save(self, path: Path) -> None:
        """Write it as one JSON document.

        Raises:
            ConfigurationError: it can't be written there.
        """
        rows = json.loads(self.rows.to_json(orient="records"))
        try:
            path.write_text(json.dumps({"form": _FORM, "facts": self.facts, "rows": rows}, indent=1), "utf-8")
        except OSError as error:
            raise ConfigurationError(f"The run can't be saved as {path}: {error.strerror}.") from None

    @classmethod
    def load(cls, path: Path) -> Run:
        """A run that was saved.

        Raises:
            ConfigurationError: the file can't be read, or is no saved run.
        """
        import pandas as pd

        advice = "Give a file that --save wrote."
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ConfigurationError(f"{path} is too large for a saved run.", advice)
            saved = json.loads(path.read_text("utf-8"))
            if saved["form"] != _FORM:
                raise ConfigurationError(f"{path} was saved by another version.", "Measure that version again.")
            rows = pd.DataFrame(saved["rows"])
            facts = {str(name): str(value) for name, value in saved["facts"].items()}
        except OSError as error:
            raise ConfigurationError(f"{path} can't be read: {error.strerror}.", advice) from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigurationError(f"{path} is no saved run.", advice) from None
        if not {"id", "way"} <= set(rows.columns):
            raise ConfigurationError(f"{path} is no saved run.", advice)
        return cls(rows, facts)


def measured_columns(rows: pd.DataFrame) -> list[str]:
    """The columns that hold figures, in their order."""
    return [name for name in rows.columns if name not in _FACTS]


def summed(rows: pd.DataFrame, by: Sequence[str] = ("way",)) -> pd.DataFrame:
    """Means over the questions that have the figure; of `ms` the median. A row a group, with `questions` in it."""
    names = measured_columns(rows)
    groups = rows.groupby(list(by), sort=False, dropna=False)
    means = groups[names].mean()
    if "ms" in names:
        means["ms"] = groups["ms"].median()
    means.insert(0, "questions", groups["id"].nunique())
    return means.reset_index()


def compared(now: pd.DataFrame, before: pd.DataFrame, by: Sequence[str] = ("way",)) -> pd.DataFrame:
    """Two runs over the questions that both have, a row a group and measure.

    Returns:
        The columns of `by`, `measure`, `questions`, `before`, `now`, `change`, and how many questions got `better` and
        `worse`. Times are left out: they are of the machine as much as of the search.
    """
    import pandas as pd

    names = [name for name in measured_columns(now) if name != "ms" and name in before.columns]
    both = now.merge(before[["id", "way", *names]], on=["id", "way"], suffixes=("", " before"))
    parts = []
    for name in names:
        pairs = both.dropna(subset=[name, f"{name} before"]).assign(
            measure=name,
            now=lambda rows, name=name: rows[name].astype(float),
            before=lambda rows, name=name: rows[f"{name} before"].astype(float),
        )
        pairs["change"] = pairs["now"] - pairs["before"]
        pairs["better"], pairs["worse"] = pairs["change"] > 0, pairs["change"] < 0
        parts.append(pairs)
    if not parts:
        return pd.DataFrame(columns=[*by, "measure", "questions", "before", "now", "change", "better", "worse"])
    groups = pd.concat(parts).groupby([*by, "measure"], sort=False)
    return groups.agg(
        questions=("id", "nunique"),
        before=("before", "mean"),
        now=("now", "mean"),
        change=("change", "mean"),
        better=("better", "sum"),
        worse=("worse", "sum"),
    ).reset_index()
