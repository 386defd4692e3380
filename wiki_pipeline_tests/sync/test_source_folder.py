"""A machine that starts empty: the clone comes from the bucket, and a small change costs little."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sources.git.clone import Clone
from wiki_pipeline.store import ObjectFiles
from wiki_pipeline.sync.source_folder import SourceFolder
from wiki_pipeline.sync.sources import forget
from wiki_pipeline_tests.buckets import Buckets, moto
from wiki_pipeline_tests.installation import install, pipeline, sync
from wiki_pipeline_tests.sources.git.reading import sync as read
from wiki_pipeline_tests.sources.git.upstream import Upstream


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as running:
        yield running


def test_a_commit_to_5000_files_does_not_clone_anew(
    buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = Upstream(tmp_path / "handbook")
    upstream.commit({f"docs/{i % 50}/{i}.md": f"# Page {i}\n\n{uuid.uuid4()}\n" for i in range(5000)})
    files = ObjectFiles(buckets.make(f"b{uuid.uuid4().hex}"))
    pod = SourceFolder(tmp_path / "pod", files)
    with pod.kept():
        before = read(tmp_path / "pod", upstream.path)
    whole = sum(size for _, size in files.names())
    upstream.commit({"docs/7/7.md": "# Page 7, edited"})

    def refuse(*_: object, **__: object) -> str:
        raise AssertionError("cloned anew")

    monkeypatch.setattr(Clone, "_make", refuse)
    other = SourceFolder(tmp_path / "other", files)
    assert other.bring() > whole * 0.9
    after = read(tmp_path / "other", upstream.path)
    uploaded = other.keep()
    changed = {name for name in after.keys if after.keys[name] != before.keys.get(name)}
    assert changed == {"docs/7/7.md"}
    # The survey of the commit (a line a file) goes up again; the packs that were there do not.
    survey = (tmp_path / "other" / "snapshot.arrow").stat().st_size
    assert uploaded - survey < 20_000
    assert survey < 500_000
    assert SourceFolder(tmp_path / "pod", files).bring() == uploaded, "a machine with the rest takes only what is new"
    assert SourceFolder(tmp_path / "pod", files).bring() == 0
    assert read(tmp_path / "pod", upstream.path) == after
    shutil.rmtree(tmp_path / "other")
    assert (
        not {name for name, _ in files.names()}
        - {"manifest.json"}
        - {f"objects/{digest}" for digest, _ in (other._manifest() or {}).values()}
    ), "what no state needs is deleted"


def test_a_damaged_copy_is_made_anew(buckets: Buckets, tmp_path: Path) -> None:
    files = ObjectFiles(buckets.make(f"b{uuid.uuid4().hex}"))
    (tmp_path / "pod").mkdir()
    (tmp_path / "pod" / "a").write_text("one")
    assert SourceFolder(tmp_path / "pod", files).keep() == 3
    for damage in (b"{", b'{"files": {"../b": ["x", 1]}}', b'{"files": {"a": ["none", 3]}}'):
        files.write("manifest.json", damage)
        with SourceFolder(tmp_path / "new", files).kept():
            assert list((tmp_path / "new").iterdir()) == []
            (tmp_path / "new" / "a").write_text("two")
        assert SourceFolder(tmp_path / "third", files).bring() == 3
        shutil.rmtree(tmp_path / "third")
    assert not (tmp_path / "b").exists()


def test_a_source_of_a_bucket_is_synced_by_machines_that_start_empty(
    buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables, clone and mirrored pictures are in the bucket: what was done is not done again, and forgetting leaves
    nothing."""
    upstream = Upstream(tmp_path / "handbook")
    upstream.commit({"README.md": "# Handbook\n\n![a](a.png)", "a.png": "not a picture", "docs/a.md": "a"})
    name = f"b{uuid.uuid4().hex}"
    bucket = buckets.make(name)
    database = f"sqlite:///{tmp_path / 'catalog.sqlite'}"
    repositories = f'[{{"url": "{upstream.path}"}}]'
    install(
        monkeypatch,
        tmp_path,
        **buckets.environment(name),
        WIKI_PIPELINE_DATABASE_URL=database,
        WIKI_PIPELINE_GIT_REPOSITORIES=repositories,
    )
    with pipeline() as opened:
        (source,) = opened.add_configured_sources()
        first = sync(opened, source)
        assert first[Stage.RAW_PAGES].added == 2
    shutil.rmtree(tmp_path / "state")
    with pipeline() as opened:
        again = sync(opened, source)
        assert sum(report.commits for report in again.values()) == 0
        assert opened.store.sources() == [source]
        assert not list((tmp_path / "state").rglob("*.lance"))
        forget(opened, source)
    left = [found for found, _ in ObjectFiles(bucket).names() if "vectors." not in found]
    assert left == []


def test_a_volume_is_used_as_it_is(buckets: Buckets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"b{uuid.uuid4().hex}"
    buckets.make(name)
    volume = str(tmp_path / "volume")
    install(monkeypatch, tmp_path, **buckets.environment(name), WIKI_PIPELINE_SOURCES_DIR=volume)
    key = SourceKey("default", "git", "org/repo")
    with pipeline() as opened:
        assert opened.folder_of(key) is None
        assert opened.home_of(key).is_relative_to(volume)
