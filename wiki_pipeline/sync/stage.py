"""What a stage is: declared once, in its own module, and listed in `wiki_pipeline.stages`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from wiki_pipeline.model import SCHEMAS, Stage, StageReport
from wiki_pipeline.sync.drivers import Inputs
from wiki_pipeline.sync.session import SourceTables


@dataclass(frozen=True, slots=True)
class DeclaredStage:
    """One stage. Dagster's assets, staleness and the tests of all stages go by its declaration.

    Attributes:
        stage: its name, which is its table's too.
        code_version: part of every row's fingerprint; raised whenever the same input gives another output.
        update: brings its table of one source up to date, in an open sync; takes the sync, and what only it takes.
        inputs: what its table should be made from, as far as that is known without asking the source; None for the
            first stage, which is made from the source alone.
    """

    stage: Stage
    code_version: str
    update: Callable[..., StageReport]
    inputs: Callable[[SourceTables], Inputs] | None = None

    @property
    def schema(self) -> pa.Schema:
        """Of its table; of `vectors` for a model of one dimension, since the dimension is the model's."""
        return SCHEMAS[self.stage]
