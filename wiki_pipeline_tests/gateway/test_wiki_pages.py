"""The wiki's pages over HTTP: what is at which address, and what is answered to those who have it already."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pyarrow as pa
import pytest

from wiki_pipeline.links.wiki_addresses import page_address
from wiki_pipeline.model import Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import bring
from wiki_pipeline_tests.gateway.documents import LONG_TITLE, REPOSITORY, SPACE, page

HOME = f"/wiki/{SPACE.slug}/"
GUIDE = f"{HOME}110/on-call-guide"
FILES = f"/wiki/{REPOSITORY.slug}/"


def test_the_start_page_shows_every_source_with_counts_and_freshness(client: httpx.Client) -> None:
    for address in ("/", "/wiki/"):
        html = client.get(address).text
        assert re.search(rf'href="{HOME}"[^>]*>Engineering<', html)
        assert re.search(rf'href="{FILES}"[^>]*>rocket<', html)
        assert "7 pages" in html
        assert "1 failed" in html
        assert "Out of date" in html  # for the document that failed; other tests say of both sources that they changed
        assert html.count("Up to date") + html.count("Out of date") == 2


def test_a_source_s_home_shows_its_introduction_what_changed_and_what_failed(client: httpx.Client) -> None:
    html = client.get(HOME).text
    assert "Welcome to engineering." in html
    assert "Recently changed" in html
    assert "The server answered 502 four times." in html
    assert "Start with" in client.get(FILES).text


def test_a_page_shows_its_text_and_where_it_comes_from(client: httpx.Client) -> None:
    answer = client.get(GUIDE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    html = answer.text
    assert "<title>On-call guide · Engineering</title>" in html
    for part in ("Version 7", "Ana Ruiz", 'datetime="2026-10-03T08:30:00+00:00"', "on-call", "night", "Up to date"):
        assert part in html
    assert '<h2 id="paging">' in html
    assert 'href="#escalation"' in html
    assert 'href="https://acme.atlassian.net/wiki/spaces/ENG/pages/110/x" rel="noopener nofollow"' in html


def test_links_between_pages_and_files_stay_in_the_wiki(client: httpx.Client) -> None:
    html = client.get(GUIDE).text
    assert f'href="{HOME}120/dashboards-r-w-100"' in html
    assert f'href="{FILES}src/engine.py#L3"' in html
    assert f'href="{FILES}docs/guide.md#ignition"' in client.get(f"{FILES}README.md").text


def test_the_tree_the_trail_and_the_turning_of_pages_agree(client: httpx.Client) -> None:
    html = client.get(f"{HOME}120/dashboards-r-w-100").text
    assert re.search(rf'<a rel="prev" href="{GUIDE}"', html)
    assert re.search(rf'<a rel="next" href="{HOME}130/', html)
    assert re.search(r'aria-current="page"><bdi>Dashboards &amp; R/W 100%</bdi>', html)
    trail = re.search(r'<nav class="crumbs".*?</nav>', html, re.DOTALL)
    assert trail is not None
    assert f'href="{HOME}"' in trail[0]


def test_a_page_that_failed_says_so(client: httpx.Client) -> None:
    html = client.get(f"{HOME}120/dashboards-r-w-100").text
    assert "May be out of date" in html
    assert "This page could not be brought up to date. clean_pages: The server answered 502 four times." in html


@pytest.mark.parametrize(
    ("old", "leads_to"),
    [
        ("110", GUIDE),
        ("110/", GUIDE),
        ("110/an-old-title", GUIDE),
        ("110/on-call-guide/", GUIDE),
        ("110/x?format=markdown", f"{GUIDE}?format=markdown"),
        ("140/rocket", f"{HOME}140"),
        ("150/", HOME + quote("150/lessons-" + "x" * 72)),
    ],
)
def test_old_titles_and_bare_ids_lead_to_the_page(client: httpx.Client, old: str, leads_to: str) -> None:
    answer = client.get(HOME + old)
    assert (answer.status_code, answer.headers["location"]) == (302, leads_to)
    assert client.get(leads_to).status_code == 200


def test_addresses_without_their_slash_lead_there(client: httpx.Client) -> None:
    for address in ("/wiki", f"/wiki/{SPACE.slug}", f"{FILES}docs"):
        answer = client.get(address)
        assert (answer.status_code in {302, 308}, answer.headers["location"]) == (True, f"{address}/")


def test_titles_of_any_kind_have_pages(client: httpx.Client) -> None:
    arabic = client.get(page_address(SPACE, "130/محطة-الإسكندرية-الفحص-الشهري"))
    assert arabic.status_code == 200
    assert '<h1 dir="auto">محطة الإسكندرية: الفحص الشهري</h1>' in arabic.text
    assert '<h1 dir="auto">🚀</h1>' in client.get(f"{HOME}140").text
    assert LONG_TITLE in client.get(f"{HOME}150", follow_redirects=True).text
    odd = client.get(f"{FILES}src/odd%20name%3F%231.sql")
    assert odd.status_code == 200
    assert '<span class="line" id="L1">' in odd.text


def test_source_code_has_numbered_lines(client: httpx.Client) -> None:
    html = client.get(f"{FILES}src/engine.py").text
    assert '<span class="line" id="L4"><a class="number" href="#L4" data-line="4"' in html
    assert '<span class="nf">ignite</span>' in html


def test_a_folder_lists_what_is_in_it(client: httpx.Client) -> None:
    html = client.get(f"{FILES}src/").text
    assert f'href="{FILES}src/engine.py"' in html
    assert f'href="{FILES}src/odd%20name%3F%231.sql"' in html


def test_a_page_is_there_as_markdown(client: httpx.Client) -> None:
    answer = client.get(f"{GUIDE}?format=markdown")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "\n## Paging\n" in answer.text
    code = client.get(f"{FILES}src/engine.py?format=markdown")
    assert code.headers["content-type"] == "text/plain; charset=utf-8"
    assert code.text.startswith('"""The engine."""\n')


def test_who_has_a_page_is_not_sent_it_again(client: httpx.Client) -> None:
    for address in ("/", HOME, GUIDE, f"{GUIDE}?format=markdown", f"{FILES}src/"):
        tag = client.get(address).headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = client.get(address, headers={"if-none-match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert client.get(address, headers={"if-none-match": '"other"'}).status_code == 200


def test_a_head_request_is_answered_without_a_body(client: httpx.Client) -> None:
    answer = client.head(GUIDE)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == client.get(GUIDE).headers["etag"]


def test_an_edit_a_move_and_a_deletion_are_seen_by_the_next_request(client: httpx.Client, pipeline: Pipeline) -> None:
    first = page("900", "Draft", "<p>First words.</p>", "100")
    moved = page("900", "Final", "<p>Second words.</p>", "100 120", version_key="8", version="8")
    bring(pipeline, SPACE, [first])
    tag = client.get(f"{HOME}900/draft").headers["etag"]
    bring(pipeline, SPACE, [moved])
    renamed = client.get(f"{HOME}900/draft", headers={"if-none-match": tag})
    assert renamed.headers["location"] == f"{HOME}900/final"
    html = client.get(f"{HOME}900/final").text
    assert "Second words." in html
    assert "First words." not in html
    bring(pipeline, SPACE, [], gone=["900"])
    assert client.get(f"{HOME}900/final").status_code == 404


def test_a_reader_sees_one_version_of_a_page_while_it_is_written(client: httpx.Client, pipeline: Pipeline) -> None:
    table = pipeline.store.table(Stage.WIKI_PAGES, SPACE)
    bring(pipeline, SPACE, [page("901", "Busy", "<p>WORD</p>", "100")])
    row = table.read(["901"])
    bodies = [
        pa.array([f"<p>{word} first</p>" + "<p>between</p>" * 2000 + f"<p>{word} last</p>"]) for word in ("odd", "even")
    ]
    column = row.schema.get_field_index("html")
    versions = [row.set_column(column, row.schema.field(column), body.cast(pa.large_string())) for body in bodies]
    done = threading.Event()

    def write() -> None:
        for number in range(40):
            table.replace(versions[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[tuple[str, ...]] = set()
    while not done.is_set() or not seen:
        answer = client.get(f"{HOME}901/busy")
        assert answer.status_code == 200
        words = tuple(re.findall(r"<p>(\w+) (?:first|last)</p>", answer.text))
        assert words in {("odd", "odd"), ("even", "even"), ()}
        seen.add(words)
    writer.join()
    bring(pipeline, SPACE, [], gone=["901"])


def test_many_readers_at_once_are_all_served(client: httpx.Client) -> None:
    with ThreadPoolExecutor(40) as pool:
        statuses = set(
            pool.map(lambda number: client.get([GUIDE, HOME, "/search?q=guide"][number % 3]).status_code, range(120))
        )
    assert statuses == {200}


def test_a_page_that_is_not_there_suggests_others(client: httpx.Client) -> None:
    answer = client.get(f"{HOME}424242/on-call-handbook")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert f'href="{GUIDE}"' in answer.text
    assert "/search?q=on%20call%20handbook" in answer.text
    unknown = client.get("/wiki/confluence-XX/1/x")
    assert unknown.status_code == 404
    assert f'href="{HOME}"' in unknown.text


def test_assets_may_be_kept_for_ever_and_change_their_address_with_their_content(client: httpx.Client) -> None:
    html = client.get("/").text
    addresses = re.findall(r'(?:href|src)="(/assets/[^"]+)"', html)
    assert len(addresses) == 3
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/assets/0000/wiki.css").status_code == 404
    assert client.get("/assets/../templates/base.html").status_code == 404
