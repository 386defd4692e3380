"""`WIKI_PIPELINE_MODE`: a cluster keeps nothing on one machine, and says so at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import check_mode
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.installation import install, pipeline

POSTGRESQL = "postgresql+psycopg://user:secret@db/wiki"


@pytest.mark.parametrize(
    ("variables", "wrong", "right"),
    [
        ({}, ["SQLite", "in a folder"], []),
        ({"WIKI_PIPELINE_DATABASE_URL": POSTGRESQL}, ["in a folder"], ["SQLite"]),
        ({"WIKI_PIPELINE_STORAGE_URL": "s3://bucket/tables"}, ["SQLite"], ["in a folder"]),
        ({"WIKI_PIPELINE_STORAGE_URL": "/mnt/shared", "WIKI_PIPELINE_DATABASE_URL": POSTGRESQL}, ["in a folder"], []),
    ],
)
def test_a_cluster_refuses_what_one_machine_alone_sees(
    variables: dict[str, str], wrong: list[str], right: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path, WIKI_PIPELINE_MODE="cluster", **variables)
    with pytest.raises(ConfigurationError) as refused, pipeline():
        pass
    assert all(word in str(refused.value) for word in wrong)
    assert not any(word in str(refused.value) for word in [*right, "secret"])
    assert not (tmp_path / "state" / "lance").exists()


def test_a_cluster_takes_postgresql_and_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        monkeypatch,
        tmp_path,
        WIKI_PIPELINE_MODE="cluster",
        WIKI_PIPELINE_DATABASE_URL=POSTGRESQL,
        WIKI_PIPELINE_STORAGE_URL="gs://bucket/tables",
    )
    check_mode(load(Settings))


@pytest.mark.parametrize(("mode", "message"), [("stateless", "keeps nothing"), ("moon", "laptop")])
def test_other_modes(mode: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path, WIKI_PIPELINE_MODE=mode)
    with pytest.raises(ConfigurationError, match=message), pipeline():
        pass
