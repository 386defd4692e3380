"""Which commit last changed a file: what Git says where there are no merges, and the same however it was found."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.sources.git.command import GitCommand
from wiki_pipeline.sources.git.history import Change, last_changes
from wiki_pipeline.sources.git.isolation import Isolation
from wiki_pipeline.sources.git.objects import Objects
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline_tests.sources.git.upstream import START, Upstream

PATHS = ("a", "b", "d/c", "d/e")


def objects_of(git_dir: Path) -> Objects:
    address = Repository(url=str(git_dir)).address
    return Objects(git_dir, GitCommand(60, str), Isolation(address, None, GitSettings()))


def whole(objects: Objects, commit: str) -> dict[bytes, Change]:
    """The last change of each file of a commit, found by walking all of its history."""
    found = last_changes(objects.history(commit), commit)
    assert found is not None
    return {entry.path: found[entry.path] for entry in objects.tree(commit)}


def stepwise(objects: Objects, commit: str, since: str, before: dict[bytes, Change]) -> dict[bytes, Change]:
    """The same, from what is known of an earlier commit."""
    found = last_changes(objects.history(commit, since), commit, since, before)
    if found is None:
        return whole(objects, commit)
    return {entry.path: found.get(entry.path) or before[entry.path] for entry in objects.tree(commit)}


def test_without_merges_it_is_what_git_log_says(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    for number in range(12):
        upstream.commit({PATHS[number % 3]: f"{number}", "d/e": "same"}, author=f"Author {number}")
    changes = whole(objects_of(upstream.folder / ".git"), upstream.head)
    assert len(changes) == 4
    for path, change in changes.items():
        commit, author = upstream.git("log", "-1", "--format=%H %an", "--", path.decode()).split(" ", 1)
        assert (change.commit, change.author) == (commit, author)


def test_what_a_merge_brought_is_put_down_to_who_wrote_it(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    first = upstream.commit({"a": "1", "b": "1"})
    upstream.git("checkout", "--quiet", "-b", "side")
    upstream.commit({"a": "2"}, author="Grace Hopper")
    side = upstream.commit({"a": "3", "new": "n"}, author="Grace Hopper")
    upstream.git("checkout", "--quiet", "main")
    main = upstream.commit({"b": "2"})
    upstream.merge("side")
    changes = whole(objects_of(upstream.folder / ".git"), upstream.head)
    assert (changes[b"a"].commit, changes[b"a"].author) == (side, "Grace Hopper")
    assert (changes[b"new"].commit, changes[b"b"].commit) == (side, main)
    assert changes[b"a"].created_at == START
    assert changes[b"new"].created_at == START + 4 * 3600, "the branch got it with the merge"
    assert first not in {change.commit for change in changes.values()}


def test_what_a_merge_itself_changed_is_its_own(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a": "1"})
    upstream.git("checkout", "--quiet", "-b", "side")
    upstream.commit({"b": "side"})
    upstream.git("checkout", "--quiet", "main")
    upstream.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    merge = upstream.commit({"a": "resolved"}, message="merge")
    changes = whole(objects_of(upstream.folder / ".git"), merge)
    assert changes[b"a"].commit == merge
    assert changes[b"b"].commit == upstream.git("rev-parse", "side")


def test_a_file_that_came_back_is_as_old_as_its_return(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a": "1", "b": "1"})
    upstream.commit({"a": None})
    back = upstream.commit({"a": "1"})
    change = whole(objects_of(upstream.folder / ".git"), back)[b"a"]
    assert (change.commit, change.created_at) == (back, START + 2 * 3600)


@pytest.mark.parametrize("date", ["-1 +0000", "99999999999999999999 +0000", "253402300800 +0000", "", "yesterday"])
def test_dates_that_no_calendar_holds_are_unknown(tmp_path: Path, date: str) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a": "1"})
    tree = upstream.git("rev-parse", "HEAD^{tree}")
    commit = upstream.object("commit", f"tree {tree}\nauthor A <a@b> {date}\ncommitter A <a@b> {date}\n\nx\n".encode())
    change = whole(objects_of(upstream.folder / ".git"), commit)[b"a"]
    assert change.changed_at == 0


class Made(NamedTuple):
    """A commit to make: numbers of its parents, contents by path (None deletes), and hours since the start."""

    parents: list[int]
    changes: dict[str, int | None]
    hours: int


@st.composite
def histories(draw: st.DrawFn) -> list[Made]:
    """Histories of all shapes: merges of many parents, clocks that go wrong."""
    made = [Made([], {"a": 0}, 0)]
    for number in range(1, draw(st.integers(2, 14))):
        earlier = st.integers(max(0, number - 4), number - 1)
        parents = draw(st.lists(earlier, min_size=1, max_size=3, unique=True))
        contents = st.none() | st.integers(0, 3)
        changes = draw(st.dictionaries(st.sampled_from(PATHS), contents, max_size=3))
        made.append(Made(parents, changes, draw(st.integers(0, 20))))
    return made


def import_history(folder: Path, history: list[Made]) -> list[str]:
    """Make the commits in a new bare repository by `git fast-import`; their hashes."""
    script = []
    for number, commit in enumerate(history):
        script.append(f"commit refs/heads/c{number}\nmark :{number + 1}")
        script.append(f"committer A <a@b> {START + 3600 * commit.hours} +0000\ndata 1\nx")
        script += [f"{'merge' if index else 'from'} :{parent + 1}" for index, parent in enumerate(commit.parents)]
        for path, content in commit.changes.items():
            script.append(f"D {path}" if content is None else f"M 644 inline {path}\ndata 1\n{content}")
        script.append("")
    subprocess.run(["git", "init", "--quiet", "--bare", str(folder)], check=True)
    command = ["git", "fast-import", "--quiet", f"--export-marks={folder}/marks"]
    subprocess.run(command, cwd=folder, input="\n".join(script).encode(), check=True)
    marks = dict(line.split() for line in (folder / "marks").read_text().splitlines())
    return [marks[f":{number + 1}"] for number in range(len(history))]


@pytest.mark.parametrize("hours", [0, 9])
def test_what_two_merges_bring_counts_for_the_older_one(tmp_path: Path, hours: int) -> None:
    history = [
        Made([], {"a": 0}, 0),
        Made([0], {"a": 1}, 1),
        Made([0, 1], {"b": 0}, 5),  # merges the commit above, and keeps its own `a`
        Made([1], {"d/c": 1}, hours),
        Made([2, 3], {"a": 1, "d/c": 1}, 9),  # merges it again, and takes its `a`
    ]
    hashes = import_history(tmp_path / "r.git", history)
    objects = objects_of(tmp_path / "r.git")
    known = whole(objects, hashes[4])
    assert (known[b"a"].commit, known[b"d/c"].commit) == (hashes[4], hashes[3])
    assert stepwise(objects, hashes[4], hashes[2], whole(objects, hashes[2])) == known


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_walking_step_by_step_gives_what_walking_all_gives(
    tmp_path_factory: pytest.TempPathFactory, history: list[Made]
) -> None:
    folder = tmp_path_factory.mktemp("history") / "r.git"
    hashes = import_history(folder, history)
    objects = objects_of(folder)
    since, known = hashes[0], whole(objects, hashes[0])
    for commit in hashes[1:]:
        known = stepwise(objects, commit, since, known)
        assert known == whole(objects, commit)
        since = commit


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_the_commit_named_has_the_file_as_it_is_and_changed_it(
    tmp_path_factory: pytest.TempPathFactory, history: list[Made]
) -> None:
    folder = tmp_path_factory.mktemp("history") / "r.git"
    hashes = import_history(folder, history)
    objects = objects_of(folder)
    parents = {commit: [hashes[parent] for parent in history[n].parents] for n, commit in enumerate(hashes)}
    trees = {commit: {e.path: e.oid for e in objects.tree(commit)} for commit in hashes}
    head = hashes[-1]
    for path, change in whole(objects, head).items():
        assert trees[change.commit].get(path) == trees[head][path]
        assert all(trees[parent].get(path) != trees[head][path] for parent in parents[change.commit][:1])
