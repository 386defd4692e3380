"""A LangChain stack doing what a first sync does: ConfluenceLoader, recursive splitter 1000/200, the same embedding
model, LanceDB. Usage: `python -m ...langchain_stack ADDRESS SPACE PAGES usual|quick`; prints JSON.

100 pages a request, which is the most it knows to ask for. As it is usually set, the loader leaves restricted pages
out, for which it asks for each page's restrictions, one by one; `quick` takes them along, as a sync does, which relies
on what the credentials may see. It needs atlassian-python-api below 4: hence an environment of its own.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import bs4  # noqa: F401 - imported by the loader at its first page; the start of the process is measured apart
import lancedb  # noqa: F401 - the same
import wordllama
from langchain_community.document_loaders import ConfluenceLoader
from langchain_community.vectorstores import LanceDB
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from wiki_pipeline_tests.benchmarks.measure import Clock


class WordLlamaEmbeddings(Embeddings):
    """The model of the wheel, called as its documentation says."""

    def __init__(self) -> None:
        self._model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of length 1, a list a text."""
        vectors: list[list[float]] = self._model.embed(texts, norm=True).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""
        return self.embed_documents([text])[0]


def main(address: str, space: str, pages: int, mode: str) -> None:
    """Load, split, embed and store the space, and print how long it took.

    Raises:
        RuntimeError: the loader missed pages.
    """
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        embeddings = WordLlamaEmbeddings()
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        loader = ConfluenceLoader(
            url=address,
            token="any",
            cloud=False,
            space_key=space,
            limit=100,
            max_pages=pages,
            include_restricted_content=mode == "quick",
        )
        documents = loader.load()
        loaded = clock.seconds
        chunks = splitter.split_documents(documents)
        split = clock.seconds
        LanceDB.from_documents(chunks, embeddings, uri=folder)
        clock.stop(pages=len(documents), chunks=len(chunks), until_loaded=loaded, until_split=split)
    if len(documents) != pages:
        raise RuntimeError(f"LangChain loaded {len(documents)} of {pages} pages")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
