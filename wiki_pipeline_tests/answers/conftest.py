"""A model's endpoint that is played, and calls of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wiki_pipeline.answers.llm import ChatModel, ChatSettings, open_chat
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.settings import load
from wiki_pipeline_tests.answers.chat_server import ChatServer

Opened = Callable[..., ChatModel]


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    """An endpoint; the test fails if a client sent it what no right client sends."""
    with ChatServer() as server:
        yield server
    assert server.wrong == []


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        yield catalog


@pytest.fixture
def opened(chat_server: ChatServer, catalog: Catalog) -> Opened:
    """Opens a model of the endpoint, with settings."""

    def open_(**settings: object) -> ChatModel:
        given: dict[str, object] = {
            "chat_model": "tiny",
            "chat_base_url": chat_server.url,
            "chat_timeout": 5.0,
            "chat_deadline": 20.0,
            **settings,
        }
        model = open_chat(load(ChatSettings, **given), catalog.model_calls)
        assert model is not None
        return model

    return open_
