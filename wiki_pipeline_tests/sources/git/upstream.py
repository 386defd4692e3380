"""Repositories for tests, made by Git itself in a world of their own: no configuration, fixed authors and times."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

START = 1_700_000_000
"""Time of the first commit, Unix seconds; each later one is an hour after."""


class Upstream:
    """A repository with a working tree.

        upstream = Upstream(tmp_path / "handbook")
        first = upstream.commit({"README.md": "# Handbook"})
        upstream.commit({"README.md": None, "docs/a.md": "text"}, message="move")   # None deletes

    Args:
        folder: where to make it; its parents are made too.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.commits = 0
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    @property
    def path(self) -> str:
        """Its address, as a plain path."""
        return str(self.folder)

    def git(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run Git in it."""
        time = f"{START + 3600 * self.commits} +0000"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ada Lovelace",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada Lovelace",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
            "GIT_AUTHOR_DATE": time,
            "GIT_COMMITTER_DATE": time,
        }
        result = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, input=stdin, capture_output=True, check=False
        )
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: dict[str, str | bytes | None]) -> None:
        """Write files into the working tree; None deletes."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self, files: dict[str, str | bytes | None] | None = None, message: str = "change", author: str = "Ada Lovelace"
    ) -> str:
        """Write files and commit all there is; the commit's hash."""
        self.write(files or {})
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "-m", message, f"--author={author} <x@example.org>")
        self.commits += 1
        return self.head

    def merge(self, branch: str, message: str = "merge") -> str:
        """Merge a branch into the current one, never fast-forward; the merge's hash."""
        self.git("merge", "--quiet", "--no-ff", "-m", message, branch)
        self.commits += 1
        return self.head

    @property
    def head(self) -> str:
        """The newest commit's hash."""
        return self.git("rev-parse", "HEAD")

    def commit_tree(self, entries: list[tuple[str, bytes, bytes]]) -> str:
        """Commit a tree of one level, with names that no working tree could hold: (mode, name, content or oid)."""
        tree = b""
        for mode, name, content in entries:
            oid = content if mode in {"160000", "40000"} else self.object("blob", content).encode()
            tree += mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid.decode())
        return self.commit_oid(self.object("tree", tree))

    def object(self, kind: str, content: bytes) -> str:
        """Store an object whatever Git thinks of it; its hash."""
        return self.git("hash-object", "-w", "--literally", "-t", kind, "--stdin", stdin=content)

    def commit_oid(self, tree: str, *parents: str) -> str:
        """Commit a tree, and point the current branch there."""
        oid = self.git("commit-tree", tree, "-m", "made", *(word for parent in parents for word in ("-p", parent)))
        self.commits += 1
        self.git("update-ref", "HEAD", oid)
        return oid
