"""Asking for pages, repositories and reloads over HTTP; the jobs that come of it; what is stale; dead events."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from wiki_pipeline.catalog import Catalog, EventBatch, EventState, JobStatus, Origin, Retry, SyncMode
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.git.settings import Repository
from wiki_pipeline_tests.gateway.conftest import serving

ENG = SourceKey("default", "confluence", "ENG")
ROCKET = SourceKey("default", "git", "acme/rocket")


class Gateway:
    """A gateway of a Confluence, and its catalog."""

    def __init__(self, client: httpx.Client, catalog: Catalog, server: ConfluenceServer) -> None:
        self.client = client
        self.catalog = catalog
        self.server = server

    def ask(self, path: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/v1/ingest/{path}", json=body)

    def hints(self) -> set[tuple[str, str, str]]:
        """Source, document and job of the events that wait."""
        waiting = self.catalog.events.find("default", states=[EventState.PENDING])
        return {(str(event.source), event.document_id, event.job_id or "") for event in waiting}


@pytest.fixture
def gateway(
    tmp_path: Path, confluence_datacenter: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    monkeypatch.setenv("CONFLUENCE_URL", confluence_datacenter.url)
    settings = load(GatewaySettings, home=tmp_path, gateway_port=0)
    with (
        Catalog(settings.catalog_url) as catalog,
        serving(settings) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield Gateway(client, catalog, confluence_datacenter)


def test_a_page_of_a_new_space_makes_a_source_of_that_page(gateway: Gateway) -> None:
    space = gateway.server.space("ENG", "Engineering")
    page = space.add("Guide", "<p>Read me.</p>")
    address = f"{gateway.server.url}/pages/viewpage.action?pageId={page.id}"
    answer = gateway.ask("confluence/page", url=address, description="For the audit")
    assert answer.status_code == 202
    job_id = answer.json()["job_id"]
    record = gateway.catalog.source(ENG)
    assert record is not None
    assert [scope.page_id for scope in SourceConfig.parse(record.config).pages] == [page.id]
    assert answer.json()["datasource_id"].endswith("__ENG")
    assert gateway.hints() == {(str(ENG), "", job_id)}
    job = gateway.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["status"], job["description"], job["total"]) == ("PENDING", "For the audit", None)


def test_a_page_of_a_known_space_is_looked_at_alone(gateway: Gateway) -> None:
    space = gateway.server.space("ENG", "Engineering")
    first, second = space.add("One", "<p>1</p>"), space.add("Two", "<p>2</p>")
    whole = SourceConfig(gateway.server.url, "ENG").dump()
    gateway.catalog.add_source(ENG, whole)
    address = f"{gateway.server.url}/pages/viewpage.action?pageId="
    job = gateway.ask("confluence/page", url=address + first.id).json()["job_id"]
    below = gateway.ask("confluence/page", url=address + second.id, get_child_pages=True).json()["job_id"]
    assert gateway.hints() == {(str(ENG), first.id, job), (str(ENG), "", below)}
    record = gateway.catalog.source(ENG)
    assert record is not None
    assert record.config == whole


def test_a_page_is_added_to_those_of_a_source_unless_the_settings_name_them(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = gateway.server.space("ENG", "Engineering")
    ids = [space.add(title, "<p>x</p>").id for title in ("One", "Two")]
    address = f"{gateway.server.url}/pages/viewpage.action?pageId="
    for id_ in ids:
        assert gateway.ask("confluence/page", url=address + id_).status_code == 202
    record = gateway.catalog.source(ENG)
    assert record is not None
    assert [scope.page_id for scope in SourceConfig.parse(record.config).pages] == ids
    monkeypatch.setenv("CONFLUENCE_SPACES", f'{{"ENG": [{{"page_id": "{ids[0]}"}}]}}')
    other = space.add("Three", "<p>x</p>").id
    refused = gateway.ask("confluence/page", url=address + other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_payload")
    assert "CONFLUENCE_SPACES" in refused.json()["error"]["message"]


TRICKS = [
    "https://evil.example/pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}.evil.example/pages/viewpage.action?pageId=1",
    "{scheme}://evil.example@{netloc}/pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}@evil.example/pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}:1/pages/viewpage.action?pageId=1",
    "{scheme}://{host}:1/pages/viewpage.action?pageId=1",
    "https://{netloc}/pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}\\@evil.example/pages/viewpage.action?pageId=1",
    "{scheme}:\\\\{netloc}/pages/viewpage.action?pageId=1",
    "//{netloc}/pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}/a/../pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}/%2e%2e/pages/viewpage.action?pageId=1",
    "{scheme}://{netloc}/rest/api/content/1",
    "{scheme}://{netloc}/pages/viewpage.action?pageId=1%0d%0aHost:x",
    "{scheme}://{netloc}/spaces/ENG",
    "{scheme}://xn--evil-example/pages/viewpage.action?pageId=1",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "",
]


def test_only_addresses_of_the_configured_confluence_are_taken(gateway: Gateway) -> None:
    space = gateway.server.space("ENG", "Engineering")
    space.add("Guide", "<p>Read me.</p>")
    scheme, _, netloc = gateway.server.url.partition("://")
    netloc = netloc.partition("/")[0]
    for trick in TRICKS:
        address = trick.format(scheme=scheme, netloc=netloc, host=netloc.partition(":")[0])
        answer = gateway.ask("confluence/page", url=address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_payload"), address
    assert gateway.catalog.sources("default") == []
    assert gateway.client.get("/v1/jobs").json() == {"jobs": []}


def test_a_page_that_is_not_there_is_not_found_and_adds_nothing(gateway: Gateway) -> None:
    gateway.server.space("ENG", "Engineering")
    answer = gateway.ask("confluence/page", url=f"{gateway.server.url}/pages/viewpage.action?pageId=999999")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "source_not_found")
    assert gateway.catalog.sources("default") == []


@pytest.mark.parametrize(
    "url",
    ["/srv/git/x.git", "file:///srv/git/x.git", "~/x", "x", "https://127.0.0.1/org/repo", "https://localhost/org/repo",
     "https://[::1]/org/repo", "https://[::ffff:10.0.0.1]/org/repo", "https://10.1.2.3/org/repo",
     "https://169.254.169.254/latest/meta-data", "https://2130706433/org/repo", "https://0x7f.1/org/repo",
     "https://0/org/repo", "git@127.0.0.1:org/repo", "ssh://git@192.168.1.1/org/repo", "ext::sh -c id",
     "http://93.184.216.34/org/repo", "https://user:secret@github.com/org/repo", "--upload-pack=id",
     "https://there.is.no.such.host.invalid/org/repo", "https://[64:ff9b::a00:1]/org/repo",
     "https://[fe80::1]/org/repo", "https://[2002:7f00:1::]/org/repo", "git://github.com/org/repo"],
)  # fmt: skip
def test_no_stranger_sends_us_to_folders_or_private_networks(gateway: Gateway, url: str) -> None:
    answer = gateway.ask("git/repository", url=url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_payload")
    assert "secret" not in answer.text
    assert gateway.catalog.sources("default") == []


def test_a_known_repository_is_looked_at_in_any_form_of_its_address(gateway: Gateway) -> None:
    gateway.catalog.add_source(ROCKET, Repository(url="https://github.com/acme/rocket").dump())
    for url in ("https://github.com/acme/rocket.git", "git@github.com:acme/rocket.git"):
        answer = gateway.ask("git/repository", url=url)
        assert answer.status_code == 202
        assert (str(ROCKET), "", answer.json()["job_id"]) in gateway.hints()
    assert gateway.ask("git/repository", url="https://github.com/acme/rocket", branch="a..b").status_code == 422
    assert gateway.ask("git/repository", url="https://github.com/acme/rocket", more=1).status_code == 422


def test_reloads_are_jobs_one_a_source(gateway: Gateway) -> None:
    keys = [SourceKey("default", "confluence", name) for name in ("ENG", "DOCS")]
    for key in keys:
        gateway.catalog.add_source(key, SourceConfig(gateway.server.url, key.name).dump())
    gateway.catalog.add_source(ROCKET, Repository(url="https://github.com/acme/rocket").dump())
    one = gateway.ask("confluence/reload", datasource_id=str(keys[0]))
    assert one.status_code == 202
    all_ = gateway.ask("confluence/reload-all")
    assert all_.status_code == 202
    jobs = [one.json()["job_id"], *(job["job_id"] for job in all_.json()["jobs"])]
    assert {hint[::2] for hint in gateway.hints()} == {
        (str(keys[0]), jobs[0]),
        *((str(key), job) for key, job in zip(sorted(keys), jobs[1:], strict=True)),
    }
    assert len(gateway.client.get("/v1/jobs", params={"source": str(keys[1])}).json()["jobs"]) == 1
    assert gateway.ask("confluence/reload", datasource_id="nowhere").status_code == 404
    assert gateway.ask("confluence/reload", datasource_id=str(ROCKET)).status_code == 404
    assert gateway.ask("nowhere/reload-all").status_code == 404


# --- jobs ---


@pytest.fixture
def catalog(gateway: Gateway) -> Catalog:
    gateway.catalog.add_source(ENG, SourceConfig(gateway.server.url, "ENG").dump())
    return gateway.catalog


def test_a_job_that_nobody_works_on_is_terminated_at_once(gateway: Gateway, catalog: Catalog) -> None:
    job_id = gateway.ask("confluence/reload", datasource_id=str(ENG)).json()["job_id"]
    stopped = gateway.client.post(f"/v1/jobs/{job_id}/terminate")
    assert (stopped.status_code, stopped.json()["status"]) == (202, "TERMINATED")
    assert gateway.hints() == set()
    assert catalog.claims.claim("default", 60) == []


def test_a_job_that_somebody_works_on_is_asked_to_stop(gateway: Gateway, catalog: Catalog) -> None:
    job_id = gateway.ask("confluence/reload", datasource_id=str(ENG)).json()["job_id"]
    (claim,) = catalog.claims.claim("default", 60)
    catalog.jobs.start([job_id], "run-1")
    asked = gateway.client.post(f"/v1/jobs/{job_id}/terminate").json()
    assert (asked["status"], asked["terminating"], asked["run_id"]) == ("IN_PROGRESS", True, "run-1")
    assert catalog.jobs.advance([job_id], total=10, progress=4, failed=1)  # which tells the run
    catalog.jobs.finish([job_id], JobStatus.TERMINATED)
    ended = gateway.client.post(f"/v1/jobs/{job_id}/terminate").json()
    assert (ended["status"], ended["terminating"], ended["progress_counter"]) == ("TERMINATED", False, 4)
    assert claim.jobs == (job_id,)


def test_an_unknown_job_is_not_found(gateway: Gateway) -> None:
    for answer in (gateway.client.get("/v1/jobs/x"), gateway.client.post("/v1/jobs/x/terminate")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")


def test_jobs_survive_a_restart(tmp_path: Path) -> None:
    settings = load(GatewaySettings, home=tmp_path, gateway_port=0)
    with Catalog(settings.catalog_url) as catalog:
        catalog.add_source(ROCKET, Repository(url="https://github.com/acme/rocket").dump())
    with serving(settings) as address:
        answer = httpx.post(f"{address}/v1/ingest/git/reload", json={"datasource_id": str(ROCKET)})
        job_id = answer.json()["job_id"]
    with serving(settings) as address:
        job = httpx.get(f"{address}/v1/jobs/{job_id}").json()
        events = httpx.get(f"{address}/v1/events", params={"job_id": job_id}).json()["events"]
    assert (job["status"], job["source"]) == ("PENDING", str(ROCKET))
    assert [event["state"] for event in events] == ["pending"]


# --- freshness ---


def test_what_is_stale_is_listed_in_pages_and_by_reason(gateway: Gateway, catalog: Catalog) -> None:
    assert [item["reason"] for item in stale(gateway)["documents"]] == ["never_synced"]
    hints = [ChangeHint("confluence", ENG, str(number), "page_updated", "8") for number in range(1, 6)]
    catalog.events.record([EventBatch("default", Origin.WEBHOOK, hints)])
    assert stale(gateway)["total"] == 1  # until a first sync the source counts, and none of its documents
    catalog.finish_sync(catalog.start_sync(ENG, SyncMode.FULL))
    found = stale(gateway)
    assert found["total"] == 5
    first = found["documents"][0]
    assert (first["source"], first["upstream_version"], first["served_version"]) == (str(ENG), "8", "")
    assert first["detail"] == "page_updated (webhook) was not applied yet."
    pages = [stale(gateway, limit=2, offset=offset)["documents"] for offset in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [item for page in pages for item in page] == found["documents"]
    assert stale(gateway, reason="failed")["total"] == 0
    assert stale(gateway, reason="never_synced", source=str(ENG))["total"] == 5
    assert gateway.client.get("/v1/documents/stale", params={"source": "nowhere"}).status_code == 404
    source = gateway.client.get(f"/v1/datasources/{ENG}").json()
    assert (source["stale"], source["waiting_events"], source["dead_events"]) == (5, 5, 0)
    assert source["last_event_at"] is not None


def stale(gateway: Gateway, **query: Any) -> Any:
    return gateway.client.get("/v1/documents/stale", params=query).json()


def test_dead_events_are_seen_and_tried_again(gateway: Gateway, catalog: Catalog) -> None:
    catalog.events.record([EventBatch("default", Origin.WEBHOOK, [ChangeHint("confluence", ENG, "1", "page_updated")])])
    (claim,) = catalog.claims.claim("default", 60)
    catalog.claims.settle(claim.claim_id, {"1": "No title."}, Retry(attempts=1))
    listed = gateway.client.get("/v1/events", params={"state": "dead", "source": str(ENG)}).json()
    assert [(event["document_id"], event["reason"]) for event in listed["events"]] == [("1", "No title.")]
    assert listed["counts"]["dead"] == 1
    assert gateway.client.get("/v1/datasources").json()["datasources"][0]["dead_events"] == 1
    assert gateway.client.post("/v1/events/retry", json={"event_ids": [10**6]}).json() == {"retried": 0}
    assert gateway.client.post("/v1/events/retry", json={"event_ids": [2**63]}).status_code == 422
    assert gateway.client.post("/v1/events/retry", json={"source": str(ENG)}).json() == {"retried": 1}
    assert len(catalog.claims.claim("default", 60)) == 1
