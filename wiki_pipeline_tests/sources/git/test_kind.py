"""From settings and addresses to sources, and the errors that people get for wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.git import KIND
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.protocol import SourceKind
from wiki_pipeline_tests.sources.git.upstream import Upstream

KEY = SourceKey("default", "git", "org/repo")


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `.env` and no configuration file of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ("REPOSITORIES", "TOKEN", "TOKENS", "INCLUDE", "EXCLUDE"):
        monkeypatch.delenv(f"WIKI_PIPELINE_GIT_{name}", raising=False)


def configure(monkeypatch: pytest.MonkeyPatch, *repositories: dict[str, object], **others: str) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_GIT_REPOSITORIES", json.dumps(repositories))
    for name, value in others.items():
        monkeypatch.setenv(f"WIKI_PIPELINE_GIT_{name}", value)


def test_the_kind_is_what_the_registry_expects() -> None:
    kind: SourceKind = KIND
    assert kind.name == "git"
    assert kind.configured("default") == {}


def test_configured_repositories_become_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(
        monkeypatch,
        {"url": "https://github.com/org/repo.git", "branch": "refs/heads/dev"},
        {"url": "git@github.com:org/other.git", "name": "docs", "include": ["docs/"]},
    )
    assert KIND.configured("acme") == {}  # the settings' repositories are the default tenant's alone
    monkeypatch.setenv("WIKI_PIPELINE_TENANT", "acme")
    assert KIND.configured("acme") == {
        SourceKey("acme", "git", "org/repo"): '{"url": "https://github.com/org/repo.git", "branch": "dev"}',
        SourceKey(
            "acme", "git", "docs"
        ): '{"url": "git@github.com:org/other.git", "name": "docs", "include": ["docs/"]}',
    }
    for key, config in KIND.configured("acme").items():
        assert KIND.open(key, config, Path("home")).key == key


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("[{", "not JSON (Expecting property name enclosed in double quotes at line 1 column 3)"),
        ("{}", 'expected [{"url"'),
        ('["https://github.com/o/r"]', "REPOSITORIES.0"),
        ("[{}]", "REPOSITORIES.0.url: Field required"),
        ('[{"url": "https://github.com/o/r", "brnch": "x"}]', "REPOSITORIES.0.brnch: Extra inputs are not permitted"),
        ('[{"url": "https://user:s3cret@github.com/o/r"}]', "must not hold a user name, password or token"),
        ('[{"url": "https://github.com/o/r", "branch": "--upload-pack=x"}]', "is not the name of a branch or tag"),
        ('[{"url": "https://github.com/o/r", "branch": "a..b"}]', "is not the name of a branch or tag"),
        ('[{"url": "https://github.com/o/r", "forge": "cvs"}]', "REPOSITORIES.0.forge"),
        ('[{"url": "ext::sh -c id"}]', "is not the address of a repository"),
    ],
)
def test_wrong_settings_are_named_and_never_repeated(monkeypatch: pytest.MonkeyPatch, value: str, says: str) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_GIT_REPOSITORIES", value)
    with pytest.raises(ConfigurationError) as caught:
        KIND.configured("default")
    assert says in str(caught.value)
    assert "WIKI_PIPELINE_GIT_REPOSITORIES" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_two_repositories_with_one_name_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, {"url": "https://github.com/org/repo"}, {"url": "https://gitlab.com/org/repo"})
    with pytest.raises(ConfigurationError, match="would both be the source default:git:org/repo") as caught:
        KIND.configured("default")
    assert "https://github.com/org/repo and https://gitlab.com/org/repo" in caught.value.message
    assert '"name"' in caught.value.advice


def test_a_name_that_no_source_can_have_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, {"url": "https://github.com/org/repo", "name": "a,b c"})
    with pytest.raises(ConfigurationError, match="is not a source"):
        KIND.configured("default")


def test_one_token_is_for_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, {"url": "https://github.com/o/r"}, {"url": "https://gitlab.com/o/s"}, TOKEN="s3cret")
    with pytest.raises(ConfigurationError, match=r"is for one host.*\(github\.com, gitlab\.com\)") as caught:
        KIND.configured("default")
    assert "s3cret" not in str(caught.value)
    monkeypatch.setenv("WIKI_PIPELINE_GIT_TOKENS", '{"gitlab.com": "other"}')
    settings = load(GitSettings)
    assert settings.token_of(Address.parse("https://github.com/o/r")) == "s3cret"
    assert settings.token_of(Address.parse("https://gitlab.com/o/s")) == "other"
    for elsewhere in (
        "https://evil.org/o/r",
        "http://github.com/o/r",
        "https://github.com:8443/o/r",
        "git@github.com:o/r",
    ):
        assert settings.token_of(Address.parse(elsewhere)) == ""


def test_tokens_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, {"url": "https://github.com/o/r"}, TOKEN="s3cret", TOKENS='{"gitlab.com": "s3cret"}')
    settings = load(GitSettings)
    assert "s3cret" not in repr(settings)
    assert "s3cret" not in settings.model_dump_json()


@pytest.mark.parametrize(
    "value", ["[]", '{"a/b": "x"}', '{"user@h": "x"}', '{"ssh://h": "x"}', '{"h:port": "x"}', "nonsense"]
)
def test_tokens_for_what_is_no_host_are_an_error(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_GIT_TOKENS", value)
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_GIT_TOKENS"):
        KIND.configured("default")


@pytest.mark.parametrize(
    ("address", "key", "config"),
    [
        ("https://github.com/org/repo", "org/repo", {"url": "https://github.com/org/repo"}),
        (
            "https://github.com/org/repo#dev",
            "org/repo@dev",
            {"url": "https://github.com/org/repo", "branch": "dev", "name": "org/repo@dev"},
        ),
        ("https://code.corp/a/b.git", "a/b", {"url": "https://code.corp/a/b.git"}),
        ("git@code.corp:a/b.git", "a/b", {"url": "git@code.corp:a/b.git"}),
        ("ssh://code.corp/a/b", "a/b", {"url": "ssh://code.corp/a/b"}),
        ("file:///srv/x.git", "x", {"url": "/srv/x.git"}),
    ],
)
def test_addresses_of_repositories_are_recognised(address: str, key: str, config: dict[str, str]) -> None:
    assert KIND.from_address("default", address) == (SourceKey("default", "git", key), json.dumps(config))


@pytest.mark.parametrize(
    "address",
    [
        "https://x.atlassian.net/wiki/spaces/DEV",
        "https://example.org/a/b",
        "DEV",
        "nowhere",
        "https://ho st/x",
        "s3://b/k",
    ],
)
def test_other_addresses_are_left_to_other_kinds(address: str) -> None:
    assert KIND.from_address("default", address) is None


def test_a_folder_is_a_repository_if_there_is_one(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "handbook")
    assert KIND.from_address("default", "./handbook") == (
        SourceKey("default", "git", "handbook"), json.dumps({"url": upstream.path}),
    )  # fmt: skip
    assert KIND.from_address("default", "handbuch") is None  # perhaps a word that another kind knows


def test_a_path_that_leads_to_no_repository_is_told_from_one_that_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    for path, said in (
        (tmp_path, "is a folder, but not a Git repository"),
        (tmp_path / "notes.txt", "is a file, not a Git repository"),
        (tmp_path / "handbuch", "There is no folder"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            KIND.from_address("default", str(path))


def test_an_address_that_the_settings_name_is_that_source(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, {"url": "https://code.corp/a/b", "name": "handbook", "branch": "main"})
    source = (
        SourceKey("default", "git", "handbook"),
        '{"url": "https://code.corp/a/b", "branch": "main", "name": "handbook"}',
    )
    assert KIND.from_address("default", "https://code.corp/a/b") == source
    for same in ("https://code.corp/a/b#main", "https://code.corp/a/b.git", "git@code.corp:a/b.git"):
        assert KIND.from_address("default", same) == source
    other = KIND.from_address("default", "https://code.corp/a/b#dev")
    assert other is not None
    assert str(other[0]) == "default:git:a/b@dev"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("https://github.com/org/repo/tree/main/docs", "as https://github.com/org/repo, and a branch as"),
        ("https://github.com/org", "is not a repository of its own"),
        ("https://gitlab.com/g/s/r/-/tree/main", "as https://gitlab.com/g/s/r, and a branch as"),
        ("https://github.com/org/repo#a..b", "'a..b' is not the name of a branch or tag"),
        ("https://user:s3cret@github.com/org/repo.git", "must not hold a user name"),
        ("git://github.com/org/repo", "can't be read over git://"),
    ],
)
def test_addresses_that_can_not_be_used_say_why(address: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        KIND.from_address("default", address)
    assert says in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_what_is_asked_for_over_http_is_known_as_such() -> None:
    (request,) = KIND.requests()
    url = "https://93.184.216.34/org/repo"
    asked = request.body.model_validate({"url": url})
    assert Repository.parse(request.read("default", asked, {}).config).asked
    known = {SourceKey("default", "git", "org/repo"): Repository(url=url).dump()}
    assert not Repository.parse(request.read("default", asked, known).config).asked


def test_datasource_ids_name_host_and_repository() -> None:
    assert KIND.datasource_id(KEY, '{"url": "https://github.com/org/repo"}') == "src_git___github_com__org_repo"
    assert KIND.datasource_id(KEY, '{"url": "/srv/git/x"}') == "src_git___local__org_repo"


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"url": "-x"}', '{"url": "https://h/x", "y": 1}'])
def test_a_specification_that_can_not_be_read_says_what_to_do(config: str) -> None:
    with pytest.raises(ConfigurationError, match="Remove the source and add it again"):
        KIND.open(KEY, config, Path("home"))


def test_a_specification_survives_the_catalog() -> None:
    repository = Repository(url="https://github.com/o/r", branch="v1", include=("docs/",), forge="gitea")
    assert Repository.parse(repository.dump()) == repository


def test_globs_come_as_json_or_one_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, INCLUDE='["docs/**", "*.md"]', EXCLUDE="*.tmp\n\n  *.bak\n")
    settings = load(GitSettings)
    assert (settings.include, settings.exclude) == (("docs/**", "*.md"), ("*.tmp", "*.bak"))
    monkeypatch.setenv("WIKI_PIPELINE_GIT_INCLUDE", '["docs/**"')
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_GIT_INCLUDE: Value error, not JSON"):
        load(GitSettings)
    monkeypatch.setenv("WIKI_PIPELINE_GIT_INCLUDE", "[1]")
    with pytest.raises(ConfigurationError, match="expected a list of patterns"):
        load(GitSettings)
