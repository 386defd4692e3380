"""The repository's server: which branches it has, and bringing commits and blobs from it. The only part that uses the
network; it tries again what may only have been a moment's failure, and says in words for people what was not.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from wiki_pipeline.errors import ConfigurationError, SourceUnreachableError
from wiki_pipeline.sources.git.command import Environment, GitCommand, GitFailedError, GitTimeoutError
from wiki_pipeline.sources.git.failures import explain, no_git_server, timed_out
from wiki_pipeline.sources.git.isolation import REMOTE, Isolation
from wiki_pipeline.sources.git.reach import Pin, check_reachable

_OBJECTS_A_REQUEST = 20_000
_FETCH = (
    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance",
    "--no-show-forced-updates",
)  # fmt: skip

# Blobs are asked for by name; to say first which commits are here would be a waste.
_NO_HAVES = ("-c", "fetch.negotiationAlgorithm=noop")
_PINS = (2, 37)  # from here on Git hands `http.curloptResolve` to curl
_NO_CLONE = Path("/nonexistent")
# Git's own words, and those of servers made with JGit (Gerrit).
_REFUSED = re.compile(r"unadvertised object|want [0-9a-f]+ not valid")


class NoSuchRefError(Exception):
    """The branch or tag asked for is not there."""


class BlobsRefusedError(Exception):
    """The server filters blobs, but does not hand out single ones (`uploadpack.allowAnySHA1InWant` is off)."""


@dataclass(frozen=True, slots=True)
class Refs:
    """What a server offers.

    Attributes:
        default_branch: empty if the server names none.
        head: commit of the default branch; empty if that does not exist.
        branches, tags: names and commits, in the server's order.
    """

    default_branch: str
    head: str
    branches: dict[str, str]
    tags: dict[str, str]

    @classmethod
    def parse(cls, listing: bytes) -> Refs:
        """Read what `git ls-remote --symref` says."""
        default, commits = "", dict[str, str]()
        for line in listing.decode("utf-8", "replace").splitlines():
            what, _, ref = line.partition("\t")
            if not what.startswith("ref: "):
                commits[ref] = what
            elif ref == "HEAD":
                default = what.removeprefix("ref: refs/heads/")
        tags = _below("refs/tags/", commits)
        # An annotated tag is listed twice; the line that ends in ^{} has its commit.
        peeled = {tag: tags.get(f"{tag}^{{}}", commit) for tag, commit in tags.items() if not tag.endswith("^{}")}
        return cls(default, commits.get("HEAD", ""), _below("refs/heads/", commits), peeled)

    @property
    def empty(self) -> bool:
        """Whether nothing was ever committed."""
        return not self.branches and not self.tags and not self.head

    @property
    def names(self) -> list[str]:
        """What a person may choose from."""
        return list(self.branches or self.tags)


class Remote:
    """One repository's server.

    Args:
        name: of the source, for messages.
    """

    def __init__(self, name: str, git: GitCommand, isolation: Isolation) -> None:
        self.name = name
        self.address = isolation.address
        self._git = git
        self._isolation = isolation
        self._closing = threading.Event()

    def refs(self) -> Refs:
        """Ask what is there.

        Raises:
            SourceError: unreachable, access denied, not found.
        """
        refs = Refs.parse(self._list())
        if refs.empty:
            self._check_that_it_is_git()
        return refs

    def fetch(self, git_dir: Path, source_ref: str, own_ref: str, *, filtered: bool) -> None:
        """Bring a ref's commits and trees, and its blobs unless `filtered`, and point `own_ref` at it.

        Raises:
            NoSuchRefError: the server has no such ref.
            SourceError: unreachable, access denied, not found.
        """
        self._ask(git_dir, filtered, *_FETCH, "--update-shallow", REMOTE, f"+{source_ref}:{own_ref}")

    def fetch_blobs(self, git_dir: Path, oids: Sequence[str]) -> None:
        """Bring blobs by name, thousands a request: what Git itself would do one at a time when it misses them.

        Raises:
            BlobsRefusedError: the server does not do that.
            SourceError: unreachable, access denied.
        """
        for start in range(0, len(oids), _OBJECTS_A_REQUEST):
            desired = "".join(f"{oid}\n" for oid in oids[start : start + _OBJECTS_A_REQUEST]).encode()
            self._ask(git_dir, True, *_NO_HAVES, *_FETCH, "--stdin", REMOTE, stdin=desired)

    def close(self) -> None:
        """Stop waiting between tries."""
        self._closing.set()

    def _list(self, **traced: str) -> bytes:
        asked = ("ls-remote", "--symref", REMOTE, "HEAD", "refs/heads/*", "refs/tags/*")
        return self._ask(_NO_CLONE, False, *asked, traced=traced)

    def _check_that_it_is_git(self) -> None:
        """To Git, a sign-in page with status 200 is a repository without branches. That must not count as one."""
        with TemporaryDirectory() as folder:
            packets = Path(folder, "packets")
            self._list(GIT_TRACE_PACKET=str(packets))
            if not packets.exists():
                raise no_git_server(self.name, self.address)

    def _ask(
        self,
        git_dir: Path,
        filtered: bool,
        *arguments: str,
        stdin: bytes = b"",
        traced: Environment | None = None,
    ) -> bytes:
        """Git's answer, after as many tries as the settings allow; only what may pass is tried again."""
        settings = self._isolation.settings
        for attempt in range(settings.tries):
            pin = self._checked() if self._isolation.asked else None
            environment = {**self._isolation.remote(git_dir, filtered=filtered, pin=pin), **(traced or {})}
            try:
                return self._git.run(environment, *arguments, stdin=stdin)
            except GitTimeoutError:
                raise timed_out(self.name, self.address, settings.timeout) from None
            except GitFailedError as failure:
                error = self._explain(failure)
            is_last = attempt == settings.tries - 1
            if is_last or not isinstance(error, SourceUnreachableError) or self._closing.wait(self._pause(attempt)):
                raise error
        raise AssertionError("unreachable: the last try returns or raises")

    def _checked(self) -> Pin | None:
        """Where to connect to for a repository that a stranger asked for."""
        pin = check_reachable(self.address, self._isolation.settings)
        if pin is not None and self._git.version < _PINS:
            raise ConfigurationError(
                "Repositories that are asked for over HTTP need Git 2.37 or newer.",
                "Update Git, or name the repository in WIKI_PIPELINE_GIT_REPOSITORIES.",
            )
        return pin

    def _pause(self, attempt: int) -> float:
        # Jitter spreads load; it guards nothing.
        return min(self._isolation.settings.max_wait, 2.0**attempt) * random.uniform(0.5, 1)  # noqa: S311

    def _explain(self, failure: GitFailedError) -> Exception:
        if "couldn't find remote ref" in failure.complaint:
            return NoSuchRefError()
        if _REFUSED.search(failure.complaint):
            return BlobsRefusedError()
        return explain(self.name, self.address, failure.complaint)


def _below(prefix: str, commits: Mapping[str, str]) -> dict[str, str]:
    return {ref.removeprefix(prefix): commit for ref, commit in commits.items() if ref.startswith(prefix)}
