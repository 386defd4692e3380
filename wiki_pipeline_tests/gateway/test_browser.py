"""The wiki in a real browser: what readers see and do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

from wiki_pipeline_tests.gateway.documents import REPOSITORY, SPACE

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
HOME = f"/wiki/{SPACE.slug}/"
FILES = f"/wiki/{REPOSITORY.slug}/"
GUIDE = f"{HOME}110/on-call-guide"
ARABIC = f"{HOME}130"
EVERYWHERE = [
    "/",
    HOME,
    GUIDE,
    ARABIC,
    f"{HOME}140",
    f"{HOME}150",
    f"{HOME}160",
    FILES,
    f"{FILES}src/",
    f"{FILES}src/engine.py",
    f"{FILES}docs/guide.md",
    "/search?q=guide",
    "/docs",
]
# What is read as text, and the least contrast with what is behind it (WCAG 2.2, AA).
READ = [".prose p", ".prose a[href]", ".strip", ".crumbs a", ".tree li a", ".labels li", ".aside a", ".highlight .k"]
CONTRAST = """selector => {
  const pixel = colour => {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const element = document.querySelector(selector);
  let behind = element;
  while (behind && pixel(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
  const ground = getComputedStyle(behind || document.documentElement).backgroundColor;
  const lights = [getComputedStyle(element).color, ground].map(colour => light(pixel(colour)));
  return (Math.max(...lights) + .05) / (Math.min(...lights) + .05);
}"""

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM} on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[Open]:
    """Opens pages as readers with certain habits do. At the end: no other host was asked, and nothing complained."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def refuse(dialog: Dialog) -> None:
        wrong.append(f"a dialog: {dialog.message}")
        dialog.dismiss()

    def opened(path: str, *, width: int = 1280, dark: bool = False, javascript: bool = True) -> Page:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=javascript,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", refuse)
        page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(address) else None)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def test_every_page_opens_without_a_complaint_and_without_another_host(open_page: Open) -> None:
    page = open_page("/")
    for path in EVERYWHERE:
        answer = page.goto(path)
        assert answer is not None
        assert answer.ok, path


@pytest.mark.security
def test_a_hostile_page_does_nothing(open_page: Open) -> None:
    page = open_page(f"{HOME}160")
    page.get_by_text("click").click()
    expect(page).to_have_title("Old imports · Engineering")
    assert page.locator(".prose :is(script, form, iframe, img)").count() == 0


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_reader_finds_the_way_through_the_tree(open_page: Open, javascript: bool) -> None:
    page = open_page(HOME, javascript=javascript)
    tree = page.get_by_role("navigation", name="Pages")
    child = tree.get_by_role("link", name="محطة الإسكندرية: الفحص الشهري")
    expect(child).to_be_hidden()
    tree.locator("li", has_text="Dashboards").locator("summary").click()
    expect(child).to_be_visible()
    child.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("محطة الإسكندرية: الفحص الشهري")
    expect(tree.locator("[aria-current=page]")).to_have_text("محطة الإسكندرية: الفحص الشهري")
    page.get_by_role("navigation", name="Breadcrumbs").get_by_role("link", name="Dashboards").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboards & R/W 100%")


def test_a_search_leads_to_the_passage(open_page: Open) -> None:
    page = open_page(HOME)
    page.keyboard.press("/")
    page.keyboard.type("keeper of the lighthouse")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    page.locator(".chunk", has_text="lighthouse").first.click()
    expect(page).to_have_url(re.compile(r"#escalation$"))
    expect(page.locator("#escalation")).to_be_in_viewport()


def test_search_works_without_javascript(open_page: Open) -> None:
    page = open_page("/", javascript=False)
    page.get_by_label("Search everything").fill("lighthouse")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.get_by_role("link", name="On-call guide")).to_be_visible()


def test_the_page_is_dark_where_the_system_is_until_the_reader_chooses(open_page: Open) -> None:
    page = open_page(GUIDE, dark=True)
    background = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(background) == "rgb(20, 24, 26)"
    page.get_by_role("button", name="Switch between dark and light").click()
    assert page.evaluate(background) == "rgb(253, 253, 251)"
    page.goto(HOME)
    assert page.evaluate(background) == "rgb(253, 253, 251)"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(open_page: Open, dark: bool) -> None:
    page = open_page(GUIDE, dark=dark, width=1440)
    assert {selector: page.evaluate(CONTRAST, selector) >= 4.5 for selector in READ} == dict.fromkeys(READ, True)


def test_a_page_in_a_script_from_right_to_left_is_set_so(open_page: Open) -> None:
    page = open_page(ARABIC)
    for selector in ("h1", ".prose", ".prose h2", ".prose li"):
        assert page.locator(selector).first.evaluate("e => getComputedStyle(e).direction") == "rtl"
    left, right = page.locator(".prose p").first.evaluate(
        "e => { const r = document.createRange(); r.selectNodeContents(e); const b = r.getBoundingClientRect();"
        " const o = e.getBoundingClientRect(); return [b.left - o.left, o.right - b.right]; }"
    )
    assert right < 1 < left


def test_no_page_scrolls_sideways_on_a_telephone(open_page: Open) -> None:
    page = open_page("/", width=360)
    for path in EVERYWHERE:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_tree_unfolds_over_the_page_on_a_telephone(open_page: Open, javascript: bool) -> None:
    page = open_page(GUIDE, width=360, javascript=javascript)
    tree = page.get_by_role("navigation", name="Pages")
    expect(tree).to_be_hidden()
    page.get_by_role("link", name="Pages", exact=True).click()
    expect(tree).to_be_visible()
    page.get_by_role("link", name="Close the list of pages").click()
    expect(tree).to_be_hidden()


def test_lines_named_in_the_address_are_marked(open_page: Open) -> None:
    page = open_page(f"{FILES}src/engine.py#L4-L5")
    assert page.locator(".line.marked").evaluate_all("lines => lines.map(line => line.id)") == ["L4", "L5"]
    page.locator("#L1 .number").click()
    expect(page.locator(".line.marked")).to_have_attribute("id", "L1")
    page.locator("#L3 .number").click(modifiers=["Shift"])
    expect(page.locator(".line.marked")).to_have_count(3)
    assert urlsplit(page.url).fragment == "L1-L3"


def test_the_heading_being_read_is_marked_in_the_table_of_contents(open_page: Open) -> None:
    page = open_page(f"{GUIDE}#escalation", width=1440)
    expect(page.locator(".aside [aria-current]")).to_have_text("Escalation")


def test_code_is_copied_as_it_is(open_page: Open) -> None:
    page = open_page(GUIDE)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".code-frame").hover()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert str(page.evaluate("navigator.clipboard.readText()")).startswith("def page(person: str) -> None:\n    print(")


def test_a_printed_page_is_its_text_alone(open_page: Open) -> None:
    page = open_page(GUIDE)
    page.emulate_media(media="print")
    for selector in (".top", ".tree", ".turn"):
        expect(page.locator(selector)).to_be_hidden()
    expect(page.locator(".prose")).to_be_visible()


def test_the_keyboard_reaches_the_text_at_once(open_page: Open) -> None:
    page = open_page(GUIDE)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
