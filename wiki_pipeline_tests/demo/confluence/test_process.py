"""The server as its own process, driven over its control address."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from wiki_pipeline.demo.confluence.control import RemoteServer, server_process


@pytest.fixture(scope="module")
def remote() -> Iterator[RemoteServer]:
    """One process for all tests here; each takes a page or a space of its own."""
    with server_process("--handbook", "--generated", "GEN:30", "--flavour", "datacenter", "--latency", "1") as remote:
        yield remote


def content(remote: RemoteServer, page_id: str) -> httpx.Response:
    """A page as clients see it."""
    return httpx.get(f"{remote.url}/rest/api/content/{page_id}", params={"expand": "body.storage,version"})


def test_the_command_serves_what_it_was_told(remote: RemoteServer) -> None:
    pages = remote.state()["pages"]
    assert pages["GEN"] == 30
    assert pages["HANDBOOK"] >= 40
    listed = httpx.get(f"{remote.url}/rest/api/content", params={"spaceKey": "GEN", "limit": 50}).json()
    assert listed["size"] == 30


def test_pages_are_made_and_changed_from_outside(remote: RemoteServer) -> None:
    parent = remote.do("spaces/NEW/pages", title="Top", body="<p>1</p>")["id"]
    child = remote.do("spaces/NEW/pages", title="Child", parent=parent, when="2026-01-02T03:04:05+00:00")["id"]
    assert remote.do(f"pages/{parent}/edit", body="<p>2</p>", author="Grace Hopper")["version"] == 2
    found = content(remote, parent).json()
    assert found["body"]["storage"]["value"] == "<p>2</p>"
    assert found["version"]["by"]["displayName"] == "Grace Hopper"
    remote.do(f"pages/{child}/move", parent=None)
    remote.do(f"pages/{child}/label", names=["a", "b"])
    remote.do(f"pages/{child}/attach", filename="a.txt", data="aGk=", media_type="text/plain")
    assert remote.do(f"pages/{child}/trash")["status"] == "trashed"
    assert content(remote, child).status_code == 404
    remote.do(f"pages/{child}/restore")
    assert content(remote, child).json()["version"]["when"].startswith("2026-01-02T03:04:05")
    remote.do(f"pages/{child}/purge")
    assert content(remote, child).status_code == 404


def test_faults_are_ordered_and_taken_back_from_outside(remote: RemoteServer) -> None:
    remote.do("faults", path="*/space/GEN*", effect="rate_limited", arguments={"retry_after": 2}, times=None)
    answer = httpx.get(f"{remote.url}/rest/api/space/GEN")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert {"path": "*/space/GEN*", "struck": 1} in remote.state()["faults"]
    remote.do("faults", "DELETE")
    assert httpx.get(f"{remote.url}/rest/api/space/GEN").status_code == 200


def test_what_clients_did_wrong_is_told(remote: RemoteServer) -> None:
    remote.do("state", "DELETE")
    httpx.get(f"{remote.url}/rest/api/content?spacekey=GEN")
    state = remote.state()
    assert "spacekey" in state["violations"][0]
    assert state["requests"] == 1
    remote.do("state", "DELETE")
    assert remote.state()["violations"] == []


@pytest.mark.parametrize("path", ["pages/1000/explode", "pages/99/edit", "pages/1000/edit", "nothing"])
def test_what_can_t_be_done_is_refused(remote: RemoteServer, path: str) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        remote.do(path, nonsense=1)


def test_latency_and_accounts_can_be_set() -> None:
    with server_process("--generated", "GEN:2") as remote:
        remote.do("latency", seconds=0.01)
        remote.do("accounts", name="me", secret="token")
        assert httpx.get(f"{remote.url}/api/v2/spaces").status_code == 401
        assert httpx.get(f"{remote.url}/api/v2/spaces", auth=("me", "token")).json()["results"][0]["key"] == "GEN"
    with pytest.raises(httpx.ConnectError):
        httpx.get(remote.url)


def test_a_wrong_command_line_is_told() -> None:
    with pytest.raises(RuntimeError, match="ended with 2"), server_process("--generated", "GEN"):
        pytest.fail("it must not start")
