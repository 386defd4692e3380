"""Addresses of documents in the wiki."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.links.wiki_addresses import page_address, title_slug, wiki_path, wiki_path_of
from wiki_pipeline.model import SourceKey
from wiki_pipeline_tests.wiki.pages import file, space_page

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=255)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("On-call Guide", "on-call-guide"),
        ("R&D / 100% + more?", "r-d-100-more"),
        ("🚀 Launch 🎉", "launch"),
        ("🚀", ""),
        ("", ""),
        ("דף הבית", "דף-הבית"),
        ("مرحبا بالعالم", "مرحبا-بالعالم"),
        ("हिन्दी पृष्ठ", "हिन्दी-पृष्ठ"),
        ("入門 ガイド", "入門-ガイド"),
        ("İĞNEADA ve Πειραιάς", "iğneada-ve-πειραιάς"),
        ("../../etc/passwd", "etc-passwd"),
        ("ＦＵＬＬ　Width", "full-width"),
        ("x" * 255, "x" * 80),
    ],
)
def test_a_title_becomes_a_readable_part_of_an_address(title: str, slug: str) -> None:
    assert title_slug(title) == slug


def test_a_page_without_letters_in_its_title_is_found_by_its_id_alone() -> None:
    assert wiki_path_of(space_page("98487", "🚀")) == "98487"


def test_a_file_keeps_its_path() -> None:
    assert wiki_path_of(file("docs/a b?.md")) == "docs/a b?.md"
    assert page_address(SourceKey("default", "git", "acme/rocket"), "docs/a b?.md").endswith("/docs/a%20b%3F.md")


@given(TEXT, TEXT)
def test_two_documents_of_a_source_never_share_an_address(first: str, second: str) -> None:
    assert wiki_path("1", first, "") != wiki_path("2", second, "")
    assert wiki_path("1", first, "").split("/")[0] == "1"


@given(TEXT, TEXT)
def test_an_address_is_one_path_that_browsers_leave_as_it_is(document_id: str, title: str) -> None:
    source = SourceKey("default", "confluence", "ENG")
    path = wiki_path(document_id, title, "")
    address = page_address(source, path)
    parts = urlsplit(address)
    assert address.isascii()
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert unquote(parts.path) == f"/wiki/{source.slug}/{path}"
    assert not any(part in {".", ".."} for part in title_slug(title).split("/"))
