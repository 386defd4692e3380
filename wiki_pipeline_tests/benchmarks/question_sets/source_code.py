"""Files of nine code repositories with 248 questions, as Anthropic's cookbook has them; and names defined in them."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from pathlib import Path

from wiki_pipeline.evaluation import Passage, Question
from wiki_pipeline.model import CleanPage, SourceKey
from wiki_pipeline_tests.benchmarks.question_sets.made import QuestionSet, sampled

_DEFINED = re.compile(r"\b(?:struct|fn|class|trait|enum|def|function|interface)\s+([A-Za-z_]\w{7,})")
_LANGUAGES = {".rs": "rust", ".py": "python", ".go": "go", ".ts": "typescript", ".js": "javascript", ".c": "c"}


def libraries(folder: Path) -> QuestionSet:
    """Files, and what is asked of them; judged by, never tuned on."""
    files = {file["original_uuid"]: file for file in json.loads((folder / "codebase_chunks.json").read_text("utf-8"))}
    asked = [json.loads(line) for line in (folder / "evaluation_set.jsonl").read_text("utf-8").splitlines()]
    paths = {each["golden_doc_uuids"][0]: _path(each["meta"]) for each in asked}
    pages = [_page(paths.get(uuid, f"{file['doc_id']}.rs"), file["content"]) for uuid, file in files.items()]
    names = {uuid: paths.get(uuid, f"{file['doc_id']}.rs") for uuid, file in files.items()}
    questions = []
    for number, each in enumerate(asked):
        passages = []
        for uuid, index in each["golden_chunk_uuids"]:
            content = files[uuid]["content"]
            chunk = next(c["content"] for c in files[uuid]["chunks"] if c["original_index"] == index)
            start = content.find(chunk)
            if start >= 0:
                first = content.count("\n", 0, start) + 1
                passages.append(Passage(document=names[uuid], lines=(first, first + chunk.strip("\n").count("\n"))))
        if passages:
            question = Question(
                id=f"code {number}", question=each["query"], passages=tuple(passages), kind="whole files"
            )
            questions.append(question)
    questions += sampled(_identifiers(pages), 120, random.Random(4))
    return QuestionSet("Code", {SourceKey("default", "git", "libraries"): pages}, questions, tuned=False)


def _identifiers(pages: list[CleanPage]) -> list[Question]:
    """Names that one file defines; only as they are written there."""
    defined: dict[str, set[str]] = defaultdict(set)
    for page in pages:
        for name in _DEFINED.findall(page.markdown):
            defined[name].add(page.document_id)
    return [
        Question(id=f"identifier {name}", question=name, documents=tuple(files), kind="identifier")
        for name, files in sorted(defined.items())
        if len(files) == 1
    ]


def _path(meta: dict[str, str]) -> str:
    return f"{meta['repo_name'].rpartition('/')[2]}/{meta['relative_path'].lstrip('/')}"


def _page(path: str, content: str) -> CleanPage:
    language = _LANGUAGES.get(Path(path).suffix, "")
    title = path.rpartition("/")[2]
    return CleanPage(document_id=path, title=title, url="", markdown=content, path=path, code_language=language)
