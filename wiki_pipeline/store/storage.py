"""Where the tables are, and what people are told when they can't be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wiki_pipeline.errors import StoreError

if TYPE_CHECKING:
    from lance import LanceDataset
    from lance.lance import _Session as Session

_RUST_PLACE = re.compile(r",? /[^\s,]+\.rs:\d+:\d+")
_USERINFO = re.compile(r"//[^/@\s]+@")
_ADVICE = (
    (("no space left", "storagefull", "quota exceeded", "file too large"), "Free some disk space, then sync again."),
    (("permission denied", "accessdenied", "forbidden", "read-only file system"), "Check who may write there."),
    (("commit conflict", "conflicting", "incompatible transaction"), "Another process wrote the table: sync again."),
)
_OTHERWISE = "Check that WIKI_PIPELINE_STORAGE_URL is reachable, then sync again."


def absolute(url: str) -> str:
    """A local folder as an absolute path, an object store's address as it is; without a slash at the end."""
    return url.rstrip("/") if "://" in url else str(Path(url).expanduser().absolute())


def open_dataset(url: str, session: Session | None = None) -> LanceDataset | None:
    """A table's latest version, for reading and writing; None if there is no such table.

    Args:
        session: whose caches it shares, its later versions too.

    Raises:
        StoreError: the storage is out of reach.
    """
    import lance

    with explained(f"open {url.rpartition('/')[2]}"):
        try:
            return lance.dataset(url, session=session)
        except ValueError as error:
            if is_missing(error):
                return None
            raise


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
        raise StoreError(f"Could not {doing}: {_reason(error)}.", _advice(str(error))) from error


def _reason(error: BaseException) -> str:
    first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return _USERINFO.sub("//", _RUST_PLACE.sub("", first))[:300].rstrip(" .,:")


def _advice(message: str) -> str:
    lowered = message.lower()
    return next((advice for signs, advice in _ADVICE if any(sign in lowered for sign in signs)), _OTHERWISE)
