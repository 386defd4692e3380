"""Values that are stored apart: what was written is what is read, through replacements and upkeep."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc

from wiki_pipeline.model import ATTACHMENTS, Attachment, SourceKey, Stage, rows_to_arrow
from wiki_pipeline.store import StageTable, Store
from wiki_pipeline.store.maintenance import Tier, join_fragments

KEY = SourceKey("default", "confluence", "ENG")


def put(table: StageTable, files: dict[str, bytes], delete: tuple[str, ...] = ()) -> None:
    rows = [
        Attachment(document_id=name, title=name, url="", version_key="1", size=len(data), data=data)
        for name, data in files.items()
    ]
    marks = [row.document_id for row in rows]
    table.replace(rows_to_arrow(rows, ATTACHMENTS, fingerprint=marks, content_hash=marks), delete)


def read(table: StageTable, name: str) -> bytes | None:
    found = table.open_blob("data", pc.field("document_id") == name, ["size"])
    if found is None:
        return None
    with found[0] as blob:
        pieces = list(iter(lambda: blob.read(100_000), b""))
    assert found[1] == {"size": sum(map(len, pieces))}
    return b"".join(pieces)


def test_values_stay_what_they_are_while_others_come_go_and_are_joined(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").table(Stage.ATTACHMENTS, KEY)
    assert read(table, "0") is None
    held = {str(number): bytes([number]) * size for number, size in enumerate((0, 10, 70_000, 3_000_000, 500_000))}
    for name, data in held.items():
        put(table, {name: data})
    held["1"] = b"new" * 100_000
    put(table, {"1": held["1"]}, delete=("4",))
    del held["4"]
    for joined in (False, True):
        if joined:
            assert join_fragments(table, (Tier(bytes=10**9, fragments=1),))
        assert {name: read(table, name) for name in held} == held
        assert read(table, "4") is None


def test_scans_pass_them_by(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").table(Stage.ATTACHMENTS, KEY)
    put(table, {"a": b"x" * 2_000_000})
    rows = table.read()
    assert rows.nbytes < 2_000
    assert "data" not in rows.column_names
