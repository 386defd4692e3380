"""A source's folder (the clone of a repository) kept in the bucket, for machines that start empty.

What counts is that a small change costs little. Files are kept by the hash of their content: a fetch leaves one new
pack, which is all that goes up; a machine that has the others downloads it alone. A manifest names the files of one
state and is put last, so that whoever reads sees one state or the one before. Written under the source's lease.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from wiki_pipeline.errors import StoreError, WikiPipelineError
from wiki_pipeline.store import Files

_MANIFEST = "manifest.json"
_KNOWN = ".kept.json"  # in the folder: what was hashed, so that it is not read again
_UNFINISHED = (".lock", ".part", ".new", ".keep")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was hashed."""

    sha256: str
    size: int
    mtime_ns: int


class SourceFolder:
    """A folder and its copy in the bucket.

    Args:
        folder: on this machine; need not exist.
        files: where the copy is, alone.
    """

    def __init__(self, folder: Path, files: Files) -> None:
        self._folder = folder
        self._files = files

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Bring the folder to the state of the copy, and afterwards the copy to that of the folder.

        Neither failing stops the sync: without a copy the source is cloned anew, which takes longer and is as right.
        """
        try:
            self.bring()
        except (OSError, WikiPipelineError, ValueError, KeyError, TypeError) as error:
            logger.warning("The copy of %s could not be brought; it is made anew: %s", self._folder.name, error)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
        try:
            yield
        finally:
            try:
                self.keep()
            except (OSError, WikiPipelineError) as error:
                logger.warning("The folder of %s could not be kept in the bucket: %s", self._folder.name, error)

    def bring(self) -> int:
        """Bring the folder to the state of the copy; the number of bytes that were downloaded. Without a copy, nothing.

        Raises:
            StoreError: out of reach, or the copy is damaged.
            OSError: this machine's disk.
            ValueError, KeyError, TypeError: the manifest is none.
        """
        desired = self._manifest()
        if desired is None:
            return 0
        here = self._known()
        downloaded = 0
        for name, (digest, size) in sorted(desired.items()):
            known = here.get(name)
            file = self._folder / name
            if known and known.sha256 == digest and _is_as(file, known):
                continue
            if not self._files.download(f"objects/{digest}", file):
                raise StoreError(f"The copy of {self._folder.name} lacks {name}.", "The next sync makes it anew.")
            if file.stat().st_size != size:
                raise StoreError(f"The copy of {name} has another size than it should.", "The next sync makes it anew.")
            downloaded += size
            here[name] = _File(digest, size, file.stat().st_mtime_ns)
        for name in [name for name in self._names() if name not in desired]:
            (self._folder / name).unlink()
        self._remember({name: file for name, file in here.items() if name in desired})
        return downloaded

    def keep(self) -> int:
        """Bring the copy to the state of the folder; the number of bytes that were uploaded.

        Raises:
            StoreError: out of reach. The copy is as before.
            OSError: this machine's disk.
        """
        try:
            before = self._manifest() or {}
        except (ValueError, KeyError, TypeError):
            before = {}  # damaged: everything goes up again
        known = self._known()
        now = {name: self._hashed(name, known.get(name)) for name in self._names()}
        if {name: (file.sha256, file.size) for name, file in now.items()} == before:
            return 0
        there, uploaded = {digest for digest, _ in before.values()}, 0
        for name, file in now.items():
            if file.sha256 not in there:
                self._files.upload(self._folder / name, f"objects/{file.sha256}")
                there.add(file.sha256)
                uploaded += file.size
        manifest = {name: [file.sha256, file.size] for name, file in now.items()}
        self._files.write(_MANIFEST, json.dumps({"files": manifest}).encode())
        needed = {file.sha256 for file in now.values()}
        self._files.delete([f"objects/{digest}" for digest in sorted({d for d, _ in before.values()} - needed)])
        self._remember(now)
        return uploaded

    def forget(self) -> None:
        """Delete the copy. Repeatable.

        Raises:
            StoreError: out of reach.
        """
        self._files.delete([name for name, _ in self._files.names()])

    def _manifest(self) -> dict[str, tuple[str, int]] | None:
        content = self._files.read(_MANIFEST)
        if content is None:
            return None
        files = json.loads(content)["files"]
        if any(PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts for name in files):
            raise ValueError("the manifest names files outside of the folder")
        return {name: (digest, size) for name, (digest, size) in files.items()}

    def _names(self) -> list[str]:
        """Files of the folder; without what is being written."""
        found = []
        for path in self._folder.rglob("*"):
            parts = path.relative_to(self._folder).parts
            unfinished = any(part.endswith(_UNFINISHED) or part.startswith("tmp_") for part in parts)
            if path.is_file() and not path.is_symlink() and not unfinished and parts != (_KNOWN,):
                found.append("/".join(parts))
        return sorted(found)

    def _hashed(self, name: str, known: _File | None) -> _File:
        file = self._folder / name
        if known is not None and _is_as(file, known):
            return known
        found = file.stat()
        with file.open("rb") as reading:
            return _File(hashlib.file_digest(reading, "sha256").hexdigest(), found.st_size, found.st_mtime_ns)

    def _known(self) -> dict[str, _File]:
        try:
            said = json.loads((self._folder / _KNOWN).read_text(encoding="utf-8"))
            return {name: _File(*values) for name, values in said.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _remember(self, files: dict[str, _File]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        said = {name: [file.sha256, file.size, file.mtime_ns] for name, file in files.items()}
        (self._folder / _KNOWN).write_text(json.dumps(said), encoding="utf-8")


def _is_as(file: Path, known: _File) -> bool:
    try:
        found = file.stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (known.size, known.mtime_ns)
