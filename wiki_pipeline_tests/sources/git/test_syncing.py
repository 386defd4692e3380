"""Syncing again: least work, the same rows whatever was synced before, and clones that were lost or half made."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from wiki_pipeline.errors import SourceError, SourceNotFoundError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import RawPage
from wiki_pipeline.sources.git.failures import explain
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.sources.git.reading import Sync, describe, open_source, sync
from wiki_pipeline_tests.sources.git.test_history import Made, histories, import_history
from wiki_pipeline_tests.sources.git.upstream import Upstream


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "handbook")
    made.commit({"README.md": "# Handbook", "docs/a.md": "a", "docs/b.md": "b"})
    return made


def fresh(tmp_path: Path, upstream: Upstream) -> Sync:
    """What a sync sees that never synced before."""
    home = tmp_path / "fresh"
    shutil.rmtree(home, ignore_errors=True)
    return sync(home, upstream.path)


def test_a_sync_without_news_lists_the_same(tmp_path: Path, upstream: Upstream) -> None:
    assert sync(tmp_path / "home", upstream.path) == sync(tmp_path / "home", upstream.path)


def test_only_what_changed_has_another_version_key(tmp_path: Path, upstream: Upstream) -> None:
    before = sync(tmp_path / "home", upstream.path)
    upstream.commit({"docs/a.md": "a, edited", "docs/c.md": "c", "docs/b.md": None})
    after = sync(tmp_path / "home", upstream.path)
    assert {name for name in after.keys if after.keys[name] != before.keys.get(name)} == {"docs/a.md", "docs/c.md"}
    assert "docs/b.md" not in after.keys
    assert after == fresh(tmp_path, upstream)


def test_a_rename_is_a_new_document_and_a_change(tmp_path: Path, upstream: Upstream) -> None:
    sync(tmp_path / "home", upstream.path)
    upstream.git("mv", "docs/a.md", "docs/z.md")
    moved = upstream.commit(message="move")
    after = sync(tmp_path / "home", upstream.path)
    assert sorted(after.pages) == ["README.md", "docs/b.md", "docs/z.md"]
    assert after.pages["docs/z.md"].version == moved
    assert after == fresh(tmp_path, upstream)


def test_a_file_that_went_back_to_what_it_was_has_its_newest_commit(tmp_path: Path, upstream: Upstream) -> None:
    before = sync(tmp_path / "home", upstream.path)
    upstream.commit({"docs/a.md": "other"})
    reverted = upstream.commit({"docs/a.md": "a"})
    after = sync(tmp_path / "home", upstream.path)
    assert after.pages["docs/a.md"].version == reverted
    assert after.keys["docs/a.md"] != before.keys["docs/a.md"]
    assert after == fresh(tmp_path, upstream)


def test_a_rewritten_branch_is_followed(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit({"docs/a.md": "secret"})
    sync(tmp_path / "home", upstream.path)
    upstream.git("reset", "--quiet", "--hard", "HEAD~1")
    upstream.commit({"docs/b.md": "b, rewritten"})
    upstream.git("reflog", "expire", "--expire=now", "--all")
    upstream.git("gc", "--quiet", "--prune=now")
    after = sync(tmp_path / "home", upstream.path)
    assert after.pages["docs/a.md"].body == "a"
    assert after == fresh(tmp_path, upstream)


def test_a_branch_with_no_common_history_is_followed(tmp_path: Path, upstream: Upstream) -> None:
    sync(tmp_path / "home", upstream.path)
    upstream.git("checkout", "--quiet", "--orphan", "new")
    upstream.git("branch", "-D", "main")
    upstream.commit({"README.md": "all new"})
    upstream.git("branch", "-m", "main")
    assert sync(tmp_path / "home", upstream.path) == fresh(tmp_path, upstream)


def test_a_default_branch_that_gets_another_name_is_followed(tmp_path: Path, upstream: Upstream) -> None:
    sync(tmp_path / "home", upstream.path)
    upstream.git("branch", "-m", "main", "trunk")
    upstream.commit({"docs/new.md": "new"})
    assert "docs/new.md" in sync(tmp_path / "home", upstream.path).pages
    assert ("branch", "trunk") in describe(tmp_path / "home", upstream.path).details


def test_a_branch_or_tag_can_be_named(tmp_path: Path, upstream: Upstream) -> None:
    upstream.git("tag", "-a", "v1", "-m", "one")
    upstream.git("checkout", "--quiet", "-b", "feature/next")
    upstream.commit({"next.md": "next"})
    upstream.git("checkout", "--quiet", "main")
    assert "next.md" in sync(tmp_path / "branch", upstream.path, branch="feature/next").pages
    tagged = sync(tmp_path / "tag", upstream.path, branch="v1")
    assert tagged.pages.keys() == sync(tmp_path / "default", upstream.path).pages.keys()
    details = dict(describe(tmp_path / "tag", upstream.path, branch="v1").details)
    assert details["commit"] == upstream.git("rev-parse", "v1^{commit}")


def test_a_branch_comes_before_a_tag_of_the_same_name(tmp_path: Path, upstream: Upstream) -> None:
    upstream.git("tag", "both")
    upstream.git("checkout", "--quiet", "-b", "both")
    upstream.commit({"on-branch.md": "x"})
    upstream.git("checkout", "--quiet", "main")
    assert "on-branch.md" in sync(tmp_path / "home", upstream.path, branch="both").pages


def test_a_deleted_branch_is_an_error_that_names_what_is_there(tmp_path: Path, upstream: Upstream) -> None:
    upstream.git("branch", "old")
    sync(tmp_path / "home", upstream.path, branch="old")
    upstream.git("branch", "-D", "old")
    with pytest.raises(SourceNotFoundError, match=r"no branch or tag 'old' \(any more\)\. It has: main\.") as caught:
        sync(tmp_path / "home", upstream.path, branch="old")
    assert upstream.path in str(caught.value)
    with pytest.raises(SourceNotFoundError, match="no branch or tag 'old'"):
        describe(tmp_path / "home", upstream.path, branch="old")


def test_a_default_branch_that_does_not_exist_is_an_error(tmp_path: Path, upstream: Upstream) -> None:
    upstream.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    with pytest.raises(SourceNotFoundError, match=r"default branch that does not exist\. It has: main"):
        sync(tmp_path / "home", upstream.path)


def test_an_empty_repository_is_an_empty_listing(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "new")
    assert sync(tmp_path / "home", upstream.path) == Sync({}, {}, {})
    assert ("state", "empty: nothing was ever committed") in describe(tmp_path / "home", upstream.path).details
    upstream.commit({"README.md": "first"})
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["README.md"]


def test_a_commit_without_files_is_an_empty_listing(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "new")
    upstream.commit()
    assert sync(tmp_path / "home", upstream.path) == Sync({}, {}, {})


def test_a_tag_that_is_no_commit_is_an_error(tmp_path: Path, upstream: Upstream) -> None:
    upstream.git("tag", "tree", "HEAD^{tree}")
    with pytest.raises(SourceError, match="does not lead to a commit"):
        sync(tmp_path / "home", upstream.path, branch="tree")


@pytest.mark.parametrize("form", ["plain", "file", "bare", "worktree", "shallow", "dot-git"])
def test_local_repositories_of_all_forms_are_read(tmp_path: Path, upstream: Upstream, form: str) -> None:
    upstream.commit({"docs/b.md": "b2"})
    other = tmp_path / "other"
    if form == "bare":
        upstream.git("clone", "--quiet", "--bare", ".", str(other))
    elif form == "worktree":
        upstream.git("worktree", "add", "--quiet", "--detach", str(other))
    elif form == "shallow":
        upstream.git("clone", "--quiet", "--depth=1", f"file://{upstream.path}", str(other))
    addresses = {"plain": upstream.path, "file": f"file://{upstream.path}", "dot-git": f"{upstream.path}/.git"}
    pages = sync(tmp_path / "home", addresses.get(form, str(other))).pages
    assert {name: page.body for name, page in pages.items()} == {
        "README.md": "# Handbook", "docs/a.md": "a", "docs/b.md": "b2",
    }  # fmt: skip


def test_a_shallow_repository_that_grows_is_followed(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit({"docs/b.md": "b2"})
    other = tmp_path / "other"
    upstream.git("clone", "--quiet", "--depth=1", f"file://{upstream.path}", str(other))
    sync(tmp_path / "home", str(other))
    upstream.commit({"docs/c.md": "c"})
    upstream.git("-C", str(other), "fetch", "--quiet", "--depth=1")
    upstream.git("-C", str(other), "reset", "--quiet", "--hard", "origin/main")
    assert sync(tmp_path / "home", str(other)).pages["docs/c.md"].body == "c"


def test_a_local_clone_brings_no_more_than_is_needed(tmp_path: Path, upstream: Upstream) -> None:
    for number in range(5):
        upstream.commit({"docs/a.md": os.urandom(50_000).hex(), "film.mp4": os.urandom(300_000) + bytes([number])})
    sync(tmp_path / "home", upstream.path)
    size = sum(path.stat().st_size for path in (tmp_path / "home").rglob("*") if path.is_file())
    assert size < 150_000


def test_a_missing_folder_and_a_folder_without_a_repository_are_errors(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for path in (tmp_path / "nowhere", tmp_path / "plain"):
        with pytest.raises(SourceNotFoundError, match="does not exist, or") as caught:
            sync(tmp_path / "home", str(path))
        assert str(path) in str(caught.value)


def test_sha256_repositories_are_refused_in_words(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r", "--object-format=sha256")
    upstream.commit({"a.md": "a"})
    with pytest.raises(SourceError, match="uses SHA-256 object names"):
        sync(tmp_path / "home", upstream.path)


@settings(max_examples=8, deadline=None)
@given(history=histories())
def test_whatever_was_synced_before_the_same_commit_gives_the_same_rows(history: list[Made]) -> None:
    with TemporaryDirectory() as folder:
        repository = Path(folder, "r.git")
        import_history(repository, history)
        for number in range(0, len(history), 3):
            (repository / "HEAD").write_text(f"ref: refs/heads/c{number}\n")
            stepwise = sync(Path(folder, "home"), str(repository))
        assert stepwise == sync(Path(folder, "fresh"), str(repository))


# --- clones that were lost, killed, or broken ------------------------------------------------------------------------


def test_a_half_finished_clone_is_made_again(tmp_path: Path, upstream: Upstream) -> None:
    home = tmp_path / "home"
    (home / "clone.new" / "objects").mkdir(parents=True)
    (home / "clone.git").mkdir()
    (home / "clone.git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert len(sync(home, upstream.path).pages) == 3
    assert not (home / "clone.new").exists()


@pytest.mark.parametrize("what", ["pack", "index", "ref", "config", "head", "everything", "snapshot"])
def test_a_damaged_clone_is_made_again(tmp_path: Path, upstream: Upstream, what: str) -> None:
    home = tmp_path / "home"
    before = sync(home, upstream.path)
    upstream.commit({"docs/a.md": "a2"})
    clone = home / "clone.git"
    match what:
        case "pack" | "index":
            for path in (clone / "objects" / "pack").glob("*.pack" if what == "pack" else "*.idx"):
                path.chmod(0o600)
                path.write_bytes(path.read_bytes()[:40])
        case "ref":
            (clone / "refs" / "wiki-pipeline" / "head").write_text("f" * 40 + "\n")
        case "config":
            (clone / "config").write_text("[core\n")
        case "head":
            (clone / "HEAD").write_text("")
        case "everything":
            shutil.rmtree(clone)
        case "snapshot":
            (home / "snapshot.arrow").write_bytes((home / "snapshot.arrow").read_bytes()[:100])
    after = sync(home, upstream.path)
    assert after == fresh(tmp_path, upstream)
    assert after.keys != before.keys


def test_blobs_that_were_lost_are_brought_again(tmp_path: Path, upstream: Upstream) -> None:
    home = tmp_path / "home"
    before = sync(home, upstream.path)
    for pack in (home / "clone.git" / "objects" / "pack").glob("*"):
        listing = subprocess.run(["git", "verify-pack", "-v", str(pack)], capture_output=True, text=True, check=False)
        if pack.suffix == ".idx" and " blob " in listing.stdout:
            for suffix in (".pack", ".promisor", ".rev"):
                pack.with_suffix(suffix).unlink(missing_ok=True)
            pack.unlink()
    assert sync(home, upstream.path) == before


def test_a_clone_that_is_lost_between_listing_and_fetching_is_made_again(tmp_path: Path, upstream: Upstream) -> None:
    async def listed_then_lost() -> int:
        source = open_source(tmp_path / "home", upstream.path)
        ids = [ref.document_id async for refs in source.list_documents() for ref in refs]
        shutil.rmtree(tmp_path / "home" / "clone.git")
        return len([row async for rows in source.fetch(ids) for row in rows if isinstance(row, RawPage)])

    assert asyncio.run(listed_then_lost()) == 3


def test_a_folder_that_can_not_be_written_is_an_error_in_words(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SourceError, match="The clone of handbook could not be read or written") as caught:
        sync(tmp_path / "home", upstream.path)
    assert "WIKI_PIPELINE_HOME" in caught.value.advice


def test_a_full_disk_is_said_to_be_full(tmp_path: Path) -> None:
    says = "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output"
    error = explain("org/repo", Address.parse("https://github.com/org/repo"), says)
    assert error.message.startswith(
        "The repository org/repo (https://github.com/org/repo) could not be stored: the disk is"
    )
    assert error.message.endswith("Git says: fatal: write error: No space left on device.")


def test_locks_that_a_killed_git_left_behind_do_not_stop_the_next_sync(tmp_path: Path, upstream: Upstream) -> None:
    home = tmp_path / "home"
    sync(home, upstream.path)
    clone = (home / "clone.git").stat().st_ino
    upstream.commit({"docs/a.md": "a2"})
    for lock in ("refs/wiki-pipeline/head.lock", "shallow.lock", "packed-refs.lock", "objects/pack/tmp_pack_x"):
        (home / "clone.git" / lock).write_text("")
    assert sync(home, upstream.path).pages["docs/a.md"].body == "a2"
    assert not (home / "clone.git" / "objects" / "pack" / "tmp_pack_x").exists()
    assert (home / "clone.git").stat().st_ino == clone, "it was not made again for that"


def test_packs_are_put_together_when_there_are_many(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wiki_pipeline.sources.git.clone.PACKS_BEFORE_REPACKING", 3)
    home = tmp_path / "home"
    packs = home / "clone.git" / "objects" / "pack"
    for number in range(5):
        upstream.commit({"docs/a.md": f"version {number}"})
        sync(home, upstream.path)
    assert len(list(packs.glob("*.pack"))) <= 4
    assert len(list(packs.glob("*.promisor"))) == len(list(packs.glob("*.pack"))), "it is still a filtered clone"
    assert sync(home, upstream.path) == fresh(tmp_path, upstream)


KILLED = """
import sys
from pathlib import Path
from wiki_pipeline_tests.sources.git.reading import sync
sync(Path(sys.argv[1]), sys.argv[2])
"""


def test_killing_a_sync_at_any_moment_is_repaired_by_the_next(tmp_path: Path, upstream: Upstream) -> None:
    upstream.commit({f"docs/{i}.md": os.urandom(2000).hex() for i in range(300)})
    expected = fresh(tmp_path, upstream)
    home, seen = tmp_path / "home", set[str]()
    # Each round gets a step further: killed as soon as something is on disk that the rounds before had not.
    for _ in range(5):
        with started([sys.executable, "-c", KILLED, str(home), upstream.path], start_new_session=True) as process:
            new = wait_for_something_new(home, seen, process)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        seen |= new
    assert sync(home, upstream.path) == expected


def wait_for_something_new(folder: Path, seen: set[str], process: subprocess.Popen[str]) -> set[str]:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        found = {str(Path(at, name).relative_to(folder)) for at, _, names in os.walk(folder) for name in names}
        if found - seen:
            return found
        time.sleep(0.001)
    return set()
