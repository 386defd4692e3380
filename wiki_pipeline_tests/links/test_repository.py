"""Addresses: what is understood, what is refused, and that no secret in one is ever repeated."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.forges import forge_of
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import SourceKey


@pytest.mark.parametrize(
    ("text", "url", "host", "name"),
    [
        ("https://github.com/org/repo", "https://github.com/org/repo", "github.com", "org/repo"),
        (" https://GitHub.com/Org/Repo.git/ ", "https://github.com/Org/Repo.git", "github.com", "Org/Repo"),
        ("https://gitlab.com/a/b/c.git", "https://gitlab.com/a/b/c.git", "gitlab.com", "a/b/c"),
        ("https://git.corp:8443/x.git", "https://git.corp:8443/x.git", "git.corp:8443", "x"),
        ("https://git.corp:443/x.git", "https://git.corp/x.git", "git.corp", "x"),
        ("https://bb.corp/scm/KEY/repo.git", "https://bb.corp/scm/KEY/repo.git", "bb.corp", "KEY/repo"),
        ("https://dev.azure.com/o/p/_git/r", "https://dev.azure.com/o/p/_git/r", "dev.azure.com", "o/p/r"),
        ("http://[::1]:3000/a/b", "http://[::1]:3000/a/b", "[::1]:3000", "a/b"),
        ("https://exämple.org/a/b", "https://xn--exmple-cua.org/a/b", "xn--exmple-cua.org", "a/b"),
        ("https://h.org/a%20b/c", "https://h.org/a%20b/c", "h.org", "a-b/c"),
        ("git@github.com:org/repo.git", "git@github.com:org/repo.git", "github.com", "org/repo"),
        ("git@host:/srv/git/r.git", "git@host:/srv/git/r.git", "host", "srv/git/r"),
        ("ssh://git@host:2222/org/repo.git", "ssh://git@host:2222/org/repo.git", "host:2222", "org/repo"),
        ("/srv/git/handbook.git", "/srv/git/handbook.git", "", "handbook"),
        ("file:///srv/git/hand%20book", "/srv/git/hand book", "", "hand-book"),
        ("/srv/tree/.git", "/srv/tree/.git", "", "tree"),
        ("/a/../srv/x/", "/srv/x", "", "x"),
    ],
)
def test_addresses_are_understood(text: str, url: str, host: str, name: str) -> None:
    address = Address.parse(text)
    assert (address.url, address.host, address.name) == (url, host, name)
    assert Address.parse(address.url) == address
    SourceKey("default", "git", address.name)


def test_a_relative_path_is_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Address.parse("./handbook").url == str(tmp_path / "handbook")
    assert Address.parse("~").url == str(Path.home())


@pytest.mark.parametrize(
    "text",
    [
        "", "-oProxyCommand=x", "--upload-pack=x", "ext::sh -c x", "::x", "fd::17", "git://host/x", "ftp://host/x", "ext://x",
        "https://", "https://host", "https://host/", "https://-host/x", "https://host/-x", "https://ho st/x", "https://host/a/../b",
        "https://host/a//b", "https://host/x?y=1", "https://host/x#y", "https://host:0/x", "https://host:99999/x",
        "ssh://-oProxyCommand=x/y", "ssh://-x@host/y", "git@-host:x", "-x@host:y", "git@host:-x", "host\\x:y", "https://host/\nx",
        "https://host/%0ax", "file://server/share", "git@host:../../etc",
    ],
)  # fmt: skip
def test_what_git_could_misread_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Address.parse(text)


@pytest.mark.parametrize(
    "text",
    ["https://s3cret@host/x", "https://user:s3cret@host/x", "ssh://git:s3cret@host/x", "http://u:s3cret@h/x?s3cret"],
)
def test_credentials_in_an_address_are_refused_with_advice_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Address.parse(text)
    assert "s3cret" not in str(caught.value)
    assert "WIKI_PIPELINE_GIT_TOKENS" in caught.value.advice or "query" in caught.value.message


@example("FILE://[")
@example("~0")
@given(st.text() | st.builds("{}://{}".format, st.sampled_from(["https", "ssh", "file", "http"]), st.text()))
def test_any_text_is_an_address_or_a_configuration_error(text: str) -> None:
    try:
        address = Address.parse(text)
    except ConfigurationError:
        return
    SourceKey("default", "git", address.name)
    assert not address.url.startswith("-")
    assert address.is_local or "@" not in address.display.partition("/")[0]


@pytest.mark.parametrize(
    ("url", "forge", "page"),
    [
        ("https://github.com/o/r.git", "", "https://github.com/o/r/blob/C/d/a%20b.md"),
        ("git@github.com:o/r.git", "", "https://github.com/o/r/blob/C/d/a%20b.md"),
        ("ssh://git@gitlab.corp:2222/g/s/r.git", "", "https://gitlab.corp/g/s/r/-/blob/C/d/a%20b.md"),
        ("https://bitbucket.org/w/r", "", "https://bitbucket.org/w/r/src/C/d/a%20b.md"),
        (
            "https://bitbucket.corp/scm/KEY/r.git",
            "",
            "https://bitbucket.corp/projects/KEY/repos/r/browse/d/a%20b.md?at=C",
        ),
        ("https://codeberg.org/o/r", "", "https://codeberg.org/o/r/src/commit/C/d/a%20b.md"),
        ("https://dev.azure.com/o/p/_git/r", "", "https://dev.azure.com/o/p/_git/r?path=/d/a%20b.md&version=GCC"),
        ("https://code.corp:8443/o/r", "", "https://code.corp:8443/o/r/blob/C/d/a%20b.md"),
        ("https://code.corp/o/r", "gitea", "https://code.corp/o/r/src/commit/C/d/a%20b.md"),
        ("/srv/r x", "", "file:///srv/r%20x/d/a%20b.md"),
    ],
)
def test_a_files_web_address_is_pinned_to_the_commit(url: str, forge: str, page: str) -> None:
    address = Address.parse(url)
    assert forge_of(address, forge).file_page(address, "C", b"d/a b.md") == page
