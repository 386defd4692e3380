"""Where the tables are and how they are reached, and the errors for people when they can't be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from wiki_pipeline.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from lance import LanceDataset
    from lance.lance import _Session as Session

SCHEMES = ("s3", "gs", "az")

_RUST_PLACE = re.compile(r",? /[^\s,]+\.rs:\d+:\d+")
_USERINFO = re.compile(r"//[^/@\s]+@")
_ADVICE = (
    (("no space left", "storagefull", "quota exceeded", "file too large"), "Free some disk space, then sync again."),
    (
        ("permission denied", "accessdenied", "access denied", "forbidden", "read-only file system"),
        "Check who may write there.",
    ),
    (("commit conflict", "conflicting", "incompatible transaction"), "Another process wrote the table: sync again."),
    (("nosuchbucket", "bucket does not exist"), "Make the bucket that WIKI_PIPELINE_STORAGE_URL names."),
)
_OTHERWISE = "Check that WIKI_PIPELINE_STORAGE_URL is reachable, then sync again."


class TableNames(Protocol):
    """The list of a tenant's tables, where it is kept beside them: listing a bucket takes a request per thousand."""

    def all(self) -> list[str] | None:
        """All names; None if the list was never begun, so that the bucket itself must be asked once."""

    def begin(self, names: list[str]) -> None:
        """Begin the list with the tables that are there."""

    def add(self, name: str) -> None:
        """A table is about to be made. Repeatable."""

    def remove(self, name: str) -> None:
        """A table is gone. Repeatable."""


@dataclass(frozen=True)
class Storage:
    """A folder or a prefix of a bucket, with what is needed to reach it. Opened once, at the edge; every Lance and
    LanceDB call goes through it or is given its `options`.

    Attributes:
        url: an absolute folder, or s3://, gs:// or az:// and a bucket; no slash at its end.
        options: of the object store, as Lance names them (`aws_endpoint`, `google_service_account`). May be secret.
        names: the list of tables in it; None: the folder is asked.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    names: TableNames | None = field(default=None, repr=False, compare=False)

    @classmethod
    def at(cls, place: str | Storage) -> Storage:
        """The place that an address means; a `Storage` is one already.

        Raises:
            ConfigurationError: an address of a kind that the tables can't be kept at.
        """
        if isinstance(place, Storage):
            return place
        scheme, separator, path = place.partition("://")
        if scheme == "file":
            return cls(absolute(unquote(path)))
        if separator and scheme not in SCHEMES:
            raise ConfigurationError(
                f"WIKI_PIPELINE_STORAGE_URL begins with {scheme}://, where no tables can be kept.",
                f"Give a folder, or an address that begins with {', '.join(f'{name}://' for name in SCHEMES)}.",
            )
        return cls(absolute(place))

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of this machine."""
        return "://" not in self.url

    @property
    def lance_options(self) -> dict[str, str] | None:
        """`options` as Lance and LanceDB take them."""
        return dict(self.options) or None

    def child(self, name: str) -> Storage:
        """What is below it under a name, without a list of tables."""
        return replace(self, url=f"{self.url}/{name}", names=None)

    def table_url(self, name: str) -> str:
        """Where a table of this place is."""
        return f"{self.url}/{name}.lance"

    def open_dataset(self, name: str, session: Session | None = None) -> LanceDataset | None:
        """A table's latest version, for reading and writing; None if there is no such table.

        Args:
            session: whose caches it shares, its later versions too.

        Raises:
            StoreError: the storage is out of reach.
        """
        import lance

        with explained(f"open {name}"):
            try:
                return lance.dataset(self.table_url(name), storage_options=self.lance_options, session=session)
            except ValueError as error:
                if is_missing(error):
                    return None
                raise

    def drop(self, name: str) -> None:
        """Delete a table. Repeatable.

        Raises:
            StoreError: the storage is out of reach; what is left goes when this is called again.
        """
        import lance

        with explained(f"drop {name}"):
            lance.LanceDataset.drop(self.table_url(name), storage_options=self.lance_options, ignore_not_found=True)
            if self.names is not None:
                self.names.remove(name)


def absolute(url: str) -> str:
    """A local folder as an absolute path, an object store's address as it is; without a slash at the end."""
    return url.rstrip("/") if "://" in url else str(Path(url).expanduser().absolute())


def is_missing(error: ValueError) -> bool:
    """Whether LanceDB says with this error that there is no such table; it has no type for it."""
    return "was not found" in str(error)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what LanceDB raises into a `StoreError` for people.

    Args:
        doing: what is being done, as "write chunks of default:git:org/repo".

    Raises:
        StoreError: with the first line of the library's message, without credentials and Rust source lines.
    """
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        # LanceDB raises I/O trouble as any of the three, depending on the layer that met it.
        raise StoreError(f"Could not {doing}: {reason(error)}.", _advice(str(error))) from error


def reason(error: BaseException) -> str:
    """The first line of a library's message, without credentials and Rust source lines."""
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return _USERINFO.sub("//", _RUST_PLACE.sub("", first))[:300].rstrip(" .,:")


def _advice(message: str) -> str:
    lowered = message.lower()
    return next((advice for signs, advice in _ADVICE if any(sign in lowered for sign in signs)), _OTHERWISE)
