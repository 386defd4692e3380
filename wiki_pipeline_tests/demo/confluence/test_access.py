"""Who may call, who may see, and at which address."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest
import trustme

from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.demo.confluence.app import CLOUD_ID
from wiki_pipeline_tests.demo.confluence.conftest import Api


def test_basic_and_bearer_credentials_open_a_closed_site(api: Api) -> None:
    api.server.allow(name="me@example.org", secret="token", user="Grace Hopper")
    api.server.allow(secret="personal", user="Alan Turing")
    path = api.server.url + "/rest/api/user/current"
    assert httpx.get(path).status_code == 401
    assert httpx.get(path, auth=("me@example.org", "wrong")).status_code == 401
    assert httpx.get(path, auth=("me@example.org", "token")).json()["displayName"] == "Grace Hopper"
    bearer = {"Authorization": "Bearer personal"}
    assert httpx.get(path, headers=bearer).json()["displayName"] == "Alan Turing"
    assert httpx.get(path, headers={"Authorization": "Bearer token"}).status_code == 401
    assert api.server.violations == [], "wrong credentials are a person's mistake, not the client's"


def test_each_flavour_refuses_in_its_own_words(cloud: Api, datacenter: Api) -> None:
    for api in (cloud, datacenter):
        api.server.allow(name="me", secret="token")
    tomcat = datacenter.get("/rest/api/space")
    assert tomcat.headers["x-seraph-loginreason"] == "AUTHENTICATED_FAILED"
    assert "HTTP Status 401" in tomcat.text
    assert "Basic authentication with passwords is deprecated" in cloud.get("/rest/api/space").text
    assert cloud.get("/api/v2/spaces").json()["errors"][0]["code"] == "UNAUTHORIZED"


def test_people_without_permission_are_forbidden(cloud: Api) -> None:
    cloud.server.allow(name="me", secret="token", permitted=False)
    cloud.http.auth = ("me", "token")
    v1 = cloud.get("/rest/api/space")
    assert v1.status_code == 403
    assert v1.json()["data"]["authorized"] is False
    v2 = cloud.get("/api/v2/spaces")
    assert (v2.status_code, v2.json()["errors"][0]["code"]) == (403, "FORBIDDEN")


def test_scoped_tokens_work_at_the_gateway_only(cloud: Api) -> None:
    cloud.server.allow(name="me", secret="scoped", scoped=True)
    cloud_id = cloud.http.get(cloud.server.origin + "/_edge/tenant_info").json()["cloudId"]
    assert cloud_id == CLOUD_ID
    assert cloud.server.gateway_url == f"{cloud.server.origin}/ex/confluence/{cloud_id}/wiki"
    cloud.http.auth = ("me", "scoped")
    answer = cloud.http.get(cloud.server.gateway_url + "/api/v2/spaces", params={"limit": 1})
    assert answer.status_code == 200
    assert cloud.server.violations == []
    assert cloud.get("/api/v2/spaces").status_code == 401
    assert "scoped token" in cloud.server.violations[0]


def test_the_gateway_s_next_links_lack_its_prefix(cloud: Api) -> None:
    space = cloud.server.space("ENG")
    v2 = cloud.http.get(f"{cloud.server.gateway_url}/api/v2/spaces/{space.id}/pages", params={"limit": 1}).json()
    assert v2["_links"]["next"].startswith("/wiki/api/v2/")
    v1 = cloud.http.get(f"{cloud.server.gateway_url}/rest/api/content", params={"limit": 1}).json()
    assert v1["_links"]["base"] == cloud.server.url, "the site's own address, where scoped tokens are refused"


def test_oauth_finds_v1_contents_gone_but_search_still_there(cloud: Api) -> None:
    cloud.server.allow(secret="oauth", scoped=True)
    cloud.http.headers["Authorization"] = "Bearer oauth"
    page = cloud.server.space("ENG").page("Home")
    for path in ("/content", f"/content/{page.id}", f"/content/{page.id}/child/page", f"/content/{page.id}/label"):
        assert cloud.http.get(f"{cloud.server.gateway_url}/rest/api{path}").status_code == 410
    for path in ("/content/search?cql=space=ENG", f"/content/{page.id}/restriction/byOperation"):
        assert cloud.http.get(f"{cloud.server.gateway_url}/rest/api{path}").status_code == 200
    assert cloud.http.get(f"{cloud.server.gateway_url}/api/v2/pages/{page.id}").status_code == 200


def test_basic_still_finds_v1_contents(cloud: Api) -> None:
    cloud.server.allow(name="me", secret="token")
    cloud.http.auth = ("me", "token")
    assert cloud.get("/rest/api/content", limit=1).status_code == 200


def test_data_center_takes_bearer_tokens_for_everything(datacenter: Api) -> None:
    datacenter.server.allow(secret="pat")
    datacenter.http.headers["Authorization"] = "Bearer pat"
    assert datacenter.json("/rest/api/content", spaceKey="ENG")["size"] == 14
    assert datacenter.http.get(datacenter.server.origin + "/_edge/tenant_info").status_code == 404


def test_read_restrictions_hold_for_all_that_is_below(api: Api) -> None:
    server = api.server
    server.allow(name="ada", secret="a", user="Ada Lovelace")
    server.allow(name="alan", secret="b", user="Alan Turing")
    server.allow(name="grace", secret="c", user="Grace Hopper")
    server.world.groups["Alan Turing"] = ("engineers",)
    space = server.space("ENG")
    space.page("Runbook 3").restrict(read=["Ada Lovelace"], read_groups=["engineers"])
    space.page("Deep").restrict(read=["Ada Lovelace", "Grace Hopper"])

    def titles(name: str, secret: str) -> set[str]:
        answer = httpx.get(
            f"{server.url}/rest/api/content", params={"spaceKey": "ENG", "limit": 100}, auth=(name, secret)
        )
        return {item["title"] for item in answer.json()["results"]}

    assert {"Runbook 3", "Deep"} <= titles("ada", "a")
    assert titles("ada", "a") - titles("alan", "b") == {"Deep"}
    assert titles("ada", "a") - titles("grace", "c") == {"Runbook 3", "Deep"}
    hidden = httpx.get(f"{server.url}/rest/api/content/{space.page('Deep').id}", auth=("grace", "c"))
    assert hidden.status_code == 404, "not found also means: not for you"


@pytest.mark.parametrize("context", ["", "/confluence", "/deep/wiki"])
def test_a_context_path_is_part_of_every_address(http: httpx.Client, context: str) -> None:
    with ConfluenceServer("datacenter", context=context) as server:
        space = server.space("ENG")
        for number in range(3):
            space.add(f"Page {number}")
        api = Api(server, http)
        assert server.url == server.origin + context
        answer = api.json("/rest/api/content", spaceKey="ENG", limit=2)
        assert answer["_links"]["context"] == context
        assert api.follow(answer["_links"]["base"] + answer["_links"]["next"])["size"] == 1
        assert server.violations == []


def test_https_is_served_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with ConfluenceServer(certificate=(tmp_path / "cert.pem", tmp_path / "key.pem")) as server:
        assert server.url.startswith("https://")
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(server.url + "/api/v2/spaces")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        assert httpx.get(server.url + "/api/v2/spaces", verify=trusting).json()["results"] == []
