"""The MCP server as agents meet it: the SDK's own client over HTTP, of the stateless protocol and of the older ones."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ResourceTemplateReference, TextContent, TextResourceContents

from wiki_pipeline.access import Action, How, Principal, Scope
from wiki_pipeline.errors import SourceNotFoundError
from wiki_pipeline.gateway.mcp import freshness, resources, search
from wiki_pipeline.gateway.mcp.reading import Asker
from wiki_pipeline.gateway.services import open_services
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import bring, serving
from wiki_pipeline_tests.gateway.documents import COMMIT, REPOSITORY, SPACE, page

T = TypeVar("T")
MODES = ["2026-07-28", "auto", "legacy"]
TOOLS = ["search", "fetch", "search_passages", "ask", "research", "list_sources", "freshness"]
GUIDE = f"wiki://{SPACE.slug}/110"


def ask(address: str, work: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    """What a client is told that connects, does the work and leaves."""

    async def connected() -> T | MCPError:
        async with Client(f"{address}/mcp", mode=mode, read_timeout_seconds=60) as client:
            try:
                return await work(client)
            except MCPError as error:  # raised in here, it would come out as a group of groups
                return error

    outcome = asyncio.run(connected())
    if isinstance(outcome, MCPError):
        raise outcome
    return outcome


def call(address: str, tool: str, protocol: str = "auto", **arguments: Any) -> dict[str, Any]:
    """The answer of a tool; it is the same as structured content and as text."""
    result = ask(address, lambda client: client.call_tool(tool, arguments), protocol)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    assert json.loads(text_of(result)) == result.structured_content
    return result.structured_content


def refusal(address: str, tool: str, **arguments: Any) -> str:
    """What a tool says that could not answer."""
    result = ask(address, lambda client: client.call_tool(tool, arguments))
    assert result.is_error
    return text_of(result)


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


# --- the protocol ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_agents_of_every_protocol_find_the_same_tools_at_one_address(address: str, mode: str) -> None:
    listed = ask(address, lambda client: client.list_tools(), mode)
    assert [tool.name for tool in listed.tools] == TOOLS
    for tool in listed.tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.annotations.idempotent_hint
        assert tool.description
        assert tool.output_schema is not None
    assert call(address, "search", mode, query="who is called at night")["results"]


def test_the_contract_of_search_and_fetch_is_one_text_in(address: str) -> None:
    listed = ask(address, lambda client: client.list_tools())
    schemas = {tool.name: tool.input_schema for tool in listed.tools}
    assert schemas["search"]["required"] == ["query"]
    assert list(schemas["search"]["properties"]) == ["query"]
    assert list(schemas["fetch"]["properties"]) == ["id"]


def test_a_call_without_a_handshake_is_answered(client: httpx.Client) -> None:
    headers = {"accept": "application/json, text/event-stream"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = client.post("/mcp", json=asked, headers=headers)
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers
    assert [tool["name"] for tool in answer.json()["result"]["tools"]] == TOOLS


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "PUT"])
def test_nothing_is_said_unasked_and_no_session_is_kept(client: httpx.Client, method: str) -> None:
    answer = client.request(method, "/mcp", headers={"accept": "text/event-stream"})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"not json", 400), (b"[]", 400), (b"{}", 400), (b'"a"', 400), (b"[" * 50_000, 400)],
)
@pytest.mark.parametrize("version", ["2026-07-28", "2025-06-18", None])
def test_bodies_that_are_no_requests_are_refused(
    client: httpx.Client, body: bytes, status: int, version: str | None
) -> None:
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    headers |= {"mcp-protocol-version": version} if version else {}
    answer = client.post("/mcp", content=body, headers=headers)
    assert answer.status_code in {status, 202}  # a notification of a sort, to some
    assert "Traceback" not in answer.text


def test_requests_are_held_to_the_limits_of_the_others(client: httpx.Client) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"cursor": "x" * 2_000_000}}
    assert client.post("/mcp", json=asked).status_code == 413
    foreign = client.post("/mcp", json={}, headers={"host": "evil.example"})
    assert (foreign.status_code, foreign.json()["error"]["code"]) == (421, "unknown_host")
    crossing = client.post("/mcp", json={}, headers={"origin": "https://evil.example"})
    assert (crossing.status_code, crossing.json()["error"]["code"]) == (403, "cross_site")


def test_wrong_calls_are_told_what_is_wrong(address: str) -> None:
    assert "query" in refusal(address, "search", query="")
    assert "limit" in refusal(address, "search_passages", query="x", limit=1_000_000)
    assert "nowhere" in refusal(address, "search_passages", query="x", sources=["nowhere"])
    assert "surprise" in refusal(address, "search", query="x", surprise=1)
    assert "secret-value" not in refusal(address, "search", query=["secret-value"])
    with pytest.raises(MCPError, match="no tool"):
        ask(address, lambda client: client.call_tool("delete_everything", {}))


# --- search and fetch --------------------------------------------------------------------------------------------


def test_search_gives_what_fetch_takes_and_people_can_open(address: str, client: httpx.Client) -> None:
    first = call(address, "search", query="who is called when a station goes silent")["results"][0]
    assert first["id"] == f"{GUIDE}?version=7"
    assert first["title"]
    assert "station" in first["text"]
    assert first["source"] == "Engineering"
    assert first["url"].startswith(f"{address}/wiki/{SPACE.slug}/110/")
    assert client.get(first["url"].removeprefix(address)).status_code == 200
    page = call(address, "fetch", id=first["id"])
    assert page["id"] == first["id"]
    assert "station" in page["text"]
    assert page["url"].startswith(f"{address}/wiki/{SPACE.slug}/110/")
    facts = page["metadata"]
    assert (facts["version"], facts["author"], facts["sections"]) == ("7", "Ana Ruiz", 1)
    assert facts["modified"] == "2026-10-03T08:30:00+00:00"
    assert facts["original"].startswith("https://acme.atlassian.net/wiki/")
    assert (facts["continues"], facts["contents"], facts["note"]) == (None, [], "")


def test_a_page_is_read_by_its_address_in_the_wiki_too(address: str) -> None:
    for name in (f"{address}/wiki/{SPACE.slug}/110/old-title", f"/wiki/{SPACE.slug}/110", f"{GUIDE}?section=1"):
        assert call(address, "fetch", id=name)["id"] == f"{GUIDE}?version=7"
    lower = call(address, "fetch", id=GUIDE.replace(SPACE.slug, SPACE.slug.lower()))
    assert lower["id"] == f"{GUIDE}?version=7"


def test_a_file_is_called_by_its_path_and_the_commit_s_first_digits(address: str) -> None:
    found = call(address, "search", query="engine rocket")["results"]
    engine = next(each for each in found if each["id"].startswith(f"wiki://{REPOSITORY.slug}/src/engine.py"))
    assert engine["id"].endswith(f"?version={COMMIT[:12]}")
    page = call(address, "fetch", id=engine["id"])
    assert page["metadata"]["path"] == "src/engine.py"
    assert page["metadata"]["version"] == COMMIT
    assert "```" not in page["text"]


def test_another_version_than_is_there_is_said_to_be_gone(address: str) -> None:
    page = call(address, "fetch", id=f"{GUIDE}?version=3")
    assert page["metadata"]["version"] == "7"
    assert "not kept" in page["metadata"]["note"]


@pytest.mark.parametrize(
    "name",
    [
        "nonsense",
        "wiki://",
        f"wiki://{SPACE.slug}",
        f"wiki://{SPACE.slug}/",
        f"{GUIDE}?section=2",
        f"wiki://{SPACE.slug}/../../etc/passwd",
        f"wiki://{SPACE.slug}/%00",
        "wiki://nowhere/110",
        "https://example.org/page",
        "file:///etc/passwd",
        "wiki://[::1/x",
        f"wiki://{SPACE.slug}/110?section=" + "9" * 500,
    ],
)
def test_ids_of_nothing_are_told_so(address: str, name: str) -> None:
    said = refusal(address, "fetch", id=name) if name.count("9") < 400 else None
    if said is not None:
        assert "Traceback" not in said
        assert any(word in said for word in ("no page", "no source", "not the id", "sections"))
    else:  # a number that is none is the first section's
        assert call(address, "fetch", id=name)["metadata"]["section"] == 1


LONG = page(
    "777",
    "Long runbook",
    "".join(f"<h2>Step {n}</h2><p>{'Turn the valve a little. ' * 60} marker{n}</p>" for n in range(60)),
)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that gives pages in small sections, with one long page."""
    settings = load(GatewaySettings, home=tmp_path_factory.mktemp("small"), gateway_port=0, section_bytes=9_000)
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(SPACE, "{}", "Engineering")
        bring(pipeline, SPACE, [LONG])
    with serving(settings) as address:
        yield address


def test_a_long_page_comes_in_sections_that_put_together_are_the_page(small: str) -> None:
    texts, name, numbers = [], f"wiki://{SPACE.slug}/777", []
    while name:
        part = call(small, "fetch", id=name)
        body, _, hint = part["text"].rpartition("\n\n[Section ")
        assert len(body.encode()) <= 9_000
        facts = part["metadata"]
        numbers.append(facts["section"])
        assert hint.startswith(f"{facts['section']} of {facts['sections']} of this page.")
        texts.append(body)
        name = facts["continues"]
        assert name is None or name in hint
    assert numbers == list(range(1, len(texts) + 1))
    assert len(texts) > 5
    assert all(text.startswith("## Step") for text in texts)
    whole = "\n\n".join(texts)
    assert [f"marker{n}" in whole for n in range(60)] == [True] * 60
    contents = part["metadata"]["contents"]
    assert len(contents) == len(texts)
    assert contents[1]["title"].startswith("Step")
    assert call(small, "fetch", id=contents[1]["id"])["metadata"]["section"] == 2


def test_search_leads_to_the_section_that_holds_the_passage(small: str) -> None:
    found = call(small, "search_passages", query="marker47", mode="text")["passages"][0]
    assert "marker47" in found["text"]
    assert "line=" in found["id"]
    part = call(small, "fetch", id=found["id"])
    assert "marker47" in part["text"]
    assert part["metadata"]["section"] > 1
    assert "#" in part["url"]


# --- the other tools ---------------------------------------------------------------------------------------------


def test_passages_can_be_restricted(address: str) -> None:
    everything = call(address, "search_passages", query="rocket engine guide", limit=20)["passages"]
    assert {each["source"] for each in everything} == {"Engineering", "rocket"}
    only = call(address, "search_passages", query="rocket engine guide", sources=[REPOSITORY.slug])["passages"]
    assert {each["source"] for each in only} == {"rocket"}
    below = call(address, "search_passages", query="rocket engine guide", path_prefix="src/")["passages"]
    assert below
    assert all(each["id"].startswith(f"wiki://{REPOSITORY.slug}/src/") for each in below)
    assert call(address, "search_passages", query="guide", modified_from="2099-01-01T00:00:00Z")["passages"] == []


def test_a_question_is_answered_with_what_the_answer_stands_on(address: str) -> None:
    said = call(address, "ask", question="What happens when a station goes silent at night?")
    assert said["outcome"] == "answered"
    first = said["references"][0]
    assert f"[{first['id']}]" in said["text"]
    assert "silent at night" in first["text"]
    assert call(address, "fetch", id=first["page"])["title"] == first["title"]
    nothing = call(address, "ask", question="Which opera did Verdi write in Paris?", sources=[SPACE.slug])
    assert nothing["outcome"] == "nothing"
    assert "nowhere" in refusal(address, "ask", question="x", sources=["nowhere"])


def test_sources_and_their_freshness_are_told(address: str, pipeline: Pipeline) -> None:
    sources = {each["name"]: each for each in call(address, "list_sources")["sources"]}
    assert sources.keys() == {SPACE.slug, REPOSITORY.slug}
    assert sources[SPACE.slug]["title"] == "Engineering"
    assert sources[SPACE.slug]["pages"] > 3
    standings = {each["source"]: each for each in call(address, "freshness")["sources"]}
    assert standings.keys() == sources.keys()
    one = call(address, "freshness", source=SPACE.slug)["sources"]
    assert [each["source"] for each in one] == [SPACE.slug]
    failed = next(each for each in one[0]["pages"] if each["reason"] == "failed")
    assert failed["title"] == "Dashboards & R/W 100%"
    assert "502" in failed["detail"]
    (its,) = call(address, "freshness", id=failed["id"])["sources"]
    assert [each["reason"] for each in its["pages"]] == ["failed"]
    (other,) = call(address, "freshness", id=GUIDE)["sources"]
    assert other["pages"] == []
    assert call(address, "fetch", id=failed["id"])["metadata"]["freshness"] == "failed"


# --- resources ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_every_page_is_a_resource(address: str, mode: str) -> None:
    async def work(client: Client) -> tuple[list[str], str, str | None]:
        listed = await client.list_resources()
        uris = [resource.uri for resource in listed.resources]
        content = (await client.read_resource(GUIDE)).contents[0]
        assert isinstance(content, TextResourceContents)
        return uris, content.text, content.mime_type

    uris, text, media_type = ask(address, work, mode)
    assert GUIDE in uris
    assert f"wiki://{REPOSITORY.slug}/src/engine.py" in uris
    assert "station" in text
    assert media_type == "text/markdown"


def test_lists_of_pages_come_in_parts(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk(client: Client) -> list[str]:
        uris, cursor = [], None
        while True:
            listed = await client.list_resources(cursor=cursor)
            uris += [resource.uri for resource in listed.resources]
            cursor = listed.next_cursor
            if cursor is None:
                return uris

    whole = ask(address, walk)
    monkeypatch.setattr(resources, "PAGE_SIZE", 3)
    assert ask(address, walk) == whole
    assert len(set(whole)) == len(whole) > 6


@pytest.mark.parametrize("cursor", ["nonsense", "nowhere@3", f"{SPACE.slug}@-1", f"{SPACE.slug}@" + "9" * 50, "@"])
def test_cursors_that_are_none_of_ours_are_refused(address: str, cursor: str) -> None:
    with pytest.raises(MCPError, match="cursor"):
        ask(address, lambda client: client.list_resources(cursor=cursor))


def test_a_resource_that_is_not_there_is_said_to_be_missing(address: str) -> None:
    for uri in ("wiki://nowhere/1", f"wiki://{SPACE.slug}/0", f"wiki://{SPACE.slug}/../x", "file:///etc/passwd"):
        with pytest.raises(MCPError, match=r"no page|no source|not the id") as refused:
            ask(address, lambda client, uri=uri: client.read_resource(uri))  # type: ignore[misc]
        assert refused.value.error.code == -32602


def test_the_template_says_how_pages_are_called_and_its_parts_can_be_completed(address: str) -> None:
    async def work(client: Client) -> tuple[str, list[str], list[str]]:
        (template,) = (await client.list_resource_templates()).resource_templates
        reference = ResourceTemplateReference(uri=template.uri_template)
        sources = await client.complete(reference, {"name": "source", "value": "conf"})
        chosen = {"source": SPACE.slug}
        pages = await client.complete(reference, {"name": "page", "value": "11"}, context_arguments=chosen)
        return template.uri_template, sources.completion.values, pages.completion.values

    assert ask(address, work) == ("wiki://{source}/{+page}{?section}", [SPACE.slug], ["110"])


# --- who asks ----------------------------------------------------------------------------------------------------


TOKEN = "a-token-of-32-characters-for-agents"


def test_a_token_is_needed_where_one_is_set_and_links_name_the_host_that_was_asked(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    settings = load(GatewaySettings, home=tmp_path_factory.mktemp("guarded"), gateway_port=0, api_tokens=TOKEN)
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(SPACE, "{}", "Engineering")
        bring(pipeline, SPACE, [LONG])

    async def work(address: str, token: str) -> str:
        headers = {"authorization": f"Bearer {token}", "host": "wiki.example.com"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Client(streamable_http_client(f"{address}/mcp", http_client=http)) as client,
        ):
            result = await client.call_tool("search", {"query": "valve"})
            assert result.structured_content is not None
            return str(result.structured_content["results"][0]["url"])

    with serving(settings) as address:
        assert httpx.post(f"{address}/mcp", json={}).status_code == 401
        password = httpx.post(f"{address}/mcp", json={}, auth=("agent", TOKEN))
        assert password.status_code == 401  # browsers send it along by themselves
        assert asyncio.run(work(address, TOKEN)).startswith(f"http://wiki.example.com/wiki/{SPACE.slug}/777/")


@pytest.mark.parametrize("sources", [frozenset({SPACE}), frozenset[SourceKey]()])
def test_a_scope_shows_its_sources_and_no_trace_of_others(pipeline: Pipeline, sources: frozenset[SourceKey]) -> None:
    settings = load(GatewaySettings, home=pipeline.settings.home)
    services = open_services(settings)
    try:
        reader = Principal("reader", "default", How.TOKEN, Scope("default", sources, frozenset({Action.READ})))
        asker = Asker(services.as_seen_by(reader), "http://localhost")
        found = [
            search.search(asker, search.Query(query="rocket engine")),
            search.search_passages(asker, search.PassageQuery(query="rocket engine")),
            freshness.list_sources(asker, freshness.Nothing()),
            freshness.freshness(asker, freshness.Whose()),
        ]
        assert not any(REPOSITORY.slug in answer.model_dump_json() for answer in found)
        listing = resources.list_pages(asker, None)
        assert listing is not None
        assert {page.source for page in listing.pages} == ({"Engineering"} if sources else set())
        assert resources.list_pages(asker, f"{REPOSITORY.slug}@1") is None
        assert REPOSITORY.slug not in resources.complete(asker, "source", "", "")
        for name in (f"wiki://{REPOSITORY.slug}/src/engine.py", f"/wiki/{REPOSITORY.slug}/src/engine.py"):
            with pytest.raises(SourceNotFoundError):
                search.fetch(asker, search.Id(id=name))
        with pytest.raises(SourceNotFoundError):
            freshness.freshness(asker, freshness.Whose(source=REPOSITORY.slug))
    finally:
        services.close()


# --- stdio -------------------------------------------------------------------------------------------------------


def stdio(home: Path) -> StdioServerParameters:
    environment = {"WIKI_PIPELINE_HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "wiki_pipeline.cli", "mcp"]
    return StdioServerParameters(command=command[0], args=command[1:], env=environment, cwd=home)


def test_the_same_tools_answer_on_standard_input_and_output(pipeline: Pipeline) -> None:
    async def work() -> tuple[list[str], dict[str, Any], dict[str, Any]]:
        async with Client(stdio(pipeline.settings.home), read_timeout_seconds=120) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            found = (await client.call_tool("search", {"query": "who is called at night"})).structured_content
            assert found is not None
            page = (await client.call_tool("fetch", {"id": found["results"][0]["id"]})).structured_content
            assert page is not None
            return names, found, page

    names, found, page = asyncio.run(work())
    assert names == TOOLS
    assert "station" in page["text"]
    # Nothing serves the wiki of this home: what can be cited is upstream.
    assert found["results"][0]["url"].startswith("https://acme.atlassian.net/wiki/")


def test_on_stdio_nothing_but_answers_is_written_and_the_end_of_input_ends_it(pipeline: Pipeline) -> None:
    parameters = stdio(pipeline.settings.home)
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18",
         "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "search", "arguments": {"query": "x"}}},
    ]  # fmt: skip
    process = subprocess.Popen(
        [parameters.command, *parameters.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **(parameters.env or {})},
        cwd=parameters.cwd,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        for line in lines:
            process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        assert process.stdout.read() == b""
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[0]["result"]["protocolVersion"] == "2025-06-18"
    assert "results" in answers[1]["result"]["structuredContent"]
