"""Files in a bucket or a folder: what is kept beside the tables that is no table.

obstore is Rust's object_store, which Lance writes with too: the same options mean the same, and it is the one client
that can say `If-None-Match` to S3, Google and Azure alike. It is an extra (`bucket`): a folder needs none of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wiki_pipeline.errors import ConfigurationError, StoreError
from wiki_pipeline.store.storage import Storage, explained

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# Of a connection, not of a provider; Lance takes both in one mapping, obstore in two.
_CLIENT = frozenset({"allow_http", "timeout", "connect_timeout", "proxy_url", "allow_invalid_certificates"})
_NOT_OBSTORES = frozenset({"client_max_retries", "client_retry_timeout", "download_retry_count"})  # Lance's own
TIMEOUT = "30s"
_PORTION = 8 * 1024 * 1024


class Files(Protocol):
    """Named files below a place. Names have slashes between their parts. Safe between threads."""

    @property
    def url(self) -> str:
        """The place, for messages."""

    def read(self, name: str) -> bytes | None:
        """A small file; None if there is none.

        Raises:
            StoreError: (all methods) the place is out of reach, or this is not allowed.
        """

    def write(self, name: str, content: bytes) -> None:
        """Put a small file in place of what is there."""

    def download(self, name: str, file: Path) -> bool:
        """Copy a file of any size to this machine; whether there is one. Whole, or not at all.

        Raises:
            OSError: this machine's disk.
        """

    def upload(self, file: Path, name: str) -> None:
        """Copy a file of any size from this machine."""

    def names(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Names and sizes (bytes) of the files below a prefix, which is whole parts of names."""

    def delete(self, names: list[str]) -> None:
        """Delete files. Repeatable."""


def open_files(storage: Storage) -> Files:
    """The files below a place.

    Raises:
        ConfigurationError: the extra for buckets is not installed, or an option is unknown.
    """
    return FolderFiles(Path(storage.url)) if storage.is_folder else ObjectFiles(storage)


class FolderFiles:
    """`Files` in a folder, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.url = str(folder)
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """See `Files.read`."""
        with explained(f"read {name} in {self.url}"):
            try:
                return (self._folder / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """See `Files.write`."""
        with explained(f"write {name} in {self.url}"):
            file = self._place(name)
            part = file.with_name(f"{file.name}.part")
            part.write_bytes(content)
            part.replace(file)

    def download(self, name: str, file: Path) -> bool:
        """See `Files.download`."""
        if not (self._folder / name).is_file():
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.part")
        shutil.copyfile(self._folder / name, part)
        part.replace(file)
        return True

    def upload(self, file: Path, name: str) -> None:
        """See `Files.upload`."""
        with explained(f"write {name} in {self.url}"):
            to = self._place(name)
            part = to.with_name(f"{to.name}.part")
            shutil.copyfile(file, part)
            part.replace(to)

    def names(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """See `Files.names`."""
        with explained(f"list {self.url}"):
            for path in sorted((self._folder / prefix).rglob("*")):
                if path.is_file() and not path.name.endswith(".part"):
                    yield path.relative_to(self._folder).as_posix(), path.stat().st_size

    def delete(self, names: list[str]) -> None:
        """See `Files.delete`."""
        with explained(f"delete files in {self.url}"):
            for name in names:
                (self._folder / name).unlink(missing_ok=True)

    def _place(self, name: str) -> Path:
        file = self._folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


class ObjectFiles:
    """`Files` in a bucket. Safe between threads.

    Args:
        storage: the place, a bucket's prefix.

    Raises:
        ConfigurationError: the extra for buckets is not installed, or an option is unknown.
    """

    def __init__(self, storage: Storage) -> None:
        self.url = storage.url
        self._store = _open(storage)

    def read(self, name: str) -> bytes | None:
        """A small file; None if there is none.

        Raises:
            StoreError: the place is out of reach.
        """
        import obstore

        with self._explained(f"read {name}"):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def read_range(self, name: str, start: int, length: int) -> bytes:
        """A part of a file.

        Raises:
            StoreError: out of reach, no such file, or the store does not read parts.
        """
        import obstore

        with self._explained(f"read a part of {name}"):
            return bytes(obstore.get_range(self._store, name, start=start, length=length))

    def write(self, name: str, content: bytes) -> None:
        """Put a small file in place of what is there.

        Raises:
            StoreError: out of reach, or not allowed.
        """
        import obstore

        with self._explained(f"write {name}"):
            obstore.put(self._store, name, content, use_multipart=False)

    def create(self, name: str, content: bytes) -> bool:
        """Put a small file (`If-None-Match: *`) unless there is one; whether it was put.

        Raises:
            StoreError: out of reach, not allowed, or the store does not know the condition.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._explained(f"write {name}"):
            try:
                obstore.put(self._store, name, content, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
            return True

    def download(self, name: str, file: Path) -> bool:
        """Copy a file of any size to this machine; whether there is one. Whole, or not at all.

        Raises:
            StoreError: out of reach.
            OSError: this machine's disk.
        """
        import obstore

        part = file.with_name(f"{file.name}.part")
        with self._explained(f"read {name}"):
            try:
                answer = obstore.get(self._store, name)
            except FileNotFoundError:
                return False
            file.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as writing:
                for portion in answer.stream(min_chunk_size=_PORTION):
                    writing.write(portion)
        part.replace(file)
        return True

    def upload(self, file: Path, name: str) -> None:
        """Copy a file of any size from this machine.

        Raises:
            StoreError: out of reach, or not allowed.
        """
        import obstore

        with self._explained(f"write {name}"):
            obstore.put(self._store, name, file)

    def names(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Names and sizes (bytes) of the files below a prefix.

        Raises:
            StoreError: out of reach, or not allowed.
        """
        import obstore

        with self._explained(f"list {prefix or 'the files'}"):
            for portion in obstore.list(self._store, prefix=prefix or None):
                for found in portion:
                    yield found["path"], found["size"]

    def delete(self, names: list[str]) -> None:
        """Delete files. Repeatable.

        Raises:
            StoreError: out of reach, or not allowed.
        """
        import obstore

        with self._explained("delete files"):
            for name in names:
                try:
                    obstore.delete(self._store, name)
                except FileNotFoundError:
                    continue

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        with explained(f"{doing} in {self.url}"):
            try:
                yield
            except BaseError as error:
                raise OSError(str(error)) from error


def _open(storage: Storage) -> ObjectStore:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise ConfigurationError(
            "Files in a bucket need a package that is not installed.", "Install wiki-pipeline[bucket]."
        ) from None
    client: dict[str, Any] = {name: value for name, value in storage.options.items() if name in _CLIENT}
    config: Any = {n: v for n, v in storage.options.items() if n not in _CLIENT | _NOT_OBSTORES}
    if client.get("allow_http") is not None:
        client["allow_http"] = str(client["allow_http"]).lower() == "true"
    try:
        return from_url(storage.url, config=config, client_options={"timeout": TIMEOUT, **client})  # type: ignore[call-overload, no-any-return]
    except (BaseError, ValueError, TypeError) as error:
        raise StoreError(
            f"{storage.url} can't be opened: {str(error).splitlines()[0][:200]}.",
            "Check WIKI_PIPELINE_STORAGE_URL and WIKI_PIPELINE_STORAGE_OPTIONS.",
        ) from None
