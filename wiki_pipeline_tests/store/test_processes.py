"""Readers beside a writer, and writers that are killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.store.processes import (
    DOCUMENTS,
    editions,
    serving_table,
    tidy,
    write_edition,
)

PATIENCE = 60.0  # seconds


def start(what: str, folder: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "wiki_pipeline_tests.store.processes", what, str(folder)]
    return started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def complaint(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


def test_a_reader_beside_a_writer_sees_whole_documents_only(tmp_path: Path) -> None:
    table = serving_table(tmp_path)
    write_edition(table, 1)
    with start("read", tmp_path) as reader:
        changes = [lines(reader).readline()]
        deadline = time.monotonic() + PATIENCE
        edition = 1
        while len(changes) < 15 and time.monotonic() < deadline:
            edition += 1
            write_edition(table, edition)
            if edition % 4 == 0:
                tidy(table)
            changes.append(lines(reader).readline())
            assert changes[-1], complaint(reader)
        assert len(changes) == 15
        assert reader.poll() is None, complaint(reader)


def test_a_writer_that_is_killed_leaves_whole_documents_and_the_next_sync_repairs(tmp_path: Path) -> None:
    moments = random.Random(7)
    table = serving_table(tmp_path)
    for _ in range(4):
        with start("write", tmp_path) as writer:
            for _ in range(moments.randint(1, 4)):
                assert lines(writer).readline(), complaint(writer)
            time.sleep(moments.uniform(0, 0.08))  # somewhere within an edition: the kill's moment, not a wait
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        left = editions(table.read(columns=["document_id", "text"]))
        assert sorted(left) == sorted(DOCUMENTS)
    last = max(left.values())
    report = write_edition(table, last + 1)
    assert editions(table.read(columns=["document_id", "text"])) == dict.fromkeys(DOCUMENTS, last + 1)
    assert report.rows == table.row_count()
    assert write_edition(table, last + 1).commits == 0
    tidy(table)
    assert editions(table.read(columns=["document_id", "text"])) == dict.fromkeys(DOCUMENTS, last + 1)
