"""Take the README's pictures with Debian's chromium: `python -m wiki_pipeline_tests.pictures` while `make run` runs."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
DAGSTER_PAGES = [
    ("graph", "/asset-groups", "wiki_pages"),
    ("partition", "/assets/chunks?view=partitions&partition=default%3Aconfluence%3AHANDBOOK", "added"),
    # With something in it: switch the sensor off, edit pages of the demo's Confluence, start the job poll_sources.
    ("stale", "/assets/stale_documents?view=checks&checkDetail=documents_fresh", "stalest"),
    ("ticks", "/locations/wiki_pipeline/sensors/freshness_events", "runs requested"),
]
RESEARCHED = "How is on-call organised, and what happens when a station goes silent?"
QUESTION = "How long does the battery of a station last?"
PATIENCE = 120_000  # ms; the first page of the Dagster UI is several megabytes


def main(dagster: str, gateway: str) -> None:
    """Pictures of a wiki page and of Dagster's pages."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{gateway}/wiki/confluence-HANDBOOK/")
        page.locator("main a", has_text="Station Mk III").first.or_(page.locator("main a").nth(3)).click()
        shoot(page, "wiki")
        research(page, gateway)
        page.set_viewport_size({"width": 960, "height": 640})
        asked(page, gateway)
        page.set_viewport_size({"width": 1900, "height": 860})
        for name, address, shown in DAGSTER_PAGES:
            page.goto(f"{dagster}{address}")
            page.get_by_text(shown).first.wait_for()
            settle(page)
            shoot(page, name)
        browser.close()


def research(page: Page, gateway: str) -> None:
    """A finished research."""
    page.goto(f"{gateway}/research")
    page.get_by_role("textbox").last.fill(RESEARCHED)
    page.keyboard.press("Enter")
    page.locator(".summary").wait_for()
    shoot(page, "research")


def asked(page: Page, gateway: str) -> None:
    """A question and what the pages say to it."""
    page.goto(f"{gateway}/ask")
    page.locator("textarea[name=q]").fill(QUESTION)
    page.locator("textarea[name=q]").press("Enter")
    page.locator(".passages").first.wait_for()
    page.wait_for_timeout(500)  # the page is shown anew once the answer has ended
    shoot(page, "ask")


def settle(page: Page) -> None:
    """Wait until the Dagster UI has loaded what it shows."""
    page.wait_for_timeout(5_000)  # it goes on asking for live data, so there is no moment at which it is done


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["http://127.0.0.1:3000", "http://127.0.0.1:8080"]))
