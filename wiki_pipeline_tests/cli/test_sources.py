from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import ENG, pipeline
from wiki_pipeline_tests.sources.git.upstream import Upstream


@pytest.fixture
def repository(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """A repository of one page."""
    upstream = Upstream(tmp_path_factory.mktemp("upstream") / "manual")
    upstream.commit({"README.md": "# Pumps\n\nPrime the bilge pump by hand.\n"})
    return upstream


def test_sources_of_the_settings_are_listed(run: Run, space: Space) -> None:
    (listed,) = json.loads(run("sources", "list", "--json").stdout)
    assert (listed["source"], listed["kind"]) == (str(ENG), "confluence")
    assert listed["datasource_id"].endswith("__ENG")
    assert str(ENG) in run("sources", "list").stdout


def test_no_sources_are_a_sentence_for_people_and_a_list_for_programs(run: Run, empty: Path) -> None:
    assert "There are no sources" in run("sources", "list").stdout
    assert json.loads(run("sources", "list", "--json").stdout) == []


def test_a_source_that_is_added_can_be_synced_searched_and_removed_with_all_that_was_made_of_it(
    run: Run, empty: Path, repository: Upstream
) -> None:
    added = run("sources", "add", repository.path, "--json")
    assert added.exit_code == 0, added.output
    key = SourceKey.parse(json.loads(added.stdout)["source"])
    assert run("sync", str(key)).exit_code == 0
    (hit,) = json.loads(run("search", "bilge", "pump", "--json").stdout)
    assert (hit["source"], hit["path"]) == (str(key), "README.md")
    removed = run("sources", "remove", key.name)
    assert (removed.exit_code, removed.stdout) == (0, f"Removed {key}.\n")
    assert json.loads(run("search", "bilge", "pump", "--json").stdout) == []
    with pipeline() as opened:
        assert opened.catalog.sources("default") == []
        assert opened.store.table(Stage.RAW_PAGES, key).row_count() == 0
        assert not opened.home_of(key).exists()
    with dg.DagsterInstance.get() as instance:
        assert str(key) not in instance.get_dynamic_partitions("sources")


def test_a_source_that_does_not_exist_is_not_added(run: Run, space: Space, confluence_cloud: ConfluenceServer) -> None:
    result = run("sources", "add", f"{confluence_cloud.url}/spaces/NOPE/overview")
    assert result.exit_code == 3
    assert "NOPE" in result.stderr
    assert "Traceback" not in result.output
    assert [source["source"] for source in json.loads(run("sources", "list", "--json").stdout)] == [str(ENG)]


def test_an_address_of_nothing_is_refused(run: Run, empty: Path) -> None:
    result = run("sources", "add", "ftp://example.org/x")
    assert result.exit_code == 2
    assert "not the address of anything" in result.stderr
    assert "below CONFLUENCE_URL" in result.stderr
    assert "with .git at its end" in result.stderr


def test_a_source_that_is_added_again_is_said_to_be_there(run: Run, empty: Path, repository: Upstream) -> None:
    assert run("sources", "add", repository.path).stdout.startswith("Added default:git:manual.")
    assert run("sources", "add", repository.path).stdout.startswith("default:git:manual is there already.")


def test_a_source_of_the_settings_is_not_removed_for_it_would_come_back(run: Run, space: Space) -> None:
    result = run("sources", "remove", "ENG")
    assert result.exit_code == 2
    assert "would come back" in result.stderr


def test_who_may_read_a_source_is_shown_and_said(run: Run, space: Space) -> None:
    assert run("sources", "audience", "ENG").stdout == f"{ENG} is read by everyone in the tenant.\n"
    said = run("sources", "audience", "ENG", "groups", "--group", "platform", "--group", "board")
    assert said.stdout == f"{ENG} is read by groups board, platform.\n"
    assert json.loads(run("sources", "list", "--json").stdout)[0]["audience"]["groups"] == ["board", "platform"]
    shown = json.loads(run("sources", "audience", "ENG", "admins", "--json").stdout)
    assert (shown["readers"], shown["groups"]) == ("admins", [])
    assert run("sources", "audience", "ENG", "admins", "--group", "x").exit_code == 2
    assert run("sources", "audience", "ENG", "everyone").exit_code == 2


def test_caps_are_set_and_shown(run: Run, space: Space) -> None:
    run("sources", "list")  # takes in those of the settings
    assert "repositories" in run("quotas", "list").stdout
    assert run("quotas", "set", "tenant:default", "repositories", "total", "1").exit_code == 0
    assert run("quotas", "set", "plan:free:each", "money", "month", "2.50").exit_code == 0
    assert run("quotas", "plan", "acme", "free").exit_code == 0
    shown = json.loads(run("quotas", "list", "--json").stdout)
    kept = {(use["kind"], use["used"], use["cap"]) for use in shown["usage"] if use["kind"] == "repositories"}
    assert kept == {("repositories", 1, 1)}
    assert {"holder": "plan:free:each", "kind": "money", "period": "month", "cap": 2_500_000} in shown["caps"]
    assert shown["plans"] == {"acme": "free"}
    for wrong in (
        ["tenant:default", "pages", "day", "1"],
        ["tenant:default", "requests", "total", "1"],
        ["account:acme:ada", "pages", "total", "1"],
        ["somebody", "requests", "day", "1"],
        ["tenant:default", "requests", "day", "-5"],
        ["tenant:default", "requests", "day", "many"],
    ):
        assert run("quotas", "set", *wrong).exit_code == 2, wrong
    assert run("quotas", "set", "tenant:default", "repositories", "total", "none").exit_code == 0
    assert json.loads(run("quotas", "list", "--json").stdout)["caps"][0]["holder"] == "plan:free:each"


def test_a_full_quota_takes_no_new_source_and_lets_others_go(run: Run, space: Space, repository: Upstream) -> None:
    run("sources", "list")
    run("quotas", "set", "tenant:default", "repositories", "total", "1")
    refused = run("sources", "add", repository.path)
    assert refused.exit_code != 0
    assert "as many sources as it may: 1" in refused.stderr
    run("quotas", "set", "tenant:default", "repositories", "total", "2")
    added = run("sources", "add", repository.path, "--json")
    run("quotas", "set", "tenant:default", "repositories", "total", "0")
    assert run("sources", "remove", json.loads(added.stdout)["source"]).exit_code == 0
