"""How little a sync of a repository does after an edit of its source code, counted in chunks embedded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install, pipeline, sync
from wiki_pipeline_tests.sources.git.upstream import Upstream

MODULE = "".join(
    f"def pump_{n}(level, limit):\n"
    + "".join(f"    reading_{n}_{m} = level * {m} + limit // {n + 1}\n" for m in range(9))
    + f"    return reading_{n}_8\n\n\n"
    for n in range(24)
)
EDITED = MODULE.replace("reading_11_4 = level * 4", "reading_11_4 = level * 40")


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    """A repository with a module of 24 functions, configured as the installation's only source."""
    made = Upstream(tmp_path / "pumps")
    made.commit({"README.md": "# Pumps\n\nThey pump.", "src/pumps.py": MODULE})
    install(monkeypatch, tmp_path, WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([{"url": made.folder.as_uri()}]))
    return made


@pytest.fixture
def opened(upstream: Upstream) -> Iterator[Pipeline]:
    """The pipeline, with the repository synced."""
    with pipeline() as opened:
        assert embedded(opened) > 8
        yield opened


def source(opened: Pipeline) -> SourceKey:
    """The installation's only source."""
    (entry,) = opened.catalog.sources("default")
    return entry.key


def embedded(opened: Pipeline) -> int:
    """Sync; how many chunks that embedded."""
    return sync(opened, source(opened))[Stage.VECTORS].embedded


def test_a_one_line_edit_of_a_code_file_embeds_at_most_two_passages(opened: Pipeline, upstream: Upstream) -> None:
    assert EDITED != MODULE
    upstream.commit({"src/pumps.py": EDITED})
    assert 1 <= embedded(opened) <= 2


def test_an_insertion_at_the_top_of_a_code_file_embeds_at_most_two_passages(
    opened: Pipeline, upstream: Upstream
) -> None:
    upstream.commit({"src/pumps.py": f"import math\n\nTURNS = math.tau\n\n\n{MODULE}"})
    assert 1 <= embedded(opened) <= 2


def test_a_renamed_code_file_embeds_nothing(opened: Pipeline, upstream: Upstream) -> None:
    upstream.git("mv", "src/pumps.py", "src/pumping.py")
    upstream.commit()
    assert embedded(opened) == 0
    assert len(opened.store.table(Stage.CHUNKS, source(opened)).read(["src/pumping.py"])) > 8


def test_a_commit_that_changes_no_file_embeds_nothing(opened: Pipeline, upstream: Upstream) -> None:
    upstream.commit(message="nothing")
    assert embedded(opened) == 0
