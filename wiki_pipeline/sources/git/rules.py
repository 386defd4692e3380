"""Which files may be documents: by what they are and where, by attributes, and then by what is in them.

In this order: what is no file, what the settings leave out, and what looks like the work of others or of machines.
The repository's own `.gitattributes` (`linguist-vendored`, `linguist-generated`, `diff`, `filter`) come before our
guesses, and what the settings include comes before both. The content is looked at last, since it may have to be
fetched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from wiki_pipeline.model import digest
from wiki_pipeline.sources.git import names
from wiki_pipeline.sources.git.encoding import looks_binary
from wiki_pipeline.sources.git.names import is_prose
from wiki_pipeline.sources.git.objects import TreeEntry

# To be raised when a change here or in `names` changes which files are documents.
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


# --- by content -------------------------------------------------------------------------------------------------------


# git-lfs.com/spec: these lines, and nothing larger than a kilobyte; `hawser` is its first name.
_LFS_POINTER = re.compile(
    rb"version https://(?:git-lfs|hawser)\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:[0-9a-f]{64}\nsize \d+\s*"
)
_LFS_LARGEST = 1024

# Go's convention (go.dev/s/generatedcode) and what other generators write: said at the top, in a comment.
_HEADER_BYTES, _HEADER_LINES = 4000, 20
_SAYS_GENERATED = re.compile(
    rb"@generated\b|code generated .{0,200}do not edit"
    rb"|(?:auto-?generated|automatically generated|generated (?:by|from|with|using))"
    rb".{0,300}?(?:do not|don't|not be) (?:be )?(?:edit|modif|change)"
    rb"|(?:do not|don't) (?:edit|modify).{0,300}?generated",
    re.IGNORECASE | re.DOTALL,
)
_COMMENT = re.compile(rb"\s*(?:#|//|/?\*|<!--|--|;|%|\"\"\"|'''|\{-|\(\*|@|REM\b|$)")
# As GitHub's linguist decides (generated.rb, minified_files?).
_MINIFIED_SUFFIXES = (".js", ".mjs", ".cjs", ".css")
_MINIFIED_AVERAGE = 110


def reason_in_content(path: str, content: bytes, *, is_written: bool = False) -> str:
    """Why a file is no document, by its content; empty if it is one. `is_written`: known not to be generated."""
    if not content.strip():
        return "empty"
    if len(content) <= _LFS_LARGEST and _LFS_POINTER.fullmatch(content):
        return "LFS pointer"
    if looks_binary(content):
        return "binary"
    if not is_written and not is_prose(path) and (_has_generated_header(content) or _is_minified(path, content)):
        return "generated"
    return ""


def _has_generated_header(content: bytes) -> bool:
    lines = content[:_HEADER_BYTES].splitlines()[:_HEADER_LINES]
    comments = b"\n".join(line for line in lines if _COMMENT.match(line))
    return bool(_SAYS_GENERATED.search(comments))


def _is_minified(path: str, content: bytes) -> bool:
    if not path.lower().endswith(_MINIFIED_SUFFIXES):
        return False
    lines = content.count(b"\n") + (not content.endswith(b"\n"))
    return len(content) / lines > _MINIFIED_AVERAGE
