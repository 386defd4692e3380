"""A LangChain stack doing what a first sync does: ConfluenceLoader, recursive splitter 1000/200, the same embedding
model, LanceDB. Usage: `python -m ...langchain_stack ADDRESS SPACE PAGES`; prints JSON."""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from pathlib import Path

import wordllama
from langchain_community.document_loaders import ConfluenceLoader
from langchain_community.vectorstores import LanceDB
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

from wiki_pipeline_tests.benchmarks.measure import print_figures


class WordLlamaEmbeddings(Embeddings):
    """The model of the wheel, called as its documentation says."""

    def __init__(self) -> None:
        self._model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._model.embed(texts, norm=True).tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def main(address: str, space: str, pages: int) -> None:
    """Load, split, embed and store the space, and print how long it took."""
    warnings.simplefilter("ignore")
    embeddings = WordLlamaEmbeddings()
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        loader = ConfluenceLoader(url=address, token="any", cloud=False, space_key=space, limit=100, max_pages=pages)
        chunks = splitter.split_documents(loader.load())
        LanceDB.from_documents(chunks, embeddings, uri=folder)
        seconds = time.perf_counter() - started
    print_figures(seconds=seconds, pages=pages, chunks=len(chunks))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
