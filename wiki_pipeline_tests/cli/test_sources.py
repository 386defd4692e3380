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
