"""Faults do what was ordered, to whom it was ordered, as often as it was ordered."""

from __future__ import annotations

import json
import time

import httpx
import orjson
import pytest

from wiki_pipeline.demo import faults
from wiki_pipeline.demo.faults import EFFECTS, Fault, fault_from_json
from wiki_pipeline_tests.demo.confluence.conftest import Api


def statuses(api: Api, times: int, path: str = "/rest/api/content") -> list[int]:
    """Status of the same request, asked several times."""
    return [api.get(path, spaceKey="ENG").status_code for _ in range(times)]


def test_a_fault_strikes_as_often_as_ordered(api: Api) -> None:
    fault = api.server.fault("*/content?*", faults.rate_limited(retry_after=3), times=2)
    assert statuses(api, 4) == [429, 429, 200, 200]
    assert fault.struck == 2
    assert api.server.violations == []


def test_a_fault_may_let_some_requests_pass_first(api: Api) -> None:
    api.server.fault("*/content?*", faults.status(502), after=2)
    assert statuses(api, 5) == [200, 200, 502, 200, 200]


def test_a_fault_may_never_end_until_it_is_healed(api: Api) -> None:
    api.server.fault("*/content?*", faults.status(503, retry_after=1), times=None)
    assert statuses(api, 3) == [503, 503, 503]
    api.server.heal()
    assert statuses(api, 1) == [200]


def test_a_fault_meets_only_its_path(api: Api) -> None:
    api.server.fault("*limit=50*", faults.status(500), times=None)
    assert api.get("/rest/api/content", spaceKey="ENG", limit=50).status_code == 500
    assert api.get("/rest/api/content", spaceKey="ENG", limit=49).status_code == 200


def test_chance_is_the_same_for_the_same_seed() -> None:
    def draws(seed: int) -> list[bool]:
        fault = Fault("*", faults.status(500), times=None, probability=0.3, seed=seed)
        return [fault.strikes("/x") for _ in range(200)]

    assert draws(1) == draws(1) != draws(2)
    assert 30 < sum(draws(1)) < 90


@pytest.mark.parametrize("retry_after", [None, 0, 7, "99999", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_rate_limits_come_with_and_without_retry_after(api: Api, retry_after: str | int | None) -> None:
    api.server.fault("*", faults.rate_limited(retry_after))
    answer = api.get("/rest/api/space")
    assert answer.status_code == 429
    assert answer.headers.get("retry-after") == (None if retry_after is None else str(retry_after))


def test_data_center_sends_its_rate_limit_with_every_answer(cloud: Api, datacenter: Api) -> None:
    headers = datacenter.get("/rest/api/space").headers
    assert headers["retry-after"] == "0"
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-fillrate"} <= headers.keys()
    assert "retry-after" not in cloud.get("/rest/api/space").headers


def test_errors_come_as_a_proxy_s_page_or_as_json(api: Api) -> None:
    api.server.fault("*", faults.status(502))
    assert "<h1>502</h1>" in api.get("/rest/api/space").text
    api.server.fault("*", faults.status(500, '{"message": "boom"}'))
    assert api.get("/rest/api/space").json() == {"message": "boom"}


def test_a_login_page_comes_with_200(api: Api) -> None:
    api.server.fault("*", faults.login_page())
    answer = api.get("/rest/api/space")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "Single Sign-On" in answer.text


def test_json_may_be_cut_short_by_an_honest_length(api: Api) -> None:
    api.server.fault("*", faults.malformed_json(keep=40))
    answer = api.get("/rest/api/space")
    assert len(answer.content) == 40
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_connections_drop_before_and_within_an_answer(api: Api) -> None:
    api.server.fault("*", faults.dropped())
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.get("/rest/api/space")
    api.server.fault("*", faults.dropped(after_bytes=20))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.get("/rest/api/space")
    assert api.get("/rest/api/space").status_code == 200


def test_bodies_can_be_slow_and_answers_late(api: Api) -> None:
    api.server.fault("*", faults.slow_body(pause=0.02))
    begin = time.monotonic()
    assert api.json("/rest/api/content", spaceKey="ENG")["size"] == 14
    assert time.monotonic() - begin >= 0.2
    api.server.fault("*", faults.late(0.1))
    begin = time.monotonic()
    assert api.get("/rest/api/space").status_code == 200
    assert time.monotonic() - begin >= 0.1


def test_latency_is_added_to_every_answer(api: Api) -> None:
    api.server.app.latency = 0.05
    begin = time.monotonic()
    statuses(api, 2)
    assert time.monotonic() - begin >= 0.1


def test_a_capped_limit_makes_short_pages_that_are_not_the_last(api: Api) -> None:
    api.server.fault("*/content?*", faults.capped(4), times=None)
    answer = api.json("/rest/api/content", spaceKey="ENG", limit=10)
    assert (answer["size"], answer["limit"]) == (4, 4)
    assert api.follow(answer["_links"]["base"] + answer["_links"]["next"])["start"] == 4


def test_next_may_be_missing_though_there_is_more(api: Api) -> None:
    api.server.fault("*/content?*", faults.missing_next(), times=None)
    answer = api.json("/rest/api/content", spaceKey="ENG", limit=10)
    assert answer["size"] == 10
    assert "next" not in answer["_links"]
    assert api.json("/rest/api/content", spaceKey="ENG", limit=10, start=10)["size"] == 4


def test_v2_s_link_header_outlives_a_missing_next(cloud: Api) -> None:
    cloud.server.fault("*/pages?*", faults.missing_next())
    answer = cloud.get("/api/v2/pages", limit=10)
    assert "next" not in answer.json()["_links"]
    assert 'rel="next"' in answer.headers["link"]


def test_next_may_lead_to_empty_lists_for_ever(cloud: Api) -> None:
    cloud.server.fault("*/pages?*", faults.endless_next(), times=None)
    answer = cloud.json("/api/v2/pages", limit=10)
    sizes = []
    for _ in range(4):
        sizes.append(len(answer["results"]))
        answer = cloud.follow(cloud.server.origin + answer["_links"]["next"])
    assert sizes == [10, 4, 0, 0]
    assert cloud.server.violations == []


def test_a_page_in_the_middle_may_be_empty(api: Api) -> None:
    api.server.fault("*/content?*", faults.empty_results(), after=1)
    first = api.json("/rest/api/content", spaceKey="ENG", limit=5)
    second = api.follow(first["_links"]["base"] + first["_links"]["next"])
    assert (second["results"], second["size"]) == ([], 0)
    assert "next" in second["_links"]


def test_every_effect_can_be_ordered_as_json() -> None:
    arguments = {
        "status": {"code": 500},
        "slow_body": {"pause": 1},
        "late": {"seconds": 1},
        "capped": {"limit": 5},
        "hidden_after_the_cut": {"prefix": "x"},
    }
    for name in EFFECTS:
        order = {"path": "*", "effect": name, "arguments": arguments.get(name, {}), "times": 3, "probability": 0.5}
        fault = fault_from_json(orjson.loads(orjson.dumps(order)))
        assert (fault.times, fault.probability) == (3, 0.5)
