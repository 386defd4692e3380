"""What a page is before it is written: its id, title and the manifest of its inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson

from wiki_pipeline.model import digest
from wiki_pipeline.repository_wiki.facts import Placed
from wiki_pipeline.repository_wiki.markdown import path_in_address
from wiki_pipeline.repository_wiki.structure import SurveyedFile

OWN = "-/"
"""Generated pages that are about no single file or folder have ids and addresses that begin so."""


@dataclass(frozen=True, slots=True)
class Written:
    """A page as Markdown.

    Attributes:
        diagram: SVG of our own making, to stand above the text; empty if there is none.
        places: titles and order of other documents, which the tree of pages follows.
    """

    markdown: str
    diagram: str = ""
    places: tuple[Placed, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A page to be written.

    Attributes:
        page_id: a file's path, a folder's with a slash at its end, or `-/name`.
        kind: `module`, `package` or `overview`.
        inputs: the manifest: what it is made from, each by name and hash.
        write: makes it.
    """

    page_id: str
    title: str
    kind: str
    inputs: tuple[tuple[str, str], ...]
    write: Callable[[], Written]
    file: SurveyedFile | None = None

    @property
    def input_hash(self) -> str:
        """The manifest as one hash."""
        return digest(self.page_id, self.title, self.inputs)


@dataclass(frozen=True, slots=True)
class Address:
    """Where things are read.

    Attributes:
        base: of the source in the wiki, with a slash at its end.
    """

    base: str

    def of(self, path: str, line: int = 0) -> str:
        """Of a file at a line, a folder (with its slash) or a generated page."""
        return f"{self.base}{path_in_address(path)}" + (f"#L{line}" if line else "")


def upstream(file: SurveyedFile, line: int, end: int = 0) -> str:
    """Lines of a file where its repository is hosted, at the commit that changed it last; empty if people can't open
    it there."""
    if not file.url.startswith(("http://", "https://")):
        return ""
    if "/-/blob/" in file.url:
        return f"{file.url}#L{line}" + (f"-{end}" if end > line else "")
    if "/browse/" in file.url:
        return f"{file.url}#{line}" + (f"-{end}" if end > line else "")
    if "bitbucket.org/" in file.url:
        return f"{file.url}#lines-{line}" + (f":{end}" if end > line else "")
    if "?path=" in file.url:
        return f"{file.url}&line={line}&lineEnd={max(line, end)}"
    return f"{file.url}#L{line}" + (f"-L{end}" if end > line else "")


def manifest(named: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Inputs by name, each with its hash; empty for one of which there is nothing."""
    return tuple((name, digest(orjson.dumps(value)) if value else "") for name, value in named.items())
