"""`llms.txt`, `llms-full.txt`, pages as `.md`, and OpenSearch, by real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest

from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import bring, serving
from wiki_pipeline_tests.gateway.documents import FILES, PAGES, REPOSITORY, SPACE, file

LINK = re.compile(r"^- \[((?:[^\]\\]|\\.)*)\]\((\S+)\)(?:: (.*))?$", re.MULTILINE)


def linked(text: str) -> dict[str, str]:
    """Addresses of the links of a list, by their names."""
    return {re.sub(r"\\([\\\[\]])", r"\1", name): address for name, address, _ in LINK.findall(text)}


def test_llms_txt_leads_to_the_markdown_of_every_page(client: httpx.Client, address: str) -> None:
    answer = client.get("/llms.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0] == "# Wiki"
    assert lines[2].startswith("> ")
    assert [line for line in lines if line.startswith("## ")] == ["## Sources", "## Optional"]
    sources = linked(answer.text)
    assert sources["Engineering"] == f"{address}/wiki/{SPACE.slug}/llms.txt"
    for name, documents in (("Engineering", PAGES), ("rocket", FILES)):
        listed = client.get(sources[name])
        assert listed.text.startswith(f"# {name}\n\n> {len(documents)} pages")
        pages = linked(listed.text)
        assert len(pages) == len(documents)
        for place in pages.values():
            page = client.get(place)
            assert page.status_code == 200, place
            assert page.headers["content-type"].startswith(("text/markdown", "text/plain"))
            assert not page.text.startswith("<!doctype")


def test_llms_full_txt_holds_every_page(client: httpx.Client, address: str) -> None:
    whole = client.get("/llms-full.txt").text
    assert whole.count("\nSource: ") == len(PAGES) + len(FILES)
    assert "Who is called when a station goes silent" in whole
    assert f"Source: {address}/wiki/{SPACE.slug}/110/on-call-guide\n" in whole
    assert "Original: https://acme.atlassian.net/wiki/" in whole
    assert "Edited: 2026-10-03 08:30 UTC by Ana Ruiz" in whole
    assert '```python\n"""The engine."""' in whole
    one = client.get("/llms-full.txt", params={"source": REPOSITORY.slug}).text
    assert one.count("\nSource: ") == len(FILES)
    assert client.get(f"/wiki/{REPOSITORY.slug}/llms-full.txt").text == one


@pytest.mark.parametrize("place", ["/llms.txt", "/llms-full.txt", f"/wiki/{SPACE.slug}/llms.txt"])
def test_they_are_asked_again_for_little(client: httpx.Client, place: str) -> None:
    tag = client.get(place).headers["etag"]
    assert client.get(place, headers={"if-none-match": tag}).status_code == 304
    assert client.get(place, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_source_that_is_not_there_is_said_to_be_missing(client: httpx.Client) -> None:
    for place in ("/llms.txt?source=nowhere", "/llms-full.txt?source=nowhere"):
        answer = client.get(place)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "source_not_found")


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway with narrow bounds, and a repository that has an llms.txt and page names of its own."""
    settings = load(
        GatewaySettings,
        home=tmp_path_factory.mktemp("bounded"),
        gateway_port=0,
        llms_pages=2,
        llms_full_bytes=700,
        public_url="https://wiki.example.org/",
    )
    own = [
        file("llms.txt", "# Our own\n", "text/plain"),
        file("notes", "Notes without an ending.\n", "text/plain"),
        file("notes.md", "# Notes\n\nWith one.\n", "text/markdown"),
        file("fence.md", "# Fence\n\n````\n```\n````\n", "text/markdown"),
    ]
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(REPOSITORY, '{"url": "https://github.com/acme/rocket"}', "rocket [1]")
        bring(pipeline, REPOSITORY, [*FILES, *own])
    with serving(settings) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_both_are_bounded_and_say_what_they_left_out(bounded: httpx.Client) -> None:
    listed = bounded.get(f"/llms.txt?source={REPOSITORY.slug}").text
    assert len(linked(listed)) == 2
    assert f"{len(FILES) + 4 - 2} more pages are not listed" in listed
    whole = bounded.get("/llms-full.txt").text
    told = whole.count("\nSource: ")
    assert 0 < told < len(FILES) + 4
    assert f"This file holds {told} of {len(FILES) + 4} pages" in whole
    assert len(whole.rpartition("# ")[0].encode()) <= 700


def test_a_repository_s_own_llms_txt_goes_before_ours_which_stays_to_be_had(bounded: httpx.Client) -> None:
    own = bounded.get(f"/wiki/{REPOSITORY.slug}/llms.txt")
    assert own.headers["content-type"].startswith("text/html")
    assert "Our own" in own.text
    sources = linked(bounded.get("/llms.txt").text)
    assert sources["rocket [1]"] == f"https://wiki.example.org/llms.txt?source={REPOSITORY.slug}"


def test_links_begin_with_the_public_address_where_one_is_set(bounded: httpx.Client) -> None:
    for place in ("/llms.txt", "/feeds/changes.atom", "/opensearch.xml"):
        text = bounded.get(place).text
        assert "https://wiki.example.org/" in text
        assert "127.0.0.1" not in text


@pytest.mark.parametrize("value", ["wiki.example.org", "ftp://wiki", "https://user@wiki", "https://wiki/x", "https://"])
def test_public_addresses_that_can_not_be_are_refused(value: str) -> None:
    with pytest.raises(Exception, match="WIKI_PIPELINE_PUBLIC_URL"):
        load(GatewaySettings, public_url=value)


# --- pages as Markdown -------------------------------------------------------------------------------------------


def test_a_page_has_its_markdown_beside_it(client: httpx.Client) -> None:
    page = f"/wiki/{SPACE.slug}/110/on-call-guide"
    markdown = client.get(f"{page}.md")
    assert markdown.headers["content-type"].startswith("text/markdown")
    assert markdown.text == client.get(page, params={"format": "markdown"}).text
    assert f'<link rel="alternate" type="text/markdown" href="{page}.md">' in client.get(page).text
    tag = markdown.headers["etag"]
    assert client.get(f"{page}.md", headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize("old", ["110/an-old-title.md", "110.md"])
def test_old_titles_and_bare_ids_lead_to_the_markdown_too(client: httpx.Client, old: str) -> None:
    answer = client.get(f"/wiki/{SPACE.slug}/{old}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/wiki/{SPACE.slug}/110/on-call-guide.md")


def test_files_have_theirs_as_well_whatever_they_are_called(client: httpx.Client, bounded: httpx.Client) -> None:
    assert client.get(f"/wiki/{REPOSITORY.slug}/docs/guide.md").headers["content-type"].startswith("text/html")
    assert client.get(f"/wiki/{REPOSITORY.slug}/docs/guide.md.md").text.startswith("# Guide")
    code = client.get(f"/wiki/{REPOSITORY.slug}/{quote('src/odd name?#1.sql')}.md")
    assert (code.headers["content-type"], code.text) == ("text/plain; charset=utf-8", "SELECT * FROM propellant;\n")
    notes = f"/wiki/{REPOSITORY.slug}/notes"
    assert bounded.get(f"{notes}.md").headers["content-type"].startswith("text/html")  # the file of that name
    assert bounded.get(f"{notes}.md.md").text.startswith("# Notes")
    for missing in ("nothing.md", "docs.md", "docs/.md", ".md"):
        assert client.get(f"/wiki/{REPOSITORY.slug}/{missing}").status_code == 404


# --- OpenSearch, and what pages say of it all --------------------------------------------------------------------


def test_browsers_learn_how_to_search(client: httpx.Client, address: str) -> None:
    answer = client.get("/opensearch.xml")
    assert answer.headers["content-type"].startswith("application/opensearchdescription+xml")
    space = "{http://a9.com/-/spec/opensearch/1.1/}"
    top = ET.fromstring(answer.content)  # noqa: S314 - our own answer
    assert top.tag == f"{space}OpenSearchDescription"
    assert 0 < len(str(top.findtext(f"{space}ShortName"))) <= 16
    templates = {url.attrib["type"]: url.attrib["template"] for url in top.iter(f"{space}Url")}
    for media_type in ("text/html", "application/json", "application/x-suggestions+json"):
        place = templates[media_type].replace("{searchTerms}", quote("on-call guide"))
        assert place.startswith(address)
        assert client.get(place).headers["content-type"].startswith(media_type)
    assert client.get(str(top.findtext(f"{space}Image")).strip()).status_code == 200


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("on-c", ["On-call guide"]),
        ("GUIDE on", ["Guide", "On-call guide"]),
        ("dash", ["Dashboards & R/W 100%"]),
        ("محطة", ["محطة الإسكندرية: الفحص الشهري"]),
        ("ashboards", []),
        ("", []),
        ("***(((", []),
        ("a" * 1_000, []),
    ],
)
def test_titles_are_suggested_by_the_beginnings_of_their_words(
    client: httpx.Client, typed: str, found: list[str]
) -> None:
    query, titles, sources, places = client.get("/search/suggest", params={"q": typed}).json()
    assert query == typed
    assert set(titles) <= set(found)
    assert bool(titles) == bool(found)
    assert len(titles) == len(sources) == len(places)
    for place in places:
        assert client.get(place).status_code == 200


def test_every_page_says_where_feeds_and_search_are(client: httpx.Client) -> None:
    general = {"/opensearch.xml", "/feeds/changes.atom"}
    its_own = f"/feeds/{SPACE.slug}.atom"
    for place, expected in (
        ("/", general),
        ("/search?q=guide", general),
        (f"/wiki/{SPACE.slug}/", general | {its_own}),
        (f"/wiki/{SPACE.slug}/110/on-call-guide", general | {its_own}),
        (f"/wiki/{REPOSITORY.slug}/docs/", general | {f"/feeds/{REPOSITORY.slug}.atom"}),
    ):
        text = client.get(place).text
        addresses = set(re.findall(r'<link rel="(?:alternate|search)"[^>]* href="([^"]+)"', text))
        assert {each for each in addresses if not each.endswith(".md")} == expected
        for each in addresses:
            assert client.get(unquote(urlsplit(each).path)).status_code == 200
