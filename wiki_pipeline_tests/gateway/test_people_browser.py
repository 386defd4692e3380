"""Login in a real browser: by the provider's form and back, without JavaScript too, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from wiki_pipeline_tests.access.issuer import Issuer
from wiki_pipeline_tests.gateway.people import PASSWORD, Town, town
from wiki_pipeline_tests.gateway.test_accessibility import faults
from wiki_pipeline_tests.gateway.test_browser import ARGUMENTS, CHROMIUM

_PATIENCE = 60_000  # ms


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Issuer() as issuer, town(tmp_path_factory.mktemp("town"), issuer) as place:
        issuer.asks = True
        yield place


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def page_of(browser: Browser, place: Town, *, javascript: bool = True, width: int = 1280, dark: bool = False) -> Page:
    context = browser.new_context(
        base_url=place.address,
        java_script_enabled=javascript,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(_PATIENCE)
    return context.new_page()


@pytest.mark.parametrize("javascript", [True, False])
def test_people_log_in_by_their_provider_and_out_again(browser: Browser, place: Town, javascript: bool) -> None:
    page = page_of(browser, place, javascript=javascript)
    page.goto("/search?q=rocket")
    page.get_by_role("link", name="Log in with company").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/search?q=rocket")
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    page.get_by_label("What it is for").fill("laptop")
    page.get_by_role("button", name="Make a token").click()
    assert page.locator(".once code").inner_text().startswith("wp_")
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url("**/login**")  # by way of the provider, which sends back
    page.goto("/account")
    assert "/login" in page.url
    page.context.close()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (360, True)], ids=["desk", "phone, dark"])
def test_pages_of_access_are_for_everybody(browser: Browser, place: Town, width: int, dark: bool) -> None:
    page = page_of(browser, place, width=width, dark=dark)
    page.goto("/login?next=/settings/members")
    found = {"login": faults(page)}
    page.get_by_label("Name").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Members of default")).to_be_visible()
    for path in ("/settings/members", "/settings/tokens", "/settings/audit", "/account"):
        page.goto(path)
        found[path] = faults(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than the screen"
    assert not any(found.values()), "\n".join(f"{name}: {one}" for name, of in found.items() for one in of)
    page.context.close()


def test_questions_of_the_start_page_are_asked_in_the_session(browser: Browser, place: Town) -> None:
    page = page_of(browser, place)
    page.goto("/login")
    page.get_by_label("Name").fill("reader")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".hero input[type=search]").fill("Who is called first?")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url("**/ask/**")
    assert "csrf" not in page.url
    page.context.close()
