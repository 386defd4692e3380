"""Names in place of ids: asked for once, followed when people are renamed, and never in the way of a sync."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, faults
from wiki_pipeline.model import Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync


@pytest.fixture(params=["confluence_cloud", "confluence_datacenter"])
def server(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConfluenceServer:
    """A site of either flavour with the space ENG, where two pages mention Ada and one of them Grace."""
    server: ConfluenceServer = request.getfixturevalue(request.param)
    space = server.space("ENG", "Engineering")
    space.add("One", f"<p>Ask {mention(server, 'Ada Lovelace')} or {mention(server, 'Grace Hopper')}.</p>")
    body = f"<ac:task-body>{mention(server, 'Ada Lovelace')}</ac:task-body>"
    task = f"<ac:task><ac:task-status>incomplete</ac:task-status>{body}</ac:task>"
    space.add("Two", f"<ac:task-list>{task}</ac:task-list>")
    space.add("Three", "<p>Nobody.</p>")
    install_for_space(monkeypatch, tmp_path, server.url)
    return server


@pytest.fixture
def opened(server: ConfluenceServer) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


def mention(server: ConfluenceServer, name: str) -> str:
    """A mention of a person, who is made if need be."""
    return mention_of(server, server.site.user(name).key)


def mention_of(server: ConfluenceServer, key: str) -> str:
    attribute = "account-id" if server.site.flavour == "cloud" else "userkey"
    return f'<ac:link><ri:user ri:{attribute}="{key}"/></ac:link>'


def rename(server: ConfluenceServer, name: str, new: str) -> None:
    server.site.users[name] = replace(server.site.users[name], display_name=new)


def asked(server: ConfluenceServer) -> int:
    """How many requests for names there were; v2 asks for authors in the same way while it brings pages."""
    return sum("/rest/api/user" in request.path or "users-bulk" in request.path for request in server.requests)


def text(opened: Pipeline, server: ConfluenceServer, title: str) -> str:
    page = server.site.spaces["ENG"].page(title)
    return str(opened.store.table(Stage.WIKI_PAGES, ENG).read([page.id], ["markdown"])["markdown"][0])


def test_mentions_show_names_from_the_first_sync_on(opened: Pipeline, server: ConfluenceServer) -> None:
    sync(opened)
    assert text(opened, server, "One") == "Ask @Ada Lovelace or @Grace Hopper."
    assert text(opened, server, "Two") == "- [ ] @Ada Lovelace"
    before = asked(server)
    assert {report.commits for report in sync(opened).values()} == {0}
    assert asked(server) == before


def test_whoever_is_renamed_makes_just_those_pages_again_that_name_them(
    opened: Pipeline, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(opened)
    rename(server, "Grace Hopper", "Grace Brewster")
    assert {report.commits for report in sync(opened).values()} == {0}  # asked not long ago
    monkeypatch.setenv("WIKI_PIPELINE_NAMES_REFRESH_HOURS", "0")
    with pipeline() as later:
        clean = sync(later)[Stage.CLEAN_PAGES]
        assert (clean.updated, clean.dependency_changed) == (1, 1)
        assert text(later, server, "One") == "Ask @Ada Lovelace or @Grace Brewster."
        assert {report.commits for report in sync(later).values()} == {0}


def test_somebody_new_is_asked_for_when_an_event_brings_the_page(opened: Pipeline, server: ConfluenceServer) -> None:
    sync(opened)
    page = server.site.spaces["ENG"].page("Three")
    page.edit(f"<p>{mention(server, 'Katherine Johnson')} and {mention(server, 'Ada Lovelace')}</p>")
    sync(opened, documents=[page.id])
    assert text(opened, server, "Three") == "@Katherine Johnson and @Ada Lovelace"


def test_somebody_who_is_gone_is_neither_an_id_nor_asked_for_again(opened: Pipeline, server: ConfluenceServer) -> None:
    gone = "5b10a2844c20165700ede21f" if server.site.flavour == "cloud" else "8a7f808a5c1e2d01015c1e2d6affffff"
    server.site.spaces["ENG"].page("Three").edit(f"<p>Was {mention_of(server, gone)}.</p>")
    sync(opened)
    assert text(opened, server, "Three") == "Was @unknown user."
    before = asked(server)
    sync(opened)
    assert asked(server) == before


def test_names_that_can_not_be_read_stop_nothing_and_come_later(opened: Pipeline, server: ConfluenceServer) -> None:
    for path in ("*/rest/api/user*", "*/users-bulk*"):
        server.fault(path, faults.status(403), times=None)
    assert sync(opened)[Stage.CLEAN_PAGES].failed == 0
    assert text(opened, server, "Two") == "- [ ] @unknown user"
    server.heal()
    clean = sync(opened)[Stage.CLEAN_PAGES]
    assert (clean.updated, clean.dependency_changed) == (2, 2)
    assert text(opened, server, "Two") == "- [ ] @Ada Lovelace"


def test_names_go_with_the_last_source_that_needed_them(opened: Pipeline, server: ConfluenceServer) -> None:
    sync(opened)
    assert set(opened.catalog.people.names(ENG).values()) == {"Ada Lovelace", "Grace Hopper"}
    opened.catalog.remove_source(ENG)
    assert opened.catalog.people.names(ENG) == {}
