"""Claude's documentation as Anthropic's cookbook has it: 100 questions with the sections that answer them.

Its sections are put together to pages again, as a wiki has them: what is right is a section of a long page.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path

from wiki_pipeline.evaluation import Passage, Question
from wiki_pipeline.model import CleanPage, SourceKey
from wiki_pipeline_tests.benchmarks.question_sets.made import QuestionSet, mistyped

_LONG = 6_000  # characters: more than four chunks


def claude(folder: Path) -> QuestionSet:
    """The pages with their questions; judged by, never tuned on."""
    sections = json.loads((folder / "anthropic_docs.json").read_text("utf-8"))
    texts: dict[str, list[str]] = defaultdict(list)
    lines: dict[str, tuple[int, int]] = {}
    for section in sections:
        page, _, _ = section["chunk_link"].partition("#")
        body = section["text"].removeprefix(section["chunk_heading"]).strip()
        added = [f"## {section['chunk_heading']}", "", *body.split("\n"), ""]
        lines[section["chunk_link"]] = (len(texts[page]) + 1, len(texts[page]) + len(added))
        texts[page] += added
    pages = [_page(page, "\n".join(text)) for page, text in texts.items()]
    length = {page.document_id: len(page.markdown) for page in pages}
    questions = []
    chance = random.Random(3)
    for asked in json.loads((folder / "docs_evaluation_dataset.json").read_text("utf-8")):
        links = [link for link in asked["correct_chunks"] if link in lines]
        if not links:
            continue
        documents = tuple(dict.fromkeys(_name(link.partition("#")[0]) for link in links))
        passages = tuple(Passage(document=_name(link.partition("#")[0]), lines=lines[link]) for link in links)
        long = all(length[document] > _LONG for document in documents)
        questions += [
            Question(
                id=asked["id"], question=asked["question"], passages=passages, kind="long pages" if long else "sections"
            ),
            Question(id=f"{asked['id']} page", question=asked["question"], documents=documents, kind="question"),
            Question(
                id=f"{asked['id']} typo",
                question=mistyped(asked["question"], chance),
                documents=documents,
                kind="typo",
            ),
        ]
    return QuestionSet("Claude's documentation", {SourceKey("default", "git", "claude"): pages}, questions, tuned=False)


def _page(link: str, text: str) -> CleanPage:
    name = _name(link)
    title = name.rpartition("/")[2].replace("-", " ").capitalize()
    return CleanPage(document_id=name, title=title, url="", markdown=text, path=f"{name}.md")


def _name(link: str) -> str:
    return link.split("/en/", 1)[-1].strip("/") or "index"
