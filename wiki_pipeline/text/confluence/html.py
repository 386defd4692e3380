"""HTML into the same kind of tree as the storage format."""

from __future__ import annotations

from wiki_pipeline.text.confluence.registry import Element


def parse_html(text: str) -> tuple[Element, str]:
    """The root of an HTML document or fragment, and what was lost of its structure, for people (empty if nothing).

    Never fails; comments and declarations are left out.
    """
    from wiki_pipeline.text.confluence import soup  # noqa: PLC0415 - BeautifulSoup takes a fifth of a process's start

    return soup.parse(text)
