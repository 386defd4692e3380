"""Calls of models: what endpoints that call themselves compatible do, budgets, prices, and the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline.answers.llm import (
    ChatModel,
    ChatRequest,
    ChatSettings,
    ContextOverflowError,
    End,
    Message,
    open_chat,
)
from wiki_pipeline.answers.llm.calls import Said
from wiki_pipeline.answers.llm.endpoint import _HABITS, normalised
from wiki_pipeline.answers.llm.tokens import TokenCounter, was_cut
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import BudgetError, ConfigurationError, ModelError
from wiki_pipeline.settings import load
from wiki_pipeline_tests.answers.chat_server import ChatServer, Refusal, Stream, chunk, said, usage
from wiki_pipeline_tests.answers.conftest import Opened

REQUEST = ChatRequest(messages=(Message("system", ("Be brief.",)), Message("user", ("Pages.", "Who is called?"))))


def ask(model: ChatModel, request: ChatRequest = REQUEST, **more: object) -> tuple[Said, list[str]]:
    pieces: list[str] = []
    cancelled = more.get("cancelled", lambda: False)
    return model.ask(request, model.purse("default"), pieces.append, cancelled), pieces  # type: ignore[arg-type]


def refused(message: str, **facts: object) -> Refusal:
    return Refusal(400, {"error": {"message": message, "type": "invalid_request_error", **facts}})


# --- streams ---------------------------------------------------------------------------------------------------------


def test_text_comes_in_pieces_with_its_usage(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [said("Ana ", "is ", "called.", counted=(40, 3))]
    found, pieces = ask(opened())
    assert pieces == ["Ana ", "is ", "called."]
    assert (found.chat.text, found.chat.end) == ("Ana is called.", End.COMPLETE)
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.estimated) == (40, 3, False)
    body = chat_server.requests[0]
    assert body["stream_options"] == {"include_usage": True}
    assert body.keys() == {"model", "messages", "stream", "stream_options"}  # no limit and no temperature by default
    assert [part["text"] for part in body["messages"][1]["content"]] == ["Pages.", "Who is called?"]


def test_no_header_says_what_machine_this_is(opened: Opened, chat_server: ChatServer) -> None:
    ask(opened())
    named = {name for name in chat_server.headers[0] if name.startswith("x-stainless")}
    assert not named & {"x-stainless-os", "x-stainless-arch", "x-stainless-runtime-version", "x-stainless-lang"}


def test_a_stream_that_ends_without_a_reason_is_broken(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana is"),), done=False)]
    found, pieces = ask(opened())
    assert (found.chat.end, pieces) == (End.BROKEN, ["Ana is"])
    assert found.usage.estimated


def test_a_line_that_is_no_json_breaks_the_stream_and_nothing_else(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana is"), "data: {nonsense"))]
    found, _ = ask(opened())
    assert (found.chat.end, found.chat.text) == (End.BROKEN, "Ana is")
    assert "not JSON" in found.chat.detail


def test_an_error_within_the_stream_is_told(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana is"), {"error": {"message": "out of memory", "code": 500}}))]
    found, _ = ask(opened())
    assert (found.chat.end, found.chat.text) == (End.BROKEN, "Ana is")
    assert "out of memory" in found.chat.detail


def test_a_stream_that_breaks_before_its_first_word_is_asked_for_again(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((), done=False), said("Ana.")]
    found, pieces = ask(opened())
    assert (found.chat.end, pieces, len(chat_server.requests)) == (End.COMPLETE, ["Ana."], 2)


def test_silence_ends_by_the_timeout(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana is"), 3.0))]
    found, pieces = ask(opened(chat_timeout=0.4))
    assert (found.chat.end, pieces) == (End.TIMEOUT, ["Ana is"])


def test_the_deadline_holds_for_the_whole_answer(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana is"),), held=True)]
    found, _ = ask(opened(chat_deadline=3.0))
    assert (found.chat.end, found.chat.text) == (End.TIMEOUT, "Ana is")
    assert chat_server.hung_up.wait(10)


def test_cancelling_closes_the_connection(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana is"),), held=True)]
    model, pieces = opened(), list[str]()
    found = model.ask(REQUEST, model.purse("default"), pieces.append, lambda: bool(pieces))
    assert (found.chat.end, found.chat.text) == (End.CANCELLED, "Ana is")
    assert chat_server.hung_up.wait(10)


def test_comments_and_chunks_without_choices_are_passed_over(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((": keepalive", {**chunk(), "choices": []}, chunk("Ana."), chunk(finish="stop")))]
    assert ask(opened())[0].chat.text == "Ana."


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_are_no_text(opened: Opened, chat_server: ChatServer, field: str) -> None:
    chat_server.plays = [Stream((chunk(**{field: "Hm, [c1]?"}), chunk("Ana."), chunk(finish="stop")))]
    found, pieces = ask(opened())
    assert (pieces, found.chat.thoughts) == (["Ana."], 9)


def test_thoughts_within_the_text_are_none_of_it(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [said("<th", "ink>Hm, ", "[c1] < 3?</thi", "nk>\n\nAna", " <thin> is.")]
    found, pieces = ask(opened())
    assert "".join(pieces) == found.chat.text == "Ana <thin> is."
    assert found.chat.thoughts == len("Hm, [c1] < 3?")


def test_a_limit_that_went_into_thoughts_is_told(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk(reasoning_content="Hm " * 50), chunk(finish="length")))]
    assert ask(opened())[0].chat.end is End.ONLY_THOUGHTS


def test_truncated_and_refused_are_told_apart(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [
        said("Ana is", finish="length"),
        Stream((chunk(refusal="I can't."), chunk(finish="stop"))),
        said("An", finish="content_filter"),
    ]
    ends = [ask(opened())[0].chat for _ in range(3)]
    assert [found.end for found in ends] == [End.TRUNCATED, End.REFUSED, End.REFUSED]
    assert ends[1].refusal == "I can't."


def test_ten_megabytes_in_one_line_are_cut_off(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [said("x" * 10_000_000)]
    found, _ = ask(opened())
    assert found.chat.end is End.TRUNCATED


# --- requests that are refused ---------------------------------------------------------------------------------------


def test_what_failed_for_a_moment_is_tried_again(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Refusal(429), Refusal(500), said("Ana.")]
    assert ask(opened())[0].chat.text == "Ana."


def test_a_long_retry_after_is_not_waited_for(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Refusal(429, headers=(("retry-after", "500"),))]
    with pytest.raises(ModelError, match="rate limit or quota"):
        ask(opened())
    assert len(chat_server.requests) == 1


def test_an_endpoint_that_loads_its_model_is_waited_for(
    opened: Opened, chat_server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wiki_pipeline.answers.llm.endpoint._LOADING_PAUSE", 0.01)
    loading = Refusal(503, {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}})
    chat_server.plays = [*[loading] * 8, said("Ana.")]
    assert ask(opened())[0].chat.text == "Ana."


def test_max_completion_tokens_is_renamed_once_and_remembered(opened: Opened, chat_server: ChatServer) -> None:
    model = opened(chat_max_tokens=50)
    chat_server.plays = [refused("Unrecognized request argument: max_completion_tokens", param="max_completion_tokens")]
    ask(model)
    ask(model)
    limits = [{name: body[name] for name in body if "max" in name} for body in chat_server.requests]
    assert limits == [{"max_completion_tokens": 50}, {"max_tokens": 50}, {"max_tokens": 50}]


def test_a_temperature_that_is_refused_is_left_out(opened: Opened, chat_server: ChatServer) -> None:
    message = "Unsupported value: 'temperature' does not support 0.2 with this model."
    chat_server.plays = [refused(message, param="temperature", code="unsupported_value")]
    ask(opened(chat_temperature=0.2))
    assert [body.get("temperature") for body in chat_server.requests] == [0.2, None]


def test_an_endpoint_that_wants_plain_strings_gets_them(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [refused("messages[1].content: invalid type: list, expected a string")]
    ask(opened())
    assert chat_server.requests[1]["messages"][1]["content"] == "Pages.\n\nWho is called?"


def test_what_can_t_be_mended_is_an_error_for_people(opened: Opened, chat_server: ChatServer) -> None:
    for status, advice in ((401, "WIKI_PIPELINE_CHAT_KEY"), (404, "WIKI_PIPELINE_CHAT_MODEL"), (400, "bad thing")):
        chat_server.plays = [Refusal(status, {"error": {"message": "bad thing"}})]
        with pytest.raises(ModelError, match=advice):
            ask(opened())


def test_an_endpoint_that_is_not_there_is_an_error_for_people(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wiki_pipeline.answers.llm.endpoint._TRIES_AGAIN", 0)
    with pytest.raises(ModelError, match="can't be reached"):
        ask(opened(chat_base_url="http://127.0.0.1:9/v1"))


@pytest.mark.parametrize(
    ("error", "window", "prompt"),
    [
        ({"message": "too long", "type": "exceed_context_size_error", "n_ctx": 512, "n_prompt_tokens": 900}, 512, 900),
        (
            {"message": "This model's maximum context length is 4096 tokens.", "code": "context_length_exceeded"},
            4096,
            0,
        ),
        ({"message": "prompt is too long: 9000 tokens"}, 0, 0),
    ],
)
def test_a_prompt_that_is_too_long_is_told_with_what_fits(
    opened: Opened, chat_server: ChatServer, error: dict[str, object], window: int, prompt: int
) -> None:
    chat_server.plays = [Refusal(400, {"error": error})]
    with pytest.raises(ContextOverflowError) as raised:
        ask(opened())
    assert (raised.value.window, raised.value.prompt_tokens) == (window, prompt)


# --- addresses and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("http://localhost:11434", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("https://x.openai.azure.com/openai/v1/", "https://x.openai.azure.com/openai/v1"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("http://h/api/chat/completions?a=1", "http://h/api"),
    ],
)
def test_addresses_are_taken_as_people_write_them(given: str, taken: str) -> None:
    address, remark = normalised(given)
    assert address == taken
    assert bool(remark) == (given.rstrip("/") != taken)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_CHAT_BASE_URL"):
        normalised("localhost:11434")


def test_the_key_is_read_from_where_it_is(opened: Opened, chat_server: ChatServer, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    ask(opened(chat_key=f"file:{key}"))
    ask(opened())  # a local endpoint wants none
    assert chat_server.keys == ["Bearer s3cret", "Bearer none"]


def test_without_a_key_openai_is_not_asked(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        open_chat(load(ChatSettings, chat_model="gpt"), catalog.model_calls)
    assert open_chat(load(ChatSettings), catalog.model_calls) is None


# --- budgets, prices, cache ------------------------------------------------------------------------------------------


def test_tokens_and_price_are_counted(opened: Opened, chat_server: ChatServer, catalog: Catalog) -> None:
    chat_server.plays = [said("Ana.", counted=(1_000, 100))]
    found, _ = ask(opened(chat_price_prompt=2.0, chat_price_completion=10.0))
    assert found.usage.price == pytest.approx(0.003)
    spent = catalog.model_calls.spent_today("default")
    assert (spent.calls, spent.prompt_tokens, spent.completion_tokens) == (1, 1_000, 100)
    assert spent.price == pytest.approx(0.003)


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        ({"chat_request_tokens": 500}, "this question"),
        ({"chat_day_tokens": 3_000}, "the day"),
        ({"chat_tenant_day_tokens": 3_000}, "the tenant default"),
        ({"chat_day_price": 0.0025, "chat_price_completion": 1.0}, "the day"),
        ({"chat_tenant_day_price": 0.0025, "chat_price_completion": 1.0}, "the tenant default"),
    ],
)
def test_a_budget_stops_before_the_call(
    opened: Opened, chat_server: ChatServer, budget: dict[str, float], name: str
) -> None:
    chat_server.model = lambda _: said("Ana.", counted=(1_500, 1_000))
    model = opened(**budget)
    if "request" not in next(iter(budget)):
        ask(model)  # within the budget; what it took is more than half of it
    sent = len(chat_server.requests)
    with pytest.raises(BudgetError, match=name):
        ask(model)
    assert len(chat_server.requests) == sent


def test_a_call_that_failed_costs_nothing(opened: Opened, chat_server: ChatServer, catalog: Catalog) -> None:
    chat_server.plays = [Refusal(401)]
    with pytest.raises(ModelError):
        ask(opened())
    assert catalog.model_calls.spent_today().tokens == 0


def test_an_answer_is_kept_by_what_it_was_made_from(opened: Opened, chat_server: ChatServer, catalog: Catalog) -> None:
    model = opened()
    keyed = ChatRequest(messages=REQUEST.messages, cache_key="question and pages")
    chat_server.plays = [said("Ana.")]
    first, second = ask(model, keyed)[0], ask(model, keyed)
    assert (second[0].chat.text, second[0].usage.cached, second[1]) == ("Ana.", True, ["Ana."])
    assert not first.usage.cached
    assert len(chat_server.requests) == 1
    ask(model, ChatRequest(messages=REQUEST.messages, cache_key="a page was edited"))
    assert len(chat_server.requests) == 2
    assert catalog.model_calls.known("another tenant", "key") is None


@pytest.mark.parametrize("play", [said("An", finish="length"), Stream((chunk("An"),), done=False)])
def test_what_is_incomplete_is_not_kept(opened: Opened, chat_server: ChatServer, play: Stream) -> None:
    keyed = ChatRequest(messages=REQUEST.messages, cache_key="key")
    chat_server.plays = [play, said("Ana.")]
    model = opened()
    ask(model, keyed)
    assert ask(model, keyed)[0].chat.text == "Ana."


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_prompt_that_was_cut_in_silence_is_noticed(opened: Opened, chat_server: ChatServer) -> None:
    long = ChatRequest(messages=(Message("user", ("word and sentence " * 1_700,)),))  # some 7,000 tokens
    chat_server.plays = [said("Ana.", counted=(4_096, 3)), said("Ana.", counted=(7_000, 3))]
    assert [ask(opened(), long)[0].prompt_cut for _ in range(2)] == [True, False]


def test_a_count_that_no_tokenizer_gives_is_a_cut() -> None:
    assert was_cut(["word and sentence " * 1_700], 1_000)
    assert not was_cut(["short"], 1)


def test_characters_a_token_are_learned() -> None:
    counter, text = TokenCounter(), "word and sentence " * 200
    before = counter.count(text)
    for _ in range(20):
        counter.learn([text], len(text) // 5)
    assert counter.count(text) < before
    assert counter.count(text) == pytest.approx(len(text) / 5, rel=0.1)
    assert TokenCounter().count("東京都の天気") >= 5


@pytest.fixture(autouse=True)
def _forget_habits() -> None:
    _HABITS.clear()


def test_usage_that_is_missing_is_estimated(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [said("Ana is called at night.")]
    found, _ = ask(opened())
    assert found.usage.estimated
    assert found.usage.completion_tokens > 3


def test_usage_without_choices_comes_last(opened: Opened, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("Ana."), chunk(finish="stop"), usage(30, 2)))]
    assert ask(opened())[0].usage.prompt_tokens == 30
