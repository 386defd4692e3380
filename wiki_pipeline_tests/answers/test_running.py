"""Answers as durable rows: events that are kept, cancellation, giving up, and what a killed process leaves behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from wiki_pipeline.access import Principal, local
from wiki_pipeline.answers.answer import Answer
from wiki_pipeline.answers.llm import open_chat
from wiki_pipeline.answers.retrieve import Library, Question
from wiki_pipeline.answers.running import Answering
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus
from wiki_pipeline.errors import AnswerNotFoundError, BusyError, ChangeRefusedError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.answers.chat_server import ChatServer, Stream, chunk
from wiki_pipeline_tests.answers.made import MadeSettings, made, markdown

QUESTION = Question(text="Who does the pager call?")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pipeline, Library]]:
    with made(tmp_path_factory.mktemp("home"), [markdown("a.md", "# Paging\n\nThe pager calls Ben Ito.\n")]) as found:
        yield found


def answering(world: tuple[Pipeline, Library], chat_server: ChatServer, **more: object) -> Answering:
    pipeline, library = world
    given = {"home": pipeline.settings.home, "chat_model": "tiny", "chat_base_url": chat_server.url, **more}
    settings = load(MadeSettings, **given)
    model = open_chat(settings, pipeline.catalog.model_calls)
    return Answering(pipeline.catalog, lambda _: library, model, settings)


@pytest.fixture
def who(world: tuple[Pipeline, Library]) -> Principal:
    return local(world[0].settings)


def ended(world: tuple[Pipeline, Library], record: AnswerRecord) -> AnswerRecord:
    """The answer once it has ended; nobody listens to it for that."""
    end = time.monotonic() + 60
    while True:
        found = world[0].catalog.answers.get(record.answer_id)
        assert found is not None
        if found.status is not AnswerStatus.RUNNING:
            return found
        assert time.monotonic() < end, "it never ended"
        time.sleep(0.02)


HELD = Stream((chunk("The pager calls "), chunk("Ben")), held=True)


def test_an_answer_that_is_cancelled_stops_and_keeps_what_there_is(
    world: tuple[Pipeline, Library], chat_server: ChatServer, who: Principal
) -> None:
    maker = answering(world, chat_server)
    chat_server.plays = [HELD]
    record = maker.begin(who, QUESTION)
    written = threading.Event()
    catalog = world[0].catalog

    def look() -> None:
        if any(event.event == "text" for event in catalog.streams.read(record.answer_id)):
            written.set()

    maker.listen(record.answer_id, look)
    maker.start(record, who.scope)
    assert written.wait(60)
    assert maker.cancel(record.answer_id)
    found = ended(world, record)
    maker.close()
    assert found.status is AnswerStatus.CANCELLED
    assert found.body is not None
    assert Answer.from_json(found.body).text.startswith("The pager calls")
    assert not maker.cancel(record.answer_id)
    assert chat_server.hung_up.wait(10)


def test_an_answer_that_nobody_listens_to_any_more_is_given_up(
    world: tuple[Pipeline, Library], chat_server: ChatServer, who: Principal
) -> None:
    maker = answering(world, chat_server, answer_grace_seconds=0.1)
    chat_server.plays = [HELD]
    record = maker.begin(who, QUESTION)
    left = threading.Event()

    def leave() -> None:
        if not left.is_set():
            left.set()
            maker.leave(record.answer_id, leave)

    maker.listen(record.answer_id, leave)
    maker.start(record, who.scope)
    assert left.wait(60)
    assert ended(world, record).status is AnswerStatus.CANCELLED
    maker.close()


def test_what_a_killed_process_left_behind_is_shown_as_interrupted(
    world: tuple[Pipeline, Library], chat_server: ChatServer, who: Principal
) -> None:
    killed, after = answering(world, chat_server), answering(world, chat_server)
    record = killed.begin(who, QUESTION)  # and never made
    assert after.recover("default") == 1
    found = world[0].catalog.answers.get(record.answer_id)
    assert found is not None
    assert found.body is not None
    assert [note.code for note in Answer.from_json(found.body).notes] == ["interrupted"]
    assert [event.event for event in world[0].catalog.streams.read(record.answer_id)] == ["done"]
    assert after.recover("default") == 0


def test_more_than_may_wait_are_told_to_come_again(
    world: tuple[Pipeline, Library], chat_server: ChatServer, who: Principal
) -> None:
    maker = answering(world, chat_server, answers_at_once=1, answers_waiting=0)
    chat_server.plays = [HELD]
    first, second = maker.begin(who, QUESTION), maker.begin(who, QUESTION)
    maker.start(first, who.scope)
    with pytest.raises(BusyError):
        maker.start(second, who.scope)
    refused = world[0].catalog.answers.get(second.answer_id)
    assert refused is not None
    assert refused.status is AnswerStatus.FAILED
    maker.cancel(first.answer_id)
    maker.close()


def test_a_conversation_is_gone_on_with_by_its_owner_alone(
    world: tuple[Pipeline, Library], chat_server: ChatServer, who: Principal
) -> None:
    maker = answering(world, chat_server)
    record = maker.begin(who, QUESTION)
    somebody = Principal("somebody", who.tenant, who.how, who.scope)
    with pytest.raises(AnswerNotFoundError):
        maker.begin(somebody, QUESTION, record.conversation_id)
    assert maker.begin(who, QUESTION, record.conversation_id).position == 2
    assert world[0].catalog.answers.conversations("default", "somebody") == []


def test_events_are_numbered_without_gaps_and_end(world: tuple[Pipeline, Library]) -> None:
    streams = world[0].catalog.streams
    streams.open("s", "default", "job", "me")
    assert streams.append("s", [("a", {"text": "NUL \x00, \ud800"}), ("b", None)]) == 2
    assert streams.append("s", [("c", [1])]) == 3
    assert [(event.number, event.event) for event in streams.read("s", after=1)] == [(2, "b"), (3, "c")]
    assert streams.read("s")[0].data["text"].startswith("NUL \ufffd, \ufffd")
    streams.finish("s")
    with pytest.raises(ChangeRefusedError):
        streams.append("s", [("d", 1)])
    assert not streams.cancel("s")
