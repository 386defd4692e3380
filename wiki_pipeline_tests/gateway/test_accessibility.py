"""What axe-core, the checker that browsers' own tools use, says of the pages: nothing serious."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from wiki_pipeline_tests.answers.chat_server import ChatServer, ids_in, said
from wiki_pipeline_tests.gateway.test_ask_browser import QUESTION, address, ask, browser, model
from wiki_pipeline_tests.gateway.test_browser import Open, open_page

__all__ = ["address", "browser", "model", "open_page"]

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
_LOOK = "() => axe.run(document, {preload: false, resultTypes: ['violations']})"
PAGES = {
    "start": "/",
    "search": "/search?q=pager&author=ana",
    "nothing found": "/search?q=xyzzyplugh&mode=text",
    "page": "/wiki/confluence-ENG/110/on-call-guide",
    "source": "/wiki/confluence-ENG/",
    "ask": "/ask",
}


def faults(page: Page) -> list[str]:
    """Each fault with the element that has it."""
    page.evaluate(_AXE)
    found: dict[str, Any] = page.evaluate(_LOOK)
    return [
        f"{one['impact']}: {one['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical", "moderate"}
        for node in one["nodes"]
    ]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)], ids=["desk", "phone, dark"])
def test_axe_finds_nothing_serious(open_page: Open, model: ChatServer, width: int, dark: bool) -> None:
    found = {}
    page = open_page("/ask", width=width, dark=dark)
    for name, path in PAGES.items():
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        found[name] = faults(page)
    model.model = lambda prompt: said(f"After 99 minutes [{ids_in(prompt)[0]}]. No source names this one.")
    ask(page, f"{QUESTION} Accessible?")
    expect(page.locator(".written")).to_be_visible()
    page.locator(".complete summary").click()
    found["answer"] = faults(page)
    assert not any(found.values()), "\n".join(f"{name}: {one}" for name, of in found.items() for one in of)


def test_asking_and_reading_on_needs_only_the_keyboard(open_page: Open, model: ChatServer) -> None:
    model.model = lambda prompt: said(f"The second person [{ids_in(prompt)[0]}].")
    page = open_page("/ask")
    page.locator("textarea[name=q]").focus()
    page.keyboard.type(f"{QUESTION} By keys?")
    page.keyboard.press("Enter")
    expect(page.locator(".written")).to_be_visible()
    page.locator(".written .cite").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cited li").first).to_be_in_viewport()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.cited') !== null")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/110/on-call-guide"))
