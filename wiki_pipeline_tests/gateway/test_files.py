"""Pictures and files of pages, as browsers and hostile readers get them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import sync_playwright

from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.links.files import file_address
from wiki_pipeline.model import ATTACHMENTS, Attachment, RawPage, Stage, rows_to_arrow
from wiki_pipeline.settings import load
from wiki_pipeline.sync.downloads import file_hash_of
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import SITE, SPECIFICATION, bring, serving
from wiki_pipeline_tests.gateway.documents import SPACE
from wiki_pipeline_tests.gateway.test_browser import ARGUMENTS, CHROMIUM
from wiki_pipeline_tests.handbook import HANDBOOK

pytestmark = pytest.mark.security

MAP = (HANDBOOK / "00-home" / "02-stations.attachments" / "network-map.png").read_bytes()
SCRIPT = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40" onload="document.title=1">'
    b'<script>document.documentElement.setAttribute("data-ran", "1"); fetch("/livez")</script>'
    b'<rect width="40" height="40" fill="red"/></svg>'
)
FILES = {
    "net map.png": ("image/png", MAP),
    "drawing.svg": ("image/svg+xml", SCRIPT),
    "card.pdf": ("application/pdf", b"%PDF-1.4 " + b"x" * 700_000),
    "minutes 2025/26\n.txt": ("text/plain", b"of two years"),
    'tri"cky\n.txt': ("text/plain", b"<script>alert(1)</script>"),
}
BODY = "".join(
    f'<p><ac:image ac:alt="See {number}"><ri:attachment ri:filename="{escape(name)}"/></ac:image></p>'
    for number, name in enumerate(FILES)
)


def at(name: str) -> str:
    """Where a file is read."""
    return file_address(SPACE, file_hash_of(FILES[name][1]), name)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that serves one page with some files."""
    settings = load(GatewaySettings, home=tmp_path_factory.mktemp("files"), gateway_port=0)
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(SPACE, SPECIFICATION, "Engineering", f"{SITE}/spaces/ENG")
        rows = [
            Attachment(
                document_id=f"att{number}",
                title=name,
                url=f"{SITE}/download/attachments/1/{quote(name, safe='')}",
                parent_id="1",
                media_type=media_type,
                version_key="1",
                file_hash=file_hash_of(data),
                size=len(data),
                data=data,
            )
            for number, (name, (media_type, data)) in enumerate(FILES.items())
        ]
        marks = [row.document_id for row in rows]
        table = pipeline.store.table(Stage.ATTACHMENTS, SPACE)
        table.replace(rows_to_arrow(rows, ATTACHMENTS, fingerprint=marks, content_hash=marks))
        page = RawPage(
            document_id="1",
            title="Maps",
            url=f"{SITE}/spaces/ENG/pages/1/Maps",
            space_key="ENG",
            media_type="application/vnd.atlassian.confluence.storage+xml",
            version_key="1",
            body=BODY,
        )
        bring(pipeline, SPACE, [page])
        with serving(settings) as served:
            yield served


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_what_it_was_and_can_do_nothing(client: httpx.Client, name: str) -> None:
    media_type, data = FILES[name]
    answer = client.get(at(name))
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox" in policy
    assert "script-src" not in policy
    shown = "inline" if media_type.startswith("image/") else "attachment"
    assert answer.headers["content-disposition"].startswith(f"{shown}; filename*=UTF-8''")
    assert "\n" not in answer.headers["content-disposition"]


def test_a_file_that_the_reader_has_is_not_sent_again(client: httpx.Client) -> None:
    tag = client.get(at("card.pdf")).headers["etag"]
    again = client.get(at("card.pdf"), headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(at("card.pdf"), headers={"if-none-match": '"other"'}).status_code == 200
    assert client.head(at("card.pdf")).headers["content-length"] == str(len(FILES["card.pdf"][1]))


@pytest.mark.parametrize(
    "address_",
    [
        f"/wiki/{SPACE.slug}/_files/{'0' * 32}/net%20map.png",
        f"/wiki/{SPACE.slug}/_files/{file_hash_of(MAP)}/other.png",
        f"/wiki/{SPACE.slug}/_files/..%2F..%2Fetc/passwd",
        f"/wiki/{SPACE.slug}/_files/' OR 1=1 --/net%20map.png",
        f"/wiki/confluence-OTHER/_files/{file_hash_of(MAP)}/net%20map.png",
    ],
)
def test_no_other_address_gives_a_file(client: httpx.Client, address_: str) -> None:
    assert client.get(address_).status_code == 404


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no {CHROMIUM} on this machine")
def test_a_browser_shows_pictures_runs_nothing_and_saves_the_rest(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/wiki/{SPACE.slug}/1/maps", wait_until="networkidle")
        for picture in page.locator(".prose img").all():
            picture.scroll_into_view_if_needed()
        page.wait_for_function("[...document.querySelectorAll('.prose img')].every(i => i.complete)")
        sizes = page.eval_on_selector_all(".prose img", "all => all.map(i => [i.alt, i.naturalWidth])")
        assert [alt for alt, _ in sizes] == ["See 0", "See 1"]
        assert all(width > 0 for _, width in sizes)
        assert {url.split("/", 3)[2] for url in asked} == {address.removeprefix("http://")}
        asked.clear()
        page.goto(address + at("drawing.svg"))
        assert page.evaluate("document.documentElement.getAttribute('data-ran')") is None
        assert not [url for url in asked if "livez" in url]
        page.goto(f"{address}/wiki/{SPACE.slug}/1/maps")
        with page.expect_download() as saved:
            page.locator(".prose a", has_text="See 2").click()
        assert saved.value.suggested_filename == "card.pdf"
        browser.close()
