"""What a file's content says about it: whether it is text that someone wrote."""

from __future__ import annotations

import re

from wiki_pipeline.sources.git.encoding import looks_binary
from wiki_pipeline.sources.git.names import is_prose

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


def reason_to_leave_out(path: str, content: bytes, *, is_written: bool = False) -> str:
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
