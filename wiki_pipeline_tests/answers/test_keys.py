"""Whose key a question is asked by, what bounds it, and where a key is found afterwards: nowhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from wiki_pipeline.access import Membership, Scope
from wiki_pipeline.access.sealing import Vault
from wiki_pipeline.access.settings import SealingSettings
from wiki_pipeline.answers.llm import ChatModel, ChatRequest, ChatSettings, Message
from wiki_pipeline.answers.llm.keys import Models
from wiki_pipeline.catalog import Cap, Catalog, Kind, Period
from wiki_pipeline.errors import BudgetError, ConfigurationError
from wiki_pipeline.settings import load
from wiki_pipeline_tests.answers.chat_server import ChatServer, said

KEY = "sk-planted-0123456789-x7Qa"
ADA, BEN = (Scope("acme", membership=Membership(account=name)) for name in ("ada", "ben"))
OTHER = Scope("other", membership=Membership(account="ada"))
Opened = Callable[..., Models]


@pytest.fixture
def models(chat_server: ChatServer, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    monkeypatch.setenv("OPENAI_API_KEY", "the-installation-s")

    def open_(**settings: object) -> Models:
        given = {"chat_model": "tiny", "chat_base_url": chat_server.url, "chat_timeout": 5.0, **settings}
        vault = Vault(catalog, load(SealingSettings, home=tmp_path))
        return Models(load(ChatSettings, **given), catalog, vault)

    return open_


def ask(model: ChatModel | None, scope: Scope) -> str:
    """Ask; whose key it was, as it is shown."""
    assert model is not None
    request = ChatRequest(messages=(Message("user", ("Who is called?",)),))
    purse = model.purse(scope.tenant, scope.membership.account)
    return model.ask(request, purse, lambda _: None, lambda: False).usage.key


def test_the_nearest_key_is_used_and_shown(models: Opened, chat_server: ChatServer) -> None:
    chat_server.model = lambda _: said("Ana.")
    opened = models()
    assert ask(opened.of(ADA), ADA) == "the installation's key"
    opened.put("acme", "", SecretStr("sk-of-the-tenant-0000"))
    opened.put("acme", "ada", SecretStr(KEY), "large")
    assert ask(opened.of(ADA), ADA) == "your own key (…x7Qa)"
    assert ask(opened.of(BEN), BEN) == "your tenant's key (…0000)"
    assert ask(opened.of(OTHER), OTHER) == "the installation's key"
    expected = ["the-installation-s", KEY, "sk-of-the-tenant-0000", "the-installation-s"]
    assert chat_server.keys == [f"Bearer {key}" for key in expected]
    opened.put("acme", "ada", SecretStr("sk-changed-since-then"))
    assert ask(opened.of(ADA), ADA) == "your own key (…then)"
    assert opened.remove("acme", "ada")
    assert not opened.remove("acme", "ada")
    assert [key.account for key in opened.known(ADA)] == [""]


def test_the_installation_s_budgets_bound_its_own_key_alone(
    models: Opened, chat_server: ChatServer, catalog: Catalog
) -> None:
    chat_server.model = lambda _: said("Ana.", counted=(100, 10))
    catalog.quotas.set_cap(Cap("tenant:acme:each", Kind.TOKENS, Period.DAY, 10))
    opened = models()
    with pytest.raises(BudgetError, match="your account is used up: 10 tokens a day"):
        ask(opened.of(ADA), ADA)
    opened.put("acme", "ada", SecretStr(KEY))
    ask(opened.of(ADA), ADA)
    assert catalog.model_calls.spent_today("acme").tokens == 110


def test_keys_lead_only_where_the_installation_says(models: Opened, chat_server: ChatServer) -> None:
    opened = models(chat_endpoints="https://llm.example.org/v1")
    assert opened.put("acme", "", SecretStr(KEY), base_url="https://llm.example.org/v1/").base_url.startswith(
        "https://llm"
    )
    for address in ("http://169.254.169.254/v1", "http://localhost:1/v1", "https://llm.example.org.evil.example/v1"):
        with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_CHAT_ENDPOINTS"):
            opened.put("acme", "", SecretStr(KEY), base_url=address)
    with pytest.raises(ConfigurationError, match="Which model"):
        models(chat_model="").put("acme", "", SecretStr(KEY))


def test_a_key_is_nowhere_to_be_found(models: Opened, catalog: Catalog, tmp_path: Path) -> None:
    opened = models()
    opened.put("acme", "ada", SecretStr(KEY))
    catalog.close()
    found = [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert found == []
    assert KEY not in repr(opened.known(ADA))
