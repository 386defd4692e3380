"""Documentation that exists in many languages: what is asked in one is answered by the page in that language.

FastAPI's is tuned on. Its questions are made from titles and headings, but for the paraphrases, which people wrote.
Astro's is judged by: its pages describe themselves in a sentence above their text, which is asked and is not indexed.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from wiki_pipeline.evaluation import Question
from wiki_pipeline.model import CleanPage, SourceKey
from wiki_pipeline_tests.benchmarks.question_sets.made import QuestionSet, mistyped, sampled, two_at_once

_TITLE = re.compile(r"^# (.+?)(?:\s*\{\s*#[^}]*\})?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^##+ (.+?)(?:\s*\{\s*#[^}]*\})?\s*$", re.MULTILINE)
_ANCHOR = re.compile(r"[ \t]*\{\s*#[^}\n]*\}[ \t]*$", re.MULTILINE)
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FIELD = re.compile(r"^(title|description):[ \t]*(.+?)[ \t]*$", re.MULTILINE)
_FOLDED = re.compile(r"^(title|description):[ \t]*[>|]-?\n((?:[ \t]+.+\n?)+)", re.MULTILINE)
_IMPORT = re.compile(r"^import .*$", re.MULTILINE)
_TAG = re.compile(r"<[^>]*>|[`*_]")
_ASKED = {
    "en": "how do I use {}",
    "de": "wie verwende ich {}",
    "es": "cómo se usa {}",
    "fr": "comment utiliser {}",
    "pt": "como usar {}",
    "ru": "как использовать {}",
    "tr": "{} nasıl kullanılır",
    "uk": "як використовувати {}",
    "ja": "{} の使い方",
    "ko": "{} 사용하는 방법",
    "zh": "如何使用 {}",
}
_SKIPPED = (
    "reference/errors",
    "contribute",
    "upgrade-to",
    "tutorial/",
    "guides/cms",
    "guides/deploy",
    "migrate-to-astro",
)
_WRITTEN = Path(__file__).parent


def fastapi(folder: Path) -> QuestionSet:
    """FastAPI's documentation in eleven languages."""
    pages = list(_fastapi_pages(folder / "docs"))
    chance = random.Random(1)
    titles = Counter((page.space_key, page.title) for page in pages)
    unique = [page for page in pages if titles[page.space_key, page.title] == 1 and len(page.markdown) > 1_500]
    asked = [
        Question(
            id=f"asked {page.document_id}",
            question=_ASKED[page.space_key].format(page.title),
            documents=(page.document_id,),
            kind="languages" if page.space_key != "en" else "question",
            language=page.space_key,
        )
        for page in unique
    ]
    headings = list(_by_heading(unique))
    typos = [
        Question(
            id=f"typo {page.document_id}",
            question=mistyped(page.title, chance),
            documents=(page.document_id,),
            kind="typo",
            language=page.space_key,
        )
        for page in unique
        if page.space_key in {"en", "de", "es", "fr", "pt"} and len(page.title.split()) > 1
    ]
    english = [q for q in asked if q.kind == "question"]
    questions = [
        *sampled(english, 80, chance),
        *sampled([q for q in asked if q.kind == "languages"], 150, chance),
        *sampled(headings, 120, chance),
        *sampled(typos, 100, chance),
        *two_at_once(english, 60, chance),
        *_written(_WRITTEN / "fastapi.jsonl"),
    ]
    return QuestionSet("FastAPI", _by_language("fastapi", pages), questions, tuned=True)


def astro(folder: Path) -> QuestionSet:
    """Astro's documentation in nine languages."""
    pages, described = [], []
    for page, description in _astro_pages(folder / "src" / "content" / "docs"):
        pages.append(page)
        if len(description.split()) > 3 or (len(description) > 12 and not description.isascii()):
            question = Question(
                id=f"described {page.document_id}",
                question=description[:1_000],
                documents=(page.document_id,),
                kind="description" if page.space_key == "en" else "languages",
                language=page.space_key,
            )
            described.append(question)
    chance = random.Random(2)
    titled = [page for page in pages if page.space_key in {"en", "es", "fr", "de"} and len(page.title) > 8]
    typos = [
        Question(
            id=f"typo {page.document_id}",
            question=mistyped(page.title, chance),
            documents=(page.document_id,),
            kind="typo",
            language=page.space_key,
        )
        for page in titled
    ]
    english = [q for q in described if q.language == "en"]
    questions = [
        *sampled(english, 100, chance),
        *sampled([q for q in described if q.language != "en"], 160, chance),
        *sampled(list(_by_heading([page for page in pages if page.space_key == "en"])), 100, chance),
        *sampled(typos, 100, chance),
        *two_at_once(english, 60, chance),
        *_written(_WRITTEN / "astro.jsonl"),
    ]
    return QuestionSet("Astro", _by_language("astro", pages), questions, tuned=False)


def _fastapi_pages(folder: Path) -> Iterator[CleanPage]:
    for file in sorted(folder.glob("*/docs/**/*.md")):
        text = file.read_text("utf-8")
        language = file.relative_to(folder).parts[0]
        title = _TITLE.search(text)
        if title and language in _ASKED:
            yield _page(f"{file.relative_to(folder)}", _plain(title[1]), _ANCHOR.sub("", text), language)


def _astro_pages(folder: Path) -> Iterator[tuple[CleanPage, str]]:
    for file in sorted(folder.glob("*/**/*.mdx")):
        name = str(file.relative_to(folder))
        front = _FRONT.match(file.read_text("utf-8"))
        if front is None or any(part in name for part in _SKIPPED):
            continue
        fields = {m[1]: " ".join(m[2].split()) for m in _FOLDED.finditer(front[1])}
        fields |= {m[1]: m[2].strip("'\" ") for m in _FIELD.finditer(front[1]) if m[1] not in fields}
        body = _IMPORT.sub("", file.read_text("utf-8")[front.end() :]).strip()
        if fields.get("title") and body:
            title, language = _plain(fields["title"]), name.split("/", maxsplit=1)[0][:2]
            yield _page(name, title, f"# {title}\n\n{body}", language), _plain(fields.get("description", ""))


def _page(name: str, title: str, markdown: str, language: str) -> CleanPage:
    return CleanPage(document_id=name, title=title, url="", markdown=markdown, path=name, space_key=language)


def _by_heading(pages: Iterable[CleanPage]) -> Iterator[Question]:
    """The last heading of a page that no other page of its language has: some words, and the page they stand in."""
    of = [(page, [_plain(found) for found in _HEADING.findall(page.markdown)]) for page in pages]
    counts = Counter((page.space_key, heading) for page, headings in of for heading in set(headings))
    for page, headings in of:
        own = [h for h in headings if counts[page.space_key, h] == 1 and len(h) > 8]
        if own and page.space_key == "en":
            yield Question(
                id=f"keyword {page.document_id}",
                question=own[-1],
                documents=(page.document_id,),
                kind="keyword",
                language=page.space_key,
            )


def _plain(text: str) -> str:
    return " ".join(_TAG.sub("", text).split())


def _by_language(name: str, pages: Iterable[CleanPage]) -> dict[SourceKey, list[CleanPage]]:
    source = SourceKey("default", "git", name)
    return {source: list(pages)}


def _written(file: Path) -> Iterator[Question]:
    lines = file.read_text("utf-8").splitlines() if file.exists() else []
    yield from (Question.model_validate(json.loads(line)) for line in lines)
