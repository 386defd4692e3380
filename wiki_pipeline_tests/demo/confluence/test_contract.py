"""What no right client sends is refused and recorded."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline_tests.demo.confluence.conftest import Api

WRONG_V1 = [
    ("/rest/api/content?spacekey=ENG", 400, "unknown query parameter 'spacekey'"),
    ("/rest/api/content?expand=lastUpdated", 400, "there is no expansion 'lastUpdated'"),
    ("/rest/api/content?expand=body.storage,versions", 400, "there is no expansion 'versions'"),
    ("/rest/api/content?expand=ancestors.bodies", 400, "there is no expansion 'ancestors.bodies'"),
    ("/rest/api/content?limit=all", 400, "limit"),
    ("/rest/api/content?start=-1", 400, "start"),
    ("/rest/api/content?type=pages", 400, "must be one of page, blogpost"),
    ("/rest/api/content?status=alive", 400, "must be one of current"),
    ("/rest/api/content/search?cql=status=current", 400, "there is no field 'status'"),
    ("/rest/api/content/search", 400, "Could not parse cql"),
    ("/rest/api/pages", 404, "no such path in this API"),
    ("/rest/api/user", 400, "a user is asked for by"),
    ("/rest/api/space?expand=body.storage", 400, "there is no expansion 'body.storage'"),
]
WRONG_V2 = [
    ("/api/v2/pages?space-key=ENG", 400, "unknown query parameter 'space-key'"),
    ("/api/v2/pages?expand=version", 400, "unknown query parameter 'expand'"),
    ("/api/v2/pages?limit=251", 400, "must be between 1 and 250"),
    ("/api/v2/pages?limit=0", 400, "must be between 1 and 250"),
    ("/api/v2/pages?start=25", 400, "unknown query parameter 'start'"),
    ("/api/v2/pages?body-format=html", 400, "must be one of storage"),
    ("/api/v2/pages?status=any", 400, "must be one of current"),
    ("/api/v2/pages?id=abc", 400, "must be numeric ids"),
    ("/api/v2/pages?cursor=made-up", 400, "cursor"),
    ("/api/v2/pages?sort=name", 400, "must be one of id"),
    ("/api/v2/content", 404, "no such path in this API"),
]


@pytest.mark.parametrize(("address", "status", "problem"), WRONG_V1)
def test_v1_refuses_and_records(api: Api, address: str, status: int, problem: str) -> None:
    answer = api.http.get(api.server.url + address)
    assert answer.status_code == status
    assert problem in answer.json()["message"]
    assert len(api.server.violations) == 1
    assert problem in api.server.violations[0]


@pytest.mark.parametrize(("address", "status", "problem"), WRONG_V2)
def test_v2_refuses_and_records(cloud: Api, address: str, status: int, problem: str) -> None:
    answer = cloud.http.get(cloud.server.url + address)
    assert answer.status_code == status
    assert problem in answer.json()["errors"][0]["detail"]
    assert len(cloud.server.violations) == 1


def test_a_context_path_that_is_doubled_or_lost_is_recorded(cloud: Api) -> None:
    assert cloud.http.get(cloud.server.origin + "/wiki/wiki/api/v2/pages").status_code == 404
    assert cloud.http.get(cloud.server.origin + "/rest/api/content").status_code == 404
    assert cloud.http.get(cloud.server.url + "//rest/api/content").status_code == 404
    assert [violation.split(": ")[1] for violation in cloud.server.violations] == [
        "the context path is doubled",
        "the context path is missing",
        "nothing lives at this address",
    ]


def test_a_cursor_is_good_for_its_own_list_only(cloud: Api) -> None:
    space, other = cloud.server.space("ENG"), cloud.server.space("OTHER")
    first = cloud.json(f"/api/v2/spaces/{space.id}/pages", limit=2, status="current")
    cursor = httpx.URL(first["_links"]["next"]).params["cursor"]
    assert cloud.get(f"/api/v2/spaces/{space.id}/pages", limit=5, status="current", cursor=cursor).status_code == 200
    assert cloud.get(f"/api/v2/spaces/{space.id}/pages", limit=2, cursor=cursor).status_code == 400
    assert cloud.get(f"/api/v2/spaces/{other.id}/pages", status="current", cursor=cursor).status_code == 400
    assert len(cloud.server.violations) == 2


def test_json_must_be_acceptable(api: Api) -> None:
    answer = api.http.get(api.server.url + "/rest/api/space", headers={"Accept": "text/html"})
    assert answer.status_code == 406
    assert "Accept" in api.server.violations[0]


def test_only_reading_is_allowed(api: Api) -> None:
    assert api.http.post(api.server.url + "/rest/api/content", json={}).status_code == 405
    assert "POST is not allowed" in api.server.violations[0]


def test_an_authorization_that_can_t_be_read_is_recorded(api: Api) -> None:
    api.server.allow(name="me", secret="token")
    answer = api.http.get(api.server.url + "/rest/api/space", headers={"Authorization": "Basic me:token"})
    assert answer.status_code == 401
    assert "Authorization" in api.server.violations[0]


def test_requests_are_recorded_with_their_parameters(api: Api) -> None:
    api.get("/rest/api/content", spaceKey="ENG", limit=3)
    api.get("/rest/api/content/1")
    first, second = api.server.requests
    assert first.path == api.server.world.context + "/rest/api/content"
    assert (first.get("limit"), first.get("start"), first.status) == ("3", None, 200)
    assert second.status == 404
    api.server.forget_requests()
    assert api.server.requests == []


@pytest.mark.parametrize("bound", [1, 3, 8])
def test_the_greatest_number_of_requests_at_once_is_counted(bound: int) -> None:
    async def ask(server: ConfluenceServer) -> None:
        gate = asyncio.Semaphore(bound)
        async with httpx.AsyncClient() as client:

            async def one() -> None:
                async with gate:
                    await client.get(server.url + "/api/v2/spaces")

            await asyncio.gather(*(one() for _ in range(bound * 3)))

    with ConfluenceServer(latency=0.05) as server:
        asyncio.run(ask(server))
        assert server.max_in_flight == bound
