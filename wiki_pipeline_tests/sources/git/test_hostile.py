"""Repositories made to do harm: nothing in them runs, nothing leads out of them, nothing takes the sync down."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from wiki_pipeline.errors import SourceError
from wiki_pipeline.sources.git.survey import readable
from wiki_pipeline_tests.sources.git.reading import describe, sync
from wiki_pipeline_tests.sources.git.upstream import Upstream

pytestmark = pytest.mark.security


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A program that leaves a mark where it ran."""
    program = tmp_path / "canary"
    program.write_text(f"#!/bin/sh\necho ran >> {tmp_path}/mark\ncat\n")
    program.chmod(0o755)
    return program


def ran(canary: Path) -> bool:
    return (canary.parent / "mark").exists()


HOOKS = (
    "post-checkout", "post-merge", "pre-auto-gc", "post-index-change", "reference-transaction", "post-update", "update",
    "pre-receive", "post-receive", "fsmonitor-watchman", "post-rewrite", "proc-receive",
)  # fmt: skip


def test_hooks_of_a_local_repository_do_not_run(tmp_path: Path, canary: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a"})
    for hook in HOOKS:
        (upstream.folder / ".git" / "hooks" / hook).write_bytes(canary.read_bytes())
        (upstream.folder / ".git" / "hooks" / hook).chmod(0o755)
    sync(tmp_path / "home", upstream.path)
    (upstream.folder / "a.md").write_text("a2")
    hooks = upstream.folder / ".git" / "hooks"
    hooks.rename(tmp_path / "hooks")
    upstream.commit({"b.md": "b"})
    (tmp_path / "hooks").rename(hooks)
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md", "b.md"]
    assert not ran(canary)


def test_the_configuration_of_a_local_repository_runs_nothing(tmp_path: Path, canary: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a", ".gitattributes": "* filter=evil diff=evil\n"})
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "core.gitProxy",
        "core.alternateRefsCommand", "uploadpack.packObjectsHook", "filter.evil.smudge", "filter.evil.clean",
        "filter.evil.process", "diff.evil.textconv", "diff.evil.command", "diff.external", "credential.helper",
        "gpg.program", "pager.ls-tree", "pager.log", "alias.upload-pack", "alias.ls-tree", "remote.origin.uploadpack",
    ):  # fmt: skip
        upstream.git("config", key, str(canary))
    upstream.git("config", "core.hooksPath", str(tmp_path))
    upstream.git("config", "log.showSignature", "true")
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md"]
    assert not ran(canary)


def test_a_local_repository_that_lacks_objects_does_not_go_and_get_them(tmp_path: Path, canary: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a"})
    blob = upstream.git("rev-parse", "HEAD:a.md")
    (upstream.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    upstream.git("config", "remote.origin.url", f"ext::{canary}")
    upstream.git("config", "remote.origin.promisor", "true")
    upstream.git("config", "protocol.ext.allow", "always")
    upstream.git("config", "extensions.partialClone", "origin")
    with pytest.raises(SourceError):
        sync(tmp_path / "home", upstream.path)
    assert not ran(canary)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to someone else")
def test_a_local_repository_of_someone_else_is_read(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a"})
    for path in [upstream.folder, *upstream.folder.rglob("*")]:
        os.lchown(path, 12345, 12345)
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md"]
    assert dict(describe(tmp_path / "home", upstream.path).details)["branch"] == "main"


def test_submodules_are_counted_and_never_visited(tmp_path: Path, canary: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit(
        {"a.md": "a", ".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = ext::{canary}\n\tupdate = !{canary}\n'}
    )
    head = upstream.head
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{head},x")
    upstream.git("commit", "--quiet", "-m", "submodule")
    result = sync(tmp_path / "home", upstream.path)
    assert sorted(result.pages) == ["a.md"]
    assert result.skipped == {"excluded": 1, "submodule": 1}
    assert not ran(canary)


def test_what_the_users_configuration_runs_and_changes_does_not_matter(
    tmp_path: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        f'[filter "evil"]\nsmudge = {canary}\nclean = {canary}\nprocess = {canary}\n'
        f'[diff "evil"]\ntextconv = {canary}\n'
        f"[diff]\nexternal = {canary}\nignoreSubmodules = all\n"
        f"[core]\nhooksPath = {tmp_path}\nfsmonitor = {canary}\npager = {canary}\n"
        f"[credential]\nhelper = {canary}\n[init]\ntemplateDir = {tmp_path}\n[log]\nshowSignature = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a", ".gitattributes": "* filter=evil diff=evil\n"})
    upstream.git("update-index", "--add", "--cacheinfo", f"160000,{upstream.head},submodule")
    upstream.git("commit", "--quiet", "-m", "submodule")
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md"]
    assert not ran(canary)


def test_links_are_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    upstream = Upstream(tmp_path / "r")
    (upstream.folder / "absolute").symlink_to(tmp_path / "secret")
    (upstream.folder / "relative.md").symlink_to("../secret")
    (upstream.folder / "folder").symlink_to("/etc")
    (upstream.folder / "inside.md").symlink_to("a.md")
    upstream.commit({"a.md": "a"})
    result = sync(tmp_path / "home", upstream.path)
    assert {name: page.body for name, page in result.pages.items()} == {"a.md": "a"}
    assert result.skipped == {"symbolic link": 4}


def test_a_gitattributes_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "attributes").write_text("* binary\n")
    upstream = Upstream(tmp_path / "r")
    (upstream.folder / ".gitattributes").symlink_to(tmp_path / "attributes")
    upstream.commit({"a.md": "a"})
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md"]


def test_paths_that_lead_out_are_left_out(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    blob = upstream.object("blob", b"evil").encode()
    inner = b"100644 config\0" + bytes.fromhex(blob.decode())
    tree = upstream.object("tree", inner).encode()
    upstream.commit_tree(
        [
            ("40000", b".", tree),
            ("40000", b"..", tree),
            ("40000", b".GIT", tree),
            ("40000", b".git", tree),
            ("100644", b"../../escape", b"evil"),
            ("100644", b"/absolute", b"evil"),
            ("100644", b"a.md", b"good"),
            ("100644", b"x" * 5000, b"long"),
        ]
    )
    result = sync(tmp_path / "home", upstream.path)
    assert {name: page.body for name, page in result.pages.items()} == {"a.md": "good"}
    assert result.skipped == {"unsafe path": 7}


def test_names_that_are_not_utf8_or_deceive_are_shown_for_what_they_are(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    names = [
        b"caf\xe9.md",
        "café.md".encode(),
        b"line\nbreak.md",
        b"esc\x1b[31m.md",
        "gpj\u202eexe.md".encode(),
        b"back\\slash.md",
    ]
    upstream.commit_tree([("100644", name, name) for name in sorted(names)])
    pages = sync(tmp_path / "home", upstream.path).pages
    assert sorted(pages) == sorted(
        [r"caf\xe9.md", "café.md", r"line\u000abreak.md", r"esc\u001b[31m.md", r"gpj\u202eexe.md", r"back\\slash.md"]
    )
    assert pages[r"caf\xe9.md"].url.endswith("/caf%E9.md")
    for page in pages.values():
        page.document_id.encode("utf-8")
    asked = sync(tmp_path / "home", upstream.path, ids=[r"line\u000abreak.md"]).pages
    assert asked[r"line\u000abreak.md"].body == "line\nbreak.md"


def test_no_two_paths_read_alike() -> None:
    paths = [b"a\x85", "a\x85".encode(), rb"a\x85", rb"a\u0085", b"a\\", b"a\\\\", rb"a\\x85"]
    assert len({readable(path) for path in paths}) == len(paths)


def test_names_that_differ_in_case_only_are_two_documents(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit_tree([("100644", b"README.md", b"one"), ("100644", b"readme.md", b"two")])
    pages = sync(tmp_path / "home", upstream.path).pages
    assert {name: page.body for name, page in pages.items()} == {"README.md": "one", "readme.md": "two"}


def test_a_tree_that_unfolds_to_billions_of_files_is_refused(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    level = upstream.object("blob", b"x")
    mode = b"100644"
    for _ in range(10):
        tree = b"".join(mode + b" f%d\0" % number + bytes.fromhex(level) for number in range(10))
        level, mode = upstream.object("tree", tree), b"40000"
    upstream.commit_oid(level)
    settings = {"WIKI_PIPELINE_GIT_MAX_FILES": 5000}
    with pytest.raises(SourceError, match="more than 5000 files"):
        sync(tmp_path / "home", upstream.path, settings=settings)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    with (upstream.folder / "huge.txt").open("wb") as huge:
        huge.truncate(30_000_000)
    upstream.commit({"a.md": "a"})
    result = sync(tmp_path / "home", upstream.path)
    assert (sorted(result.pages), result.skipped) == (["a.md"], {"too large": 1})


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"\xff\xfe\x00\x00a", b"\xef\xbb\xbf", b"\x80" * 5000, b"# coding: idna\n\xe9", b"\xe9\0" * 9],
)
def test_bytes_that_are_no_text_never_stop_a_sync(tmp_path: Path, content: bytes) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.py": content, "b.md": "b"})
    result = sync(tmp_path / "home", upstream.path)
    assert result.pages["b.md"].body == "b"
    for page in result.pages.values():
        page.body.encode("utf-8")


@pytest.mark.parametrize(
    "pattern", ["*" * 500 + "a\n", "[" * 1000 + "\n", "a/" * 3000 + "b linguist-generated\n", "\0\xff\n"]
)
def test_strange_attributes_do_not_stop_a_sync(tmp_path: Path, pattern: str) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({".gitattributes": pattern, "a.md": "a"})
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md"]


def test_what_a_server_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a"})
    upstream.git("update-ref", "refs/heads/evil\u202eexe", "HEAD")
    with pytest.raises(SourceError) as caught:
        describe(tmp_path / "home", upstream.path, branch="other")
    assert "\u202e" not in str(caught.value)


def test_the_callers_git_variables_do_not_leak_in(
    tmp_path: Path, canary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Upstream(tmp_path / "other")
    other.commit({"other.md": "other"})
    git_dir = other.folder / ".git"
    before = sorted(git_dir.rglob("*"))
    for name, value in {
        "GIT_DIR": git_dir, "GIT_COMMON_DIR": git_dir, "GIT_WORK_TREE": other.folder,
        "GIT_INDEX_FILE": git_dir / "index", "GIT_OBJECT_DIRECTORY": git_dir / "objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "/nonexistent", "GIT_NAMESPACE": "x", "GIT_EXTERNAL_DIFF": canary,
        "GIT_PAGER": canary, "GIT_EDITOR": canary, "GIT_SSH": canary, "GIT_SSH_COMMAND": canary, "GIT_ASKPASS": canary,
        "GIT_PROXY_COMMAND": canary, "GIT_TEMPLATE_DIR": tmp_path, "GIT_CONFIG_PARAMETERS": "'log.showRoot=false'",
        "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": canary,
        "GIT_TRACE": tmp_path / "trace", "GIT_SHALLOW_FILE": "/nonexistent", "GIT_REPLACE_REF_BASE": "refs/x",
        "GIT_QUARANTINE_PATH": "/nonexistent", "GIT_ALLOW_PROTOCOL": "none", "GIT_DEFAULT_HASH": "sha256",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a"})
    assert sorted(sync(tmp_path / "home", upstream.path).pages) == ["a.md"]
    assert before == sorted(git_dir.rglob("*"))
    assert not ran(canary)
    assert not (tmp_path / "trace").exists()


def test_our_own_secrets_do_not_reach_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_GIT_TOKEN", "s3cret")
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    seen = f"{tmp_path}/seen"
    git.write_text(f'#!/bin/sh\nenv >> {seen}\necho "$@" >> {seen}\nexec {shutil.which("git")} "$@"\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")
    upstream = Upstream(tmp_path / "r")
    upstream.commit({"a.md": "a"})
    Path(seen).unlink()
    sync(tmp_path / "home", upstream.path)
    told = Path(seen).read_text()
    assert "ls-tree" in told
    assert "s3cret" not in told
