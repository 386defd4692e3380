"""Staleness is right: random histories against a model of what is known and what is served."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.freshness import Reason, poll, stale_documents
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install_for_space, pipeline, sync, work

_SMALL, _TOO_LARGE = "<p>Of pumps.</p>", f"<p>{'Of pumps and much more. ' * 100}</p>"
_PAGES = 4
_numbers = count()


@dataclass
class Document:
    """One page: what it is upstream, what the program was told of it, and what it serves.

    Attributes:
        page: None if it is not there (any more).
        upstream, listed, served: versions; None for not there. `listed` is what the source said last.
        waits: an event for it is not settled.
        due: the versions that such events tell which may be taken up now; None for one that tells none.
    """

    id: str
    page: Content | None
    upstream: int | None
    listed: int | None = None
    served: int | None = None
    waits: bool = False
    due: list[int | None] = field(default_factory=list)
    failing: bool = False

    @property
    def stale(self) -> Reason | None:
        if self.failing:
            return Reason.FAILED
        if self.listed != self.served:
            return Reason.NEVER_SYNCED if self.served is None else Reason.UPSTREAM_NEWER
        if self.waits:
            return Reason.NEVER_SYNCED if self.served is None else Reason.UPSTREAM_NEWER
        return None

    def look(self, *, full: bool) -> None:
        """What a sync that looks at the document does."""
        too_large = self.page is not None and self.page.body.startswith(_TOO_LARGE[:30])
        if full or not too_large:
            self.listed = self.upstream
        if too_large:
            self.failing = self.served != self.upstream
            self.due = []
            self.waits = self.waits and not full
        else:
            self.served, self.failing, self.waits, self.due = self.upstream, False, False, []


class Model:
    """The space and what should be known of it."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.documents: list[Document] = []
        for number in range(_PAGES):
            self.create(number)

    def create(self, _: int) -> None:
        page = self.space.add(f"Page {len(self.documents)}", _SMALL)
        self.documents.append(Document(str(page.id), page, 1))

    def edit(self, number: int, body: str = _SMALL) -> None:
        document = self._chosen(number)
        if document.page is not None:
            document.page.edit(body + f"<p>{next(_numbers)}</p>")
            document.upstream = document.page.version.number

    def trash(self, number: int) -> None:
        document = self._chosen(number)
        if document.page is not None:
            document.page.trash()
            document.page = document.upstream = None

    def tell(self, opened: Pipeline, source: SourceKey, number: int) -> None:
        document = self._chosen(number)
        version = str(document.upstream) if document.upstream else ""
        hint = ChangeHint("confluence", source, document.id, "page_updated", version)
        opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
        document.waits = True
        document.due.append(document.upstream)

    def poll(self, opened: Pipeline, source: SourceKey) -> None:
        poll(opened, source)
        for document in self.documents:
            document.listed = document.upstream
            waits = document.waits and (not document.due or None in document.due)
            if document.listed != document.served and not waits:
                document.waits = True
                document.due.append(None)

    def work(self, opened: Pipeline) -> None:
        work(opened)
        for document in self.documents:
            served = document.served or 0
            if document.due and all(version is not None and version <= served for version in document.due):
                document.waits, document.due = document.failing and document.waits, []  # came late
            elif document.due:
                document.look(full=False)

    def sync(self, opened: Pipeline, source: SourceKey) -> None:
        sync(opened, source)
        for document in self.documents:
            document.look(full=True)

    def _chosen(self, number: int) -> Document:
        return self.documents[number % len(self.documents)]


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["edit", "edit", "spoil", "trash", "create", "tell", "tell", "poll", "work", "work", "sync"]),
        st.integers(0, 5),
    ),
    max_size=9,
)


@contextmanager
def installed(server: ConfluenceServer, space: Space) -> Iterator[Pipeline]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        install_for_space(patch, Path(folder), server.url, space.key)
        patch.setenv("WIKI_PIPELINE_MAX_DOCUMENT_BYTES", "1000")
        with pipeline() as opened:
            yield opened
        patch.undo()  # the folder that is left is the working directory


@example([("tell", 0), ("edit", 0), ("poll", 0), ("work", 0)])
@example([("tell", 0), ("spoil", 0), ("work", 0)])
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_the_stale_list_is_what_a_model_of_the_history_says(
    confluence_cloud: ConfluenceServer, steps: Sequence[Step]
) -> None:
    key = f"S{next(_numbers)}"
    space, source = confluence_cloud.space(key), SourceKey("default", "confluence", key)
    with installed(confluence_cloud, space) as opened:
        model = Model(space)
        model.sync(opened, source)
        for step, number in steps:
            match step:
                case "edit" | "trash" | "create":
                    getattr(model, step)(number)
                case "spoil":
                    model.edit(number, _TOO_LARGE)
                case "tell":
                    model.tell(opened, source, number)
                case "poll":
                    model.poll(opened, source)
                case "work":
                    model.work(opened)
                case "sync":
                    model.sync(opened, source)
            found = {stale.document_id: stale.reason for stale in stale_documents(opened, source)}
            desired = {document.id: document.stale for document in model.documents if document.stale}
            assert found == desired, step
