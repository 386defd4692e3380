"""The rows that the survey and the pages are kept in, and how facts and history get in and out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import orjson

from wiki_pipeline.model import Document, Heading, RawPage, digest
from wiki_pipeline.model.document import LongText
from wiki_pipeline.repository_wiki.facts import FileFacts, Placed, dumped, loaded
from wiki_pipeline.repository_wiki.structure import Commit, Repository, SurveyedFile, by_path
from wiki_pipeline.repository_wiki.survey import survey

HISTORY = "-/history"
"""Id of the one row of a survey that is no file: the repository's last commits."""
COLUMNS = ("document_id", "title", "url", "version", "author", "modified_at", "content_hash", "facts")
"""Of the survey's table: what `repository` needs."""

_SHARED = tuple(column.name for column in fields(Document))


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow(Document):
    """What was found in a file.

    Attributes:
        language: as Pygments names it.
        lines: how many.
        symbols: number of its definitions.
        facts: `FileFacts` as JSON; of the history its commits.
    """

    language: str = ""
    lines: int = 0
    symbols: int = 0
    facts: LongText


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One input of a page: its name, and a hash of what it was."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryPage(Document):
    """A generated page.

    Attributes:
        kind: `module` (shown with its file), `package` (with its folder) or `overview` (by itself).
        section: part of the tree: `documentation`, `code`, `tests` or `other`; empty for overviews.
        wiki_path: its address below the source's own.
        html: sanitised HTML of its body.
        diagram: SVG of the program's own making; empty if it has none.
        headings: for its table of contents.
        words: number of words in the text.
        places: order and titles of documents, on the page of contents.
        manifest: what it was made from.
    """

    kind: str
    section: str = ""
    wiki_path: str
    html: LongText
    markdown: LongText
    diagram: LongText = ""
    headings: tuple[Heading, ...] = ()
    words: int = 0
    places: tuple[Placed, ...] = ()
    manifest: tuple[ManifestEntry, ...] = ()


def surveyed(raw: RawPage) -> SurveyRow:
    """The row of a file. Pure, and never raises for what is in the file."""
    facts = survey(raw.path, raw.body, raw.media_type)
    shared = {name: getattr(raw, name) for name in _SHARED}
    return SurveyRow(
        **shared, language=facts.language, lines=facts.lines, symbols=len(facts.symbols), facts=dumped(facts)
    )


def history_row(name: str, commits: Iterable[Commit]) -> SurveyRow:
    """The row of the history."""
    told = [
        {
            "oid": c.oid,
            "author": c.author,
            "at": int(c.at.timestamp()) if c.at else 0,
            "subject": c.subject,
            "paths": c.paths,
        }
        for c in commits
    ]
    facts = orjson.dumps({"commits": told}).decode()
    return SurveyRow(document_id=HISTORY, title="History", url="", space_key=name, space_name=name, facts=facts)


def repository(name: str, rows: Iterable[Mapping[str, object]]) -> Repository:
    """A repository from the rows of its survey, with the columns `COLUMNS`."""
    files: list[SurveyedFile] = []
    commits: list[Commit] = []
    history_state = ""
    for row in rows:
        path, facts, state = str(row["document_id"]), str(row["facts"]), str(row["content_hash"])
        if path == HISTORY:
            commits, history_state = _commits(facts), digest(facts)
            continue
        moment = row["modified_at"]
        files.append(
            SurveyedFile(
                path,
                _known(facts),
                state,
                str(row["title"]),
                str(row["url"]),
                str(row["version"]),
                str(row["author"]),
                moment if isinstance(moment, datetime) else None,
            )
        )
    return Repository(name, by_path(files), commits, history_state)


def _known(facts: str) -> FileFacts:
    return loaded(facts)


def _commits(facts: str) -> list[Commit]:
    return [
        Commit(
            each["oid"],
            each["author"],
            datetime.fromtimestamp(each["at"], UTC) if each["at"] else None,
            each["subject"],
            tuple(each["paths"]),
        )
        for each in orjson.loads(facts)["commits"]
    ]
