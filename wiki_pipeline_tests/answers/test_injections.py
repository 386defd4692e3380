"""What pages say has no effect beyond words: not on the prompt, not on citations, not on what is shown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline.answers.answer import Answer, Method, Outcome
from wiki_pipeline.answers.ask import Asker
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.llm import ChatSettings, open_chat
from wiki_pipeline.answers.markers import canonical, read
from wiki_pipeline.answers.pack import visible
from wiki_pipeline.answers.retrieve import Question
from wiki_pipeline.gateway.pages.ask import body_of
from wiki_pipeline.settings import load
from wiki_pipeline_tests.answers.chat_server import ChatServer, ids_in, prompt_of, said
from wiki_pipeline_tests.answers.injections import INJECTIONS, Injection
from wiki_pipeline_tests.answers.made import made, markdown

_ALLOWED = {
    "p",
    "em",
    "strong",
    "del",
    "code",
    "pre",
    "ul",
    "ol",
    "li",
    "blockquote",
    "table",
    "thead",
    "tr",
    "th",
    "td",
}
_ALLOWED |= {"div", "span", "a", "br", "hr"}


class Elements(HTMLParser):
    """The elements of an HTML text, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def answered(tmp_path: Path, chat_server: ChatServer) -> Any:
    def ask(injection: Injection) -> Answer:
        pages = [
            markdown(
                "secrets.md", f"# Station password policy\n\nThe station password is changed.\n\n{injection.page}\n"
            ),
            markdown("other/secrets.md", "# Station password policy\n\nThe station password is kept in the vault.\n"),
        ]
        with made(tmp_path, pages) as (pipeline, library):
            chat_server.model = lambda _: said(injection.said)
            model = open_chat(
                load(ChatSettings, chat_model="tiny", chat_base_url=chat_server.url), pipeline.catalog.model_calls
            )
            return Asker(library, model).answer(Question(text="What is the station password?"))

    return ask


def test_there_are_enough_of_them() -> None:
    assert len(INJECTIONS) >= 40
    assert len({injection.name for injection in INJECTIONS}) == len(INJECTIONS)


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda one: one.name)
def test_what_a_page_says_stays_between_the_fences_without_what_nobody_sees(injection: Injection) -> None:
    shown = visible(injection.page)
    if injection.hidden:
        assert injection.hidden not in shown
    # Nothing in it can be taken for a marker of ours, or for the head of an excerpt.
    assert not re.search(r"[\[【［]\s*[cC]?\d{1,3}\s*[,\]】］]", shown)
    assert ids_in(shown) == []


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda one: one.name)
def test_what_an_obeying_model_writes_is_shown_as_words(injection: Injection) -> None:
    known = {"c1"}
    answer = _written(canonical(read(injection.said, known)))
    elements = Elements(body_of(answer, "wiki:source-1-"))
    for tag, attributes in elements.found:
        assert tag in _ALLOWED, tag
        if tag == "a":
            assert attributes["href"] == "#wiki:source-1-c1"  # the program's own
            assert attributes.keys() == {"class", "href", "title"}
        else:
            assert attributes.keys() <= {"class", "start"}
        assert not any(name.startswith("on") or name in {"src", "style"} for name in attributes)


def _written(text: str) -> Answer:
    citation = Citation(
        id="c1", chunk_id="1", source="default:git:acme/rocket", source_title="rocket", kind="git", document_id="a.md",
        version="1", title="Policy", headings=(), path="a.md", start_line=0, end_line=0, code=False, url="",
        wiki_url="/wiki/x", author="", modified_at=None, text="", text_hash="",
    )  # fmt: skip
    return Answer(
        outcome=Outcome.ANSWERED, method=Method.MODEL, question="", text=text, citations=(citation,), model="tiny"
    )


@pytest.mark.parametrize(
    "injection",
    [one for one in INJECTIONS if one.name in {"spoofed marker", "spoofed header", "fake end of excerpts", "image"}],
    ids=lambda one: one.name,
)
def test_whatever_is_cited_was_issued_by_the_program(
    answered: Any, chat_server: ChatServer, injection: Injection
) -> None:
    answer = answered(injection)
    issued = set(ids_in(prompt_of(chat_server.requests[0])))
    assert {name for sentence in answer.sentences for name in sentence.citations} <= issued
    assert {citation.path for citation in answer.citations} <= {"secrets.md", "other/secrets.md"}
    # Two documents of one title are told apart.
    assert len({(one.title, one.wiki_url) for one in answer.citations}) == len(answer.citations)
    fences = re.findall(r"<<<([0-9a-f]+)>>>", prompt_of(chat_server.requests[0]))
    own = [fence for fence in fences if fences.count(fence) == 2 and fence != "0123456789abcdef"]
    assert len(own) == 2
