from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.cli.up import demo
from wiki_pipeline.cli.up.command import only_one
from wiki_pipeline.cli.up.plan import Plan, Ports, plan
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import Settings, load
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.confluence_server import Space
from wiki_pipeline_tests.installation import pipeline


def planned() -> Plan:
    return plan(load(Settings))


def test_without_sources_a_clone_shows_itself_and_the_handbook(empty: Path) -> None:
    made = planned()
    assert [service.name for service in made.before_sync] == ["Demo Confluence"]
    (repository,) = json.loads(made.environment["WIKI_PIPELINE_GIT_REPOSITORIES"])
    assert (Path(repository["url"]) / "workspace.yaml").is_file()
    assert json.loads(made.environment["CONFLUENCE_SPACES"]) == {demo.SPACE: []}
    assert made.before_sync[0].ready_url.startswith(made.environment["CONFLUENCE_URL"])
    assert made.sources


def test_with_sources_of_the_user_s_own_there_is_no_demo(space: Space) -> None:
    made = planned()
    assert made.before_sync == []
    assert "CONFLUENCE_URL" not in made.environment
    assert made.sources


def test_a_source_that_was_added_by_hand_counts_as_the_user_s_own(empty: Path) -> None:
    with pipeline() as opened:
        opened.catalog.add_source(SourceKey("default", "git", "org/repo"), '{"url": "https://example.org/org/repo"}')
    assert planned().before_sync == []


def test_the_demo_of_an_earlier_start_is_shown_again_until_there_are_sources_of_the_user_s_own(empty: Path) -> None:
    with pipeline() as opened:
        for key in demo.keys("default"):
            opened.catalog.add_source(key, "{}")
    assert planned().before_sync
    assert planned().leftovers == []
    with pipeline() as opened:
        opened.catalog.add_source(SourceKey("default", "git", "org/repo"), "{}")
    made = planned()
    assert made.before_sync == []
    assert made.leftovers == sorted(demo.keys("default"))


def test_addresses_are_those_of_the_services(empty: Path) -> None:
    made = planned()
    gateway, dagster = made.others
    assert made.addresses["Wiki"].removesuffix("/wiki/") == gateway.ready_url.removesuffix("/livez")
    assert made.addresses["Wiki"].endswith(f":{gateway.environment['WIKI_PIPELINE_GATEWAY_PORT']}/wiki/")
    assert made.addresses["Dagster UI"] == dagster.ready_url.removesuffix("/server_info")
    assert made.addresses["Dagster UI"].startswith("http://127.0.0.1:")


@pytest.fixture
def busy() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_was_set_and_is_in_use_is_an_error(empty: Path, monkeypatch: pytest.MonkeyPatch, busy: int) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_DAGSTER_PORT", str(busy))
    with pytest.raises(ConfigurationError, match=rf"Port {busy} of 127\.0\.0\.1 is in use"):
        planned()


def test_another_port_than_the_default_is_told(empty: Path, busy: int) -> None:
    ports = Ports(load(Settings))
    port = ports.choose("Dagster", "127.0.0.1", busy, "dagster_port")
    assert ports.remarks == [f"Port {busy} is in use; Dagster listens on {port}."]


def test_a_second_up_on_the_same_state_is_refused_with_the_first_one_s_process(run: Run, empty: Path) -> None:
    with only_one(load(Settings)):
        result = run("up")
    assert result.exit_code == 2
    assert f"is running on {empty / 'state'} already, as process {os.getpid()}" in result.stderr
