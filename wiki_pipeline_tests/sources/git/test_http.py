"""Repositories on servers: credentials that go to their host and nowhere else, few requests, and errors in words."""

from __future__ import annotations

import asyncio
import logging
import re
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.errors import (
    AccessDeniedError,
    ConfigurationError,
    SourceError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from wiki_pipeline_tests.sources.git.http_server import GitServer, command_lines, dropped, hang, redirect, status
from wiki_pipeline_tests.sources.git.reading import describe, open_source, read, sync
from wiki_pipeline_tests.sources.git.upstream import Upstream

SECRET = "s3cret-tok3n"


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "work")
    for number in range(3):
        made.commit({f"docs/{i}.md": f"{i} at {number}" for i in range(100)})
    made.git("clone", "--quiet", "--bare", ".", str(tmp_path / "served" / "org" / "repo.git"))
    made.git("remote", "add", "served", str(tmp_path / "served" / "org" / "repo.git"))
    made.git("-C", str(tmp_path / "served" / "org" / "repo.git"), "config", "uploadpack.allowFilter", "true")
    return made


@pytest.fixture
def server(tmp_path: Path, upstream: Upstream) -> Iterator[GitServer]:
    with GitServer(tmp_path / "served") as running:
        yield running


def tokens(server: GitServer, token: str = SECRET) -> dict[str, str]:
    return {"WIKI_PIPELINE_GIT_TOKENS": f'{{"{server.url}": "{token}"}}'}


def everything_written(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_blobs_come_filtered_and_in_bulk(tmp_path: Path, upstream: Upstream, server: GitServer) -> None:
    home = tmp_path / "home"
    assert len(sync(home, f"{server.url}/org/repo.git").pages) == 100
    # Commits and trees (three requests: hello, branches, objects), then all blobs (hello, objects).
    assert len(server.requests) == 5
    assert b"filter blob:none" in server.requests[2].body
    blobs = upstream.git("-C", str(home / "clone.git"), "cat-file", "--batch-check", "--batch-all-objects").count(
        " blob "
    )
    assert blobs == 100, "older versions stay where they are"


def test_a_sync_without_news_asks_only_for_the_branch(tmp_path: Path, server: GitServer) -> None:
    sync(tmp_path / "home", f"{server.url}/org/repo")
    server.requests.clear()
    sync(tmp_path / "home", f"{server.url}/org/repo")
    assert [request.method for request in server.requests] == ["GET", "POST"]
    assert b"command=ls-refs" in server.requests[1].body


def test_an_edit_brings_what_is_new(tmp_path: Path, upstream: Upstream, server: GitServer) -> None:
    sync(tmp_path / "home", f"{server.url}/org/repo")
    edited = upstream.commit({"docs/7.md": "edited"})
    upstream.git("push", "--quiet", "served", "main")
    server.requests.clear()
    page = sync(tmp_path / "home", f"{server.url}/org/repo").pages["docs/7.md"]
    assert (page.body, page.version) == ("edited", edited)
    assert page.url == f"{server.url}/org/repo/blob/{edited}/docs/7.md"
    assert len(server.requests) == 5


@pytest.mark.security
def test_a_token_reaches_its_host_and_nothing_else(
    tmp_path: Path, server: GitServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server.secrets = {SECRET}
    home = tmp_path / "home"
    with caplog.at_level(logging.DEBUG):
        source = open_source(home, f"{server.url}/org/repo.git", settings=tokens(server), forge="github")
        description = asyncio.run(source.describe())
        assert len(asyncio.run(read(source)).pages) == 100
    assert {request.user_and_secret for request in server.requests} == {"", f"x-access-token:{SECRET}"}
    seen = [*(request.path + request.processes for request in server.requests), caplog.text, *capfd.readouterr()]
    assert not [text for text in seen if SECRET in text]
    assert caplog.text, "GitPython logs the commands that it runs"
    assert SECRET.encode() not in everything_written(home)
    assert server.host.encode() not in everything_written(home), "the clone does not even know its server"
    assert SECRET not in repr(description)
    assert SECRET not in repr(vars(source))


@pytest.mark.parametrize(
    ("forge", "token", "sent"),
    [
        ("gitlab", "t", "oauth2:t"),
        ("bitbucket", "t", "x-token-auth:t"),
        ("", "t", "oauth2:t"),
        ("", "robot:t", "robot:t"),
    ],
)
def test_each_forge_gets_the_user_name_that_it_expects(
    tmp_path: Path, server: GitServer, forge: str, token: str, sent: str
) -> None:
    server.secrets = {"t"}
    describe(tmp_path / "home", f"{server.url}/org/repo", settings=tokens(server, token), forge=forge)
    assert server.requests[-1].user_and_secret == sent


@pytest.mark.security
def test_a_token_stays_when_the_server_sends_us_elsewhere(tmp_path: Path, server: GitServer) -> None:
    server.secrets = {SECRET}
    with GitServer(tmp_path / "served", secrets={"another"}) as thief:
        server.faults = [redirect(thief.url)] * 10
        with pytest.raises(AccessDeniedError, match="refused the credentials, or needs some"):
            sync(tmp_path / "home", f"{server.url}/org/repo", settings=tokens(server))
        assert thief.requests
        assert {request.authorization for request in thief.requests} == {""}


@pytest.mark.security
def test_what_strangers_ask_for_is_fetched_from_where_they_may_send_us_only(tmp_path: Path, server: GitServer) -> None:
    url = f"{server.url}/org/repo"
    sync(tmp_path / "home", url)
    server.requests.clear()
    with pytest.raises(ConfigurationError, match="asked for over http"):
        sync(tmp_path / "home", url, asked=True)
    with pytest.raises(ConfigurationError, match="on a private network"):
        describe(tmp_path / "home", url.replace("http://", "https://"), asked=True)
    assert server.requests == []
    allowed = {"WIKI_PIPELINE_GIT_ALLOW_PRIVATE_ADDRESSES": True}
    assert len(sync(tmp_path / "home", url, asked=True, settings=allowed).pages) == 100
    with GitServer(tmp_path / "served") as elsewhere:
        server.faults = [redirect(elsewhere.url)] * 10
        with pytest.raises(SourceError):
            sync(tmp_path / "home", url, asked=True, settings=allowed)
        assert elsewhere.requests == []


def test_a_token_for_another_port_or_host_is_not_sent(tmp_path: Path, server: GitServer) -> None:
    server.secrets = {SECRET}
    others = f'{{"127.0.0.1": "{SECRET}", "http://localhost:1": "{SECRET}", "https://{server.host}": "{SECRET}"}}'
    with pytest.raises(AccessDeniedError):
        describe(tmp_path / "home", f"{server.url}/org/repo", settings={"WIKI_PIPELINE_GIT_TOKENS": others})
    assert {request.authorization for request in server.requests} == {""}


def test_a_repository_that_needs_a_token_says_how_to_give_one(tmp_path: Path, server: GitServer) -> None:
    server.secrets = {SECRET}
    with pytest.raises(AccessDeniedError) as caught:
        sync(tmp_path / "home", f"{server.url}/org/repo")
    assert f"The repository org/repo ({server.url}/org/repo) refused the credentials, or needs some." in str(
        caught.value
    )
    assert f'Set WIKI_PIPELINE_GIT_TOKENS to {{"{server.url}": "a token that may read it"}}' in caught.value.advice
    assert len(server.requests) == 1, "tried again with nothing new to say"


def test_a_wrong_token_is_an_error_that_does_not_repeat_it(tmp_path: Path, server: GitServer) -> None:
    server.secrets = {SECRET}
    with pytest.raises(AccessDeniedError) as caught:
        sync(tmp_path / "home", f"{server.url}/org/repo", settings=tokens(server, "wr0ng-secret"))
    assert "wr0ng-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_server_that_repeats_the_token_does_not_get_it_into_an_error(tmp_path: Path, server: GitServer) -> None:
    server.faults = [lambda handler: handler.send(401, WWW_Authenticate='Basic realm="git"')]
    server.faults.append(lambda handler: handler.send(403, f"bad: {SECRET}".encode(), Content_Type="text/plain"))
    with pytest.raises(AccessDeniedError) as caught:
        sync(tmp_path / "home", f"{server.url}/org/repo", settings=tokens(server))
    assert SECRET not in str(caught.value)


def test_a_repository_that_is_not_there_is_said_to_be_missing(tmp_path: Path, server: GitServer) -> None:
    with pytest.raises(SourceNotFoundError, match="does not exist, or the credentials may not see it"):
        sync(tmp_path / "home", f"{server.url}/org/other")


def test_a_page_that_is_no_repository_is_said_to_be_none(tmp_path: Path, server: GitServer) -> None:
    server.faults = [lambda handler: handler.send(200, b"<html>Sign in</html>", Content_Type="text/html")] * 20
    with pytest.raises(SourceUnreachableError, match="something else than Git's protocol"):
        sync(tmp_path / "home", f"{server.url}/org/repo")
    with pytest.raises(SourceUnreachableError, match="something else than Git's protocol"):
        describe(tmp_path / "home", f"{server.url}/org/repo")


def test_an_empty_repository_on_a_server_is_an_empty_listing(
    tmp_path: Path, upstream: Upstream, server: GitServer
) -> None:
    upstream.git("init", "--quiet", "--bare", str(tmp_path / "served" / "org" / "new.git"))
    for version_2 in (True, False):
        server.protocol_v2 = version_2
        assert sync(tmp_path / "home", f"{server.url}/org/new").keys == {}
        assert "empty" in dict(describe(tmp_path / "home", f"{server.url}/org/new").details)["state"]


def test_nobody_listening_is_said_to_be_out_of_reach(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachableError, match="could not be reached") as caught:
        sync(tmp_path / "home", "http://127.0.0.1:9/org/repo")
    assert "http://127.0.0.1:9/org/repo" in str(caught.value)


def test_a_moments_failure_is_tried_again(tmp_path: Path, server: GitServer) -> None:
    server.faults = [status(503), dropped]
    assert len(sync(tmp_path / "home", f"{server.url}/org/repo").pages) == 100


def test_a_server_that_stays_down_is_given_up_and_what_was_there_stays(tmp_path: Path, server: GitServer) -> None:
    before = sync(tmp_path / "home", f"{server.url}/org/repo")
    server.requests.clear()
    server.faults = [status(502)] * 20
    with pytest.raises(SourceUnreachableError):
        sync(tmp_path / "home", f"{server.url}/org/repo")
    assert len(server.requests) == 3
    server.faults = []
    assert sync(tmp_path / "home", f"{server.url}/org/repo") == before


def test_a_server_that_dies_while_blobs_come_is_gone_on_from(tmp_path: Path, server: GitServer) -> None:
    pass_on = lambda handler: handler._backend(handler.git.requests[-1].body)  # noqa: E731
    server.faults = [pass_on, pass_on, pass_on, pass_on, *[status(500)] * 9]
    with pytest.raises(SourceUnreachableError):
        sync(tmp_path / "home", f"{server.url}/org/repo")
    server.faults = []
    server.requests.clear()
    assert len(sync(tmp_path / "home", f"{server.url}/org/repo").pages) == 100
    assert len(server.requests) == 4, "commits and trees were there already"


def test_a_server_that_says_nothing_is_given_up_in_time_with_all_its_processes(
    tmp_path: Path, server: GitServer
) -> None:
    over = threading.Event()
    server.faults = [hang(over)]
    settings = {"WIKI_PIPELINE_GIT_TIMEOUT": 1.0}
    with pytest.raises(SourceUnreachableError, match=r"took longer than 1 seconds"):
        sync(tmp_path / "home", f"{server.url}/org/repo", settings=settings)
    assert not runs_git(server)
    over.set()


def runs_git(server: GitServer) -> bool:
    """Whether a process talks to the server."""
    return bool(re.search(rf"git-remote-http.*{server.host}", command_lines()))


def test_closing_a_source_kills_what_it_runs(tmp_path: Path, server: GitServer) -> None:
    over, asked = threading.Event(), threading.Event()

    def hanging(handler: object) -> None:
        asked.set()
        over.wait(60)

    server.faults = [hanging]

    async def close_while_listing() -> None:
        source = open_source(tmp_path / "home", f"{server.url}/org/repo")
        listing = asyncio.create_task(read(source))
        await asyncio.to_thread(asked.wait, 30)
        listing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listing
        deadline = time.monotonic() + 30
        while runs_git(server) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert not runs_git(server)
        await source.aclose()
        with pytest.raises(SourceError, match="was stopped"):
            await source.describe()

    asyncio.run(close_while_listing())
    over.set()


def test_a_server_that_does_not_filter_is_cloned_whole(tmp_path: Path, upstream: Upstream, server: GitServer) -> None:
    upstream.git("-C", str(tmp_path / "served" / "org" / "repo.git"), "config", "uploadpack.allowFilter", "false")
    assert len(sync(tmp_path / "home", f"{server.url}/org/repo").pages) == 100
    assert len(server.requests) == 3


def test_a_server_that_filters_but_gives_no_single_blobs_is_cloned_whole(
    tmp_path: Path, upstream: Upstream, server: GitServer
) -> None:
    server.protocol_v2 = False
    assert len(sync(tmp_path / "home", f"{server.url}/org/repo").pages) == 100
    upstream.commit({"docs/7.md": "edited"})
    upstream.git("push", "--quiet", "served", "main")
    assert sync(tmp_path / "home", f"{server.url}/org/repo").pages["docs/7.md"].body == "edited"


def test_the_users_own_credential_helpers_are_not_asked(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    helper = f"!touch {tmp_path}/asked; echo username=u; echo password={SECRET}"
    settings.write_text(f'[credential]\nhelper = "{helper}"\n[core]\naskPass = "touch {tmp_path}/asked"\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    server.secrets = {SECRET}
    with pytest.raises(AccessDeniedError):
        sync(tmp_path / "home", f"{server.url}/org/repo")
    assert not (tmp_path / "asked").exists()


def test_the_users_hooks_do_not_run(tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = tmp_path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\nhooksPath = {hook.parent}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    sync(tmp_path / "home", f"{server.url}/org/repo")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("elsewhere", ["ext::touch ran ", "/served/"])
def test_an_address_is_not_rewritten_to_a_transport_that_runs_programs_or_reads_folders(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch, elsewhere: str
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[url "{elsewhere}"]\ninsteadOf = {server.url}/\n[protocol]\nallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    with pytest.raises(AccessDeniedError, match="a transport that is not allowed"):
        sync(tmp_path / "home", f"{server.url}/org/repo")


def test_blobs_that_are_missing_when_fetched_come_in_bulk_too(tmp_path: Path, server: GitServer) -> None:
    async def listed_then_lost() -> int:
        source = open_source(tmp_path / "home", f"{server.url}/org/repo", portion_bytes=100)
        ids = [ref.document_id async for refs in source.list_documents() for ref in refs]
        shutil.rmtree(tmp_path / "home" / "clone.git")
        server.requests.clear()
        return len([row async for rows in source.fetch(ids) for row in rows])

    assert asyncio.run(listed_then_lost()) == 100
    assert len(server.requests) == 5


def test_the_users_proxy_is_used(tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[http]\nproxy = {server.url}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("no_proxy", "")
    assert len(sync(tmp_path / "home", "http://git.example.org/org/repo").pages) == 100
    assert server.requests[0].path.startswith("http://git.example.org/org/repo/info/refs")


def test_describe_says_what_is_there(tmp_path: Path, upstream: Upstream, server: GitServer) -> None:
    description = describe(tmp_path / "home", f"{server.url}/org/repo.git")
    assert (description.title, description.url) == ("org/repo", f"{server.url}/org/repo")
    assert dict(description.details) == {
        "address": f"{server.url}/org/repo", "branch": "main", "commit": upstream.head,
    }  # fmt: skip
