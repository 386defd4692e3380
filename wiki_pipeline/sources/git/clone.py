"""The bare clone in a source's folder: made once, then updated; half-finished or damaged, made again.

It holds the commits and trees of one branch, and of the blobs those that were desired (where the server filters; all
of them elsewhere). Objects are not checked with `fsck` on arrival: that would refuse many an old and honest repository,
and what it guards against needs a checkout, which never happens here.
"""

from __future__ import annotations

import errno
import logging
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from wiki_pipeline.errors import SourceError
from wiki_pipeline.sources.git.command import GitCommand, GitFailedError
from wiki_pipeline.sources.git.failures import explain, no_such_branch
from wiki_pipeline.sources.git.isolation import Isolation
from wiki_pipeline.sources.git.objects import Objects
from wiki_pipeline.sources.git.remote import BlobsRefusedError, NoSuchRefError, Remote

_OWN_REF = "refs/wiki-pipeline/head"
_REMOVALS, _REMOVAL_SECONDS = 20, 0.25
PACKS_BEFORE_REPACKING = 50

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Clone:
    """One repository's clone, written by one process at a time (its source's lease).

    Args:
        home: the source's folder.
        branch: branch or tag; empty for the default branch.
    """

    def __init__(self, home: Path, branch: str, remote: Remote, git: GitCommand, isolation: Isolation) -> None:
        self._folder = home / "clone.git"
        self._branch = branch
        self._remote = remote
        self._git = git
        self._isolation = isolation

    @property
    def name(self) -> str:
        """Of the source, for messages."""
        return self._remote.name

    @property
    def objects(self) -> Objects:
        """What is in the clone."""
        return Objects(self._folder, self._git, self._isolation)

    def update(self) -> str:
        """Bring what is new; the newest commit of the branch, or empty if nothing was ever committed.

        Raises:
            SourceError: unreachable, access denied, no such repository or branch.
        """
        if not self._is_whole():
            return self._make()
        self._tidy()
        try:
            commit = self._fetch(self._folder, filtered=self._is_filtered)
        except SourceError as error:
            # Not a failure that is known of servers: perhaps the clone itself is damaged.
            if type(error) is not SourceError:
                raise
            _log.warning("Making the clone of %s again: %s", self._remote.name, error.message)
            return self._make()
        self._repack()
        return commit

    def bring(self, oids: Collection[str]) -> dict[str, int]:
        """See that blobs are here, all that are missing in one go; their sizes in bytes.

        Raises:
            SourceError: unreachable, or the server does not have one of them (any more).
        """
        sizes = self.objects.sizes(oids)
        missing = [oid for oid in oids if oid not in sizes]
        if missing:
            try:
                self._remote.fetch_blobs(self._folder, missing)
            except BlobsRefusedError:
                self._make(filtered=False)
            sizes |= self.objects.sizes(missing)
        lost = [oid for oid in missing if oid not in sizes]
        if lost:
            raise explain(
                self._remote.name, self._remote.address, f"fatal: {len(lost)} objects are missing, as {lost[0]}"
            )
        return sizes

    def repaired(self, read: Callable[[], Answer]) -> Answer:
        """The answer of `read`, for which a damaged clone is made again once."""
        try:
            return read()
        except GitFailedError as failure:
            _log.warning("Making the clone of %s again: %s", self._remote.name, failure.complaint)
        self._make()
        try:
            return read()
        except GitFailedError as failure:
            raise explain(self._remote.name, self._remote.address, failure.complaint) from None

    def _make(self, *, filtered: bool = True) -> str:
        """Clone beside the old one and put it in place at the end: what is there under its name is whole."""
        new = self._folder.with_suffix(".new")
        _remove(new)
        new.mkdir(parents=True)
        try:
            self._git.run(
                self._isolation.local(new), "init", "--quiet", "--bare", "--template=", "--object-format=sha1"
            )
            commit = self._fetch(new, filtered=filtered)
            _remove(self._folder)
            if commit:
                new.rename(self._folder)
        except GitFailedError as failure:
            raise explain(self._remote.name, self._remote.address, failure.complaint) from None
        finally:
            _remove(new)
        return commit

    def _fetch(self, folder: Path, *, filtered: bool) -> str:
        candidates = [f"refs/heads/{self._branch}", f"refs/tags/{self._branch}"] if self._branch else ["HEAD"]
        for ref in candidates:
            try:
                self._remote.fetch(folder, ref, _OWN_REF, filtered=filtered)
            except NoSuchRefError:
                continue
            commit = Objects(folder, self._git, self._isolation).commit(_OWN_REF)
            if not commit:
                raise explain(self._remote.name, self._remote.address, f"fatal: {ref} does not lead to a commit")
            return commit
        refs = self._remote.refs()
        if refs.empty:
            return ""
        raise no_such_branch(self._remote.name, self._remote.address, self._branch, refs.names)

    def _is_whole(self) -> bool:
        try:
            return (self._folder / "HEAD").is_file() and bool(self.objects.commit(_OWN_REF))
        except GitFailedError:
            return False

    @property
    def _is_filtered(self) -> bool:
        return any((self._folder / "objects" / "pack").glob("*.promisor"))

    def _tidy(self) -> None:
        """Take away what a killed Git leaves behind: locks, which would stop the next one, and unfinished packs."""
        for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.keep", "objects/pack/*.lock"):
            for leftover in self._folder.glob(pattern):
                leftover.unlink(missing_ok=True)

    def _repack(self) -> None:
        """Put packs together when there are many: every sync with news adds one or two."""
        packs = len(list((self._folder / "objects" / "pack").glob("*.pack")))
        if packs <= PACKS_BEFORE_REPACKING:
            return
        environment = {**self._isolation.remote(self._folder, filtered=self._is_filtered), "GIT_ALLOW_PROTOCOL": "none"}
        try:
            self._git.run(environment, "gc", "--quiet", "--prune=now")
        except GitFailedError as failure:
            _log.warning("The clone of %s could not be repacked: %s", self._remote.name, failure.complaint)


def _remove(folder: Path) -> None:
    """Delete a clone, also one into which a Git whose sync was killed still writes its last."""
    for left in reversed(range(_REMOVALS)):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.ENOTEMPTY or not left:
                raise
            time.sleep(_REMOVAL_SECONDS)
        else:
            return
