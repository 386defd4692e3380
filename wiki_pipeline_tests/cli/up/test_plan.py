from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wiki_pipeline.cli.up.plan import Plan, plan
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.demo.sources import of_the_demo, show
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.running import announce, only_one, running
from wiki_pipeline.settings import load
from wiki_pipeline.sync.sources import add
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import pipeline, sync

HANDBOOK = SourceKey("default", "confluence", "HANDBOOK")
DAGSTER = ("Dagster's code server", "Dagster's webserver", "Dagster's daemon")
CLONE = SourceKey("default", "git", "wiki-pipeline")
PROJECT = SourceKey("default", "jira", "PLAT")


@contextmanager
def planned() -> Iterator[Plan]:
    """What `up` would do; its sockets are closed at the end."""
    made = plan(load(UpSettings), lambda _: None)
    try:
        yield made
    finally:
        for service in (*made.before_sync, *made.others):
            if service.listening is not None:
                service.listening.close()


@contextmanager
def demo_shown() -> Iterator[Plan]:
    """`up`, with the demo's sources in the catalog, as far as it does not need the demo's server."""
    home = load(UpSettings).home
    with only_one(home), planned() as made:
        announce(home, made.running)
        assert made.demo is not None
        made.demo.show(load(UpSettings))
        yield made


def names(made: Plan) -> list[str]:
    return [service.name for service in (*made.before_sync, *made.others)]


def test_without_sources_a_clone_shows_itself_and_the_handbook(empty: Path) -> None:
    with planned() as made:
        assert names(made) == ["Demo Confluence", "Demo Jira", "The gateway", *DAGSTER]
        assert made.sources
        assert made.demo is not None
        assert made.demo.clone is not None
        assert (made.demo.clone / "workspace.yaml").is_file()


def test_without_a_clone_there_is_the_handbook_alone(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wiki_pipeline.cli.up.plan.clone", lambda: None)
    with demo_shown(), pipeline() as opened:
        assert [record.key for record in opened.catalog.sources("default")] == [HANDBOOK, PROJECT]


def test_every_command_knows_the_demo_from_the_catalog_and_no_setting_does(run: Run, empty: Path) -> None:
    with demo_shown() as made:
        assert made.demo is not None
        shown = {setting["name"]: setting["value"] for setting in json.loads(run("settings", "--json").stdout)}
        assert shown["CONFLUENCE_URL"] == ""
        listed = [source["source"] for source in json.loads(run("sources", "list", "--json").stdout)]
        assert listed == [str(HANDBOOK), str(CLONE), str(PROJECT)]
        confluence, jira = json.loads(run("connections", "list", "--json").stdout)
        assert (confluence["url"], confluence["managed_by"]) == (made.demo.url, "demo")
        assert (confluence["options"], confluence["secret_ref"]) == ({"media_hosts": made.demo.media}, "")
        assert (jira["url"], jira["managed_by"], jira["secret_ref"]) == (made.demo.jira, "demo", "")


def test_what_an_up_left_that_was_killed_does_not_count(empty: Path) -> None:
    home = load(UpSettings).home
    with planned() as made:
        announce(home, made.running)
    assert running(home) is None


def test_a_person_s_own_credentials_are_not_for_the_demo(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ConfluenceServer("cloud") as server, pipeline() as opened:
        show(opened, server.url, server.media_origin, None)
        server.space("HANDBOOK", "Handbook").add("Home", "<p>Hello.</p>")
        monkeypatch.setenv("CONFLUENCE_TOKEN", "theirs")
        monkeypatch.setenv("CONFLUENCE_USERNAME", "me@example.org")
        sync(opened, HANDBOOK)
        assert {request.authorization for request in server.requests} == {""}
        monkeypatch.setenv("CONFLUENCE_URL", "https://example.org/wiki")
        opened.add_configured_sources()
        with pytest.raises(ConfigurationError, match=r"belongs to .*, but CONFLUENCE_URL is https://example.org/wiki"):
            sync(opened, HANDBOOK)
        assert {request.authorization for request in server.requests} == {""}


def test_a_source_of_the_demo_is_not_run_without_it(run: Run, empty: Path) -> None:
    with demo_shown():
        pass
    result = run("sync", "HANDBOOK", "--json")
    assert result.exit_code == 3
    (sync,) = json.loads(result.stdout)["syncs"]
    assert (sync["error"]["code"], sync["run_id"]) == ("source_unreachable", "")
    assert "while `wiki-pipeline up` (`make run`) runs" in sync["error"]["message"]
    with pipeline() as opened:
        assert opened.catalog.syncs(HANDBOOK) == []


def test_with_sources_of_the_user_s_own_there_is_no_demo(space: Space) -> None:
    with planned() as made:
        assert names(made) == ["The gateway", *DAGSTER]
        assert not made.running.demo
        assert made.sources


def test_with_a_confluence_of_the_user_s_own_there_is_no_demo_and_that_is_told(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", "https://example.org/wiki")
    told: list[str] = []
    made = plan(load(UpSettings), told.append)
    assert (made.shows_demo, made.sources) == (False, False)
    assert "There is no demo, because CONFLUENCE_URL is set." in told


def test_the_demo_is_shown_again_until_there_are_sources_of_the_user_s_own(empty: Path) -> None:
    with demo_shown():
        pass
    with planned() as made:
        assert (made.shows_demo, made.leftovers) == (True, [])
    with pipeline() as opened:
        opened.catalog.add_source(SourceKey("default", "git", "org/repo"), '{"url": "https://example.org/org/repo"}')
    with planned() as made:
        assert (made.shows_demo, made.leftovers) == (False, [HANDBOOK, CLONE, PROJECT])


def test_what_a_person_added_never_leaves_with_the_demo(empty: Path) -> None:
    with demo_shown() as made, pipeline() as opened:
        assert made.demo is not None
        assert add(opened, str(made.demo.clone)).record.key == CLONE
        assert of_the_demo(opened.catalog.sources("default")) == {HANDBOOK, PROJECT}
    with planned() as made:
        assert (made.shows_demo, made.leftovers) == (False, [HANDBOOK, PROJECT])


def test_sources_of_a_demo_from_before_leave_as_well(empty: Path) -> None:
    config = json.dumps({"url": "http://127.0.0.1:8090/wiki", "space": "HANDBOOK", "pages": []})
    with pipeline() as opened:
        opened.catalog.add_source(HANDBOOK, config)
        opened.catalog.add_source(SourceKey("default", "git", "org/repo"), '{"url": "https://example.org/org/repo"}')
    file = load(UpSettings).home / "demo.json"
    file.write_text(json.dumps([{"source": str(HANDBOOK), "config": config, "served": True}]))
    with planned() as made:
        assert (made.shows_demo, made.leftovers) == (False, [HANDBOOK])
    assert not file.exists()


def test_addresses_are_those_of_the_services(empty: Path) -> None:
    with planned() as made:
        gateway, _, webserver, _ = made.others
        assert gateway.listening is not None
        port = gateway.listening.getsockname()[1]
        assert made.addresses["Wiki"] == f"http://127.0.0.1:{port}/wiki/"
        assert webserver.listening is not None
        assert made.addresses["Dagster UI"] == f"http://127.0.0.1:{webserver.listening.getsockname()[1]}"
        assert f"--fd {webserver.listening.fileno()}" in " ".join(webserver.command())


def test_an_address_that_others_can_reach_is_refused_before_anything_listens(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_GATEWAY_HOST", "0.0.0.0")  # noqa: S104
    with pytest.raises(ConfigurationError, match="anyone there could read everything"), planned():
        pass


def test_a_second_up_on_the_same_state_is_refused_with_the_first_one_s_process(run: Run, empty: Path) -> None:
    with only_one(load(UpSettings).home):
        result = run("up")
    assert result.exit_code == 2
    assert f"is running on {empty / 'state'} already, as process {os.getpid()}" in result.stderr
