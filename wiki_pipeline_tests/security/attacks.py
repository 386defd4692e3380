"""What an attack in its long form tells: how often something was tried, refused as it should be, or got through."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass

# The long form begins with other random numbers each time, and says with which.
BEGINNING = int(os.environ.get("WIKI_PIPELINE_ATTACK_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)


@dataclass(frozen=True, slots=True)
class Attack:
    """A row of the table.

    Attributes:
        name: what was done, in a few words.
        tried: how often.
        refused: how often it ended as it should.
        failed: how often it did not: each is a fault of the program.
        notes: measured figures, with units.
    """

    name: str
    tried: int
    refused: int
    failed: int
    notes: str = ""


def table(rows: Sequence[Attack]) -> str:
    """The rows as Markdown."""
    lines = ["| attack | tried | refused | failed | |", "| --- | ---: | ---: | ---: | --- |"]
    lines += [f"| {row.name} | {row.tried:,} | {row.refused:,} | {row.failed:,} | {row.notes} |" for row in rows]
    return "\n".join(lines)
