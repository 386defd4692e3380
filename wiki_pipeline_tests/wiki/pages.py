"""Documents and sources that these tests render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from wiki_pipeline.links.index import COLUMNS, LinkIndex
from wiki_pipeline.model import CLEAN_PAGES, CleanPage, Document, SourceKey

SPACE = SourceKey("default", "confluence", "ENG")
REPOSITORY = SourceKey("default", "git", "acme/rocket")
COMMIT = "1f3a9c" + "0" * 34
BLOBS = f"https://github.com/acme/rocket/blob/{COMMIT}/"
CLOUD = "https://acme.atlassian.net/wiki/spaces/ENG/pages/"


def space_page(document_id: str, title: str, **columns: Any) -> CleanPage:
    """A page of the space ENG on Confluence Cloud."""
    facts: dict[str, Any] = {"url": f"{CLOUD}{document_id}/x", "space_key": "ENG", "markdown": ""} | columns
    return CleanPage(document_id=document_id, title=title, **facts)


def file(path: str, **columns: Any) -> CleanPage:
    """A file of the repository acme/rocket on GitHub."""
    facts: dict[str, Any] = {
        "title": path,
        "url": BLOBS + path,
        "media_type": "text/markdown",
        "markdown": "",
    } | columns
    return CleanPage(document_id=path, path=path, **facts)


def columns_of(documents: Sequence[Document]) -> pa.Table:
    """The columns from which links are found."""
    return pa.table(
        {name: pa.array([getattr(d, name) for d in documents], CLEAN_PAGES.field(name).type) for name in COLUMNS}
    )


def index() -> LinkIndex:
    """A space of three pages and a repository of five files."""
    pages = [space_page("100", "Home"), space_page("98487", "On-call Guide"), space_page("300", "R&D + more / 100%")]
    files = [
        file("README.md"),
        file("docs/intro.md"),
        file("docs/deep/a b.md"),
        file("src/app.py"),
        file("docs/README.md"),
    ]
    return LinkIndex({SPACE: columns_of(pages), REPOSITORY: columns_of(files)})
