"""The corpora of the retrieval benchmark cut by a peer's splitter, which needs the peers' environment: LangChain's
recursive one, by tokens as ours counts them or by characters.

Usage: `python -m ...segments FOLDER SIZE OVERLAP tokens|characters`; prints the [start, end] of each segment by corpus.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from langchain_text_splitters import RecursiveCharacterTextSplitter

from wiki_pipeline.text.tokens import estimate_tokens


def main(folder: Path, size: int, overlap: int, unit: str) -> None:
    """Cut every corpus."""
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size,
        chunk_overlap=overlap,
        length_function=estimate_tokens if unit == "tokens" else len,
        add_start_index=True,
    )
    spans = {}
    for file in sorted(folder.glob("*.md")):
        starts = [
            (d.metadata["start_index"], len(d.page_content)) for d in splitter.create_documents([file.read_text()])
        ]
        spans[file.stem] = [(start, start + length) for start, length in starts]
    print(json.dumps(spans))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
