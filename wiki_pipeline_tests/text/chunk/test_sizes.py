"""Sizes of segments as people write them."""

from __future__ import annotations

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.chunk import ChunkSizes
from wiki_pipeline.text.chunk.size import ChunkSize


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("400 tokens", ChunkSize(400)),
        ("1000/200 characters", ChunkSize(1000, 200, "characters")),
        (" 300 / 50tokens ", ChunkSize(300, 50)),
    ],
)
def test_a_size_is_written_as_it_is_read(text: str, size: ChunkSize) -> None:
    assert ChunkSize.parse(text) == size
    assert ChunkSize.parse(str(size)) == size


@pytest.mark.parametrize(
    "text", ["", "400", "400 words", "10 tokens", "99999 tokens", "100 characters", "400/300 tokens"]
)
def test_a_size_that_makes_no_sense_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_PROSE_CHUNKS", text)
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_PROSE_CHUNKS"):
        load(Settings)


def test_a_kind_of_source_may_have_sizes_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_CODE_CHUNKS", "1500/300 characters")
    monkeypatch.setenv("WIKI_PIPELINE_CHUNKS_BY_KIND", '{"confluence": {"prose": "1000/200 characters"}}')
    settings = load(Settings)
    code = ChunkSize(1500, 300, "characters")
    assert settings.chunk_sizes("confluence") == ChunkSizes(ChunkSize(1000, 200, "characters"), code)
    assert settings.chunk_sizes("git") == ChunkSizes(ChunkSize(400), code)


def test_a_misspelt_size_of_a_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_CHUNKS_BY_KIND", '{"confluence": {"prosa": "1000/200 characters"}}')
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_CHUNKS_BY_KIND"):
        load(Settings)
