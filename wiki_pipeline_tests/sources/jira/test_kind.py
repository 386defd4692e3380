"""Jira's settings, addresses and connections, as far as they need no site."""

from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import Connection, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.jira import KIND
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.settings import JiraSettings
from wiki_pipeline_tests.installation import install

OWN = "https://acme.atlassian.net"
OTHER = "https://jira.north.example.org/jira"
CONNECTIONS = [Connection("default", "jira", "north", OTHER), Connection("default", "jira", "jira", OWN)]


def test_each_project_is_a_source_and_a_bad_entry_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = '{"OPS": [], "DEV": [{"jql": "component = api"}], "not a key": [], "QA": [{"jql": " "}]}'
    install(monkeypatch, tmp_path, JIRA_URL=OWN, JIRA_PROJECTS=projects)
    found = {key.name: SourceConfig.parse(config).jql for key, config in KIND.configured("default").items()}
    assert found == {"OPS": (), "DEV": ("component = api",)}
    assert [problem.split(":")[0] for problem in KIND.configuration_problems()] == 2 * ["JIRA_PROJECTS"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('{"OPS": [], "OPS": []}', "'OPS' is given twice"),
        ("[]", "expected an object of keys"),
        ('{"OPS"', "not JSON"),
    ],
)
def test_what_names_no_projects_is_an_error(value: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"JIRA_PROJECTS: .*{said}"):
        load(JiraSettings, projects=value)


@pytest.mark.parametrize(
    ("address", "name", "connection"),
    [
        (f"{OWN}/browse/OPS-12", "OPS", "jira"),
        (f"{OWN}/jira/software/projects/DEV/boards/3", "DEV", "jira"),
        (f"{OTHER}/browse/SEA-1", "north/SEA", "north"),
    ],
)
def test_an_address_leads_to_its_project_and_that_to_its_connection(address: str, name: str, connection: str) -> None:
    found = KIND.from_address("default", address, CONNECTIONS)
    assert found is not None
    key, config = found
    assert key == SourceKey("default", "jira", name)
    opened_by = KIND.connection_of(key, config, CONNECTIONS)
    assert opened_by is not None
    assert opened_by.name == connection


def test_addresses_of_others_are_no_projects() -> None:
    assert KIND.from_address("default", "https://elsewhere.example.org/browse/OPS-1", CONNECTIONS) is None
    assert KIND.from_address("default", f"{OWN}/wiki/spaces/ENG", CONNECTIONS) is None


def test_credentials_are_for_their_own_site_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path)
    key, config = SourceKey("default", "jira", "OPS"), SourceConfig(OWN, OWN, "OPS").dump()
    with pytest.raises(ConfigurationError, match="JIRA_URL is not set"):
        KIND.open(key, config, tmp_path)
    with pytest.raises(ConfigurationError, match="the connection north is to"):
        KIND.open(key, config, tmp_path, CONNECTIONS[0])
    other = Connection("default", "jira", "jira", OTHER)
    with pytest.raises(ConfigurationError, match=f"JIRA_URL is {OTHER}"):
        KIND.open(key, config, tmp_path, other)
