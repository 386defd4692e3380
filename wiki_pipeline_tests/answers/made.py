"""A library of pages that are made for a test, through every stage but the fetching."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wiki_pipeline.access import Scope
from wiki_pipeline.answers.retrieve import Library
from wiki_pipeline.answers.settings import AnswerSettings
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.model import RawPage, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.gateway.conftest import bring

SPACE = SourceKey("default", "confluence", "ENG")
REPOSITORY = SourceKey("default", "git", "acme/rocket")


class MadeSettings(Settings, AnswerSettings):
    """All that it takes to answer."""


def markdown(name: str, text: str, title: str = "") -> RawPage:
    """A file of the repository."""
    return RawPage(
        document_id=name,
        title=title or name,
        path=name,
        body=text,
        media_type="text/markdown",
        url=f"https://github.com/acme/rocket/blob/{'a' * 40}/{name}",
        version="a" * 40,
        version_key=f"{hash(text)}",
        space_key="acme/rocket",
        space_name="acme/rocket",
    )


@contextmanager
def made(home: Path, documents: Sequence[RawPage]) -> Iterator[tuple[Pipeline, Library]]:
    """A pipeline with these files, and a library over it."""
    with Pipeline.open(load(MadeSettings, home=home)) as pipeline:
        pipeline.catalog.add_source(REPOSITORY, json.dumps({"url": "https://github.com/acme/rocket"}), "rocket")
        bring(pipeline, REPOSITORY, documents)
        staleness = StalenessCache(pipeline, background=False)
        embedder = open_embedder(pipeline.settings)
        yield pipeline, Library(pipeline.catalog, pipeline.store, embedder, staleness, Scope("default"))
