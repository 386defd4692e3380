"""An edit is searchable and readable a moment after it was told, through all the processes of `wiki-pipeline up`: of
the program as its wheel installs it, without a clone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from wiki_pipeline.catalog import Catalog, EventState
from wiki_pipeline.demo.confluence import ConfluenceServer, Content, Space
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.store import Store
from wiki_pipeline_tests.e2e.deliveries import signed
from wiki_pipeline_tests.e2e.services import environment, started, wait_for
from wiki_pipeline_tests.e2e.upstream import Told, page_told, pushed
from wiki_pipeline_tests.sources.git.upstream import Upstream

pytestmark = pytest.mark.timeout(900)

SPACE, REPOSITORY = SourceKey("default", "confluence", "ENG"), SourceKey("default", "git", "handbook")


@dataclass
class System:
    """Everything that runs, seen from outside."""

    gateway: httpx.Client
    home: Path
    space: Space
    repository: Upstream

    def tell(self, event: str, page: Content, version: int | None = None) -> None:
        """Deliver a webhook as Cloud does."""
        self._deliver(page_told(event, page, version))

    def push(self) -> None:
        """Deliver a webhook as GitHub does."""
        self._deliver(pushed(self.repository))

    def found(self, words: str, source: SourceKey) -> set[str]:
        """Ids of the documents that a search for words finds with all of them in the chunk."""
        answer = self.gateway.get("/v1/search", params={"q": words, "source": str(source), "mode": "text"})
        hits = answer.raise_for_status().json()["hits"]
        return {hit["document_id"] for hit in hits if words in hit["text"]}

    def readable(self, document_id: str, source: SourceKey) -> str | None:
        """The page of the wiki as it is read; None if there is none."""
        rows = Store(str(self.home / "lance"), "default").table(Stage.WIKI_PAGES, source).read([document_id])
        if not rows.num_rows:
            return None
        answer = self.gateway.get(f"/wiki/{source.slug}/{rows['wiki_path'][0].as_py()}", follow_redirects=True)
        return answer.text if answer.status_code == 200 else None

    def in_tables(self, document_id: str, source: SourceKey) -> set[Stage]:
        """The stages that hold the document."""
        store = Store(str(self.home / "lance"), "default")
        stages = (Stage.RAW_PAGES, Stage.CLEAN_PAGES, Stage.CHUNKS, Stage.WIKI_PAGES)
        return {stage for stage in stages if store.table(stage, source).read([document_id]).num_rows}

    def settled(self) -> bool:
        """Whether every event is applied or superseded."""
        with Catalog(f"sqlite:///{self.home / 'catalog.sqlite'}") as catalog:
            counts = catalog.events.counts("default")
        done = {EventState.APPLIED, EventState.SUPERSEDED}
        return not any(number for state, number in counts.items() if state not in done)

    def _deliver(self, told: Told) -> None:
        answer = self.gateway.post(f"/webhook/{told.path}", content=told.body, headers=signed(told, uuid.uuid4().hex))
        assert answer.status_code == 202, answer.text


@pytest.fixture
def system(confluence_cloud: ConfluenceServer, program: Path, tmp_path: Path) -> Iterator[System]:
    space = confluence_cloud.space("ENG", "Engineering")
    home = space.add("Home", "<p>Welcome to engineering.</p>")
    for number in range(4):
        space.add(f"Page {number}", f"<p>Number {number} of the handbook.</p>", parent=home)
    repository = Upstream(tmp_path / "handbook")
    repository.commit({"guide.md": "# Guide\n\nHow the pumps are primed.\n"})
    installation = environment(tmp_path, confluence_cloud.url, repository.path, PYTHONPATH="")
    with started([program, "up"], tmp_path, **installation) as services:
        wiki = services.addresses()["Wiki"].removesuffix("/wiki/")
        with httpx.Client(base_url=wiki, timeout=30, trust_env=False) as gateway:
            yield System(gateway, tmp_path / "state", space, repository)
        services.stop()


def test_what_people_do_upstream_is_served(system: System) -> None:
    _pages_are_edited_created_moved_trashed_restored_and_purged(system)
    _files_are_pushed_renamed_rewritten_and_deleted(system)
    wait_for("every event is settled", system.settled)


def _pages_are_edited_created_moved_trashed_restored_and_purged(system: System) -> None:
    space = system.space
    page, other = space.page("Page 1"), space.page("Page 2")
    page.edit("<p>Beware of the wet gravel.</p>")
    system.tell("page_updated", page, 2)
    wait_for("an edit is found", lambda: system.found("wet gravel", SPACE) == {page.id})
    wait_for("and read", lambda: "wet gravel" in (system.readable(page.id, SPACE) or ""))

    new = space.add("Page 9", "<p>Rope is kept in the shed.</p>", parent=page)
    system.tell("page_created", new, 1)
    wait_for("a new page is found", lambda: system.found("kept in the shed", SPACE) == {new.id})

    new.move(other)
    system.tell("page_moved", new)
    wait_for("a move shows", lambda: _ancestors(system, new.id)[-1:] == ["Page 2"])

    new.trash()
    system.tell("page_trashed", new)
    wait_for("what is in the trash is not served", lambda: not system.found("kept in the shed", SPACE))
    wait_for("nor is it in any table", lambda: not system.in_tables(new.id, SPACE))
    wait_for("nor read", lambda: system.readable(new.id, SPACE) is None)

    new.restore()
    system.tell("page_restored", new)
    wait_for("what is restored is found", lambda: system.found("kept in the shed", SPACE) == {new.id})

    new.purge()
    system.tell("page_removed", new)
    wait_for("what is purged is not served", lambda: not system.in_tables(new.id, SPACE))
    wait_for("nor found", lambda: not system.found("kept in the shed", SPACE))


def _files_are_pushed_renamed_rewritten_and_deleted(system: System) -> None:
    repository = system.repository
    repository.commit({"notes.md": "# Notes\n\nThe winch is oiled in spring.\n"})
    system.push()
    wait_for("a pushed file is found", lambda: system.found("oiled in spring", REPOSITORY) == {"notes.md"})

    repository.git("mv", "notes.md", "winch.md")
    repository.git("commit", "-qm", "Rename")
    system.push()
    wait_for("a renamed file is found", lambda: system.found("oiled in spring", REPOSITORY) == {"winch.md"})
    wait_for("and read", lambda: "oiled in spring" in (system.readable("winch.md", REPOSITORY) or ""))

    repository.git("reset", "-q", "--hard", "HEAD~2")
    repository.commit({"other.md": "# Other\n\nAnother history altogether.\n"})
    system.push()
    wait_for("a rewritten branch is served", lambda: system.found("Another history", REPOSITORY) == {"other.md"})
    wait_for("without what it lost", lambda: not system.in_tables("winch.md", REPOSITORY))

    repository.git("rm", "-q", "other.md")
    repository.git("commit", "-qm", "Delete")
    system.push()
    wait_for("a deleted file is not served", lambda: not system.in_tables("other.md", REPOSITORY))
    wait_for("nor found", lambda: not system.found("Another history", REPOSITORY))
    assert system.found("pumps are primed", REPOSITORY) == {"guide.md"}


def _ancestors(system: System, document_id: str) -> Sequence[str]:
    rows = Store(str(system.home / "lance"), "default").table(Stage.WIKI_PAGES, SPACE).read([document_id])
    return [ancestor["title"] for ancestor in rows["ancestors"][0].as_py()] if rows.num_rows else []
