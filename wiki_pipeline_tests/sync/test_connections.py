"""Several sites and hosts at once, in one process: each source gets its own, and nobody gets another one's secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.errors import AccessDeniedError, ConfigurationError, SourceError
from wiki_pipeline.freshness import resolve
from wiki_pipeline.model import ChangeHint, Connection, SourceKey, Stage
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.sources import add
from wiki_pipeline_tests.installation import ENG, install, pipeline, sync
from wiki_pipeline_tests.sources.git.http_server import GitServer
from wiki_pipeline_tests.sources.git.upstream import Upstream

NORTH = SourceKey("default", "confluence", "north/ENG")
TOKENS = {"own": "token-of-own", "north": "token-of-north"}


@dataclass
class Sites:
    """Two Confluence sites that each have a space ENG, and the pipeline that reads both."""

    own: ConfluenceServer
    north: ConfluenceServer
    opened: Pipeline

    def authorizations(self, server: ConfluenceServer) -> set[str]:
        return {request.authorization for request in server.requests}

    def titles(self, source: SourceKey) -> list[str]:
        rows = self.opened.store.table(Stage.WIKI_PAGES, source).read(columns=["title", "space_key"])
        assert set(rows["space_key"].to_pylist()) == {"ENG"}
        return sorted(rows["title"].to_pylist())


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    with ConfluenceServer("cloud") as own, ConfluenceServer("datacenter") as north:
        for name, server in {"own": own, "north": north}.items():
            server.allow(secret=TOKENS[name])
            server.space("ENG", f"Engineering {name}").add(f"Pumps {name}", f"<p>The pump of {name}.</p>")
        install(
            monkeypatch,
            tmp_path,
            CONFLUENCE_URL=own.url,
            CONFLUENCE_TOKEN=TOKENS["own"],
            CONFLUENCE_SPACES='{"ENG": []}',
            NORTH_TOKEN=TOKENS["north"],
        )
        with pipeline() as opened:
            opened.catalog.connections.add(
                Connection("default", "confluence", "north", north.url, {}, "env:NORTH_TOKEN")
            )
            yield Sites(own, north, opened)


def test_two_sites_with_one_space_key_are_read_each_with_its_own_token(sites: Sites) -> None:
    added = add(sites.opened, f"{sites.north.url}/display/ENG")
    assert (added.record.key, added.record.connection) == (NORTH, "north")
    for source in (ENG, NORTH):
        sync(sites.opened, source)
    assert sites.titles(ENG) == ["Pumps own"]
    assert sites.titles(NORTH) == ["Pumps north"]
    assert sites.authorizations(sites.own) == {f"Bearer {TOKENS['own']}"}
    assert sites.authorizations(sites.north) == {f"Bearer {TOKENS['north']}"}
    assert ENG.slug != NORTH.slug
    ids = {
        record.key: kinds()["confluence"].datasource_id(record.key, record.config)
        for record in sites.opened.catalog.sources("default")
    }
    assert len(set(ids.values())) == 2


def test_a_person_s_settings_of_one_site_are_not_those_of_the_other(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_USERNAME", "me@example.org")  # the other one has a token alone
    add(sites.opened, f"{sites.north.url}/display/ENG")
    assert sites.authorizations(sites.north) == {f"Bearer {TOKENS['north']}"}


def test_a_failure_names_the_connection_and_no_secret(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    add(sites.opened, f"{sites.north.url}/display/ENG")
    monkeypatch.setenv("NORTH_TOKEN", "a-wrong-token")
    with pytest.raises(AccessDeniedError) as refused:
        sync(sites.opened, NORTH)
    assert "default:confluence:north/ENG (connection north)" in str(refused.value)
    assert "wiki-pipeline connections test north" in str(refused.value)
    assert "a-wrong-token" not in str(refused.value)
    assert "connection north" in sites.opened.catalog.syncs(NORTH)[0].error_message
    monkeypatch.delenv("NORTH_TOKEN")
    with pytest.raises(ConfigurationError, match="The secret of connection north is missing: NORTH_TOKEN is not set"):
        sync(sites.opened, NORTH)
    sync(sites.opened, ENG)


def test_a_connection_that_moved_takes_no_secret_along(sites: Sites) -> None:
    add(sites.opened, f"{sites.north.url}/display/ENG")
    moved = Connection("default", "confluence", "north", sites.own.url, {}, "env:NORTH_TOKEN")
    sites.opened.catalog.connections.add(moved)
    with pytest.raises(ConfigurationError, match=r"belongs to .*, but the connection north is to"):
        sync(sites.opened, NORTH)
    assert f"Bearer {TOKENS['north']}" not in sites.authorizations(sites.own)


def test_a_chosen_connection_is_kept_and_one_that_the_address_is_not_of_is_refused(sites: Sites) -> None:
    again = Connection("default", "confluence", "again", sites.north.url, {}, "env:NORTH_TOKEN")
    sites.opened.catalog.connections.add(again)
    assert str(add(sites.opened, f"{sites.north.url}/display/ENG", "north").record.key).endswith("north/ENG")
    added = add(sites.opened, f"{sites.north.url}/display/ENG", "again").record
    assert (added.key.name, added.connection) == ("again/ENG", "again")
    for name in ("default", "nobody"):
        with pytest.raises(ConfigurationError, match=f"not of the connection '{name}'"):
            add(sites.opened, f"{sites.north.url}/display/ENG", name)


def test_a_page_of_which_only_the_id_is_told_is_looked_for_on_every_site(sites: Sites) -> None:
    add(sites.opened, f"{sites.north.url}/display/ENG")
    page = sites.north.site.spaces["ENG"].add("Winches", "<p>New.</p>", id="987654321")
    hint = ChangeHint("confluence", None, page.id, "page_created")
    events = sites.opened.catalog.events
    events.record([EventBatch("default", Origin.WEBHOOK, (hint,), "")])
    assert resolve(sites.opened) == 1
    assert [event.source for event in events.unsettled(NORTH)] == [NORTH]


def test_settings_that_change_change_their_rows_and_leave_those_of_people(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {r.connection.name: r for r in sites.opened.catalog.connections.list("default")}
    assert (before["default"].connection.url, before["default"].managed_by) == (sites.own.url, "settings")
    assert before["default"].connection.secret_ref == "env:CONFLUENCE_TOKEN"
    monkeypatch.setenv("CONFLUENCE_USERNAME", "me@example.org")
    sites.opened.add_configured_sources()
    after = {r.connection.name: r for r in sites.opened.catalog.connections.list("default")}
    assert after["default"].connection.options == {"username": "me@example.org"}
    assert after["north"] == before["north"]


def test_the_settings_token_is_found_where_the_settings_are(sites: Sites, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONFLUENCE_TOKEN")
    Path(".env").write_text(f"CONFLUENCE_TOKEN={TOKENS['own']}\n")
    sites.opened.add_configured_sources()
    sync(sites.opened, ENG)
    assert sites.titles(ENG) == ["Pumps own"]


def test_two_git_hosts_with_a_token_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        upstream = Upstream(tmp_path / f"work-{name}")
        upstream.commit({"README.md": f"# Repository {name}\n"})
        served = str(tmp_path / name / "org" / f"{name}.git")
        upstream.git("clone", "--quiet", "--bare", upstream.path, served)
        upstream.git("-C", served, "config", "uploadpack.allowFilter", "true")
    with (
        GitServer(tmp_path / "one", {"secret-of-one"}) as one,
        GitServer(tmp_path / "two", {"secret-of-two"}) as two,
    ):
        monkeypatch.setenv("SECRET_OF_TWO", "secret-of-two")
        tokens = json.dumps({one.url: "secret-of-one"})
        install(monkeypatch, tmp_path, WIKI_PIPELINE_GIT_TOKENS=tokens)
        with pipeline() as opened:
            own = [record.connection for record in opened.catalog.connections.list("default")]
            assert [(each.url, "secret-of-one" in repr(each)) for each in own] == [(one.url, False)]
            with pytest.raises(SourceError):
                add(opened, f"{two.url}/org/two.git")
            opened.catalog.connections.add(Connection("default", "git", "two", two.url, {}, "env:SECRET_OF_TWO"))
            for server, name in ((one, "one"), (two, "two")):
                record = add(opened, f"{server.url}/org/{name}.git").record
                assert record.connection == (own[0].name if name == "one" else "two")
                sync(opened, record.key)
                sent = {request.user_and_secret.partition(":")[2] for request in server.requests} - {""}
                assert sent == {f"secret-of-{name}"}
            monkeypatch.setenv("SECRET_OF_TWO", "wrong-one")
            with pytest.raises(AccessDeniedError, match=r"org/two \(connection two\)") as refused:
                sync(opened, SourceKey("default", "git", "org/two"))
            assert "wrong-one" not in str(refused.value)
