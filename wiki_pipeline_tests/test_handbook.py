"""The demo handbook is complete, well-formed but where it says so, and its links and attachments hold together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest
from lxml import etree

from wiki_pipeline_tests.handbook import (
    HANDBOOK,
    NAMESPACES,
    NOT_WELL_FORMED,
    Page,
    macro,
    pages,
    space,
    titled,
    well_formed,
)

# What else is broken on purpose. The tests hold these to be broken: who repairs one takes the demonstration away.
EMPTY = "1112"
MISSING_PAGE = "Snippet: holiday cover 2024"
MISSING_USER = "70121:00000000-0000-4000-8000-000000000000"
INCLUDE_CHAIN = ("Runbook: a station goes silent", "Snippet: escalation contacts", "Surge mode: the phone tree")

# --- the tree --------------------------------------------------------------------------------------------------------


def test_there_are_about_forty_pages_with_ids_and_titles_of_their_own() -> None:
    assert 40 <= len(pages()) <= 50
    assert len({page.id for page in pages()}) == len(pages())
    assert len({page.title for page in pages()}) == len(pages())


def test_one_home_page_stands_above_a_tree_that_is_four_deep() -> None:
    assert [page.id for page in pages() if page.depth == 0] == [space()["homepage"]]
    assert max(page.depth for page in pages()) == 4


def test_every_folder_of_children_and_attachments_belongs_to_a_page() -> None:
    folders = [path for path in HANDBOOK.rglob("*") if path.is_dir()]
    orphans = [path for path in folders if not path.with_suffix(".xml").is_file()]
    assert not orphans


def test_every_page_says_who_wrote_it_and_when() -> None:
    authors = {user["display_name"] for user in space()["users"]}
    for page in pages():
        facts = page.facts
        assert facts["author"] in authors, page.title
        assert facts["version"] >= 1
        assert facts["created"] <= facts["modified"]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", facts[key]) for key in ("created", "modified"))
        assert facts["labels"]


def test_pages_are_of_varied_length() -> None:
    words = [len(" ".join(page.tree.itertext()).split()) for page in well_formed()]
    assert sum(count >= 1200 for count in words) >= 3
    assert sum(400 <= count < 1200 for count in words) >= 8
    assert sum(0 < count < 300 for count in words) >= 10
    assert sum(words) > 15_000


@pytest.mark.parametrize("label", ["deutsch", "français", "türkçe", "日本語", "中文", "한국어", "العربية", "ελληνικά"])
def test_a_page_is_written_in(label: str) -> None:
    assert any(label in page.facts["labels"] for page in pages())


TITLES = {
    "an emoji": "[\U0001f300-\U0001faff]",
    "a slash": "/",
    "quotation marks": '"',
    "an ampersand": "&",
    "right-to-left text": "[\u0600-\u06ff]",
    "a dotted capital I": "İ",
    "about 200 characters": "^.{190,255}$",
}


@pytest.mark.parametrize("pattern", TITLES.values(), ids=TITLES.keys())
def test_a_title_holds(pattern: str) -> None:
    assert any(re.search(pattern, page.title) for page in pages())


def test_two_titles_differ_in_case_only() -> None:
    folded = [page.title.casefold() for page in pages()]
    assert len(folded) - len(set(folded)) == 1


# --- the bodies ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", pages(), ids=[page.id for page in pages()])
def test_a_page_is_well_formed_unless_on_purpose(page: Page) -> None:
    if page.id == NOT_WELL_FORMED:
        with pytest.raises(etree.XMLSyntaxError):
            _ = page.tree
    else:
        assert page.tree is not None


def test_exactly_one_page_is_empty() -> None:
    assert [page.id for page in pages() if not page.body.strip()] == [EMPTY]


def test_macro_and_task_ids_are_unique() -> None:
    for page in well_formed():
        for xpath in ("//@ac:macro-id", "//ac:task-uuid/text()", "//ac:task-id/text()"):
            ids = page.find(xpath)
            assert len(ids) == len(set(ids)), (page.title, xpath)


# --- attachments -----------------------------------------------------------------------------------------------------

KINDS = {
    ".png": b"\x89PNG\r\n",
    ".jpg": b"\xff\xd8\xff",
    ".svg": b"<svg ",
    ".pdf": b"%PDF-",
    ".docx": b"PK\x03\x04",
    ".drawio": b"<mxfile ",
    "": b'{"contentType":"application/gliffy+json"',
}


def _referenced(page: Page) -> Iterator[tuple[str, str]]:
    """Title of the page it hangs on, and name, of each attachment that the page names."""
    for attachment in page.find("//ri:attachment"):
        owner = attachment.xpath("string(ri:page/@ri:content-title)", namespaces=NAMESPACES)
        yield owner or page.title, attachment.get(f"{{{NAMESPACES['ri']}}}filename")
    for name in page.find(macro("drawio", "/ac:parameter[@ac:name='diagramName']/text()")) + page.find(
        macro("gliffy", "/ac:parameter[@ac:name='name']/text()")
    ):
        yield page.title, name
        yield page.title, f"{name}.png"


def test_attachments_are_exactly_those_that_pages_name() -> None:
    referenced = {reference for page in well_formed() for reference in _referenced(page)}
    assert referenced == {(page.title, name) for page in pages() for name in page.files}


def test_attachments_are_small_and_what_their_names_say() -> None:
    files = [file for file in HANDBOOK.rglob("*.attachments/*") if file.is_file()]
    assert {file.suffix for file in files} == KINDS.keys()
    assert 4 <= sum(file.suffix in {".png", ".jpg", ".svg"} for file in files) <= 6
    for file in files:
        content = file.read_bytes()
        assert len(content) < 60_000, file.name
        assert content.startswith(KINDS[file.suffix]), file.name


# --- links -----------------------------------------------------------------------------------------------------------


def _targets(page: Page) -> list[tuple[str, str | None]]:
    """Title and anchor of each page of this space that a page names."""
    found = []
    for reference in page.find("//ri:page"):
        key, title = (reference.get(f"{{{NAMESPACES['ri']}}}{name}") for name in ("space-key", "content-title"))
        if key in {None, space()["key"]} and title != "@self":
            found.append((title, reference.getparent().get(f"{{{NAMESPACES['ac']}}}anchor")))
    return found


def _anchors(page: Page) -> set[str]:
    return set(page.find(macro("anchor", "/ac:parameter[@ac:name='']/text()")))


def test_every_page_named_exists_but_one() -> None:
    named = {title for page in well_formed() for title, _ in _targets(page)}
    assert named - {page.title for page in pages()} == {MISSING_PAGE}


def test_every_anchor_named_exists() -> None:
    for page in well_formed():
        for title, anchor in _targets(page):
            assert anchor is None or anchor in _anchors(titled(title)), (page.title, title, anchor)
        own = page.find("//ac:link[not(ri:*)]/@ac:anchor")
        assert set(own) <= _anchors(page), page.title


def test_every_address_within_confluence_exists() -> None:
    ids, titles = {page.id for page in pages()}, {page.title for page in pages()}
    addresses = re.findall(r'href="(/[^"]*)"', "".join(page.body for page in pages()))
    assert addresses
    for address in addresses:
        parts = urlsplit(address.replace("&amp;", "&"))
        if parts.path == "/pages/viewpage.action":
            assert parse_qs(parts.query)["pageId"][0] in ids
        else:
            _, display, key, title = parts.path.split("/")
            assert (display, key) == ("display", space()["key"])
            assert unquote_plus(title) in titles
    assert {
        content_id for page in well_formed() for content_id in page.find("//ri:content-entity/@ri:content-id")
    } <= ids


def test_every_person_named_is_known_but_one() -> None:
    users = space()["users"]
    account_ids = {value for page in well_formed() for value in page.find("//ri:user/@ri:account-id")}
    user_keys = {value for page in well_formed() for value in page.find("//ri:user/@ri:userkey")}
    assert account_ids - {user["account_id"] for user in users} == {MISSING_USER}
    assert user_keys <= {user["user_key"] for user in users}


def test_addresses_elsewhere_lead_to_no_real_host() -> None:
    for page in pages():
        for host in re.findall(r"https?://([^/\s\"'<:\]]+)", page.body):
            assert host.endswith(".example") or host == "127.0.0.1", (page.title, host)


def test_one_page_includes_another_that_includes_a_third() -> None:
    included = macro("include", "//ri:page/@ri:content-title")
    outer, middle, inner = (titled(title) for title in INCLUDE_CHAIN)
    assert inner.title not in outer.find(included)
    assert outer.find(included) == [middle.title]
    assert middle.find(included) == [inner.title]
    assert inner.find(included) == []


def test_an_include_leads_nowhere() -> None:
    included = {title for page in well_formed() for title in page.find(macro("include", "//ri:page/@ri:content-title"))}
    assert MISSING_PAGE in included
