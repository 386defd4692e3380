"""A Confluence space and a Git repository that people work on all the time, and what is told of it by webhooks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wiki_pipeline.demo.confluence import Content, Space
from wiki_pipeline_tests.sources.git.upstream import Upstream

WORDS = ["pump", "winch", "gauge", "mast", "tide", "buoy", "harbour", "battery", "mooring", "sensor"]
# Pages and files that stay, and at most so many others: a sync refuses to drop more than half of what is known at once.
_STAYING, _OTHERS = 16, 12


@dataclass(frozen=True)
class Told:
    """A webhook, before it is signed and given an id."""

    path: str
    body: bytes


class EditedSpace:
    """People at work in a space."""

    def __init__(self, space: Space, draw: random.Random) -> None:
        self._space = space
        self._draw = draw
        home = space.add("Home", self._body())
        for number in range(1, _STAYING):
            space.add(f"Page {number}", self._body(), parent=draw.choice([home, *space.contents.values()]))
        self._staying = {*space.contents.values()}

    def edit(self) -> Sequence[Told]:
        """Somebody does something. Returns what Confluence says of it."""
        page, others = self._draw.choice(self._pages("current")), set(self._space.contents.values()) - self._staying
        leaving = [other for other in self._pages("current") if other in others]
        binned = self._pages("trashed")
        actions: list[Callable[[], Iterator[Told]]] = [
            *[lambda: self._write(page)] * 4,
            lambda: self._rename(page),
            lambda: self._move(page),
            lambda: self._label(page),
            *[lambda: self._create(page)] * (3 if len(others) < _OTHERS else 0),
            *[lambda: self._trash(self._draw.choice(leaving))] * (2 if leaving else 0),
            *[lambda: self._restore(self._draw.choice(binned))] * (1 if binned else 0),
            *[lambda: self._purge(self._draw.choice(binned))] * (1 if binned else 0),
        ]
        return list(self._draw.choice(actions)())

    def _write(self, page: Content) -> Iterator[Told]:
        version = page.edit(self._body())
        yield page_told("page_updated", page, version.number)

    def _create(self, parent: Content) -> Iterator[Told]:
        page = self._space.add(self._title(), self._body(), parent=parent)
        page.attach("figure.txt", self._words(20).encode(), "text/plain")
        yield page_told("page_created", page, 1)

    def _rename(self, page: Content) -> Iterator[Told]:
        version = page.rename(self._title())
        yield page_told("page_updated", page, version.number)

    def _move(self, page: Content) -> Iterator[Told]:
        below = {page, *page.descendants()}
        page.move(self._draw.choice([None, *(other for other in self._pages("current") if other not in below)]))
        yield page_told("page_moved", page)

    def _label(self, page: Content) -> Iterator[Told]:
        name = self._draw.choice(WORDS)
        if name in page.labels:
            page.unlabel(name)
        else:
            page.label(name)
        yield page_told("label_added" if name in page.labels else "label_removed", page)

    def _trash(self, page: Content) -> Iterator[Told]:
        page.trash()
        yield page_told("page_trashed", page)

    def _restore(self, page: Content) -> Iterator[Told]:
        page.restore()
        yield page_told("page_restored", page)

    def _purge(self, page: Content) -> Iterator[Told]:
        page.purge()
        yield page_told("page_removed", page)

    def _pages(self, status: str) -> list[Content]:
        return [content for content in self._space.contents.values() if content.status == status]

    def _title(self) -> str:
        return f"{self._draw.choice(WORDS).title()} {self._draw.randrange(10**9)}"

    def _body(self) -> str:
        sections = (f"<h2>{self._draw.choice(WORDS)}</h2><p>{self._words(60)}</p>" for _ in range(4))
        return "".join(self._draw.choices(list(sections), k=3))

    def _words(self, most: int) -> str:
        return " ".join(self._draw.choices(WORDS, k=self._draw.randint(3, most)))


class EditedRepository:
    """People at work in a repository."""

    def __init__(self, repository: Upstream, draw: random.Random) -> None:
        self._repository = repository
        self._draw = draw
        self._staying = {f"staying-{number}.md" for number in range(_STAYING)}
        repository.commit(dict.fromkeys(self._staying, "# A file\n"))
        self._first = repository.head

    def edit(self) -> Sequence[Told]:
        """Somebody pushes. Returns what GitHub says of it."""
        names = {path.name for path in self._repository.folder.glob("*.md")}
        others = sorted(names - self._staying)
        actions: list[Callable[[], object]] = [
            lambda: self._write(self._draw.choice(sorted(names))),
            self._force,
            *([self._create] * 2 if len(others) < _OTHERS else []),
            *([lambda: self._rename(self._draw.choice(others))] if others else []),
            *([lambda: self._repository.commit({self._draw.choice(others): None})] if others else []),
        ]
        self._draw.choice(actions)()
        return [pushed(self._repository)]

    def _create(self) -> None:
        self._write(self._name())

    def _write(self, name: str) -> None:
        text = " ".join(self._draw.choices(WORDS, k=80))
        self._repository.commit({name: f"# {name}\n\n{text} {self._draw.randrange(10**9)}\n"})

    def _rename(self, name: str) -> None:
        self._repository.git("mv", name, self._name())
        self._repository.commit()

    def _force(self) -> None:
        """Another history takes the place of the last commits."""
        commits = int(self._repository.git("rev-list", "--count", f"{self._first}..HEAD"))
        back = min(commits, self._draw.randint(1, 3))
        self._repository.git("reset", "--quiet", "--hard", f"HEAD~{back}")
        self._write(self._draw.choice(sorted(self._staying)))

    def _name(self) -> str:
        return f"{self._draw.choice(WORDS)}-{self._draw.randrange(10**9)}.md"


def page_told(event: str, page: Content, version: int | None = None) -> Told:
    """What Confluence Cloud says of a page."""
    about = {"id": int(page.id), "idAsString": page.id, "spaceKey": page.space.key, "title": page.title}
    if version is not None:
        about["version"] = version
    holder = "labeled" if event.startswith("label") else "page"
    return Told(f"confluence-updated/{event}", json.dumps({"timestamp": 0, holder: about}).encode())


def pushed(repository: Upstream) -> Told:
    """What GitHub says of a push to a repository."""
    body = {
        "ref": "refs/heads/main",
        "after": repository.head,
        "repository": {"clone_url": repository.path, "full_name": "handbook"},
    }
    return Told("git-push", json.dumps(body).encode())
