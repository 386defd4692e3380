"""Bringing files: within the limits of the settings, each version once, each text once."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.links.files import file_place
from wiki_pipeline.model import (
    ATTACHMENTS,
    Attachment,
    AttachmentRef,
    DocumentFailure,
    DocumentGone,
    Stage,
    digest,
    rows_to_arrow,
)
from wiki_pipeline.sources.protocol import Downloaded, Source
from wiki_pipeline.store import Batch, Reconciliation, StageTable
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.attachments import (
    CODE_VERSION,
    DISPLAYED,
    UNKNOWN,
    Extracted,
    ExtractionLimits,
    Extractor,
    media_type_by_name,
    media_type_of,
)
from wiki_pipeline.text.words import count_words

_TEXTS_KEPT = 64


@dataclass(frozen=True, slots=True)
class Desired:
    """A file that pages refer to.

    Attributes:
        parent_id: the document that its text belongs to.
        left_out: why it is not brought, for people; empty if it is.
    """

    ref: AttachmentRef
    parent_id: str
    left_out: str = ""

    @property
    def input_hash(self) -> str:
        """All that its row depends on, besides the settings."""
        return digest(self.ref.version_key, self.ref.name, self.parent_id, self.left_out)


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the table without its long columns."""

    document_id: str
    parent_id: str
    url: str
    path: str
    title: str
    version: str
    media_type: str
    version_key: str
    file_hash: str
    size: int
    text_by: str

    @property
    def owner(self) -> str:
        """The page that it hangs on upstream; empty for a repository's files."""
        place = file_place(self.url)
        return place.page_id if place else ""

    @property
    def ref(self) -> AttachmentRef:
        """The file as it was listed."""
        return AttachmentRef(
            attachment_id=self.document_id,
            document_id=self.owner,
            name=self.title,
            url=self.url,
            path=self.path,
            version_key=self.version_key,
            version=self.version,
            media_type=self.media_type,
            size=self.size,
        )


def kept(table: StageTable) -> dict[str, Kept]:
    """What the table holds, by attachment."""
    rows = table.read(columns=[column.name for column in fields(Kept)]).to_pylist()
    return {row["document_id"]: Kept(**row) for row in rows}


def within_limits(settings: Settings, desired: Iterable[Desired], taken: int) -> list[Desired]:
    """The files in the order of their documents and names, each with why it is left out, if it is.

    Args:
        taken: bytes of the source's other files.
    """
    judged: list[Desired] = []
    of_page: Counter[str] = Counter()
    for item in sorted(desired, key=lambda item: (item.parent_id, item.ref.name, item.ref.attachment_id)):
        reason = _reason_to_leave_out(settings, item.ref)
        size = item.ref.size or 0
        if not reason and of_page[item.parent_id] >= settings.attachments_a_page:
            reason = f"not mirrored: a page has {settings.attachments_a_page:,} files at most"
        if not reason and taken + size > settings.attachments_total_bytes:
            reason = f"not mirrored: a source has {settings.attachments_total_bytes:,} bytes of files at most"
        if not reason:
            of_page[item.parent_id] += 1
            taken += size
        judged.append(replace(item, left_out=reason))
    return judged


def _reason_to_leave_out(settings: Settings, ref: AttachmentRef) -> str:
    media_type = media_type_by_name(ref.name)
    if not _is_allowed(settings, media_type) and not _is_allowed(settings, ref.media_type):
        return f"not mirrored: files of the type {ref.media_type or media_type} are not"
    return too_large(settings) if (ref.size or 0) > settings.attachment_max_bytes else ""


def too_large(settings: Settings) -> str:
    """The message for people about a file that is too large."""
    return f"too large: {settings.attachment_max_bytes:,} bytes are mirrored at most"


def _is_allowed(settings: Settings, media_type: str) -> bool:
    return any(fnmatchcase(media_type, pattern) for pattern in settings.attachment_types)


async def bring(
    sync: Sync, source: Source, desired: Sequence[Desired], before: Mapping[str, Kept], work: Reconciliation
) -> None:
    """Bring the files that are desired and write their rows; what was brought before in the same version is not again.

    Raises:
        SourceError: the source as a whole failed. What was written before stands.
    """
    settings = sync.settings
    limits = ExtractionLimits(settings.extraction_seconds, settings.extraction_memory, settings.extraction_characters)
    with closing(_Rows(sync, before, limits)) as rows:
        for portion in _portions(desired, settings.batch_documents, settings.batch_bytes):
            batch, gone = await rows.of(source, portion)
            work.delete(gone)
            await asyncio.to_thread(work.write, sync.tried(Stage.ATTACHMENTS, _ids(portion), batch))


def _ids(desired: Iterable[Desired]) -> list[str]:
    return [item.ref.attachment_id for item in desired]


def _portions(desired: Sequence[Desired], most: int, most_bytes: int) -> Iterator[list[Desired]]:
    """Files that are held in memory together."""
    portion: list[Desired] = []
    held = 0
    for item in desired:
        size = 0 if item.left_out else item.ref.size or 1_000_000
        if portion and (len(portion) >= most or held + size > most_bytes):
            yield portion
            portion, held = [], 0
        portion.append(item)
        held += size
    if portion:
        yield portion


def table_of(attachments: Sequence[Attachment]) -> pa.Table:
    """Rows as a stage writes them, without what is stamped on them."""
    return rows_to_arrow(
        attachments, pa.schema([f for f in ATTACHMENTS if f.name not in {"fingerprint", "content_hash"}])
    )


class _Rows:
    """Makes rows of files."""

    def __init__(self, sync: Sync, before: Mapping[str, Kept], limits: ExtractionLimits) -> None:
        self._sync = sync
        self._table = sync.table(Stage.ATTACHMENTS)
        self._before = before
        self._extractor = Extractor(limits)
        self._reader = digest(CODE_VERSION, limits)
        self._texts: dict[str, Extracted] = {}
        # Who has the text of which bytes, as the reader in force reads it.
        self._read_before = {row.file_hash: row.document_id for row in before.values() if row.text_by == self._reader}

    def close(self) -> None:
        """End the process that reads files."""
        self._extractor.close()

    async def of(self, source: Source, desired: Sequence[Desired]) -> tuple[Batch, list[str]]:
        """The rows of some files, and which of them are gone upstream."""
        rows = [_left_out(item, item.left_out) for item in desired if item.left_out]
        failures: list[DocumentFailure] = []
        gone: list[str] = []
        taken = 0
        items = {item.ref.attachment_id: item for item in desired if not item.left_out}
        async for answer in self._bytes(source, list(items.values())):
            match answer:
                case Downloaded(attachment_id, data):
                    taken += len(data)
                    rows.append(await asyncio.to_thread(self._row, items[attachment_id], data))
                case DocumentGone(attachment_id):
                    gone.append(attachment_id)
                case DocumentFailure():
                    failures.append(replace(answer, parent_id=items[answer.document_id].parent_id))
        return Batch(table_of(rows), failures, bytes=taken), gone

    async def _bytes(
        self, source: Source, desired: Sequence[Desired]
    ) -> AsyncGenerator[Downloaded | DocumentGone | DocumentFailure, None]:
        missing = []
        for item in desired:
            data = await asyncio.to_thread(self._kept_bytes, item.ref)
            if data is None:
                missing.append(item.ref)
            else:
                yield Downloaded(item.ref.attachment_id, data)
        if missing:
            async with aclosing(source.download(missing, self._sync.settings.attachment_max_bytes)) as answers:
                async for answer in answers:
                    yield answer

    def _kept_bytes(self, ref: AttachmentRef) -> bytes | None:
        """The bytes of this very version, if the table has them."""
        row = self._before.get(ref.attachment_id)
        if row is None or not row.file_hash or row.version_key != ref.version_key:
            return None
        found = self._table.open_blob("data", pc.field("document_id") == ref.attachment_id)
        if found is None:
            return None
        with found[0] as blob:
            data: bytes = blob.read()
        return data if file_hash_of(data) == row.file_hash else None

    def _row(self, item: Desired, data: bytes) -> Attachment:
        settings = self._sync.settings
        media_type = media_type_of(data, item.ref.name)
        if not _is_allowed(settings, media_type):
            claimed = media_type_by_name(item.ref.name)
            said = "not what its name says" if claimed in DISPLAYED or media_type == UNKNOWN else "not mirrored"
            return _left_out(item, f"{said}: files of the type {media_type} are not mirrored")
        file_hash = file_hash_of(data)
        extracted = self._text(file_hash, data, media_type)
        return replace(
            _left_out(item, ""),
            media_type=media_type,
            file_hash=file_hash,
            size=len(data),
            data=data,
            text=extracted.text,
            text_by=self._reader,
            words=count_words(extracted.text),
            notes=extracted.notes,
        )

    def _text(self, file_hash: str, data: bytes, media_type: str) -> Extracted:
        if file_hash not in self._texts:
            while len(self._texts) >= _TEXTS_KEPT:
                del self._texts[next(iter(self._texts))]
            self._texts[file_hash] = self._text_of_before(file_hash) or self._extractor.extract(data, media_type)
        return self._texts[file_hash]

    def _text_of_before(self, file_hash: str) -> Extracted | None:
        if file_hash not in self._read_before:
            return None
        rows = self._table.read([self._read_before[file_hash]], ["file_hash", "text", "text_by", "notes"]).to_pylist()
        for row in rows:
            if (row["file_hash"], row["text_by"]) == (file_hash, self._reader):
                return Extracted(row["text"], tuple(row["notes"]))
        return None


def _left_out(item: Desired, reason: str) -> Attachment:
    """The row of a file without its bytes."""
    ref = item.ref
    return Attachment(
        document_id=ref.attachment_id,
        title=ref.name,
        url=ref.url,
        parent_id=item.parent_id,
        version=ref.version,
        path=ref.path,
        author=ref.author,
        modified_at=ref.modified_at,
        media_type=ref.media_type or media_type_by_name(ref.name),
        version_key=ref.version_key,
        size=ref.size or 0,
        notes=(f"The file is {reason}.",) if reason else (),
    )


def file_hash_of(data: bytes) -> str:
    """The name of these bytes in the store and in the wiki's addresses: 32 hex digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
