"""Research in a real browser: its trace grows while people watch, whoever closes the page; and it can be stopped."""

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
from wiki_pipeline_tests.answers.chat_server import ChatServer, Play, Stream, chunk
from wiki_pipeline_tests.answers.test_research import as_json, well
from wiki_pipeline_tests.gateway.conftest import serving
from wiki_pipeline_tests.gateway.test_browser import ARGUMENTS, CHROMIUM, CONTRAST, Open, open_page

__all__ = ["open_page"]

_PATIENCE = 120_000  # ms: several steps follow each other, on a machine that has other things to do
QUESTION = "Who does the pager call after twelve minutes, and what burns the propellant?"
PLAN = {
    "questions": [
        {"title": "Paging", "question": "Who does the pager call after twelve minutes?"},
        {"title": "Propellant", "question": "What burns the propellant of the rocket engine?"},
    ]
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        expect.set_options(timeout=_PATIENCE)
        yield browser
        expect.set_options(timeout=5_000)
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
        httpx.get(f"{address}/readyz", timeout=60)
        yield address


def begin(page: Page, question: str) -> None:
    page.get_by_role("textbox").last.fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".report")).to_be_visible()


def test_the_trace_grows_while_people_watch_and_nobody_has_to(open_page: Open, model: ChatServer) -> None:
    go_on = threading.Event()

    def play(prompt: str) -> Play:
        held = Stream((chunk("The second person is "), go_on, chunk("called [c1]."), chunk(finish="stop")))
        instead: dict[str, Play] = {"plan": as_json(PLAN)}
        if "Title of the section: Paging" in prompt:
            instead["section"] = held
        return well(prompt, **instead)

    model.model = play
    page = open_page("/research")
    begin(page, QUESTION)
    expect(page.locator(".trace .plan .parts li")).to_have_count(2)
    expect(page.locator(".trace .looked")).to_have_count(2)
    expect(page.locator(".trace .looked .what").first).to_have_text("Paging")
    expect(page.locator(".live")).to_contain_text("The second person is")  # before it is complete
    watched = page.url
    page.close()
    again = open_page(watched[watched.index("/research") :])  # as it stands, and from here on
    expect(again.locator(".trace .looked")).to_have_count(2)
    go_on.set()
    expect(again.locator(".summary")).to_be_visible()
    expect(again.locator(".report > .by")).to_contain_text("Written by the language model tiny")
    expect(again.locator(".live")).to_have_count(0)
    again.locator(".written .cite").first.click()
    expect(again.locator(".sources li:target")).to_be_in_viewport()
    expect(again.locator(".sources tr", has_text="On-call guide").first).to_contain_text("3 Oct 2026")
    expect(again.locator(".sources tr", has_text="On-call guide").first).to_contain_text("Up to date")
    again.locator(".how > summary").click()
    again.locator(".trace .looked summary").first.click()
    expect(again.locator(".trace .read a").first).to_be_visible()
    again.locator(".sources tbody th > a", has_text="On-call guide").click()
    expect(again).to_have_url(re.compile(r"/110/on-call-guide$"))


def test_stopping_reports_what_was_found(open_page: Open, model: ChatServer) -> None:
    model.model = lambda prompt: well(prompt, plan=as_json(PLAN), section=Stream((chunk("The second"),), held=True))
    page = open_page("/research")
    begin(page, f"{QUESTION} Slowly?")
    expect(page.locator(".live")).to_contain_text("The second")
    page.get_by_role("button", name="Stop and report what was found").click()
    expect(page.locator(".verdict")).to_have_text("Stopped before it was complete.")
    expect(page.locator(".passages").first).to_be_visible()
    page.goto("/research")
    expect(page.locator(".earlier li").first).to_contain_text("stopped")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_all_of_it_can_be_read(open_page: Open, model: ChatServer, dark: bool) -> None:
    model.model = lambda prompt: well(prompt, plan=as_json(PLAN))
    page = open_page("/research", width=360, dark=dark)
    begin(page, f"{QUESTION} Short?")
    expect(page.locator(".summary")).to_be_visible()
    page.locator(".how > summary").click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for selector in (".report > .by", ".trace .what", ".trace q", ".trace summary", ".sources .kept"):
        assert page.evaluate(CONTRAST, selector) >= 4.5, selector


def test_it_works_without_javascript(open_page: Open, model: ChatServer, address: str) -> None:
    model.model = lambda prompt: well(prompt, plan=as_json(PLAN))
    page = open_page("/research", javascript=False)
    page.get_by_role("textbox").last.fill(f"{QUESTION} Without?")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".report")).to_be_visible()
    httpx.get(f"{address}/v1{page.url.removeprefix(address)}/events", timeout=_PATIENCE / 1_000)  # until it is there
    page.goto(page.url)  # which it does itself, too, where the browser does that
    expect(page.locator(".summary")).to_be_visible()
    expect(page.locator(".sources tbody tr").first).to_be_visible()
