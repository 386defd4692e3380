"""Reading a clone: trees, sizes, blobs, attributes and history, each by one Git command for thousands of objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.sources.git.command import GitCommand, GitFailedError
from wiki_pipeline.sources.git.isolation import Isolation

# Fields of a commit in `Objects.history`, before its list of changes.
_COMMIT_FORMAT = "--format=%H %P%x1f%ct%x1f%an"
_MESSAGE_FORMAT = "--format=%H%x1f%ct%x1f%an%x1f%B"
_MESSAGE = 64_000

# And in `Objects.log`. A path may hold a record separator too, but not three of the others behind it by chance.
_LOG_FORMAT = "--format=%x1e%H%x1f%ct%x1f%an%x1f%s"


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file, symbolic link or submodule of a commit. `path` is as Git has it: any bytes but NUL."""

    mode: str
    oid: str
    path: bytes

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.mode.startswith("100")


class Objects:
    """What is in a clone. Nothing here reaches the network; objects that are missing are absent from the answers."""

    def __init__(self, git_dir: Path, git: GitCommand, isolation: Isolation) -> None:
        self._git = git
        self._environment = isolation.local(git_dir)
        self._index = git_dir / "wiki-pipeline.index"

    def commit(self, ref: str) -> str:
        """The commit that a ref leads to, through tags; empty if there is none."""
        answer = self._git.run(self._environment, "cat-file", "--batch-check", stdin=f"{ref}^{{commit}}\n".encode())
        oid, _, rest = answer.decode().partition(" ")
        return oid if rest.startswith("commit") else ""

    def tree(self, commit: str) -> Iterator[TreeEntry]:
        """All entries of a commit, folders opened, in Git's order."""
        for entry in _split(self._git.stream(self._environment, "ls-tree", "-r", "-z", "--full-tree", commit)):
            facts, _, path = entry.partition(b"\t")
            mode, _, oid = facts.decode("ascii").split(" ")
            yield TreeEntry(mode, oid, path)

    def sizes(self, oids: Iterable[str]) -> dict[str, int]:
        """Sizes in bytes of those objects that are here."""
        names = "".join(f"{oid}\n" for oid in oids).encode()
        if not names:
            return {}
        answers = self._git.run(self._environment, "cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=names)
        pairs = (line.split(b" ") for line in answers.splitlines())
        return {oid.decode(): int(size) for oid, size in pairs if size != b"missing"}

    def blobs(self, sizes: Mapping[str, int], portion_bytes: int) -> Iterator[tuple[str, bytes]]:
        """The contents of blobs whose sizes are known, holding about `portion_bytes` of them at a time."""
        for portion in portions(list(sizes), sizes, portion_bytes):
            names = "".join(f"{oid}\n" for oid in portion).encode()
            yield from _contents(self._git.run(self._environment, "cat-file", "--batch", stdin=names))

    def attributes(
        self, files: Sequence[TreeEntry], paths: Sequence[bytes], names: Sequence[str]
    ) -> dict[bytes, dict[str, str]]:
        """What the `.gitattributes` given say of paths: `set`, `unset` or a value by attribute; Git's own reading.

        The blobs of `files` must be here.
        """
        environment = {**self._environment, "GIT_INDEX_FILE": str(self._index)}
        listing = b"".join(b"%s %s\t%s\0" % (f.mode.encode(), f.oid.encode(), f.path) for f in files)
        try:
            self._git.run(environment, "update-index", "-z", "--index-info", stdin=listing)
            answer = self._git.run(
                environment,
                "check-attr",
                "--cached",
                "-z",
                "--stdin",
                *names,
                stdin=b"".join(path + b"\0" for path in paths),
            )
        finally:
            self._index.unlink(missing_ok=True)
        found: dict[bytes, dict[str, str]] = {}
        fields = iter(answer.split(b"\0"))
        for path, name, value in zip(fields, fields, fields, strict=False):
            if value != b"unspecified":
                found.setdefault(path, {})[name.decode()] = value.decode("utf-8", "replace")
        return found

    def history(self, commit: str, since: str = "") -> Iterator[bytes]:
        """The commits that lead to `commit` and not to `since`, children first, as NUL-separated fields.

        For each commit a field `hash parents<US>committed at<US>author`, then for each path that differs from its first
        parent a field `:modes blobs status` and one with the path. Renames are an addition and a deletion.
        """
        scope = [commit, f"^{since}"] if since else [commit]
        options = ("--raw", "-z", "--no-abbrev", "--no-renames", "--topo-order", "--diff-merges=first-parent", "--root")
        yield from _split(
            self._git.stream(self._environment, "log", *options, "--encoding=UTF-8", _COMMIT_FORMAT, *scope)
        )

    def messages(self, commit: str, after: str, most: int) -> Iterator[tuple[str, int, str, str]]:
        """Hash, moment (Unix seconds), author and message of the newest commits that lead to `commit` and not to
        `after`, a bounded number; messages are cut after 64,000 characters."""
        scope = [commit, f"^{after}"] if after else [commit]
        found = _split(
            self._git.stream(
                self._environment, "log", "-z", f"--max-count={most}", "--encoding=UTF-8", _MESSAGE_FORMAT, *scope
            )
        )
        for raw in found:
            oid, seconds, author, message = raw.decode("utf-8", "replace").split("\x1f", 3)
            yield oid, int(seconds) if seconds.isdecimal() and len(seconds) < 12 else 0, author, message[:_MESSAGE]

    def leads_to(self, before: str, commit: str) -> bool:
        """Whether a commit is among those that lead to another one; not if it is not here."""
        try:
            found = self._git.run(self._environment, "merge-base", before, commit)
        except GitFailedError:
            return False
        return found.decode().strip() == before

    def log(self, commit: str, most: int) -> Iterator[bytes]:
        """The last commits that lead to a commit, newest first, as NUL-separated fields.

        For each a field `<RS>hash<US>committed at<US>author<US>subject`, then one for each path that it changed; merges
        have none.
        """
        options = ("-z", "--name-only", "--no-renames", "--no-show-signature", f"--max-count={most}", "--root")
        stream = self._git.stream(self._environment, "log", *options, "--encoding=UTF-8", _LOG_FORMAT, commit)
        yield from _split(stream)


def portions(items: Sequence[str], sizes: Mapping[str, int], most_bytes: int, most: int = 1000) -> Iterator[list[str]]:
    """Items in portions of about `most_bytes`, and of at most `most` items; one that is larger makes its own."""
    portion: list[str] = []
    held = 0
    for item in items:
        if portion and (held + sizes[item] > most_bytes or len(portion) >= most):
            yield portion
            portion, held = [], 0
        portion.append(item)
        held += sizes[item]
    if portion:
        yield portion


def _contents(answer: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        oid, _, facts = answer[at:end].decode().partition(" ")
        if facts == "missing":
            at = end + 1
            continue
        size = int(facts.rpartition(" ")[2])
        yield oid, answer[end + 1 : end + 1 + size]
        at = end + size + 2


def _split(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """NUL-separated fields of a stream; without the empty one after the last NUL."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\0")
        yield from whole
    if rest:
        yield rest
