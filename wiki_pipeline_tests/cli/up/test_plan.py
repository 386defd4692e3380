from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from wiki_pipeline.cli.up import demo
from wiki_pipeline.cli.up.plan import Plan, plan
from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.running import announce, demo_sources, only_one, running
from wiki_pipeline.settings import load
from wiki_pipeline.sync.add import add
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import pipeline

HANDBOOK = SourceKey("default", "confluence", "HANDBOOK")
CLONE = SourceKey("default", "git", "wiki-pipeline")


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
        demo.remember(load(UpSettings))
        with pipeline():
            yield made


def names(made: Plan) -> list[str]:
    return [service.name for service in (*made.before_sync, *made.others)]


def test_without_sources_a_clone_shows_itself_and_the_handbook(empty: Path) -> None:
    with planned() as made:
        assert names(made) == ["Demo Confluence", "The gateway", "Dagster"]
        assert made.sources
        (repository,) = json.loads(made.running.settings["WIKI_PIPELINE_GIT_REPOSITORIES"])
        assert (Path(repository["url"]) / "workspace.yaml").is_file()


def test_while_it_runs_the_demo_s_settings_hold_for_every_command(run: Run, empty: Path) -> None:
    with demo_shown() as made:
        shown = {setting["name"]: setting["value"] for setting in json.loads(run("settings", "--json").stdout)}
        assert shown["CONFLUENCE_URL"] == made.running.settings["CONFLUENCE_URL"]
        listed = [source["source"] for source in json.loads(run("sources", "list", "--json").stdout)]
        assert listed == [str(HANDBOOK), str(CLONE)]
    assert running(load(UpSettings).home) is None
    shown = {setting["name"]: setting["value"] for setting in json.loads(run("settings", "--json").stdout)}
    assert shown["CONFLUENCE_URL"] == ""


def test_what_an_up_left_that_was_killed_does_not_count(empty: Path) -> None:
    home = load(UpSettings).home
    with planned() as made:
        announce(home, made.running)
    assert running(home) is None


def test_settings_of_a_person_s_own_come_before_the_demo_s_and_are_not_mixed_with_them(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with demo_shown():
        monkeypatch.setenv("CONFLUENCE_URL", "https://example.org/wiki")
        monkeypatch.setenv("CONFLUENCE_TOKEN", "theirs")
        shown = {setting["name"]: setting["value"] for setting in json.loads(run("settings", "--json").stdout)}
        assert (shown["CONFLUENCE_URL"], shown["CONFLUENCE_SPACES"]) == ("https://example.org/wiki", {})
        assert shown["CONFLUENCE_TOKEN"]
        monkeypatch.delenv("CONFLUENCE_URL")
        shown = {setting["name"]: setting["value"] for setting in json.loads(run("settings", "--json").stdout)}
        assert "HANDBOOK" in shown["CONFLUENCE_SPACES"]
        assert not shown["CONFLUENCE_TOKEN"]  # it is not for the demo's server


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
        assert names(made) == ["The gateway", "Dagster"]
        assert made.running.settings == {}
        assert made.sources


def test_with_a_confluence_of_the_user_s_own_there_is_no_demo_and_that_is_told(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", "https://example.org/wiki")
    told: list[str] = []
    made = plan(load(UpSettings), told.append)
    made.others[0].listening.close()  # type: ignore[union-attr]
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
        assert (made.shows_demo, made.leftovers) == (False, [HANDBOOK, CLONE])


def test_what_a_person_added_never_leaves_with_the_demo(empty: Path) -> None:
    with demo_shown() as made, pipeline() as opened:
        (repository,) = json.loads(made.running.settings["WIKI_PIPELINE_GIT_REPOSITORIES"])
        assert add(opened, repository["url"]).record.key == CLONE
    assert [source.source for source in demo_sources(load(UpSettings).home)] == [str(HANDBOOK)]
    with planned() as made:
        assert (made.shows_demo, made.leftovers) == (False, [HANDBOOK])


def test_addresses_are_those_of_the_services(empty: Path) -> None:
    with planned() as made:
        gateway, _ = made.others
        assert gateway.listening is not None
        port = gateway.listening.getsockname()[1]
        assert made.addresses["Wiki"] == f"http://127.0.0.1:{port}/wiki/"
        assert f"--port {made.dagster.port}" in " ".join(made.others[1].command())
        assert made.addresses["Dagster UI"] == f"http://127.0.0.1:{made.dagster.port}"


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
