"""A question becomes an answer with a language model, whatever the model does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from wiki_pipeline.answers.answer import Answer, Method, Outcome
from wiki_pipeline.answers.ask import Asker
from wiki_pipeline.answers.llm import ChatModel, ChatSettings, open_chat
from wiki_pipeline.answers.llm.endpoint import _HABITS
from wiki_pipeline.answers.retrieve import Library, Question, Turn
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.answers.chat_server import (
    ChatServer,
    Refusal,
    Stream,
    chunk,
    ids_in,
    prompt_of,
    said,
)
from wiki_pipeline_tests.answers.made import made, markdown

PAGES = [
    markdown("paging.md", "# Paging\n\nAfter twelve minutes the pager calls Ben Ito. He answers within 5 minutes.\n"),
    markdown("coffee.md", "# Coffee\n\nThe coffee machine is cleaned on Fridays by whoever comes last.\n"),
    *(markdown(f"old/{n}.md", f"# Paging in year {n}\n\n" + f"The pager of {n} was grey. " * 40) for n in range(12)),
]
QUESTION = Question(text="Who does the pager call after twelve minutes?")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pipeline, Library]]:
    with made(tmp_path_factory.mktemp("home"), PAGES) as found:
        yield found


@pytest.fixture
def ask(library: tuple[Pipeline, Library], chat_server: ChatServer) -> Any:
    """Asks with the endpoint's model; the events go into a list."""
    _HABITS.clear()
    counter = iter(range(1_000))

    def asked(question: Question = QUESTION, events: list[tuple[str, Any]] | None = None, **settings: Any) -> Answer:
        pipeline, books = library
        # A model of its own for each call: nothing is known from an earlier test.
        named = {"chat_model": f"tiny-{id(chat_server)}-{next(counter)}", "chat_base_url": chat_server.url}
        model = open_chat(
            load(ChatSettings, **{**named, "chat_timeout": 5.0, **settings}), pipeline.catalog.model_calls
        )
        assert isinstance(model, ChatModel)
        heard = [] if events is None else events
        return Asker(books, model).answer(question, lambda name, data: heard.append((name, data)))

    return asked


def cited(*pieces: str, **more: Any) -> Any:
    """A model that says this, where `{first}` is the id of the first excerpt."""

    def model(prompt: str) -> Stream:
        ids = ids_in(prompt)
        return said(*(piece.replace("{first}", ids[0] if ids else "c1") for piece in pieces), **more)

    return model


def codes(answer: Answer) -> list[str]:
    return [note.code for note in answer.notes]


def test_sentences_lead_to_the_excerpts_that_they_stand_on(ask: Any, chat_server: ChatServer) -> None:
    chat_server.model = cited("The pager calls ", "Ben Ito after 12 minutes [", "{first}", "]. He is quick.")
    events: list[tuple[str, Any]] = []
    answer = ask(events=events)
    assert (answer.outcome, answer.method, answer.unknown_ids) == (Outcome.ANSWERED, Method.MODEL, 0)
    (used,) = answer.used
    assert used.path == "paging.md"
    assert [(one.citations, one.missing) for one in answer.sentences] == [((used.id,), ()), ((), ())]
    pieces = [piece for name, data in events if name == "text" for piece in data["pieces"]]
    assert {"cite": used.id} in pieces
    assert (
        "".join(piece.get("text", "") for piece in pieces) == "The pager calls Ben Ito after 12 minutes . He is quick."
    )
    assert [name for name, _ in events][:3] == ["step", "found", "step"]


def test_ids_that_were_never_issued_and_addresses_are_dropped_and_counted(ask: Any, chat_server: ChatServer) -> None:
    chat_server.model = cited("It calls Ben Ito [c99]. [{first}](http://evil.example) And Ana [98].")
    answer = ask()
    assert (answer.unknown_ids, answer.links_removed) == (2, 1)
    assert "evil" not in answer.text
    assert "99" not in answer.text


def test_a_fact_that_the_source_does_not_hold_is_marked(ask: Any, chat_server: ChatServer) -> None:
    chat_server.model = cited("The pager calls Ben Ito after 15 minutes [{first}].")
    (sentence,) = ask().sentences
    assert sentence.missing == ("15",)


def test_what_the_sources_don_t_answer_is_said_with_what_is_nearest(ask: Any, chat_server: ChatServer) -> None:
    chat_server.model = cited("The excerpts don't name the colour. [c0]")
    answer = ask()
    assert answer.outcome is Outcome.NOTHING
    assert answer.text == "The excerpts don't name the colour."
    assert answer.passages
    assert answer.sentences == ()


def test_no_hits_no_call(library: tuple[Pipeline, Library], chat_server: ChatServer, ask: Any) -> None:
    answer = ask(Question(text="Who?", filters=QUESTION.filters.__class__(path_prefix="nowhere/")))
    assert answer.outcome is Outcome.NOTHING
    assert chat_server.requests == []


@pytest.mark.parametrize(
    ("play", "code", "method", "outcome"),
    [
        (said("The pager calls Ben", finish="length"), "truncated", Method.MODEL, Outcome.ANSWERED),
        (Stream((chunk("The pager"),), done=False), "broken", Method.MODEL, Outcome.ANSWERED),
        (Stream((chunk(refusal="I won't."), chunk(finish="stop"))), "refused", Method.PASSAGES, Outcome.REFUSED),
        (Stream((chunk(reasoning="Hm"), chunk(finish="length"))), "only_thoughts", Method.PASSAGES, Outcome.ANSWERED),
        (said(""), "empty", Method.PASSAGES, Outcome.ANSWERED),
        (Refusal(401), "model_failed", Method.PASSAGES, Outcome.ANSWERED),
        (said("The pager calls Ben Ito."), "uncited", Method.MODEL, Outcome.ANSWERED),
    ],
)
def test_what_went_wrong_is_told_as_what_it_is(
    ask: Any, chat_server: ChatServer, play: Any, code: str, method: Method, outcome: Outcome
) -> None:
    chat_server.plays = [play]
    answer = ask()
    assert code in codes(answer)
    assert (answer.method, answer.outcome) == (method, outcome)
    if method is Method.PASSAGES:
        assert answer.passages[0].text.startswith("After twelve minutes")


def test_a_prompt_that_is_too_long_is_packed_again_once(ask: Any, chat_server: ChatServer) -> None:
    overflow = {"message": "too long", "type": "exceed_context_size_error", "n_ctx": 1500, "n_prompt_tokens": 4000}
    chat_server.plays = [Refusal(400, {"error": overflow})]
    answer = ask()
    first, second = (prompt_of(body) for body in chat_server.requests)
    assert len(second) < len(first)
    assert set(ids_in(second)) < set(ids_in(first))  # the same ids, fewer of them
    assert "repacked" in codes(answer)
    assert answer.method is Method.MODEL
    chat_server.plays = [Refusal(400, {"error": overflow})] * 2
    assert "context_overflow" in codes(ask())


def test_an_endpoint_that_read_only_a_part_is_told(ask: Any, chat_server: ChatServer) -> None:
    chat_server.model = cited("The pager calls Ben Ito [{first}].", counted=(512, 9))
    assert "prompt_cut" in codes(ask())


def test_a_budget_that_is_used_up_leaves_the_passages(ask: Any, chat_server: ChatServer) -> None:
    answer = ask(chat_request_tokens=100)
    assert (answer.method, codes(answer)) == (Method.PASSAGES, ["budget_exceeded"])
    assert chat_server.requests == []


def test_pages_stand_in_a_part_of_their_own_behind_a_fence_that_changes(ask: Any, chat_server: ChatServer) -> None:
    chat_server.model = cited("Ben Ito [{first}].")
    ask()
    ask()
    fences = []
    for body in chat_server.requests:
        system, user = body["messages"]
        pages, question = (part["text"] for part in user["content"])
        assert "After twelve minutes" in pages
        assert "After twelve minutes" not in system["content"] + question
        assert question == f"Question: {QUESTION.text}"
        fence = pages.partition("<<<")[2].partition(">>>")[0]
        assert pages.rstrip().endswith(f"<<<{fence}>>>")
        fences.append(fence)
        assert not {"tools", "functions", "tool_choice"} & body.keys()
    assert fences[0] != fences[1]
    assert chat_server.requests[0]["messages"][0] == chat_server.requests[1]["messages"][0]  # can be reused


def test_a_follow_up_is_searched_as_asked_and_as_rewritten(ask: Any, chat_server: ChatServer) -> None:
    chat_server.plays = [said("When is the coffee machine cleaned?"), said("On Fridays [c1].")]
    history = (Turn("Who cleans the coffee machine?", "Whoever comes last."),)
    answer = ask(Question(text="And when?", history=history))
    assert any(one.path == "coffee.md" for one in answer.citations[:2])
    assert "When is the coffee machine cleaned?" in prompt_of(chat_server.requests[1])
    assert answer.usage is not None
    assert answer.usage.calls == 2


def test_a_rewrite_that_fails_costs_no_answer(ask: Any, chat_server: ChatServer) -> None:
    chat_server.plays = [Stream((chunk("When"),), done=False), said("On Fridays [c1].")]
    answer = ask(Question(text="And the coffee machine?", history=(Turn("Who cleans?", "The last one."),)))
    assert answer.method is Method.MODEL


def test_the_same_question_of_the_same_pages_is_not_asked_again(
    library: tuple[Pipeline, Library], chat_server: ChatServer
) -> None:
    pipeline, books = library
    settings = load(ChatSettings, chat_model="cached", chat_base_url=chat_server.url)
    model = open_chat(settings, pipeline.catalog.model_calls)
    first, second = (Asker(books, model).answer(QUESTION) for _ in range(2))
    assert first.text == second.text
    assert second.usage is not None
    assert second.usage.cached
    assert len(chat_server.requests) == 1


def test_an_answer_survives_being_stored(ask: Any) -> None:
    answer = ask()
    assert Answer.from_json(answer.to_json()) == answer


def test_cancelled_answers_keep_what_there_is(library: tuple[Pipeline, Library], chat_server: ChatServer) -> None:
    pipeline, books = library
    settings = load(ChatSettings, chat_model="held", chat_base_url=chat_server.url)
    chat_server.plays = [Stream((chunk("The pager calls "), chunk("Ben"), chunk(" Ito")), held=True)]
    heard: list[str] = []
    model = open_chat(settings, pipeline.catalog.model_calls)
    answer = Asker(books, model).answer(
        QUESTION, lambda name, _: heard.append(name), lambda: chat_server.requests != [] and "step" in heard[2:3]
    )
    assert answer.outcome is Outcome.CANCELLED
    assert chat_server.hung_up.wait(10)
