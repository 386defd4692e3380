"""A repository's wiki: survey and pages of a first sync, and of a commit of one file, beside `git clone` and, where it
is installed, `ctags`.

Work is processor time of this process and its workers; the memory that of the larger of them.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.stages import STAGES, repository_survey, repository_wiki
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.repository import make_repository
from wiki_pipeline_tests.installation import install, pipeline

FILES = 3_000
COMMITS = 200
KEY = SourceKey("default", "git", "platform")
_OURS = (repository_survey.STAGE, repository_wiki.STAGE)


def measure(files: int | None = None) -> Iterator[Figure]:
    """The figures at the usual size, or at another."""
    size = files or FILES
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        place = Path(folder)
        bare = make_repository(place / "platform.git", size, COMMITS)
        cloned = _seconds(["git", "clone", "--quiet", str(bare), str(place / "tree")])
        tags = _seconds(["ctags", "-R", "-f", os.devnull, str(place / "tree")]) if shutil.which("ctags") else None
        install(monkeypatch, place, WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([{"url": str(bare), "name": "platform"}]))
        with pipeline() as opened:
            first, seconds, work = _sync(opened)
            commit(place / "tree")
            edit, _, edit_work = _sync(opened)
            again, _, again_work = _sync(opened)
    at = f"Wiki of a repository of {size:,} files"
    pages = f"{first[repository_wiki.STAGE].added:,} pages"
    beside = f"git clone {cloned:.1f} s" + ("" if tags is None else f", ctags {tags:.1f} s")
    yield Figure(f"{at}: survey and pages, first sync", seconds, "s", f"{pages}; work {work:.1f} s; {beside}", most=60)
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    memory = kilobytes / (1e3 if sys.platform != "darwin" else 1e6)
    yield Figure(f"{at}: memory of the largest process", memory, "MB", most=1_000)
    written = (
        f"{edit[repository_survey.STAGE].updated} rows surveyed, {edit[repository_wiki.STAGE].updated} pages written"
    )
    yield Figure(f"{at}: work of a commit of one file", edit_work, "s", written, most=1)
    commits = sum(again[stage].commits for stage in _OURS)
    yield Figure(f"{at}: commits without news", commits, "", f"work {again_work:.2f} s", most=0)


def _sync(opened: Pipeline) -> tuple[dict[Stage, StageReport], float, float]:
    """All stages that these need; seconds and work of the two."""
    reports: dict[Stage, StageReport] = {}
    seconds = work = 0.0
    with open_sync(opened, KEY, SyncMode.FULL, lambda _: None) as sync:
        for declared in STAGES:
            if declared.stage in {Stage.CHUNKS, Stage.VECTORS, Stage.ATTACHMENTS}:
                continue  # nothing here is made of them
            began, spent = time.perf_counter(), _spent()
            reports[declared.stage] = declared.update(sync)
            if declared.stage in _OURS:
                seconds += time.perf_counter() - began
                work += _spent() - spent
    return reports, seconds, work


def _spent() -> float:
    """Processor seconds of this process and its children, those that live and those that ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = time.process_time() + ended.ru_utime + ended.ru_stime
    for listed in Path("/proc/self/task").glob("*/children"):
        for pid in listed.read_text().split():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            spent += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return spent


def commit(tree: Path) -> None:
    """A commit of one new function in one file, into where the tree was cloned from."""
    file = next(path for path in sorted(tree.glob("src/**/*.py")))
    file.write_text(file.read_text() + '\n\ndef new_one() -> None:\n    """Do something new."""\n')
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "-C", str(tree), *identity, "commit", "--quiet", "-am", "Add"], check=True)
    subprocess.run(["git", "-C", str(tree), "push", "--quiet", "origin", "HEAD:main"], check=True)


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began
