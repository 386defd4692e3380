"""A repository as a source: its listing, and its files as rows. Git blocks, so it runs in threads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from wiki_pipeline.errors import ConfigurationError, SourceError
from wiki_pipeline.links.forges import forge_of
from wiki_pipeline.links.jira import may_be_keys
from wiki_pipeline.model import (
    AttachmentRef,
    Changes,
    DocumentFailure,
    DocumentGone,
    DocumentRef,
    RawPage,
    SourceDescription,
    SourceKey,
    Stage,
    Warnings,
)
from wiki_pipeline.sources.git.clone import Clone
from wiki_pipeline.sources.git.command import GitCommand, GitFailedError, GitInterruptedError, GitTimeoutError
from wiki_pipeline.sources.git.credentials import credential_for, redact
from wiki_pipeline.sources.git.failures import explain, no_such_branch, timed_out
from wiki_pipeline.sources.git.isolation import Isolation
from wiki_pipeline.sources.git.objects import portions
from wiki_pipeline.sources.git.page import PageMaker, attachments
from wiki_pipeline.sources.git.remote import Refs, Remote
from wiki_pipeline.sources.git.revisions import revisions
from wiki_pipeline.sources.git.rules import Rules
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.git.snapshot import File, Snapshot
from wiki_pipeline.sources.git.survey import Surveyor
from wiki_pipeline.sources.protocol import Commit, Commits, Downloaded, Fetched, KnownLabels, Revision

_OLDEST_GIT = (2, 32)
_REFERENCES_A_PORTION = 1000
_SNAPSHOT = "snapshot.arrow"
_MOST_NAMES = 50  # in a message
_LONGEST_SUBJECT = 300
_EMPTY = "empty"

Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")


class GitSource:
    """The files of one branch of a repository.

    `list_documents` asks for the newest commit; `fetch` then serves that one, so that a sync sees one commit. Without
    a listing before it, `fetch` asks for the newest itself.

    Args:
        home: the source's folder, for the clone.
        portion_bytes: bytes of content held at a time.
        connection: name of the connection that the settings' token is of, for messages; empty: of none.
    """

    confirms_missing = False

    def __init__(
        self,
        key: SourceKey,
        repository: Repository,
        settings: GitSettings,
        home: Path,
        portion_bytes: int,
        connection: str = "",
    ) -> None:
        self.key = key
        self._branch = repository.branch
        self._settings = settings
        self._portion_bytes = portion_bytes
        self._home = home
        address, forge = repository.address, forge_of(repository.address, repository.forge)
        credential = credential_for(address, forge, settings)
        isolation = Isolation(address, credential, settings, repository.asked)
        self._pages = PageMaker(key, address, forge)
        self._git = GitCommand(settings.timeout, lambda text: redact(text, credential))
        self._remote = Remote(f"{key.name} (connection {connection})" if connection else key.name, self._git, isolation)
        self._clone = Clone(home, repository.branch, self._remote, self._git, isolation)
        include = settings.include if repository.include is None else repository.include
        exclude = settings.exclude if repository.exclude is None else repository.exclude
        self._exclude = exclude
        rules = Rules.of(include, exclude, settings.max_file_bytes)
        self._surveyor = Surveyor(self._clone, rules, settings.max_files, portion_bytes)
        self._snapshot: Snapshot | None = None

    async def describe(self) -> SourceDescription:
        """See `Source.describe`; asks the server only."""
        refs = await self._in_thread(self._remote.refs)
        address, name, commit = self._pages.address, self._branch or refs.default_branch, self._newest(refs)
        details = [("address", address.display), ("branch", name), ("commit", commit)]
        if refs.empty:
            details = [("address", address.display), ("state", "empty: nothing was ever committed")]
        page = self._pages.forge.repository_page(address)
        return SourceDescription(self.key.name, page, tuple((what, fact) for what, fact in details if fact))

    async def poll(self, cursor: str) -> Changes:
        """See `Source.poll`; the cursor is the newest commit, or that there is none."""
        commit = self._newest(await self._in_thread(self._remote.refs)) or _EMPTY
        return Changes(commit, whole=commit != cursor, exact=True)

    async def list_documents(self) -> AsyncIterator[Sequence[DocumentRef]]:
        """See `Source.list_documents`; complete by nature, an empty repository is an empty listing."""
        snapshot = await self._in_thread(self._look)
        references = [DocumentRef(name, self._pages.version_key(file)) for name, file in snapshot.documents.items()]
        for start in range(0, len(references), _REFERENCES_A_PORTION):
            yield references[start : start + _REFERENCES_A_PORTION]

    async def fetch(self, document_ids: Sequence[str]) -> AsyncIterator[Sequence[Fetched]]:
        """See `Source.fetch`."""
        snapshot = await self._in_thread(self._look) if self._snapshot is None else self._snapshot
        desired = list(dict.fromkeys(document_ids))
        gone = list(self._gone(snapshot, desired))
        if gone:
            yield gone
        sizes = {name: file.size for name in desired if (file := snapshot.documents.get(name))}
        await self._in_thread(self._bring, {snapshot.documents[name].oid for name in sizes})
        for portion in portions(list(sizes), sizes, self._portion_bytes):
            yield await self._in_thread(self._read, [snapshot.documents[name] for name in portion])

    async def changed_since(self, moment: datetime) -> Sequence[str]:
        """See `Source.changed_since`: by the time of each file's last commit."""
        snapshot = await self._in_thread(self._look)
        seconds = moment.timestamp()
        return [name for name, file in snapshot.documents.items() if file.changed_at >= seconds]

    async def names(self, person_ids: Sequence[str]) -> Mapping[str, str]:
        """See `Source.names`; files mention no people by id."""
        return {}

    async def list_attachments(
        self, document_ids: Sequence[str] | None = None
    ) -> AsyncIterator[Sequence[AttachmentRef]]:
        """See `Source.list_attachments`: files belong to the repository as a whole."""
        snapshot = await self._in_thread(self._known)
        refs = list(attachments(snapshot, self._pages, self._exclude))
        for start in range(0, len(refs), _REFERENCES_A_PORTION):
            yield refs[start : start + _REFERENCES_A_PORTION]

    async def download(
        self, refs: Sequence[AttachmentRef], most_bytes: int
    ) -> AsyncGenerator[Downloaded | DocumentGone | DocumentFailure, None]:
        """See `Source.download`."""
        snapshot = await self._in_thread(self._known)
        by_id = {file.document_id: file.oid for file in snapshot.files.values()}
        oids = {ref.attachment_id: by_id[ref.attachment_id] for ref in refs if ref.attachment_id in by_id}
        sizes = await self._in_thread(self._sizes, set(oids.values()))
        for ref in refs:
            oid = oids.get(ref.attachment_id, "")
            if oid not in sizes:
                yield DocumentGone(ref.attachment_id, "not in the repository")
            elif sizes[oid] > most_bytes:
                message = f"The file has {sizes[oid]:,} bytes; {most_bytes:,} are allowed."
                yield DocumentFailure(ref.attachment_id, ref.path, Stage.ATTACHMENTS, message)
            else:
                yield Downloaded(ref.attachment_id, (await self._in_thread(self._contents, {oid}))[oid])

    async def commits(self, after: str, most: int) -> Commits:
        """See `HasCommits.commits`: those that lead to the commit that was listed, as the clone has them."""
        return await self._in_thread(self._commits, after, most)

    def _commits(self, after: str, most: int) -> Commits:
        newest = self._snapshot.commit if self._snapshot else self._known().commit
        if not newest or newest == after:
            return Commits(newest, (), anew=not newest)
        return self._clone.repaired(lambda: self._read_commits(newest, after, most))

    def _read_commits(self, newest: str, after: str, most: int) -> Commits:
        objects, found = self._clone.objects, list[Commit]()
        anew = not after or not objects.leads_to(after, newest)
        for oid, seconds, author, message in objects.messages(newest, "" if anew else after, most):
            if names := may_be_keys(message, _MOST_NAMES):
                subject = " ".join(message.partition("\n")[0].split())[:_LONGEST_SUBJECT]
                url = self._pages.forge.commit_page(self._pages.address, oid)
                moment = datetime.fromtimestamp(seconds, UTC) if seconds else None
                found.append(Commit(oid, subject, author, moment, url, tuple(names)))
        return Commits(newest, found, anew)

    async def history(self, most: int) -> Sequence[Revision]:
        """See `WithHistory.history`."""
        return await self._in_thread(self._history, most)

    def _history(self, most: int) -> list[Revision]:
        snapshot = self._snapshot or Snapshot.load(self._home / _SNAPSHOT)
        if not snapshot.commit:
            return []
        return list(self._clone.repaired(lambda: list(revisions(self._clone.objects.log(snapshot.commit, most)))))

    def _sizes(self, oids: set[str]) -> dict[str, int]:
        return self._clone.repaired(lambda: self._clone.bring(oids))

    @property
    def cursor(self) -> str:
        """See `Source.cursor`: the commit that was listed."""
        return (self._snapshot.commit or _EMPTY) if self._snapshot else ""

    @property
    def skipped(self) -> Mapping[str, int]:
        """See `Source.skipped`."""
        return self._snapshot.skipped if self._snapshot else {}

    @property
    def withheld(self) -> Collection[str]:
        """See `Source.withheld`: whoever reads a repository reads all of it."""
        return ()

    def recall(self, labels: KnownLabels) -> None:
        """See `Source.recall`: files have no labels."""

    @property
    def warnings(self) -> Warnings:
        """See `Source.warnings`: all that a repository has is in it."""
        return Warnings()

    async def aclose(self) -> None:
        """Kill what may still be running."""
        self._stop()

    def _newest(self, refs: Refs) -> str:
        """The commit that the branch or tag is at; empty in an empty repository."""
        commit = refs.branches.get(self._branch) or refs.tags.get(self._branch, "") if self._branch else refs.head
        if not commit and not refs.empty:
            raise no_such_branch(self.key.name, self._pages.address, self._branch, refs.names)
        return commit

    def _known(self) -> Snapshot:
        """The commit that the last listing saw: its files are those that the documents of that listing show."""
        if self._snapshot is None:
            self._snapshot = Snapshot.load(self._home / _SNAPSHOT)
        return self._snapshot if self._snapshot.commit else self._look()

    def _look(self) -> Snapshot:
        file = self._home / _SNAPSHOT
        before = Snapshot.load(file)
        self._home.mkdir(parents=True, exist_ok=True)
        commit = self._clone.update()
        snapshot = self._clone.repaired(lambda: self._surveyor.survey(commit, before)) if commit else Snapshot()
        if snapshot is not before:
            snapshot.save(file)
        self._snapshot = snapshot
        return snapshot

    def _gone(self, snapshot: Snapshot, desired: Sequence[str]) -> Iterator[DocumentGone]:
        missing = [name for name in desired if name not in snapshot.documents]
        left_out = {file.document_id: file.left_out for file in snapshot.files.values()} if missing else {}
        for name in missing:
            reason = left_out.get(name)
            where = f"at commit {snapshot.commit[:12]}" if snapshot.commit else "which is empty"
            yield DocumentGone(name, f"left out: {reason}" if reason else f"not in the repository {where}")

    def _bring(self, oids: set[str]) -> None:
        """See that all blobs are here before they are read in portions: one request instead of one a portion."""
        self._clone.repaired(lambda: self._clone.bring(oids))

    def _read(self, files: Sequence[File]) -> list[RawPage | DocumentGone | DocumentFailure]:
        contents = self._clone.repaired(lambda: self._contents({file.oid for file in files}))
        return [
            self._pages.page(file, contents[file.oid])
            if file.oid in contents
            else DocumentFailure(file.document_id, file.document_id, Stage.RAW_PAGES, f"Blob {file.oid} is missing.")
            for file in files
        ]

    def _contents(self, oids: set[str]) -> dict[str, bytes]:
        return dict(self._clone.objects.blobs(self._clone.bring(oids), self._portion_bytes))

    async def _in_thread(
        self, work: Callable[Arguments, Answer], *args: Arguments.args, **kw: Arguments.kwargs
    ) -> Answer:
        try:
            return await asyncio.to_thread(self._explained, partial(work, *args, **kw))
        except asyncio.CancelledError:
            self._stop()
            raise

    def _explained(self, work: Callable[[], Answer]) -> Answer:
        """Do the work; what goes wrong on this machine becomes an error for people too."""
        name = self.key.name
        try:
            if self._git.version < _OLDEST_GIT:
                raise ConfigurationError(
                    f"Git {'.'.join(map(str, self._git.version))} is too old.", "Install Git 2.32 or newer."
                )
            return work()
        except GitFailedError as failure:
            raise explain(name, self._pages.address, failure.complaint) from None
        except GitTimeoutError:
            raise timed_out(name, self._pages.address, self._settings.timeout) from None
        except GitInterruptedError:
            raise SourceError(f"Reading the repository {name} was stopped.") from None
        except OSError as error:
            raise SourceError(
                f"The clone of {name} could not be read or written: {error.strerror}.",
                "Check the disk and the rights of WIKI_PIPELINE_HOME.",
            ) from error

    def _stop(self) -> None:
        self._remote.close()
        self._git.interrupt()
