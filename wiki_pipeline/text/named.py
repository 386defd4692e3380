"""Names of documents in running text become links: `OPS-12`, where issues of OPS are synced.

What stands in code, in links, in addresses and in headings stays as it is. Where the wiki has the document, the link
shows its title and status, which are looked up when the page is rendered: so they cost no conversion and no embedding.

A page keeps under which prefixes it names documents, or may: so a source that is added makes those pages again, and no
others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from wiki_pipeline.links.jira import key_in_text, may_be_projects
from wiki_pipeline.model import CleanPage, Link, Named

_MOST_PREFIXES = 100  # of a page; what lies beyond stays text
# What is passed over; bounded, so that marks that never end cost little.
_SKIPPED = (
    r"^[ >]*(?P<fence>`{3,}|~{3,})[^\n]*(?:\n(?![ >]*(?P=fence))[^\n]*)*(?:\n[ >]*(?P=fence)[^\n]*)?"
    r"|^#{1,6} [^\n]*"
    r"|(?P<ticks>`+)(?!`)[^`]{1,1000}(?P=ticks)(?!`)"
    r"|!?\[(?:[^\[\]\\\n]|\\.|\[[^\[\]\n]{0,300}\]){0,1000}\]\([^()\s]{0,4000}(?: \"[^\"\n]{0,500}\")?\)"
    r"|<[^<>\n]{1,2000}>"
    r"|https?://[^\s<>]+"
)


@lru_cache(maxsize=64)
def _pattern(prefixes: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?:{_SKIPPED})|(?P<name>{key_in_text(prefixes).pattern})", re.MULTILINE)


def named(page: CleanPage, names: Mapping[str, str]) -> CleanPage:
    """The page with its bare names of documents as links, and with what it depends on for that.

    Args:
        names: see `Known.names`.
    """
    if page.code_language:
        return page
    found = may_be_projects(page.markdown, _MOST_PREFIXES)
    if not found:
        return page
    prefixes = {name.prefix: name.address for name in page.names}
    prefixes |= {prefix: names.get(prefix, "") for prefix in found}
    page = replace(page, names=tuple(Named(prefix, address) for prefix, address in prefixes.items()))
    known = {prefix: address for prefix, address in prefixes.items() if address}
    return _linked(page, known) if known else page


def _linked(page: CleanPage, names: Mapping[str, str]) -> CleanPage:
    own = page.title.partition(" ")[0] if page.facets else ""
    found: dict[Link, None] = {}

    def linked(match: re.Match[str]) -> str:
        name = match["name"]
        if not name or name == own:
            return match[0]
        target = names[name.rpartition("-")[0]] + name
        found[Link(name, target)] = None
        return f"[{name}]({target})"

    text = _pattern(tuple(sorted(names))).sub(linked, page.markdown)
    return replace(page, markdown=text, links=tuple(dict.fromkeys((*page.links, *found)))) if found else page
