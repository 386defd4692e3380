"""What a file's path says about it: media type, and whether it is binary, vendored or generated. The words are in
`names.toml`.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_WORDS = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
_DOCUMENTS = {word: media_type for media_type, words in _WORDS["documents"].items() for word in words}
_LANGUAGES = {word: f"text/x-{language}" for language, words in _WORDS["extensions"].items() for word in words}
_BY_EXTENSION = _LANGUAGES | _DOCUMENTS
_BY_NAME = {word: f"text/x-{language}" for language, words in _WORDS["names"].items() for word in words}
_BY_INTERPRETER = {word: f"text/x-{language}" for language, words in _WORDS["interpreters"].items() for word in words}
_BINARY = {word for words in _WORDS["binary"].values() for word in words}
_VENDORED_FOLDERS, _GENERATED_FOLDERS, _LOCK_FILES = (
    frozenset(_WORDS["left_out"][name]) for name in ("vendored_folders", "generated_folders", "lock_files")
)

# `#!/usr/bin/python3 -u`, `#!/usr/bin/env -S LANG=C node --trace`
_SHEBANG = re.compile(
    r"#![ \t]*(?:\S*/env(?:[ \t]+(?:-\S+|\w+=\S*))*[ \t]+)?(?:\S*/)?([a-z]+)[0-9.]*(?:\s|$)", re.IGNORECASE
)
_SHEBANG_LONGEST = 200
_GENERATED_NAME = re.compile(
    r"""(?:
      [.-]min\.(js|mjs|cjs|css) | \.bundle\.js | \.chunk\.js | \.(js|mjs|css|ts)\.map   # made for browsers
    | _pb2(_grpc)?\.pyi? | \.pb(\.gw|\.validate)?\.go | \.pb\.(cc|h|swift|dart)       # by Protobuf
    | _pb\.(js|rb|d\.ts) | _grpc_pb\.js
    | \.(g|gr|freezed|mocks|pbgrpc)\.dart | \.g\.cs | \.designer\.(cs|vb) | \.generated\.\w+ | \.gen\.(go|ts|rs)
    | (^|/)zz_generated[^/]*\.go | (^|/)bindata\.go | \.snap
    )$""",
    re.VERBOSE | re.IGNORECASE,
)


def media_type_of(path: str, text: str = "") -> str:
    """The media type of a file: `text/markdown` and the like, `text/x-python` and the like, else `text/plain`.

    A file's name comes before its extension; a script without either is known by its first line, if `text` is given.
    """
    name = _name(path)
    if name.startswith(("dockerfile.", "containerfile.")):
        return "text/x-docker"
    found = _BY_NAME.get(name) or _BY_EXTENSION.get(_extension(name))
    if found:
        return found
    script = _SHEBANG.match(text[:_SHEBANG_LONGEST])
    return _BY_INTERPRETER.get(script[1].lower(), "text/plain") if script else "text/plain"


def is_prose(path: str) -> bool:
    """Whether it is a document that people read as it is, as against source code and configuration."""
    return _extension(_name(path)) in _DOCUMENTS and _name(path) not in _BY_NAME


def is_binary(path: str) -> bool:
    """Whether the extension is one of binary files."""
    return _extension(_name(path)) in _BINARY


def is_vendored(path: str) -> bool:
    """Whether a folder of the path is one in which projects keep the code of others."""
    return not _VENDORED_FOLDERS.isdisjoint(path.split("/")[:-1])


def is_generated(path: str) -> bool:
    """Whether it is a lock file, a compiled or minified file, or the like."""
    if _name(path) in _LOCK_FILES or not _GENERATED_FOLDERS.isdisjoint(path.split("/")[:-1]):
        return True
    return bool(_GENERATED_NAME.search(path))


def _name(path: str) -> str:
    return path.rpartition("/")[2].lower()


def _extension(name: str) -> str:
    return name.rpartition(".")[2] if "." in name else ""
