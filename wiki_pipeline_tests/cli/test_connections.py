from __future__ import annotations

import json
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline_tests.cli.conftest import Run


@pytest.fixture
def north(monkeypatch: pytest.MonkeyPatch) -> ConfluenceServer:
    monkeypatch.setenv("NORTH_TOKEN", "t0ken-of-north")
    server = ConfluenceServer("datacenter")
    server.allow(secret="t0ken-of-north", name="reader", user="Ana Reader")
    for key in ("ENG", "OPS"):
        server.space(key, key).add("Home", "<p>North.</p>")
    return server


def test_connections_of_settings_and_of_people_are_listed_without_secrets(run: Run, space: Space) -> None:
    result = run("connections", "add", "north", "https://north.example.org/wiki/", "--secret", "file:/dev/null")
    assert result.exit_code == 2
    assert "The secret of connection north is missing: /dev/null is empty" in result.stderr
    Path("secret").write_text("s3cr3t")
    arguments = ("connections", "add", "north", "https://north.example.org/wiki/", "--username", "ana")
    added = json.loads(run(*arguments, "--secret", "file:secret", "--option", "api=v1", "--json").stdout)
    assert (added["url"], added["news"]) == ("https://north.example.org/wiki", "added")
    result = run("connections", "list", "--json")
    listed = {each["connection"]: each for each in json.loads(result.stdout)}
    assert listed["default"]["managed_by"] == "settings"
    assert listed["north"]["options"] == {"api": "v1", "username": "ana"}
    assert listed["north"]["secret_ref"] == f"file:{Path('secret').absolute()}"
    table = run("connections", "list").stdout
    assert "north" in table
    for shown in (result.stdout, table):
        assert "s3cr3t" not in shown
        assert "any-token" not in shown


def test_a_test_asks_the_server_and_a_source_is_read_by_the_connection(
    run: Run, space: Space, north: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with north:
        secret = ("--username", "reader", "--secret", "env:NORTH_TOKEN")
        assert run("connections", "add", "north", north.url, *secret).exit_code == 0
        seen = json.loads(run("connections", "test", "north", "--json").stdout)["seen"]
        assert seen == {"who": "Ana Reader", "API": "v1", "spaces": "2"}
        added = run("sources", "add", f"{north.url}/display/ENG", "--connection", "north", "--json")
        assert json.loads(added.stdout)["source"] == "default:confluence:north/ENG"
        monkeypatch.setenv("NORTH_TOKEN", "wrong-one")
        failed = run("connections", "test", "north")
    assert failed.exit_code == 3
    assert "connection north" in failed.stderr
    assert "wrong-one" not in failed.stderr
    used = run("connections", "remove", "north")
    assert used.exit_code == 2
    assert "is used by default:confluence:north/ENG" in used.stderr


def test_one_that_nobody_uses_is_removed_and_that_of_the_settings_is_not(run: Run, space: Space) -> None:
    assert run("connections", "add", "code", "https://code.corp/", "--kind", "git").exit_code == 0
    assert json.loads(run("connections", "remove", "code", "--json").stdout) == {"connection": "code", "removed": True}
    assert "There is no connection 'code'. There are: default." in run("connections", "test", "code").stderr
    assert "named by the settings" in run("connections", "remove", "default").stderr
    assert "Choose another name" in run("connections", "add", "default", "https://example.org").stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("n", "https://example.org", "--secret", "hunter2"), "never the secret itself"),
        (("n", "https://example.org", "--option", "token=hunter2"), "has no option token"),
        (("n", "https://example.org", "--option", "api=v9"), "The connection n: "),
        (("n", "https://me:hunter2@example.org"), "holds a user name, password or token"),
        (("n", "https://code.corp/org/repo", "--kind", "git"), "is not to a Git host"),
        (("N!", "https://example.org"), "is not a name of a connection"),
    ],
)
def test_what_can_t_be_a_connection_is_refused_without_repeating_secrets(
    run: Run, empty: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = run("connections", "add", *arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "hunter2" not in result.stderr
