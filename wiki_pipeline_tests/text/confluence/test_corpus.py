"""Pages that other people's tools and servers wrote, pages of our own, and the handbook: none of them loses a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from wiki_pipeline.text.clean import clean_page
from wiki_pipeline.text.words import lost_words
from wiki_pipeline_tests import handbook
from wiki_pipeline_tests.handbook import NOT_WELL_FORMED
from wiki_pipeline_tests.text.confluence.pages import STORAGE, raw_page
from wiki_pipeline_tests.text.confluence.test_hostile import runs_programs

_CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
_OF_OUR_OWN = Path(__file__).with_name("pages_of_our_own")
_EXPORT = _CORPUS / "docToolchain+docToolchain/src/test/testConfluenceSpace/entities.xml"
_STORAGE_FILES = (
    "hunyadi+md2conf/tests/target/**/*.xml",
    "kovetskiy+mark/testdata/**/*.html",
    "docToolchain+docToolchain/**/fixtures/*.html",
)
_VIEW_FILES = "Unstructured-IO+unstructured-ingest/**/*.html"

# How many words may be missing, and why.
_KATEX = "formulas stand there as TeX and as two drawings of it; the TeX is kept"
_ALLOWED = {"kovetskiy+mark/testdata/math-katex.html": (9, _KATEX)}
_NOT_WELL_FORMED = {
    f"handbook/{NOT_WELL_FORMED}",
    "own/broken-import.xml",
    "own/script-output.xml",
    "docToolchain+docToolchain/core/src/test/resources/asciidoc2confluence/fixtures/body.html",
}


def _files(pattern: str) -> Iterator[tuple[str, str]]:
    for path in sorted(_CORPUS.glob(pattern)):
        yield path.relative_to(_CORPUS).as_posix(), path.read_text("utf-8")


def _exported() -> Iterator[tuple[str, str]]:
    """Storage bodies of a space's export; in it, sections within a body end in `]] >`."""
    if not _EXPORT.exists():
        return
    for record in etree.parse(_EXPORT).iterfind(".//object[@class='BodyContent']"):
        if record.findtext("property[@name='bodyType']") == "2":
            yield f"export/{record.findtext('id')}", record.findtext("property[@name='body']") or ""


_WRITTEN = [(f"own/{path.name}", path.read_text("utf-8")) for path in sorted(_OF_OUR_OWN.glob("*.xml"))]
_STORED = [page for pattern in _STORAGE_FILES for page in _files(pattern)] + list(_exported())
_VIEWED = list(_files(_VIEW_FILES))
_OURS = [(f"handbook/{page.id}", page.body) for page in handbook.pages()]


def _is_converted(name: str, body: str, media_type: str) -> None:
    raw = raw_page(body, media_type=media_type)
    page = clean_page(raw)
    lost = lost_words(raw, page)
    allowed, _reason = _ALLOWED.get(name, (0, ""))
    assert lost.total() == allowed, lost
    assert "<![CDATA[" not in page.markdown
    assert "]] >" not in page.markdown
    assert page.markdown.count("]]>") == body.count("]]]]><![CDATA[>")
    assert any("not well-formed" in note for note in page.notes) == (name in _NOT_WELL_FORMED)


# Parameters that a reader sees, or that lead somewhere; of every other one no text may be shown.
_SHOWN = """
    title key summary jqlQuery jql url source body equation name Name diagramName diagramDisplayName include colour
    language panelIcon user text label atlassian-macro-output-type baseurl pageTitle pageId filename link href src color
    data markdown tooltip
"""
_PARAMETER = re.compile(r'(<ac:parameter ac:name="([^"]+)">)[^<]+(?=</ac:parameter>)')


@pytest.mark.parametrize("pages", [_STORED, _WRITTEN, _OURS], ids=["corpus", "own", "handbook"])
def test_no_parameter_is_shown_but_those_that_readers_see(pages: list[tuple[str, str]]) -> None:
    marked = 0
    for name, body in pages:
        told = _PARAMETER.sub(lambda found: found[0] if found[2] in _SHOWN.split() else f"{found[1]}leaked", body)
        marked += told.count(">leaked")
        assert "leaked" not in clean_page(raw_page(told)).markdown, name
    assert marked > 20 or not pages


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([body for _, body in _STORED + _WRITTEN]), st.data())
def test_pages_of_the_corpus_that_were_damaged_are_converted_without_programs(body: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body)))
    until = data.draw(st.integers(at, min(len(body), at + 400)))
    put = data.draw(st.sampled_from(["", "<", "</", "]]>", "<![CDATA[", "<script>alert(1)</script>", "</p>", "&", '"']))
    raw = raw_page(body[:at] + put + body[until:])
    page = clean_page(raw)
    assert clean_page(raw) == page
    assert not runs_programs(page)


def test_the_corpus_is_read_as_a_whole() -> None:
    if not _CORPUS.exists():
        pytest.skip("no corpus beside the repository")
    assert (len(_STORED) > 70, len(_VIEWED)) == (True, 6)


@pytest.mark.skipif(not _STORED, reason="no corpus beside the repository")
@pytest.mark.parametrize(("name", "body"), _STORED, ids=[name for name, _ in _STORED])
def test_a_stored_page_is_converted_and_keeps_its_words(name: str, body: str) -> None:
    _is_converted(name, body, STORAGE)


@pytest.mark.skipif(not _VIEWED, reason="no corpus beside the repository")
@pytest.mark.parametrize(("name", "body"), _VIEWED, ids=[name for name, _ in _VIEWED])
def test_a_rendered_page_is_converted_and_keeps_its_words(name: str, body: str) -> None:
    _is_converted(name, body, "text/html")


@pytest.mark.parametrize(("name", "body"), _WRITTEN, ids=[name for name, _ in _WRITTEN])
def test_a_page_of_our_own_is_converted_and_keeps_its_words(name: str, body: str) -> None:
    _is_converted(name, body, STORAGE)


@pytest.mark.parametrize(("name", "body"), _OURS, ids=[name for name, _ in _OURS])
def test_a_page_of_the_handbook_is_converted_and_keeps_its_words(name: str, body: str) -> None:
    _is_converted(name, body, STORAGE)
