"""Take the README's pictures with Debian's chromium: `python -m wiki_pipeline_tests.pictures` while `make run` runs."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 120_000  # ms; the first page of the Dagster UI is several megabytes


def main(dagster: str, gateway: str) -> None:
    """Pictures of the asset graph, of a materialisation and of a wiki page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        page.set_default_timeout(PATIENCE)
        page.goto(f"{gateway}/wiki/confluence-HANDBOOK/")
        page.locator("main a", has_text="Station Mk III").first.or_(page.locator("main a").nth(3)).click()
        shoot(page, "wiki")
        page.goto(f"{dagster}/asset-groups")
        page.get_by_text("wiki_pages").first.wait_for()
        settle(page)
        shoot(page, "graph")
        page.goto(f"{dagster}/assets/chunks?view=partitions&partition=default%3Aconfluence%3AHANDBOOK")
        page.get_by_text("added").first.wait_for()
        settle(page)
        shoot(page, "partition")
        browser.close()


def settle(page: Page) -> None:
    """Wait until the Dagster UI has loaded what it shows."""
    page.wait_for_function("!document.querySelector('[class*=spinner i]')")
    page.wait_for_timeout(3_000)  # it goes on asking for live data, so there is no moment at which it is done


def shoot(page: Page, name: str) -> None:
    page.screenshot(path=HERE / f"{name}.png")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["http://127.0.0.1:3000", "http://127.0.0.1:8080"]))
