"""An installation of its own for a test: settings in the environment, all state in a temporary folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from wiki_pipeline.catalog import Claim, SyncMode
from wiki_pipeline.demo.confluence.downloads import media_origin
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.freshness import claim_work, resolve
from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.settings import load
from wiki_pipeline.stages import STAGES, repository_survey, repository_wiki
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.migrated import put_catalog

ENG = SourceKey("default", "confluence", "ENG")
OF_OTHERS = (Stage.ATTACHMENTS, repository_survey.STAGE, repository_wiki.STAGE)
"""Stages that have nothing of a space without files, which is no repository."""


def install(monkeypatch: pytest.MonkeyPatch, home: Path, **variables: str) -> None:
    """Point the program at `home`, with an empty catalog, and give it the variables, and no others of its own."""
    for name in ("CONFLUENCE_URL", "CONFLUENCE_SPACES", "CONFLUENCE_TOKEN", "CONFLUENCE_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home)
    for name, value in {"WIKI_PIPELINE_HOME": str(home / "state"), **variables}.items():
        monkeypatch.setenv(name, value)
    put_catalog(home / "state" / "catalog.sqlite")


def install_for_space(monkeypatch: pytest.MonkeyPatch, home: Path, url: str, space: str = "ENG") -> None:
    """An installation with one Confluence space, at a test server."""
    install(
        monkeypatch,
        home,
        CONFLUENCE_URL=url,
        CONFLUENCE_SPACES=json.dumps({space: []}),
        CONFLUENCE_TOKEN="any-token",
        WIKI_PIPELINE_CONFLUENCE_MEDIA_HOSTS=media_origin(url).removesuffix("/wiki"),
    )


@contextmanager
def pipeline() -> Iterator[Pipeline]:
    """The pipeline of the installation, with its configured sources added."""
    with Pipeline.open(load(Settings)) as opened:
        opened.add_configured_sources()
        yield opened


def sync(
    opened: Pipeline,
    source: SourceKey = ENG,
    documents: Sequence[str] = (),
    *,
    allow_mass_deletion: bool = False,
    claim_id: str = "",
) -> dict[Stage, StageReport]:
    """All stages of one source, in order."""
    mode = SyncMode.INCREMENTAL if documents else SyncMode.FULL
    with open_sync(opened, source, mode, lambda _: None, run_id="run" if claim_id else "", claim_id=claim_id) as work:
        first, *others = STAGES
        first.update(work, documents, allow_mass_deletion=allow_mass_deletion)
        for declared in others:
            declared.update(work)
    return {report.stage: report for report in work.reports}


def work(opened: Pipeline) -> list[Claim]:
    """What the sensor does, in this process: claims what is due and has it done. Returns the claims."""
    resolve(opened)
    claims = claim_work(opened)
    for claim in claims:
        with suppress(WikiPipelineError):  # it is in the catalog, where tests look for it
            sync(opened, claim.source, claim.documents, claim_id=claim.claim_id)
    return claims
