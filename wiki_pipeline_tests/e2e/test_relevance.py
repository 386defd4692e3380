"""What people ask of the demo handbook and of this repository's own code, and which document comes first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import wiki_pipeline
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.demo.confluence.spaces import load_folder
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import search
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed.static import StaticEmbedder
from wiki_pipeline_tests.installation import install_for_space, pipeline, sync
from wiki_pipeline_tests.sources.git.upstream import Upstream

CODE = Path(wiki_pipeline.__file__).parent
TEXTS = {".py", ".toml", ".md"}

# Questions, and the title of the page or the path of the file that answers them.
QUESTIONS = [
    ("on-call rota", "On-call rota and escalation"),
    ("who is told when a page is escalated", "On-call rota and escalation"),
    ("glossary", "Glossary"),
    ("how do I calibrate a radar gauge", "Calibrating a radar gauge"),
    ("what to do when a station is silent", "Runbook: a station goes silent"),
    ("Keel disk above 80 %", "Runbook: Keel above 80 % disk"),
    ("false surge warnings in January 2026", "Incident 2026-01-17: eleven false surge warnings"),
    ("levels_1min", "Data contract: levels_1min"),
    ("last known good rule", 'GET /v2/levels and the "last known good" rule'),
    ("Vergütung der Rufbereitschaft", "Betriebsvereinbarung Rufbereitschaft"),
    ("İğneada istasyon bakımı", "İstasyon bakımı: İğneada ve Karadeniz kıyısı"),
    ("横浜観測所 保守", "横浜観測所の保守手順"),
    ("台风前检查", "厦门验潮站：台风前检查清单"),
    ("محطة الإسكندرية", "محطة الإسكندرية: الفحص الشهري"),
    ("comité technique de septembre", "Compte rendu : comité technique du 22 septembre 2026"),
    ("free_lost_claims", "wiki_pipeline/freshness/claiming.py"),
    ("reconcile", "wiki_pipeline/store/reconcile.py"),
    ("split_identifiers", "wiki_pipeline/text/chunk/search_text.py"),
    ("StaticEmbedder", "wiki_pipeline/text/embed/static.py"),
]
# Questions in words that many files share: the one that answers is on the first page of results.
BROAD_QUESTIONS = [
    ("how is a lease taken over", "wiki_pipeline/catalog/leases.py"),
    ("what makes a document stale", "wiki_pipeline/freshness/staleness.py"),
    ("disk is nearly full", "Runbook: Keel above 80 % disk"),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The handbook and the package's own code, synced through every stage."""
    folder = tmp_path_factory.mktemp("relevance")
    upstream = Upstream(folder / "wiki-pipeline")
    files = (file for file in sorted(CODE.rglob("*")) if file.suffix in TEXTS)
    upstream.commit({str(file.relative_to(CODE.parent)): file.read_bytes() for file in files})
    with pytest.MonkeyPatch.context() as patch, ConfluenceServer("cloud") as server:
        load_folder(server.world.site)
        install_for_space(patch, folder, server.url, "HANDBOOK")
        patch.setenv("WIKI_PIPELINE_GIT_REPOSITORIES", json.dumps([{"url": upstream.folder.as_uri()}]))
        with pipeline() as opened:
            for entry in opened.catalog.sources("default"):
                sync(opened, entry.key)
            yield opened


def documents(opened: Pipeline, query: str) -> list[str]:
    """Titles of pages and paths of files, in the order in which they come."""
    hits = search(opened.store, StaticEmbedder(), query)
    named = (hit.title if SourceKey.parse(hit.source).kind == "confluence" else hit.document_id for hit in hits)
    return list(dict.fromkeys(named))


@pytest.mark.parametrize(("query", "expected"), QUESTIONS, ids=[query for query, _ in QUESTIONS])
def test_the_document_that_answers_comes_first(opened: Pipeline, query: str, expected: str) -> None:
    assert documents(opened, query)[0] == expected


@pytest.mark.parametrize(("query", "expected"), BROAD_QUESTIONS, ids=[query for query, _ in BROAD_QUESTIONS])
def test_the_document_that_answers_a_broad_question_is_near_the_top(
    opened: Pipeline, query: str, expected: str
) -> None:
    assert expected in documents(opened, query)[:10]


def test_scores_never_rise_within_an_answer(opened: Pipeline) -> None:
    scores = [hit.score for hit in search(opened.store, StaticEmbedder(), "split_identifiers", k=40)]
    assert len(set(scores)) > 3
    assert scores == sorted(scores, reverse=True)
