"""OpenSearch: browsers and launchers learn from `/opensearch.xml` how to search here, and get suggestions of titles."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import Annotated
from weakref import WeakKeyDictionary
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.links.wiki_addresses import page_address
from wiki_pipeline.store.search import MAX_QUERY
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.tree import Tree

_SUGGESTIONS = 8
_WORDS = re.compile(r"\w+")
_MEDIA_TYPE = "application/x-suggestions+json"
_folded: WeakKeyDictionary[Tree, list[str]] = WeakKeyDictionary()

router = APIRouter(tags=["search"], default_response_class=Response)


@router.get(
    "/opensearch.xml",
    summary="Describe the search to browsers",
    responses={200: {"content": {"application/opensearchdescription+xml": {}}, "description": "The description."}},
)
def description(request: Request, serving: Serving) -> Response:
    """How to search here, as an OpenSearch description."""
    root = root_of(request, serving.settings)
    top = ET.Element("OpenSearchDescription", xmlns="http://a9.com/-/spec/opensearch/1.1/")
    for name, text in (
        ("ShortName", "Wiki"),
        ("Description", "Search the wiki of wiki-pipeline"),
        ("InputEncoding", "UTF-8"),
    ):
        ET.SubElement(top, name).text = text
    icon = ET.SubElement(top, "Image", width="16", height="16", type="image/svg+xml")
    icon.text = root + site.assets()["icon.svg"].address
    for media_type, relation, address in (
        ("text/html", "results", "/search?q={searchTerms}"),
        (_MEDIA_TYPE, "suggestions", "/search/suggest?q={searchTerms}"),
        ("application/json", "results", "/v1/search?q={searchTerms}"),
        ("application/opensearchdescription+xml", "self", "/opensearch.xml"),
    ):
        ET.SubElement(top, "Url", type=media_type, rel=relation, template=root + address)
    content = ET.tostring(top, encoding="utf-8", xml_declaration=True)
    return Response(content, media_type="application/opensearchdescription+xml")


@router.get(
    "/search/suggest",
    summary="Suggest titles",
    responses={200: {"content": {_MEDIA_TYPE: {}}, "description": "The query; titles, sources and addresses."}},
)
def suggest(
    request: Request,
    serving: Serving,
    q: Annotated[str, Query(max_length=MAX_QUERY, description="What was typed so far.")] = "",
) -> Response:
    """Titles of documents that have words beginning as those that were typed, in OpenSearch's form of suggestions."""
    root = root_of(request, serving.settings)
    best = heapq.nsmallest(_SUGGESTIONS, _suggestions(serving, q.casefold()))
    found = [q, [each[2] for each in best], [each[3] for each in best], [root + each[4] for each in best]]
    return JSONResponse(found, media_type=_MEDIA_TYPE)


def _suggestions(serving: Services, typed: str) -> Iterator[tuple[bool, int, str, str, str]]:
    """For sorting, whether the title begins otherwise and its length; the title, its source, its address."""
    words = _WORDS.findall(typed)
    if not words:
        return
    fits = re.compile("".join(rf"(?=.*\b{re.escape(word)})" for word in words[:10]), re.DOTALL)
    for record in serving.reader.sources():
        tree = serving.reader.index(record).tree
        source = record.title or record.key.name
        for folded, node in zip(_titles(tree), tree.reading_order, strict=True):
            if words[0] in folded and fits.match(folded):
                begins = folded.startswith(typed.strip())
                yield not begins, len(node.title), node.title, source, page_address(record.key, node.path)


def _titles(tree: Tree) -> list[str]:
    """The titles of a tree's documents, made ready for comparing once."""
    known = _folded.get(tree)
    if known is None:
        known = _folded[tree] = [node.title.casefold() for node in tree.reading_order]
    return known
