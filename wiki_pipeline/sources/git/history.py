"""Which commit last changed each file, and which one brought it.

The answer depends on the newest commit alone, not on what was synced before. It is read along the branch itself, the
line of first parents: what was merged changed a file when the merge did. If that commit is a merge, the change is put
down to the newest commit that the merge brought in which gave the file its content, so that the author is who wrote it,
not who merged. A rename is an addition. On a history without merges it is what `git log -1 -- FILE` says.

One walk finds it for all files; after a first sync, from the last known commit on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Change:
    """The commit that last changed a file.

    Attributes:
        commit: its hash.
        author: who wrote it.
        changed_at: when it was committed, Unix seconds; 0 if unknown.
        created_at: when the branch got the file, Unix seconds; 0 if unknown.
    """

    commit: str
    author: str
    changed_at: int
    created_at: int


@dataclass(frozen=True, slots=True)
class _Commit:
    oid: str
    parents: tuple[str, ...]
    committed_at: int
    author: str


@dataclass(slots=True)
class _Found:
    """What is known of a path so far."""

    commit: _Commit
    blob: str
    created_at: int | None
    # The merge whose commits may show who made the change; None once that is known.
    merge: int | None


@dataclass(slots=True)
class _Walk:
    """Commits as `Objects.history` gives them, children first.

    `position` counts along the branch from its newest commit. `brought_by` has, for commits beside the branch that
    are yet to come, the position of the merge that brought them: the oldest one from which they can be reached.
    """

    next_on_branch: str
    position: int = -1
    on_branch: bool = False
    brought_by: dict[str, int] = field(default_factory=dict)
    found: dict[bytes, _Found] = field(default_factory=dict)

    def enter(self, commit: _Commit) -> int:
        """Go on to a commit; the position that what it changed counts for."""
        self.on_branch = commit.oid == self.next_on_branch
        if self.on_branch:
            self.position += 1
            self.brought_by.pop(commit.oid, None)
            self.next_on_branch = commit.parents[0] if commit.parents else ""
            place, beside = self.position, commit.parents[1:]
        else:
            place, beside = self.brought_by.pop(commit.oid, self.position), commit.parents
        for parent in beside:
            self.brought_by[parent] = max(place, self.brought_by.get(parent, 0))
        return place

    def note(self, commit: _Commit, place: int, path: bytes, status: str, blob: str) -> None:
        """Take in that a commit changed a path."""
        known = self.found.get(path)
        if self.on_branch:
            created = commit.committed_at if status == "A" else None
            if known is None:
                self.found[path] = _Found(commit, blob, created, place if len(commit.parents) > 1 else None)
            elif known.created_at is None:
                known.created_at = created
        elif known is not None and known.merge == place and known.blob == blob and len(commit.parents) == 1:
            known.commit, known.merge = commit, None


def last_changes(
    fields: Iterable[bytes], newest: str, since: str = "", before: Mapping[bytes, Change] | None = None
) -> dict[bytes, Change] | None:
    """The last change of every path that a history touches.

    Args:
        fields: `Objects.history` of `newest`, without what leads to `since`.
        newest: the branch's newest commit.
        since: a commit whose changes are known; empty if none is.
        before: those changes. They are not repeated in the answer where nothing touched them since.

    Returns:
        Changes by path; None if the branch does not lead back to `since` (it was rewritten): walk all of it.
    """
    walk = _Walk(newest)
    for commit, changes in _commits(fields):
        place = walk.enter(commit)
        for path, status, blob in changes:
            walk.note(commit, place, path, status, blob)
    if since and walk.next_on_branch != since:
        return None
    return {path: _change(found, (before or {}).get(path)) for path, found in walk.found.items()}


def _change(found: _Found, before: Change | None) -> Change:
    created = found.created_at
    if created is None:
        # Without an addition in sight it was there before, or the history ends here (a shallow clone).
        created = before.created_at if before else found.commit.committed_at
    return Change(found.commit.oid, found.commit.author, found.commit.committed_at, created)


def _commits(fields: Iterable[bytes]) -> Iterator[tuple[_Commit, list[tuple[bytes, str, str]]]]:
    commit: _Commit | None = None
    changes: list[tuple[bytes, str, str]] = []
    rest = iter(fields)
    for raw in rest:
        text = raw.lstrip(b"\n")
        if text.startswith(b":"):
            # :100644 100644 <old> <new> M
            _, _, _, blob, status = text.decode("ascii").split(" ")
            changes.append((next(rest), status, blob))
        elif text:
            if commit is not None:
                yield commit, changes
            commit, changes = _commit(text), []
    if commit is not None:
        yield commit, changes


def _commit(text: bytes) -> _Commit:
    hashes, committed_at, author = text.decode("utf-8", "replace").split("\x1f", 2)
    oid, *parents = hashes.split()
    # A commit can hold any date or none; what no calendar holds counts as unknown, which is 0.
    seconds = int(committed_at) if committed_at.isdecimal() and len(committed_at) < 12 else 0
    return _Commit(oid, tuple(parents), seconds, author)
