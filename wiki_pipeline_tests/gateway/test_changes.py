"""`/v1/changes` and the feeds, by real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from starlette.testclient import TestClient

from wiki_pipeline.access import Action, How, Principal, Scope
from wiki_pipeline.catalog import ChangeKind, DocumentChange
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.services import principal
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import RawPage
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.sources import forget
from wiki_pipeline_tests.gateway.conftest import REPOSITORY_URL, bring, serving
from wiki_pipeline_tests.gateway.documents import FILES, REPOSITORY, SPACE, page

ATOM = "{http://www.w3.org/2005/Atom}"
EVERYTHING = "/feeds/changes.atom"
FIRST = [page(str(n), f"Page {n}", f"<p>Text {n}.</p>") for n in range(30)]


@dataclass
class Served:
    """A gateway of its own, whose sources change."""

    pipeline: Pipeline
    settings: GatewaySettings
    client: httpx.Client

    def bring(self, *documents: RawPage, gone: tuple[str, ...] = ()) -> None:
        bring(self.pipeline, SPACE, documents, gone)

    def walk(self, since: str = "", **asked: Any) -> tuple[list[dict[str, Any]], str]:
        found: list[dict[str, Any]] = []
        while True:
            answer = self.client.get("/v1/changes", params={"since": since, "limit": 7, **asked})
            assert answer.status_code == 200, answer.text
            found += answer.json()["changes"]
            since = answer.json()["next"]
            if not answer.json()["more"]:
                return found, since

    def feed(self, address: str = EVERYTHING) -> ET.Element:
        answer = self.client.get(address)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/atom+xml")
        return ET.fromstring(answer.content)  # noqa: S314 - our own answer


@pytest.fixture
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = load(GatewaySettings, home=tmp_path_factory.mktemp("changing"), gateway_port=0)
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(SPACE, "{}", "Engineering", "https://acme.atlassian.net/wiki/spaces/ENG")
        with serving(settings) as address, httpx.Client(base_url=address, timeout=30) as client:
            yield Served(pipeline, settings, client)


def titles(feed: ET.Element) -> list[str]:
    return [str(entry.findtext(f"{ATOM}title")) for entry in feed.iter(f"{ATOM}entry")]


def links(element: ET.Element, relation: str) -> list[str]:
    return [link.attrib["href"] for link in element.findall(f"{ATOM}link") if link.attrib["rel"] == relation]


def test_a_follower_of_changes_comes_to_a_complete_copy_and_keeps_it(served: Served) -> None:
    found, cursor = served.walk()
    assert (found, cursor) == ([], "")
    served.bring(*FIRST)
    found, cursor = served.walk()
    assert sorted(each["document_id"] for each in found) == sorted(each.document_id for each in FIRST)
    first = next(each for each in found if each["document_id"] == "7")
    assert first["recorded_at"]
    assert first | {"recorded_at": ""} == {
        "source": "default:confluence:ENG",
        "kind": "added",
        "document_id": "7",
        "version": "7",
        "previous_version": "",
        "title": "Page 7",
        "url": "https://acme.atlassian.net/wiki/spaces/ENG/pages/7/x",
        "wiki_url": "/wiki/confluence-ENG/7/page-7",
        "author": "Ana Ruiz",
        "modified_at": "2026-10-03T08:30:00Z",
        "recorded_at": "",
    }
    assert served.client.get(first["wiki_url"]).status_code == 200
    assert served.client.get(first["wiki_url"] + ".md").text.strip() == "Text 7."
    assert served.walk(cursor) == ([], cursor)
    served.bring(page("7", "Page seven", "<p>Other text.</p>", version="8", version_key="8"), gone=("8",))
    found, later = served.walk(cursor)
    assert {(each["document_id"], each["kind"], each["version"], each["previous_version"]) for each in found} == {
        ("7", "updated", "8", "7"),
        ("8", "deleted", "7", "7"),
    }
    assert next(each for each in found if each["kind"] == "deleted")["wiki_url"] is None
    with serving(served.settings) as other, httpx.Client(base_url=other) as client:  # a restart
        assert client.get("/v1/changes", params={"since": cursor}).json()["next"] == later
    assert served.walk(later)[0] == []


def test_changes_are_found_by_time_and_by_source(served: Served) -> None:
    served.bring(*FIRST[:3])
    recorded = datetime.fromisoformat(served.walk()[0][0]["recorded_at"])
    assert len(served.walk(recorded.isoformat())[0]) == 3
    assert len(served.walk(f"{recorded:%Y-%m-%d}")[0]) == 3
    plus = f"{(recorded - timedelta(hours=1)).replace(tzinfo=None).isoformat()}+00:00"
    assert len(served.client.get(f"/v1/changes?since={plus}").json()["changes"]) == 3  # the plus is a space, then
    assert served.walk((recorded + timedelta(days=1)).isoformat())[0] == []
    assert len(served.walk(source=SPACE.slug)[0]) == 3
    nowhere = served.client.get("/v1/changes", params={"source": "nowhere"})
    assert (nowhere.status_code, nowhere.json()["error"]["code"]) == (404, "source_not_found")


@pytest.mark.parametrize("since", ["yesterday", "12", "2026-13-45", "x" * 90, "-1", "1e3"])
def test_what_is_no_place_in_the_log_is_refused(served: Served, since: str) -> None:
    answer = served.client.get("/v1/changes", params={"since": since})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_payload")


def test_a_place_that_is_not_kept_is_said_to_be_gone(served: Served) -> None:
    served.bring(*FIRST[:3])
    early = served.client.get("/v1/changes", params={"limit": 1}).json()["next"]
    served.bring(gone=("1",))
    served.pipeline.catalog.changes.expire(timedelta(0))
    gone = served.client.get("/v1/changes", params={"since": early})
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "changes_expired")
    assert "beginning" in gone.json()["error"]["message"]
    other = served.client.get("/v1/changes", params={"since": "deadbeef.3"})
    assert other.status_code == 410
    assert {each["document_id"] for each in served.walk()[0]} == {"0", "2"}


def test_a_first_sync_is_one_entry_and_later_changes_are_each_their_own(served: Served) -> None:
    assert titles(served.feed()) == []
    served.bring(*FIRST)
    assert titles(served.feed()) == ["Engineering: source added with 30 documents"]
    served.bring(page("7", "Page 7", "<p>Other text.</p>", version="8", version_key="8"), gone=("8",))
    feed = served.feed(f"/feeds/{SPACE.slug}.atom")
    assert sorted(titles(feed)) == ["Engineering: source added with 30 documents", "Page 7", "Page 8"]
    entries = {entry.findtext(f"{ATOM}title"): entry for entry in feed.iter(f"{ATOM}entry")}
    edited, gone = entries["Page 7"], entries["Page 8"]
    assert edited.findtext(f"{ATOM}summary") == "Updated to version 8 by Ana Ruiz. Edited 2026-10-03 08:30 UTC."
    assert edited.findtext(f"{ATOM}author/{ATOM}name") == "Ana Ruiz"
    root = str(served.client.base_url).rstrip("/")
    page_at, markdown_at = links(edited, "alternate")
    assert (page_at, markdown_at) == (f"{root}/wiki/{SPACE.slug}/7/page-7", f"{root}/wiki/{SPACE.slug}/7/page-7.md")
    assert served.client.get(markdown_at).headers["content-type"].startswith("text/markdown")
    assert links(edited, "via") == ["https://acme.atlassian.net/wiki/spaces/ENG/pages/7/x"]
    assert gone.findtext(f"{ATOM}summary", "").startswith("Deleted")
    assert links(gone, "alternate") == [f"{root}/wiki/{SPACE.slug}/"]
    served.bring(*(page(str(n), f"Page {n}", "<p>New.</p>", version="9", version_key="9") for n in range(25) if n != 8))
    assert titles(served.feed())[0] == "Engineering: 24 updated"


def test_feeds_are_valid_atom_with_ids_that_stay(served: Served) -> None:
    served.bring(*FIRST)
    served.bring(page("99", "Bad \x0b & <title>\ufffe", "<p>Text.</p>"))
    for address in (EVERYTHING, f"/feeds/{SPACE.slug}.atom"):
        feed = served.feed(address)
        assert feed.tag == f"{ATOM}feed"
        for element in (feed, *feed.iter(f"{ATOM}entry")):
            for name in ("id", "title", "updated"):
                assert element.findtext(f"{ATOM}{name}"), name
            assert str(element.findtext(f"{ATOM}id")).startswith("urn:uuid:")
            assert datetime.fromisoformat(str(element.findtext(f"{ATOM}updated"))).tzinfo
            assert links(element, "alternate")
        assert feed.findtext(f"{ATOM}author/{ATOM}name")
        assert links(feed, "self") == [f"{str(served.client.base_url).rstrip('/')}{address}"]
        ids = [entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")]
        assert len(set(ids)) == len(ids) == 2
        under = served.client.get(address, headers={"host": "localhost:1"})
        assert [entry.findtext(f"{ATOM}id") for entry in ET.fromstring(under.content).iter(f"{ATOM}entry")] == ids  # noqa: S314 - our own answer
    assert "Bad \ufffd & <title>\ufffd" in titles(served.feed())


def test_a_feed_is_read_on_page_by_page_and_asked_again_for_little(served: Served) -> None:
    served.bring(*FIRST[:1])
    for version in range(8, 68):
        served.pipeline.catalog.changes.add(
            SPACE, [_edit(version)], title="Engineering"
        )  # as sixty syncs would, which take a minute
    feed, seen = served.feed(), []
    while True:
        seen += titles(feed)
        older = links(feed, "next")
        if not older:
            break
        feed = served.feed(older[0])
        assert links(feed, "first")
    assert len(seen) == 61
    assert seen[-1].startswith("Engineering: source added")
    answer = served.client.get(EVERYTHING)
    known = {"if-none-match": answer.headers["etag"]}
    assert served.client.get(EVERYTHING, headers=known).status_code == 304
    served.pipeline.catalog.changes.add(SPACE, [_edit(100)], title="Engineering")
    assert served.client.get(EVERYTHING, headers=known).status_code == 200


def _edit(version: int) -> DocumentChange:
    return DocumentChange(
        document_id="0",
        kind=ChangeKind.UPDATED,
        version=str(version),
        title="Page 0",
        content_hash=str(version),
    )


def test_that_a_source_was_removed_is_told(served: Served) -> None:
    served.bring(*FIRST[:3])
    cursor = served.walk()[1]
    forget(served.pipeline, SPACE)
    (removed,) = served.walk(cursor)[0]
    assert (removed["kind"], removed["document_id"], removed["wiki_url"]) == ("source_removed", None, None)
    assert titles(served.feed())[0] == "Engineering: source removed with 3 documents"
    missing = served.client.get(f"/feeds/{SPACE.slug}.atom")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "source_not_found")


def test_a_scope_sees_its_sources_changes_alone(served: Served) -> None:
    served.pipeline.catalog.add_source(REPOSITORY, f'{{"url": "{REPOSITORY_URL}"}}', "rocket", REPOSITORY_URL)
    served.bring(*FIRST[:3])
    bring(served.pipeline, REPOSITORY, FILES)
    for sources, expected in ((frozenset({SPACE}), {str(SPACE)}), (frozenset(), set())):
        app = create_app(load(GatewaySettings, home=served.settings.home))
        scope = Scope("default", sources, frozenset({Action.READ}))
        app.dependency_overrides[principal] = lambda scope=scope: Principal("reader", "default", How.TOKEN, scope)
        client = TestClient(app, base_url="http://localhost")
        found = client.get("/v1/changes", params={"limit": 1000})
        assert {each["source"] for each in found.json()["changes"]} == expected
        for address in (EVERYTHING, "/llms.txt", "/llms-full.txt", "/search/suggest?q=rocket"):
            assert "rocket" not in client.get(address).text.replace('["rocket",', "")
        for address in (f"/feeds/{REPOSITORY.slug}.atom", f"/llms.txt?source={REPOSITORY.slug}"):
            assert client.get(address).status_code == 404
