"""What a bucket must be able to do, asked of it before anything is written.

A commit of a table is a PUT of its next version with `If-None-Match: *`: of two writers one is told that it lost. A
store that takes both loses a commit silently, and nothing shows it until documents are missing. So it is tried, not
looked up.
"""

from __future__ import annotations

import threading
import uuid
from contextlib import suppress

from wiki_pipeline.errors import ConfigurationError, StoreError
from wiki_pipeline.store.files import ObjectFiles
from wiki_pipeline.store.storage import Storage

_CONTENT = bytes(range(256)) * 4
_FITTING = (
    "Use a store that keeps it: AWS S3, Google Cloud Storage, Azure, Cloudflare R2, MinIO and a current Ceph do. "
    "Nothing was written but a probe, which was deleted."
)
_probed: set[str] = set()
_probing = threading.Lock()


def probe(storage: Storage) -> None:
    """Make sure that a bucket can keep tables: conditional PUT, reads of a part, listing what was just written.

    A folder is not asked. Five requests; done once a process and place.

    Raises:
        ConfigurationError: it can't; says what, and why that matters.
        StoreError: it is out of reach, or the credentials may not do one of these.
    """
    if storage.is_folder:
        return
    with _probing:
        known = f"{storage.url} {storage.options.get('aws_endpoint', '')}"
        if known in _probed:
            return
        files, name = ObjectFiles(storage), f"_probe/{uuid.uuid4().hex}"
        try:
            _check(storage.url, files, name)
        finally:
            with suppress(StoreError):
                files.delete([name])
        _probed.add(known)


def _check(url: str, files: ObjectFiles, name: str) -> None:
    if not files.create(name, _CONTENT):
        raise ConfigurationError(f"{url} refuses to make a new object that is not there yet.", _FITTING)
    if files.create(name, b"second"):
        raise ConfigurationError(
            f"{url} ignores If-None-Match: it took a second object under a name that was taken. Of two commits to a "
            "table at once, one would be lost without a word.",
            _FITTING,
        )
    if files.read_range(name, 200, 100) != _CONTENT[200:300]:
        raise ConfigurationError(f"{url} does not read parts of objects, by which tables are read.", _FITTING)
    if (name, len(_CONTENT)) not in files.names("_probe"):
        raise ConfigurationError(f"{url} does not list what was just written to it.", _FITTING)
