"""Research: how a question is taken apart, looked up and reported; with models that do as they please; and resumed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from wiki_pipeline.access import Scope, local
from wiki_pipeline.answers.answer import Method, Outcome, Passage
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.durable import Leaving
from wiki_pipeline.answers.llm import ChatModel, ChatSettings, open_chat
from wiki_pipeline.answers.markers import canonical, read
from wiki_pipeline.answers.research.contradictions import contradictions_in
from wiki_pipeline.answers.research.markdown import escaped, markdown_of
from wiki_pipeline.answers.research.plan import is_repeated, parts_of_question
from wiki_pipeline.answers.research.progress import Progress
from wiki_pipeline.answers.research.report import Ended, Report, Section
from wiki_pipeline.answers.research.research import Limits, Researcher
from wiki_pipeline.answers.research.running import Researching
from wiki_pipeline.answers.research.settings import ResearchSettings
from wiki_pipeline.answers.retrieve import Library, Question
from wiki_pipeline.catalog import AnswerStatus, StreamEvent
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.answers.chat_server import ChatServer, Play, Refusal, Stream, chunk, echo, ids_in, said
from wiki_pipeline_tests.answers.injections import EVIL, INJECTIONS
from wiki_pipeline_tests.answers.made import made, markdown

QUESTION = "How does paging work, and how long does the battery of a buoy last?"
_PAGING = """# Paging

When a buoy goes silent, the pager calls the first engineer three times.

## Escalation

After twelve minutes the pager calls the second engineer. Both of them answer to the duty officer.
"""
_OLD = "# Power\n\nThe battery of a buoy lasts 12 days without any sun at all. It is a lead battery.\n"
_NEW = "# Batteries\n\nThe battery of a buoy lasts 20 days without any sun at all. Swap it in spring.\n"
_NOISE = "# Canteen\n\nLunch is served at noon. The soup of the day is on the board.\n"


class AllSettings(Settings, ResearchSettings):
    """All that research takes."""


def page(name: str, text: str, month: int) -> Any:
    return replace(markdown(name, text), modified_at=datetime(2026, month, 1, tzinfo=UTC), author="Ana Ruiz")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pipeline, Library]]:
    attack = "# Station password policy\n\n" + "\n\n".join(one.page for one in INJECTIONS if "silent" not in one.page)
    pages = [
        page("paging.md", _PAGING, 3),
        page("power.md", _OLD, 4),
        page("batteries.md", _NEW, 9),
        page("canteen.md", _NOISE, 5),
        page("policy.md", attack, 6),
    ]
    with made(tmp_path_factory.mktemp("home"), pages) as found:
        yield found


class Run:
    """One research, with its events."""

    def __init__(self, library: Library, model: ChatModel | None, question: str, **limits: Any) -> None:
        self.events: list[StreamEvent] = []
        self.library, self.model, self.question = library, model, Question(text=question)
        self.limits = replace(Limits.of(load(AllSettings)), **limits)
        self.stop: Callable[[list[StreamEvent]], bool] = lambda _: False

    def emit(self, event: str, data: Any) -> None:
        stored = json.loads(json.dumps(data))  # as the catalog does
        self.events.append(StreamEvent(len(self.events) + 1, event, stored))

    def report(self) -> Report:
        researcher = Researcher(
            library=self.library,
            question=self.question,
            limits=self.limits,
            progress=Progress.of(self.events),
            emit=self.emit,
            cancelled=lambda: self.stop(self.events),
            model=self.model,
        )
        return researcher.report()

    def named(self, name: str) -> list[Any]:
        return [event.data for event in self.events if event.event == name]


@pytest.fixture
def run(world: tuple[Pipeline, Library], chat_server: ChatServer) -> Callable[..., Run]:
    def begun(question: str = QUESTION, *, chat: Mapping[str, Any] | None = None, **limits: Any) -> Run:
        pipeline, library = world
        if chat is None:
            return Run(library, None, question, **limits)
        given = {"chat_model": "tiny", "chat_base_url": chat_server.url, "chat_timeout": 5.0, **chat}
        model = open_chat(load(ChatSettings, **given), pipeline.catalog.model_calls)
        return Run(library, model, question, **limits)

    return begun


def asked_for(prompt: str) -> str:
    """What a prompt of research wants."""
    for name, mark in (
        ("plan", "You plan research"),
        ("gaps", "You check how far research"),
        ("contradictions", "You compare excerpts"),
        ("section", "You write one section"),
        ("summary", "You write the summary"),
    ):
        if mark in prompt:
            return name
    raise AssertionError(prompt[:200])


def as_json(value: object) -> Stream:
    return said(json.dumps(value), counted=(400, 60))


PLAN = {"questions": [{"title": "Paging", "question": "Whom does the pager call?"},
                      {"title": "Battery", "question": "How long does the battery of a buoy last?"}]}  # fmt: skip


def well(prompt: str, **instead: Play) -> Play:
    """A model that does what it is told, but for what is played instead."""
    kind = asked_for(prompt)
    if kind in instead:
        return instead[kind]
    if kind == "plan":
        return as_json(PLAN)
    if kind == "gaps":
        return as_json({"gaps": []})
    if kind == "contradictions":
        return as_json({"contradictions": []})
    return echo(prompt)


# --- without a model ---


def test_without_a_model_a_report_has_parts_passages_contradictions_and_sources(run: Callable[..., Run]) -> None:
    begun = run()
    report = begun.report()
    assert (report.outcome, report.method, report.ended) == (Outcome.ANSWERED, Method.PASSAGES, Ended.COMPLETE)
    plan = [one["text"] for one in begun.named("plan")[0]["questions"]]
    assert plan[:2] == ["How does paging work", "how long does the battery of a buoy last"]
    assert report.summary is not None
    said_ = " ".join(passage.text for section in report.all_sections for passage in section.passages)
    assert "the pager calls" in said_
    assert "20 days" in said_
    assert "soup" not in said_
    (told,) = report.contradictions
    known = {citation.id: citation for citation in report.citations}
    assert {known[claim.citation].path for claim in told.claims} == {"power.md", "batteries.md"}
    assert known[told.newer].path == "batteries.md"
    rows = {row.path: row for row in report.sources}
    assert {"paging.md", "power.md", "batteries.md"} <= rows.keys()
    assert (rows["paging.md"].author, rows["paging.md"].modified_at) == ("Ana Ruiz", "2026-03-01T00:00:00+00:00")
    assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report
    passages = [(one.citation, one.text) for section in report.all_sections for one in section.passages]
    assert len(set(passages)) == len(passages)  # nothing is quoted twice


def test_each_step_reads_what_was_not_read_before_and_says_what_was_left_out(run: Callable[..., Run]) -> None:
    begun = run()
    begun.report()
    issued = [citation["id"] for step in begun.named("looked") for citation in step["citations"]]
    assert issued == [f"c{number}" for number in range(1, len(issued) + 1)]
    chunks = [citation["chunk_id"] for step in begun.named("looked") for citation in step["citations"]]
    assert len(set(chunks)) == len(chunks)
    queries = [query for step in begun.named("looked") for query in step["step"]["queries"]]
    assert len(set(queries)) == len(queries)
    assert any(step["step"]["seen"] for step in begun.named("looked"))


def test_what_nothing_answers_is_said_with_the_nearest(run: Callable[..., Run]) -> None:
    report = run("What is the wifi code of the Lisbon office?").report()
    assert report.outcome is Outcome.NOTHING
    assert report.sections == ()
    assert report.not_found


def test_bounds_end_it_cleanly(run: Callable[..., Run]) -> None:
    steps = run(steps=1).report()
    assert (steps.ended, steps.steps) == (Ended.STEPS, 1)
    assert any(note.code == "steps_used" for note in steps.notes)
    assert steps.outcome is Outcome.ANSWERED  # what was found until then
    late = run(seconds=1e-9).report()
    assert (late.ended, late.outcome) == (Ended.TIME, Outcome.NOTHING)


def test_cancelled_it_reports_what_was_found(run: Callable[..., Run]) -> None:
    begun = run()
    begun.stop = lambda events: any(event.event == "looked" for event in events)
    report = begun.report()
    assert (report.outcome, report.ended, report.steps) == (Outcome.CANCELLED, Ended.CANCELLED, 1)
    assert report.sections or report.summary


def same(report: Report) -> Report:
    return replace(report, seconds=0.0, usage=None)


@pytest.mark.parametrize("with_model", [False, True], ids=["passages", "model"])
def test_killed_after_any_event_the_next_process_makes_the_same_report(
    run: Callable[..., Run], chat_server: ChatServer, with_model: bool
) -> None:
    chat_server.model = well
    chat: dict[str, Any] | None = {} if with_model else None
    whole = run(chat=chat)
    expected = whole.report()
    for last in range(len(whole.events)):
        resumed = run(chat=chat)
        resumed.events = whole.events[:last]
        assert same(resumed.report()) == same(expected), f"killed after event {last}"
        assert [step["step"]["number"] for step in resumed.named("looked")] == [*range(1, expected.steps + 1)]
        for once in ("plan", "contradictions"):
            assert len(resumed.named(once)) == 1
        assert len(resumed.named("gaps")) == len(whole.named("gaps"))


# --- with a model ---


def test_a_model_plans_and_writes_and_is_held_to_the_sources(run: Callable[..., Run], chat_server: ChatServer) -> None:
    def model(prompt: str) -> Play:
        if asked_for(prompt) == "section" and "Title of the section: Battery" in prompt:
            return said(f"It lasts 99 days [{ids_in(prompt)[0]}]. And [c77] nothing. It is quick about it.")
        return well(prompt)

    chat_server.model = model
    begun = run(chat={})
    report = begun.report()
    assert (report.outcome, report.method, report.model) == (Outcome.ANSWERED, Method.MODEL, "tiny")
    assert [section.title for section in report.sections] == ["Paging", "Battery"]
    paging, battery = report.sections
    assert all(sentence.citations and not sentence.missing for sentence in paging.sentences)
    assert battery.sentences[0].missing == ("99",)
    assert battery.unknown_ids == 1
    assert not battery.sentences[-1].citations
    issued = {citation.id for citation in report.citations}
    assert {name for section in report.all_sections for name in section.used} <= issued
    assert report.usage is not None
    assert report.usage.calls >= 5
    for body in chat_server.requests:  # rules, and what strangers wrote, in parts of their own
        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        assert len(body["messages"][1]["content"]) == 2


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (said("I would look for paging."), "unreadable"),
        (said('{"questions": [{"title": "Pa', finish="length"), "unreadable"),
        (Stream((chunk(refusal="I must not."), chunk(finish="stop"))), "refused"),
        (said('{"questions": "all of them"}'), "unreadable"),
    ],
    ids=["unparsable", "truncated", "refused", "another form"],
)
def test_a_plan_that_can_t_be_used_is_made_without_the_model(
    run: Callable[..., Run], chat_server: ChatServer, plan: Play, code: str
) -> None:
    chat_server.model = lambda prompt: well(prompt, plan=plan)
    begun = run(chat={}, questions=2)
    report = begun.report()
    assert begun.named("plan")[0]["by"] == "pages"
    assert code in {note.code for note in report.notes}
    assert report.method is Method.MODEL  # the sections still are


def test_json_is_read_in_a_fence_and_repaired_once(run: Callable[..., Run], chat_server: ChatServer) -> None:
    chat_server.plays = [said("Here you go!"), said(f"Sure:\n```json\n{json.dumps(PLAN)}\n```")]
    chat_server.model = well
    begun = run("What about paging and the battery of a buoy?", chat={})
    begun.report()
    assert [one["title"] for one in begun.named("plan")[0]["questions"]] == ["Paging", "Battery"]
    assert "not the JSON" in json.dumps(chat_server.requests[1])


def test_endless_and_repeated_sub_questions_end(run: Callable[..., Run], chat_server: ChatServer) -> None:
    many = [{"title": f"Topic {n}", "question": f"What about buoy topic{n}?"} for n in range(500)]
    gaps = [{"id": "", "title": f"Gap {n}", "question": f"What of gap{n}?", "queries": [f"gap{n}"]} for n in range(500)]
    chat_server.model = lambda prompt: well(prompt, plan=as_json({"questions": many}), gaps=as_json({"gaps": gaps}))
    begun = run(chat={}, questions=4, steps=7)
    report = begun.report()
    assert len(begun.named("plan")[0]["questions"]) == 4
    assert begun.named("plan")[0]["left_out"] == 496
    assert report.steps <= 7

    again = [{"id": "q1", "title": "Paging", "question": "Whom does the pager call?",
              "queries": ["Whom does the pager call?", "pager call"]}]  # fmt: skip
    chat_server.model = lambda prompt: well(prompt, gaps=as_json({"gaps": again}))
    repeated = run("Tell me of pagers and of the battery of a buoy.", chat={})
    assert repeated.report().steps == 2
    assert repeated.named("gaps")[0]["dropped"] == 1


def test_contradictions_of_a_model_are_taken_only_if_the_sources_hold_them(
    run: Callable[..., Run], chat_server: ChatServer
) -> None:
    def model(prompt: str) -> Play:
        if asked_for(prompt) != "contradictions":
            return well(prompt)
        ids = {
            name: re.search(rf"^\[(c\d+)\] [^\n]*{name}", prompt, re.MULTILINE) for name in ("power.md", "batteries.md")
        }
        old, new = (found[1] if found else "" for found in ids.values())

        def told(*claims: tuple[str, str]) -> dict[str, Any]:
            return {"about": "the battery", "claims": [{"id": name, "says": says} for name, says in claims]}

        return as_json({"contradictions": [
            told((old, "lasts 12 days"), (new, "lasts 20 days")),
            told((old, "lasts 12 days"), (new, "lasts 77 days")),  # which it doesn't say
            told((old, "lasts 12 days"), ("c99", "lasts 20 days")),  # which was never issued
            told((old, "lasts 12 days"), (old, "It is a lead battery")),  # one document
        ]})  # fmt: skip

    chat_server.model = model
    begun = run("How long does the battery of a buoy last, and how does paging work?", chat={})
    report = begun.report()
    assert len(report.contradictions) == 1
    assert begun.named("contradictions")[0]["dropped"] == 3
    known = {citation.id: citation for citation in report.citations}
    assert known[report.contradictions[0].newer].path == "batteries.md"


@pytest.mark.parametrize(
    ("chat", "limits"),
    [
        ({}, {"tokens": 2_000}),
        ({"chat_price_prompt": 1_000_000.0}, {"price": 700.0}),
        ({"chat_day_tokens": 2_000}, {}),
        ({"chat_tenant_day_tokens": 2_000}, {}),
    ],
    ids=["tokens", "price", "day", "tenant"],
)
def test_a_budget_that_ends_in_the_middle_leaves_what_was_found(
    run: Callable[..., Run],
    chat_server: ChatServer,
    world: tuple[Pipeline, Library],
    chat: dict[str, Any],
    limits: dict[str, Any],
) -> None:
    chat_server.model = well
    spent = world[0].catalog.model_calls.spent_today().tokens
    chat = {name: value + spent if name.endswith("day_tokens") else value for name, value in chat.items()}
    begun = run(f"{QUESTION} {next(iter({**chat, **limits}))}", chat={**chat, "chat_answer_tokens": 400}, **limits)
    report = begun.report()
    assert "budget_exceeded" in {note.code for note in report.notes}
    assert report.ended is Ended.BUDGET
    assert report.outcome is Outcome.ANSWERED
    assert any(section.passages for section in report.all_sections)  # quoted where nothing more could be written
    asked = len(chat_server.requests)
    again = run(f"{QUESTION} {next(iter({**chat, **limits}))}", chat={**chat, "chat_answer_tokens": 400}, **limits)
    again.events = begun.events  # what was used up before a restart stays so
    again.report()
    assert len(chat_server.requests) == asked


def test_an_endpoint_that_dies_and_comes_back_costs_what_it_missed_only(
    run: Callable[..., Run], chat_server: ChatServer
) -> None:
    def model(prompt: str) -> Play:
        if asked_for(prompt) == "section" and "Title of the section: Paging" in prompt:
            return Refusal(400, {"error": {"message": "the model was unloaded"}})
        return well(prompt)

    chat_server.model = model
    report = run(f"{QUESTION} Once more.", chat={}).report()
    paging, battery = report.sections
    assert paging.passages
    assert not paging.text
    assert battery.text
    assert "model_failed" in {note.code for note in report.notes}


def test_an_endpoint_that_stays_dead_is_left_alone(run: Callable[..., Run], chat_server: ChatServer) -> None:
    chat_server.model = lambda _: Refusal(400, {"error": {"message": "gone"}})
    report = run(f"{QUESTION} With a dead model.", chat={}).report()
    assert len(chat_server.requests) == 3
    assert (report.outcome, report.method) == (Outcome.ANSWERED, Method.PASSAGES)


# --- injections ---


def test_what_pages_say_reaches_models_fenced_and_without_what_nobody_sees(
    run: Callable[..., Run], chat_server: ChatServer
) -> None:
    chat_server.model = well
    run("What does the station password policy say?", chat={"chat_pages_tokens": 6_000}).report()
    assert any("Ignore all previous instructions" in json.dumps(body) for body in chat_server.requests)
    for body in chat_server.requests:
        pages, asked = (part["text"] for part in body["messages"][1]["content"])
        assert "HIDDEN" not in pages
        first, last = pages.splitlines()[1], pages.splitlines()[-1]
        assert first == last
        assert pages.count(first) == 2  # a page can't know it
        assert "hunter2" not in asked
        assert "hunter2" not in body["messages"][0]["content"]


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda one: one.name)
def test_what_an_obeying_model_writes_is_text_in_the_file_too(injection: Any) -> None:
    citation = _citation("c1", "a.md", "Text.")
    text = canonical(read(injection.said, {"c1"}))
    report = Report(
        outcome=Outcome.ANSWERED,
        method=Method.MODEL,
        question="What is said?",
        ended=Ended.COMPLETE,
        summary=Section(question="", title=injection.said[:80], text=text),
        citations=(citation,),
        model="tiny",
    )
    written = markdown_of(report, root="https://wiki.example")
    outside = re.sub(r"```.*?```|`[^`\n]*`", "", written, flags=re.DOTALL)
    assert set(re.findall(r"(?<!\\)\]\(([^)]*)\)", outside)) <= {"https://wiki.example/wiki/a.md"}
    assert not re.search(r"(?<!\\)<|(?<!\\)!\[|(?<!\\)\$", outside)
    assert not re.search(rf"https?://{EVIL}", outside)
    assert "```mermaid" not in written


def test_markup_of_strangers_is_escaped_and_code_is_kept() -> None:
    assert escaped("a [b](http://c.d) <i> $x$ www.e.f") == ("a \\[b\\](http\u2060://c.d) \\<i\\> \\$x\\$ www\u2060.e.f")
    assert escaped("say `a[0]` here") == "say `a[0]` here"
    assert escaped("```mermaid\nclick A\n```\n[x]") == "```\nclick A\n```\n\\[x\\]"


# --- its parts ---


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("How does paging work?", ["How does paging work?"]),
        ("Who pays, and how much is it?", ["Who pays", "how much is it"]),
        ("Wer zahlt und wie hoch ist der Preis?", ["Wer zahlt", "wie hoch ist der Preis"]),
        ("Research and development at sea", ["Research and development at sea"]),
        ("What is A1? What is B2?", ["What is A1", "What is B2"]),
    ],
)
def test_a_question_is_taken_apart_where_it_has_parts(question: str, parts: list[str]) -> None:
    assert parts_of_question(question) == parts


def test_the_same_in_nearly_the_same_words_is_a_repetition() -> None:
    assert is_repeated("Whom does the pager call?", ["who is called by the pager: call pager"])
    assert not is_repeated("How long does the battery last?", ["Whom does the pager call?"])


def _citation(name: str, path: str, text: str, modified: str | None = None) -> Citation:
    return Citation(
        id=name, chunk_id=name, source="default:git:acme/rocket", source_title="rocket", kind="git", document_id=path,
        version="1", title=path.removesuffix(".md"), headings=(), path=path, start_line=0, end_line=0, code=False,
        url="", wiki_url=f"/wiki/{path}", author="", modified_at=modified, text=text, text_hash=text,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("The battery of a buoy lasts 12 days in the dark.", "The battery of a buoy lasts 20 days in the dark.", True),
        ("The gateway listens on port 8080 by default.", "The gateway listens on port 9090 by default.", True),
        ("Backups are kept for 30 days in the vault.", "Backups are kept for 30 days in the vault.", False),
        ("Backups are kept for 30 days in the vault.", "Backups are kept for 4 weeks in the vault.", False),
        ("The Mk II battery of a buoy lasts 12 days.", "The Mk III battery of a buoy lasts 20 days.", False),
        ("Users in Brest wait 12 days for their keys.", "Users in Yokohama wait 20 days for their keys.", False),
        ("The first check of the day takes 5 minutes.", "The restart of the pump takes 9 minutes.", False),
        ("Backups are not kept for 30 days in the vault.", "Backups are kept for 60 days in the vault.", False),
        ("From 3 buoys, 12 days of data came in late.", "From 4 buoys, 20 days of data came in late.", False),
    ],
)
def test_contradictions_are_told_where_they_are_safe(one: str, other: str, told: bool) -> None:
    found = contradictions_in([_citation("c1", "a.md", one), _citation("c2", "b.md", other)])
    assert bool(found) is told
    assert not contradictions_in([_citation("c1", "a.md", f"{one}\n\n{other}")])  # one document


def test_a_quoted_table_row_keeps_its_header_in_the_file() -> None:
    passage = Passage(citation="c1", kind="row", text="| silent | 10 min |", header="| alarm | after |")
    report = Report(
        outcome=Outcome.ANSWERED,
        method=Method.PASSAGES,
        question="When?",
        ended=Ended.COMPLETE,
        summary=Section(question="", title="In short", passages=(passage,)),
        citations=(_citation("c1", "a.md", "x"),),
    )
    assert "> | alarm | after |\n> | --- | --- |\n> | silent | 10 min |" in markdown_of(report)


# --- durably ---


def researching(world: tuple[Pipeline, Library], chat_server: ChatServer, scopes: list[Scope]) -> Researching:
    pipeline, library = world
    settings = load(AllSettings, home=pipeline.settings.home, chat_model="tiny", chat_base_url=chat_server.url)

    def opened(scope: Scope) -> Library:
        scopes.append(scope)
        return library

    return Researching(pipeline.catalog, opened, open_chat(settings, pipeline.catalog.model_calls), settings)


def test_nobody_has_to_listen_and_a_process_that_ends_leaves_it_to_the_next(
    world: tuple[Pipeline, Library], chat_server: ChatServer
) -> None:
    catalog, who = world[0].catalog, local(world[0].settings)
    scopes: list[Scope] = []
    first = researching(world, chat_server, scopes)
    chat_server.model = lambda prompt: well(prompt, section=Stream((chunk("The pager"),), held=True))
    record = first.begin(who, Question(text=f"{QUESTION} Durably?"))
    catalog.streams.append(record.answer_id, [])

    def leave() -> None:
        first.leave(record.answer_id, leave)  # a browser that is closed

    first.listen(record.answer_id, leave)

    def close_when_writing() -> None:
        if any(event.event == "text" for event in catalog.streams.read(record.answer_id)):
            first._closed.set()  # as `close` does, which waits for this very thread

    first.listen(record.answer_id, close_when_writing)
    with pytest.raises(Leaving):
        first.run(record, who.scope)
    found = catalog.answers.get(record.answer_id, "research")
    assert found is not None
    assert found.status is AnswerStatus.RUNNING

    chat_server.model = well
    second = researching(world, chat_server, scopes)
    end = time.monotonic() + 60
    while not second.resume("default"):  # it may be taken once it is some seconds old
        assert time.monotonic() < end
        time.sleep(0.2)
    second._pool.shutdown(wait=True)
    ended = catalog.answers.get(record.answer_id, "research")
    assert ended is not None
    assert ended.status is AnswerStatus.DONE
    events = second.events(ended)
    assert [event.number for event in events] == [*range(1, len(events) + 1)]
    names = [event.event for event in events]
    assert names.count("resumed") == 1
    assert names.count("plan") == names.count("done") == 1
    numbers = [event.data["step"]["number"] for event in events if event.event == "looked"]
    assert numbers == [*range(1, len(numbers) + 1)]
    assert [scope.sources for scope in scopes] == [None, None]
    assert catalog.answers.conversations("default", who.name) == []
