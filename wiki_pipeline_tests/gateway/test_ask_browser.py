"""Asking in a real browser: an answer appears while it is written, and its citations lead to the place."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.answers.chat_server import ChatServer, Stream, chunk, ids_in, said
from wiki_pipeline_tests.gateway.conftest import serving
from wiki_pipeline_tests.gateway.test_browser import ARGUMENTS, CHROMIUM, CONTRAST, Open, open_page

__all__ = ["open_page"]

QUESTION = "Who does the pager call after twelve minutes?"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def model() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server
    assert server.wrong == []


@pytest.fixture(scope="module")
def address(pipeline: Pipeline, model: ChatServer) -> Iterator[str]:
    """A gateway over the two sources, with a language model."""
    settings = load(
        GatewaySettings, home=pipeline.settings.home, gateway_port=0, chat_model="tiny", chat_base_url=model.url
    )
    with serving(settings) as address:
        httpx.get(f"{address}/readyz", timeout=60)  # what takes seconds to load is there
        yield address


def ask(page: Page, question: str) -> None:
    page.locator("textarea[name=q]").fill(question)
    page.locator("textarea[name=q]").press("Enter")


def test_an_answer_appears_while_it_is_written_and_leads_to_the_place(open_page: Open, model: ChatServer) -> None:
    seen = threading.Event()
    model.model = lambda prompt: Stream(
        (chunk("After twelve minutes "), seen, chunk(f"the second person [{ids_in(prompt)[0]}]."), chunk(finish="stop"))
    )
    page = open_page("/ask")
    ask(page, QUESTION)
    expect(page.locator(".live")).to_contain_text("After twelve minutes")  # before it is complete
    seen.set()
    expect(page.locator(".written")).to_contain_text("the second person")
    expect(page.locator(".by")).to_contain_text("Written by the language model tiny")
    page.locator(".written .cite").click()
    source = page.locator(".cited li").first
    expect(source).to_be_in_viewport()
    expect(source).to_contain_text("Last changed 3 Oct 2026 by Ana Ruiz")
    expect(source).to_contain_text("Page in Engineering")
    expect(source).to_contain_text("Up to date")
    source.get_by_role("link", name="On-call guide").click()
    expect(page).to_have_url(re.compile(r"/110/on-call-guide#escalation$"))
    expect(page.locator("#escalation")).to_be_in_viewport()


def test_a_model_s_doubts_are_marked(open_page: Open, model: ChatServer) -> None:
    model.model = lambda prompt: said(f"After 99 minutes, Ben [{ids_in(prompt)[0]}]. He is quick about it.")
    page = open_page("/ask")
    ask(page, f"{QUESTION} Really?")
    expect(page.locator(".doubt").first).to_have_text("not in the source: 99")
    expect(page.locator(".doubt.uncited")).to_have_text("no source named")


def test_a_follow_up_stays_in_its_conversation(open_page: Open, model: ChatServer) -> None:
    model.model = lambda prompt: said(f"The second person [{(*ids_in(prompt), 'c1')[0]}].")
    page = open_page("/ask")
    ask(page, f"{QUESTION} First?")
    expect(page.locator(".written")).to_have_count(1)
    page.locator(".question select[name=source]").select_option(label="Engineering")
    ask(page, "And then?")
    expect(page.locator(".written")).to_have_count(2)
    expect(page.locator(".question select[name=source]")).to_have_value("confluence-ENG")
    page.reload()
    expect(page.locator(".written")).to_have_count(2)


def test_what_a_question_is_restricted_to_is_kept_for_the_next_and_for_reading(
    open_page: Open, model: ChatServer
) -> None:
    model.model = lambda prompt: said(f"The second person [{(*ids_in(prompt), 'c1')[0]}].")
    page = open_page("/ask")
    page.locator(".restricting summary").click()
    page.get_by_label("Last changed by").fill("ana")
    page.get_by_label("Kind").select_option(label="Wiki pages")
    ask(page, f"{QUESTION} Restricted?")
    expect(page.locator(".written")).to_be_visible()
    expect(page.locator(".restricting summary")).to_have_text("Filters (2)")
    expect(page.get_by_label("Last changed by")).to_have_value("ana")
    page.goto("/search?q=pager&author=nobody")
    expect(page.locator(".empty")).to_contain_text("with these filters")
    answer = page.request.get("/search?q=pager&since=2026-13-40")  # a browser's console calls 422 an error
    assert (answer.status, "is no day" in answer.text()) == (422, True)


def test_stopping_keeps_what_was_written(open_page: Open, model: ChatServer) -> None:
    model.model = lambda _: Stream((chunk("The second person is called, then "),), held=True)
    page = open_page("/ask")
    ask(page, f"{QUESTION} Slowly?")
    expect(page.locator(".live")).to_contain_text("The second person")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".verdict")).to_have_text("Stopped before it was complete.")
    expect(page.locator(".written")).to_contain_text("The second person is called")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_all_of_it_can_be_read(open_page: Open, model: ChatServer, dark: bool) -> None:
    model.model = lambda prompt: said(f"After 99 minutes [{ids_in(prompt)[0]}]. No source.", "\n\n`" + "x" * 300 + "`")
    page = open_page("/search?q=pager", width=360, dark=dark)
    page.get_by_role("button", name="Ask this question").click()
    expect(page.locator(".written")).to_be_visible()
    page.locator(".complete summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for selector in (".by", ".doubt", ".cited .excerpt", ".cite", ".complete summary", ".from", ".strip"):
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector


def test_it_works_without_javascript(open_page: Open, model: ChatServer) -> None:
    model.model = lambda prompt: said(f"The second person [{ids_in(prompt)[0]}].")
    page = open_page("/", javascript=False)
    page.get_by_label("Search everything").fill(f"{QUESTION} Without?")
    page.get_by_role("button", name="Ask").click()
    for _ in range(50):  # it reloads itself, too, where the browser does that
        if page.locator(".written").count():
            break
        page.get_by_role("link", name="Look again").click()
    expect(page.locator(".written")).to_contain_text("The second person")


def test_what_a_page_or_a_model_says_loads_nothing(open_page: Open, model: ChatServer, address: str) -> None:
    evil = '![x](https://evil.example/p.png) <img src="https://evil.example/q.png"> [a](https://evil.example) '
    model.model = lambda prompt: said(
        *evil.split("|"), f"<script>document.title='owned'</script> [{ids_in(prompt)[0]}]"
    )
    page = open_page("/ask")
    ask(page, f"{QUESTION} Evil?")
    expect(page.locator(".written")).to_contain_text("evil.example")
    assert page.locator(".written :is(img, script, a:not(.cite))").count() == 0
    assert page.title() != "owned"
    assert httpx.get(f"{address}/ask").headers["content-security-policy"].startswith("default-src 'self'")
