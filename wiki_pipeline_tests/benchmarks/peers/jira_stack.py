"""A LlamaIndex reader doing what a first sync does: JiraReader, recursive splitter 1000/200, the same embedding model,
LanceDB. Usage: `python -m ...jira_stack ADDRESS PROJECT ISSUES`; prints JSON.

The reader is asked for issues a page at a time, as many as a site gives. It takes summaries and descriptions alone, as
they are written: no comments, no facts in the text. So it has less to split and to embed.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import lancedb  # noqa: F401 - imported at the first table; the start of the process is measured apart
from langchain_community.vectorstores import LanceDB
from langchain_text_splitters import RecursiveCharacterTextSplitter
from llama_index.readers.jira import JiraReader

from wiki_pipeline_tests.benchmarks.measure import Clock
from wiki_pipeline_tests.benchmarks.peers.langchain_stack import WordLlamaEmbeddings

_PAGE = 100


def main(address: str, project: str, issues: int) -> None:
    """Load, split, embed and store the project, and print how long it took.

    Raises:
        RuntimeError: the reader missed issues.
    """
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        reader = JiraReader(PATauth={"server_url": address, "api_token": "any"})
        documents: list[Any] = []
        while True:
            found = reader.load_data(f"project = {project} ORDER BY created ASC, key ASC", len(documents), _PAGE)
            documents += found
            if len(found) < _PAGE:
                break
        loaded = clock.seconds
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        texts = [piece for document in documents for piece in splitter.split_text(document.text)]
        split = clock.seconds
        LanceDB.from_texts(texts, WordLlamaEmbeddings(), uri=folder)
        clock.stop(issues=len(documents), chunks=len(texts), until_loaded=loaded, until_split=split)
    if len(documents) != issues:
        raise RuntimeError(f"LlamaIndex loaded {len(documents)} of {issues} issues")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
