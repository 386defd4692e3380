"""People, tokens and the audit on the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from wiki_pipeline_tests.cli.conftest import Run


def test_the_first_operator_is_made_here_and_everything_is_recorded(run: Run, empty: Path) -> None:
    made = run("people", "add", "Root", "--role", "operator", "--json")
    assert made.exit_code == 0, made.stderr
    facts = json.loads(made.stdout)
    assert "/password?link=" in facts["link"]
    assert facts["name"] == "root"
    again = run("people", "add", "root")
    assert again.exit_code != 0
    assert "There is an account root already" in again.stderr
    run("people", "add", "ada", "--email", "Ada@Example.org")
    assert run("people", "role", "ada@example.org", "editor").exit_code == 0
    listed = {each["subject"]: each for each in json.loads(run("people", "list", "--json").stdout)}
    assert {name: each["role"] for name, each in listed.items()} == {"root": "operator", "ada": "editor"}
    assert run("people", "disable", "ada").exit_code == 0
    assert "disabled" in run("people", "list").stdout
    assert run("people", "disable", "ada", "--undo").exit_code == 0
    link = json.loads(run("people", "password-link", "ada", "--json").stdout)["link"]
    invited = json.loads(run("people", "invite", "--role", "admin", "--json").stdout)["link"]
    entries = json.loads(run("audit", "--json").stdout)
    assert [each["action"] for each in entries[:3]] == ["invitation.add", "password.link", "account.enable"]
    assert {each["actor"] for each in entries} == {"command line"}
    exported = list(csv.DictReader(run("audit", "--export", "csv").stdout.splitlines()))
    assert len(exported) == len(entries) + 1
    everything = run("audit", "--export", "jsonl").stdout + run("people", "list").stdout
    for secret in (link, invited, facts["link"]):
        assert secret.rpartition("=")[2] not in everything


@pytest.mark.parametrize("name", ["nobody", ""])
def test_who_is_not_there_is_said_so(run: Run, empty: Path, name: str) -> None:
    result = run("people", "role", name, "admin")
    assert result.exit_code == 2
    assert "Nobody is called" in result.stderr


def test_tokens_are_printed_once_and_revoked(run: Run, empty: Path) -> None:
    run("people", "add", "ada")
    made = run("tokens", "create", "nightly", "--for", "ada")
    assert made.exit_code == 0, made.stderr
    token = made.stdout.strip()
    assert token.startswith("wp_")
    listed = json.loads(run("tokens", "list", "--json").stdout)
    assert [(each["name"], each["actions"], each["last_four"]) for each in listed] == [
        ("nightly", ["read"], token[-4:])
    ]
    assert token not in run("tokens", "list").stdout
    assert run("tokens", "create", "x", "--for", "ada", "--source", "default:git:nowhere").exit_code == 2
    assert run("tokens", "revoke", token).exit_code == 0
    assert json.loads(run("tokens", "list", "--json").stdout) == []
    assert run("tokens", "revoke", token).exit_code == 2
