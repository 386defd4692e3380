"""Which entries of a tree may be documents, judged by everything but their content.

In this order: what is no file, what the settings leave out, and what looks like the work of others or of machines.
The repository's own `.gitattributes` (`linguist-vendored`, `linguist-generated`, `diff`, `filter`) come before our
guesses, and what the settings include comes before both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from wiki_pipeline.model import digest
from wiki_pipeline.sources.git import names
from wiki_pipeline.sources.git.objects import TreeEntry

# To be raised when a change in `rules`, `names` or `contents` changes which files are documents.
RULES_VERSION = 1

ATTRIBUTES = ("linguist-vendored", "linguist-generated", "diff", "filter")
_SUBMODULE, _SYMLINK = "160000", "120000"
_LONGEST_PATH = 4096
_NO = frozenset({"unset", "false"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say for one repository."""

    include: GitIgnoreSpec
    exclude: GitIgnoreSpec
    max_file_bytes: int

    @classmethod
    def of(cls, include: tuple[str, ...], exclude: tuple[str, ...], max_file_bytes: int) -> Rules:
        """Rules of patterns in gitignore's syntax, which were checked before."""
        return cls(GitIgnoreSpec.from_lines(include), GitIgnoreSpec.from_lines(exclude), max_file_bytes)

    @property
    def digest(self) -> str:
        """Equal digests: the same files are documents."""
        patterns = [[str(pattern.pattern) for pattern in spec.patterns] for spec in (self.include, self.exclude)]
        return digest(RULES_VERSION, patterns, self.max_file_bytes)

    def reason_to_leave_out(self, entry: TreeEntry, path: str, attributes: Mapping[str, str]) -> str:
        """Why an entry is no document; empty if it may be one, which its content decides."""
        return (
            _not_a_file(entry)
            or ("unsafe path" if is_unsafe(entry.path) else "")
            or self._not_wanted(path)
            or self._not_written(path, attributes)
            or _not_text(path, attributes)
        )

    def vouch_for(self, attributes: Mapping[str, str]) -> bool:
        """Whether the settings or the repository say that a file is someone's work, whatever its content looks like."""
        return bool(self.include.patterns) or attributes.get("linguist-generated") in _NO

    def _not_wanted(self, path: str) -> str:
        if self.include.patterns and not self.include.match_file(path):
            return "not included"
        return "excluded" if self.exclude.match_file(path) else ""

    def _not_written(self, path: str, attributes: Mapping[str, str]) -> str:
        if self.include.patterns:
            return ""
        if _flag(attributes, "linguist-vendored", guess=names.is_vendored(path)):
            return "vendored"
        return "generated" if _flag(attributes, "linguist-generated", guess=names.is_generated(path)) else ""


def is_unsafe(path: bytes) -> bool:
    """Whether a path could lead out of a folder, or into Git's own, if someone wrote the file somewhere."""
    parts = path.lower().split(b"/")
    return len(path) > _LONGEST_PATH or any(part in {b"", b".", b"..", b".git"} for part in parts)


def _not_a_file(entry: TreeEntry) -> str:
    # A link within the tree would be the same document twice; one that leads out is never followed.
    return {_SUBMODULE: "submodule", _SYMLINK: "symbolic link"}.get(entry.mode, "")


def _not_text(path: str, attributes: Mapping[str, str]) -> str:
    if attributes.get("filter") == "lfs":
        return "LFS pointer"
    return "binary" if attributes.get("diff") == "unset" or names.is_binary(path) else ""


def _flag(attributes: Mapping[str, str], name: str, *, guess: bool) -> bool:
    value = attributes.get(name, "")
    return guess if not value else value not in _NO
