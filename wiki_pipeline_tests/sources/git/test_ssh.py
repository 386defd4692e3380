"""Repositories over ssh: a stand-in for the ssh program that runs the server's side here, as sshd would there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError, SourceUnreachableError
from wiki_pipeline_tests.sources.git.reading import describe, sync
from wiki_pipeline_tests.sources.git.upstream import Upstream

# Takes options as OpenSSH does, then the host and one command; notes what it was given.
SSH = """#!/bin/sh
echo "$@" >> {log}
env | grep -c s3cret >> {log}
while [ $# -gt 2 ]; do
  case "$1" in -o|-p) shift 2 ;; *) shift ;; esac
done
{body}
"""


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    made = Upstream(tmp_path / "served" / "org" / "repo.git")
    made.commit({"a.md": "a", "b.md": "b"})
    made.git("config", "uploadpack.allowFilter", "true")
    return made


def fake_ssh(tmp_path: Path, body: str = 'eval "$2"') -> dict[str, str]:
    program = tmp_path / "fake-ssh"
    program.write_text(SSH.format(log=tmp_path / "log", body=body))
    program.chmod(0o755)
    return {"WIKI_PIPELINE_GIT_SSH_COMMAND": f"{program} -o IdentityFile=/keys/deploy"}


def given(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text()


@pytest.mark.parametrize("protocol", ["2", "0"])
def test_a_repository_is_read_without_asking_anyone(tmp_path: Path, upstream: Upstream, protocol: str) -> None:
    body = 'eval "$2"' if protocol == "2" else 'unset GIT_PROTOCOL; eval "$2"'
    settings = fake_ssh(tmp_path, f"cd {tmp_path}/served; {body}")
    address = f"ssh://git@git.example.org:2222{upstream.path}"
    pages = sync(tmp_path / "home", address, settings=settings, name="org/repo").pages
    assert {name: page.body for name, page in pages.items()} == {"a.md": "a", "b.md": "b"}
    assert pages["a.md"].url.startswith("https://git.example.org/")
    told = given(tmp_path)
    assert "-o BatchMode=yes" in told
    assert "-o IdentityFile=/keys/deploy" in told
    assert "-p 2222 git@git.example.org git-upload-pack" in told


def test_the_short_form_of_an_address_starts_in_the_users_home(tmp_path: Path, upstream: Upstream) -> None:
    settings = fake_ssh(tmp_path, f'cd {tmp_path}/served; eval "$2"')
    assert len(sync(tmp_path / "home", "git@github.com:org/repo.git", settings=settings).pages) == 2
    assert "git@github.com git-upload-pack 'org/repo.git'" in given(tmp_path)
    description = describe(tmp_path / "home", "git@github.com:org/repo.git", settings=settings)
    assert (description.title, description.url) == ("org/repo", "https://github.com/org/repo")


def test_tokens_are_for_https_only(tmp_path: Path, upstream: Upstream) -> None:
    settings = fake_ssh(tmp_path, f'cd {tmp_path}/served; eval "$2"')
    settings["WIKI_PIPELINE_GIT_TOKENS"] = '{"github.com": "s3cret"}'
    sync(tmp_path / "home", "git@github.com:org/repo.git", settings=settings)
    assert set(given(tmp_path).splitlines()[1::2]) == {"0"}


@pytest.mark.parametrize(
    ("says", "error", "advice"),
    [
        ("git@h: Permission denied (publickey).", AccessDeniedError, "ssh key or agent"),
        ("Host key verification failed.", AccessDeniedError, "known_hosts"),
        ("ERROR: Repository not found.", SourceNotFoundError, "Check the address"),
        ("ssh: Could not resolve hostname h: Name or service not known", SourceUnreachableError, "try again"),
        ("ssh: connect to host h port 22: Connection timed out", SourceUnreachableError, "try again"),
    ],
)
def test_what_ssh_says_is_put_into_words(tmp_path: Path, says: str, error: type[Exception], advice: str) -> None:
    settings = fake_ssh(tmp_path, f'echo "{says}" >&2; exit 255')
    with pytest.raises(error) as caught:
        sync(tmp_path / "home", "git@git.example.org:org/repo.git", settings=settings)
    assert advice in getattr(caught.value, "advice", "")
    assert "(ssh://git.example.org/org/repo)" in str(caught.value)
    assert f"Git says: {says}" in str(caught.value)
    tries = 3 if error is SourceUnreachableError else 1
    assert given(tmp_path).count("git-upload-pack") == tries


def test_the_agent_and_home_of_the_user_reach_ssh(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent.sock")
    settings = fake_ssh(tmp_path, f'echo "$SSH_AUTH_SOCK $HOME" >> {tmp_path}/log; cd {tmp_path}/served; eval "$2"')
    sync(tmp_path / "home", "git@github.com:org/repo.git", settings=settings)
    assert f"/agent.sock {os.environ['HOME']}" in given(tmp_path)
