"""What peers make of pages. Usage: `python -m ...converters < PAGES.json`; prints JSON.

Reads and writes an object by name: of a page's `storage` and `view` bodies, and of what each of the `PEERS` makes of
one of them. LangChain's loader is asked for text, as it comes, and for Markdown, for which it calls markdownify;
exporters call markdownify with what the server renders.
"""

from __future__ import annotations

import json
import sys

from langchain_community.document_loaders import ConfluenceLoader
from langchain_community.document_loaders.confluence import ContentFormat
from markdownify import markdownify

PEERS = ("LangChain, text", "LangChain, Markdown", "markdownify of `view`")


def main() -> None:
    """Convert all pages."""
    loader = ConfluenceLoader(url="http://127.0.0.1:1", token="any", cloud=False, space_key="ENG")

    def loaded(storage: str, *, markdown: bool) -> str:
        page = {
            "id": "42",
            "title": "Home",
            "status": "current",
            "body": {"storage": {"value": storage}},
            "version": {"when": "2024-05-17T10:00:00.000Z"},
            "_links": {"webui": "/x"},
        }
        options = {"keep_markdown_format": markdown, "keep_newlines": False}
        return str(loader.process_page(page, False, False, False, ContentFormat.STORAGE, **options).page_content)

    made = {
        name: (
            loaded(bodies["storage"], markdown=False),
            loaded(bodies["storage"], markdown=True),
            markdownify(bodies["view"], heading_style="ATX"),
        )
        for name, bodies in json.load(sys.stdin).items()
    }
    print(json.dumps({name: dict(zip(PEERS, results, strict=True)) for name, results in made.items()}))


if __name__ == "__main__":
    main()
