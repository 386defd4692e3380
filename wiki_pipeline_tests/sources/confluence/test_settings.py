"""Settings: what people write wrong is told by name, and secrets stay in."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.config import PageScope, SourceConfig
from wiki_pipeline.sources.confluence.kind import ConfluenceKind
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings


def test_the_connector_s_variables_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("")
    for name, value in {
        "CONFLUENCE_URL": "https://yourcompany.atlassian.net/",
        "CONFLUENCE_USERNAME": "me@example.org",
        "CONFLUENCE_TOKEN": "tok",
        "CONFLUENCE_SPACES": '{"DEV": [], "DOCS": [{"page_id": "123", "get_child_pages": true}, {"page_id": 456}]}',
        "CONFLUENCE_SSL_VERIFY": str(bundle),
        "CONFLUENCE_MAX_CONCURRENCY": "9",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load(ConfluenceSettings)
    assert settings.url == settings.public_url == "https://yourcompany.atlassian.net/wiki"
    assert settings.username == "me@example.org"
    assert settings.token.get_secret_value() == "tok"
    assert settings.spaces == {"DEV": (), "DOCS": (PageScope("123", get_child_pages=True), PageScope("456"))}
    assert settings.ssl_verify == str(bundle)
    assert settings.max_concurrency == 9


def test_without_settings_there_are_no_spaces_and_the_defaults_are_the_documented_ones() -> None:
    settings = load(ConfluenceSettings)
    assert settings.spaces == {}
    assert (settings.max_concurrency, settings.tries, settings.max_wait, settings.api) == (5, 4, 60.0, "auto")
    assert settings.ssl_verify == "true"


@pytest.mark.parametrize(
    ("spaces", "words"),
    [
        ("DEV", "not JSON"),
        ('{"DEV": [}', "line 1 column 10"),
        ('["DEV"]', "expected an object"),
        ('{"DEV": [], "DEV": []}', "'DEV' is given twice"),
    ],
)
def test_wrong_spaces_are_told_by_name_and_place(monkeypatch: pytest.MonkeyPatch, spaces: str, words: str) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", spaces)
    with pytest.raises(ConfigurationError) as caught:
        load(ConfluenceSettings)
    assert "CONFLUENCE_SPACES" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("spaces", "words"),
    [
        ('{"DEV": null}', "DEV: expected a list"),
        ('{"DEV": {"page_id": "1"}}', "DEV: expected a list"),
        ('{"DEV": ["123"]}', "DEV[0]: expected"),
        ('{"DEV": [{"page_id": "1"}, {"id": "2"}]}', "DEV[1]: unknown key 'id'"),
        (
            '{"DEV": [{"page_id": "1", "get_children": true}]}',
            "unknown key 'get_children' (known: page_id, get_child_pages)",
        ),
        ('{"DEV": [{}]}', "DEV[0]: page_id"),
        ('{"DEV": [{"page_id": "12a"}]}', "DEV[0]: page_id"),
        ('{"DEV": [{"page_id": true}]}', "DEV[0]: page_id"),
        ('{"DEV": [{"page_id": 1.5}]}', "DEV[0]: page_id"),
        ('{"DEV": [{"page_id": "1", "get_child_pages": "yes"}]}', "DEV[0]: get_child_pages must be true or false"),
        ('{"DEV": [{"page_id": "1"}, {"page_id": 1}]}', "DEV: page 1 is named twice"),
        ('{"D E V": []}', "'D E V' is not a space key"),
        ('{"../x": []}', "is not a space key"),
        ('{"": []}', "is not a space key"),
    ],
)
def test_an_entry_that_can_t_be_used_names_itself_and_stops_no_other(
    monkeypatch: pytest.MonkeyPatch, spaces: str, words: str
) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", "https://x.example/wiki")
    monkeypatch.setenv("CONFLUENCE_SPACES", f'{{"OPS": [], {spaces[1:]}')
    assert load(ConfluenceSettings).spaces == {"OPS": ()}
    (problem,) = ConfluenceKind().configuration_problems()
    assert problem.startswith("CONFLUENCE_SPACES: ")
    assert words in problem
    assert [key.name for key in ConfluenceKind().configured("default")] == ["OPS"]


@pytest.mark.parametrize(
    ("space", "name"),
    [
        ("~_svc", "~_svc"),
        ("~müller", "~müller"),
        ("~mu\u0308ller", "~müller"),
        ("~-1120587963", "~-1120587963"),
        ("~557058:0e0c3f07-ab", "~557058%3A0e0c3f07-ab"),
        ("~ada+test@example.org", "~ada+test@example.org"),
        ("~100%", "~100%25"),
    ],
)
def test_keys_of_personal_spaces_are_taken_as_servers_write_them(
    monkeypatch: pytest.MonkeyPatch, space: str, name: str
) -> None:
    monkeypatch.setenv("CONFLUENCE_URL", "https://x.example/wiki")
    monkeypatch.setenv("CONFLUENCE_SPACES", json.dumps({space: []}))
    ((key, config),) = ConfluenceKind().configured("default").items()
    assert key == SourceKey.parse(str(key)) == SourceKey("default", "confluence", name)
    assert SourceConfig.parse(config).space == unicodedata.normalize("NFC", space)
    assert ConfluenceKind().from_address("default", f"https://x.example/wiki/spaces/{quote(space)}/overview") == (
        key,
        config,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONFLUENCE_URL", "docs.example.com"),
        ("CONFLUENCE_URL", "https://me:hunter2@docs.example.com"),
        ("CONFLUENCE_SSL_VERIFY", "/no/such/bundle.pem"),
        ("CONFLUENCE_MAX_CONCURRENCY", "0"),
        ("WIKI_PIPELINE_CONFLUENCE_API", "v3"),
        ("WIKI_PIPELINE_CONFLUENCE_TRIES", "many"),
    ],
)
def test_wrong_settings_are_told_by_name_without_their_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name) as caught:
        load(ConfluenceSettings)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "verify"), [("True", "true"), ("1", "true"), ("", "true"), ("FALSE", "false"), ("no", "false")]
)
def test_tls_verification_is_on_or_off_by_the_usual_words(
    monkeypatch: pytest.MonkeyPatch, value: str, verify: str
) -> None:
    monkeypatch.setenv("CONFLUENCE_SSL_VERIFY", value)
    assert load(ConfluenceSettings).ssl_verify == verify


def test_spaces_may_be_written_in_the_configuration_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('[CONFLUENCE_SPACES]\nDEV = []\nDOCS = [{page_id = "7", get_child_pages = true}]\n')
    monkeypatch.setenv("WIKI_PIPELINE_CONFIG", str(file))
    assert load(ConfluenceSettings).spaces == {"DEV": (), "DOCS": (PageScope("7", get_child_pages=True),)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"url": 1}',
        '{"url": "https://x", "space": "D V"}',
        '{"url": "https://x", "space": "DEV", "page": []}',
    ],
)
def test_a_specification_that_is_none_is_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigurationError, match="config"):
        SourceConfig.parse(text)


def test_a_specification_is_the_documented_json() -> None:
    config = SourceConfig("https://x/wiki", "DEV", (PageScope("1", get_child_pages=True),))
    expected: dict[str, Any] = {
        "url": "https://x/wiki",
        "space": "DEV",
        "pages": [{"page_id": "1", "get_child_pages": True}],
    }
    assert json.loads(config.dump()) == expected
