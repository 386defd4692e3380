"""The other processes of these tests: one that writes editions of documents without end, one that reads without end.

In edition n every document has between one and four chunks, all of which say the edition. Run as
`python -m wiki_pipeline_tests.store.processes write|read FOLDER`; the writer prints a line for each edition, the reader
for each change that it sees.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.store import Batch, StageTable, Store, reconcile, search
from wiki_pipeline.store.maintenance import Tier, index_rows, join_fragments
from wiki_pipeline.store.search import MAX_HITS
from wiki_pipeline.store.stage_table import StageTable as Table
from wiki_pipeline_tests.store.made import DIMENSION, MODEL, SOURCE, Directions, vector_table

DOCUMENTS = [f"d{i}" for i in range(12)]


def serving_table(folder: Path) -> StageTable:
    return Store(str(folder), "default").vectors(MODEL, DIMENSION, SOURCE)


def chunks(document: str, edition: int) -> list[str]:
    count = 1 + (int(document[1:]) + edition) % 4
    return [f"{document} edition {edition} chunk {i}" for i in range(count)]


def write_edition(table: Table, edition: int) -> StageReport:
    def compute(document_ids: Sequence[str]) -> Batch:
        return Batch(vector_table({id_: chunks(id_, edition) for id_ in document_ids}))

    return reconcile(
        table,
        pa.table({"document_id": DOCUMENTS, "input_hash": [str(edition)] * len(DOCUMENTS)}),
        compute,
        stage=Stage.VECTORS,
        source=SOURCE,
        code_version="1",
        batch_documents=5,
    )


def tidy(table: Table) -> None:
    """Maintenance as after a long time."""
    index_rows(table, 0)
    join_fragments(table, (Tier(bytes=10_000_000, fragments=2),))


def editions(rows: pa.Table) -> dict[str, int]:
    """The edition of each document.

    Raises:
        AssertionError: a document is there in part, twice, or in two editions.
    """
    found: dict[str, list[str]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["document_id"], []).append(row["text"])
    of_document = {}
    for document, texts in found.items():
        edition = int(texts[0].split()[2])
        assert sorted(texts) == chunks(document, edition), f"{document} is torn: {texts}"
        of_document[document] = edition
    return of_document


def write(folder: Path) -> None:
    table = serving_table(folder)
    present = editions(table.read(columns=["document_id", "text"]))
    for edition in itertools.count(max(present.values(), default=0) + 1):
        write_edition(table, edition)
        print(edition, flush=True)
        if edition % 3 == 0:
            tidy(table)


def read(folder: Path) -> None:
    store = Store(str(folder), "default")
    name = serving_table(folder).name
    told = None
    while True:
        searched = store.snapshot(name)
        assert searched is not None
        seen = editions(searched.to_table(columns=["document_id", "text"]))
        assert sorted(seen) == sorted(DOCUMENTS), f"missing: {set(DOCUMENTS) - set(seen)}"
        found: dict[str, set[str]] = {}
        for hit in search(store, Directions(), "edition chunk", k=MAX_HITS):
            found.setdefault(hit.document_id, set()).add(hit.text.split()[2])
        assert all(len(of_one) == 1 for of_one in found.values()), f"hits of two editions: {found}"
        if seen != told:
            print(max(seen.values()), flush=True)
            told = seen


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](Path(sys.argv[2]))
