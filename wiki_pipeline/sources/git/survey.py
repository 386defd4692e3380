"""From a commit to a snapshot: which of its files are documents, and which commit changed each last.

Only what differs from the snapshot before is looked at, yet the result is that of looking at everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from wiki_pipeline.errors import SourceError
from wiki_pipeline.model import digest
from wiki_pipeline.sources.git.clone import Clone
from wiki_pipeline.sources.git.history import Change, last_changes
from wiki_pipeline.sources.git.objects import Objects, TreeEntry
from wiki_pipeline.sources.git.rules import ATTRIBUTES, Rules, is_unsafe, reason_in_content
from wiki_pipeline.sources.git.snapshot import File, Snapshot

# Bytes that are not UTF-8 (as Python's surrogates), control characters, and those that turn the direction of text
# around: in a name they only ever deceive. The backslash too, so that no two paths read alike.
_DECEIVING = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Makes snapshots of one repository."""

    clone: Clone
    rules: Rules
    max_files: int
    portion_bytes: int

    def survey(self, commit: str, before: Snapshot) -> Snapshot:
        """The snapshot of a commit.

        Raises:
            SourceError: too many files, or blobs could not be brought.
            GitFailedError: the clone is damaged.
        """
        if before.commit == commit and before.rules == self.rules.digest:
            return before
        objects = self.clone.objects
        entries = list(self._entries(objects, commit))
        attribute_files = [e for e in entries if _is_attributes_file(e)]
        judged_by = digest([(e.path, e.oid) for e in attribute_files])
        known = before.files if (before.rules, before.attributes) == (self.rules.digest, judged_by) else {}
        changes = self._changes(objects, commit, before)
        new = [e for e in entries if (k := known.get(e.path)) is None or (k.oid, k.mode) != (e.oid, e.mode)]
        files = {path: known[path] for e in entries if (path := e.path) in known}
        files |= {file.path: file for file in self._judged(objects, new, attribute_files)}
        dated = {e.path: _dated(files[e.path], changes.get(e.path), before.files.get(e.path)) for e in entries}
        return Snapshot(commit, self.rules.digest, judged_by, dated)

    def _entries(self, objects: Objects, commit: str) -> Iterator[TreeEntry]:
        for count, entry in enumerate(objects.tree(commit)):
            if count >= self.max_files:
                raise SourceError(
                    f"The repository {self.clone.name} has more than {self.max_files} files.",
                    "If that is how large it is, raise WIKI_PIPELINE_GIT_MAX_FILES.",
                )
            yield entry

    def _changes(self, objects: Objects, commit: str, before: Snapshot) -> dict[bytes, Change]:
        if before.commit and objects.commit(before.commit):
            known = {path: Change(f.commit, f.author, f.changed_at, f.created_at) for path, f in before.files.items()}
            since = last_changes(objects.history(commit, before.commit), commit, before.commit, known)
            if since is not None:
                return since
        return last_changes(objects.history(commit), commit) or {}

    def _judged(self, objects: Objects, entries: list[TreeEntry], attribute_files: list[TreeEntry]) -> Iterator[File]:
        attributes = self._attributes(objects, entries, attribute_files)
        candidates: dict[TreeEntry, bool] = {}
        for entry in entries:
            said = attributes.get(entry.path, {})
            reason = self.rules.reason_to_leave_out(entry, readable(entry.path), said)
            if reason:
                yield _file(entry, reason)
            else:
                candidates[entry] = self.rules.vouch_for(said)
        yield from self._judged_by_content(objects, candidates)

    def _attributes(
        self, objects: Objects, entries: list[TreeEntry], attribute_files: list[TreeEntry]
    ) -> dict[bytes, dict[str, str]]:
        paths = [entry.path for entry in entries if entry.is_file and not is_unsafe(entry.path)]
        if not attribute_files or not paths:
            return {}
        self.clone.bring({entry.oid for entry in attribute_files})
        return objects.attributes(attribute_files, paths, ATTRIBUTES)

    def _judged_by_content(self, objects: Objects, candidates: Mapping[TreeEntry, bool]) -> Iterator[File]:
        sizes = self.clone.bring({entry.oid for entry in candidates})
        with_content: dict[str, list[TreeEntry]] = {}
        for entry in candidates:
            if sizes[entry.oid] > self.rules.max_file_bytes:
                yield _file(entry, "too large", sizes[entry.oid])
            else:
                with_content.setdefault(entry.oid, []).append(entry)
        for oid, content in objects.blobs({oid: sizes[oid] for oid in with_content}, self.portion_bytes):
            for entry in with_content[oid]:
                reason = reason_in_content(readable(entry.path), content, is_written=candidates[entry])
                yield _file(entry, reason, len(content))


def readable(path: bytes) -> str:
    """A path as text, the same for no two paths: what is not UTF-8 or would deceive is escaped with backslashes."""

    def escape(found: re.Match[str]) -> str:
        code = ord(found[0])
        if 0xDC80 <= code <= 0xDCFF:
            return f"\\x{code - 0xDC00:02x}"
        return "\\\\" if found[0] == "\\" else f"\\u{code:04x}"

    return _DECEIVING.sub(escape, path.decode("utf-8", "surrogateescape"))


def _is_attributes_file(entry: TreeEntry) -> bool:
    name = entry.path.rpartition(b"/")[2]
    return name == b".gitattributes" and entry.is_file and not is_unsafe(entry.path)


def _file(entry: TreeEntry, left_out: str, size: int = 0) -> File:
    return File(entry.path, readable(entry.path), entry.mode, entry.oid, left_out, size, "", "", 0, 0)


def _dated(file: File, change: Change | None, before: File | None) -> File:
    dated = change or before
    if dated is file:
        return file
    if dated is None:
        raise AssertionError(f"no commit brought {file.document_id}")
    return replace(
        file, commit=dated.commit, author=dated.author, changed_at=dated.changed_at, created_at=dated.created_at
    )
