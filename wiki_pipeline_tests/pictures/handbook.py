"""Pictures of all pages of the handbook: `python -m wiki_pipeline_tests.pictures.handbook FOLDER`.

Takes no running installation: each page's HTML is shown with the wiki's own style, as a reader's column is wide.
Beside the pictures, `handbook.jpg` shows the beginning of each, small.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.site import assets
from wiki_pipeline_tests.pictures.__main__ import ARGUMENTS, CHROMIUM
from wiki_pipeline_tests.wiki.handbook_pages import wiki_pages

_WIDTH, _COLUMNS, _SMALL = 860, 8, 150


def main(folder: Path) -> None:
    """Write one picture a page, and the sheet."""
    folder.mkdir(parents=True, exist_ok=True)
    style = assets()["wiki.css"].content.decode()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": _WIDTH, "height": 600}, java_script_enabled=False)
        for shown in wiki_pages():
            body = (
                f'<h1 dir="auto">{escape(shown.title)}</h1><div class="prose" dir="auto">{highlight(shown.html)}</div>'
            )
            page.set_content(_document(style, f'<main class="content"><article>{body}</article></main>'))
            page.screenshot(path=folder / f"{shown.document_id}.png", full_page=True)
        _sheet(page, folder)
        browser.close()


def _sheet(page: Page, folder: Path) -> None:
    figures = "".join(
        f'<figure><img src="{(folder / shown.document_id).resolve().as_uri()}.png">'
        f"<figcaption>{escape(shown.title[:40])}</figcaption></figure>"
        for shown in wiki_pages()
    )
    style = f"""
        body {{ margin: 8px; font: 9px sans-serif; display: grid; gap: 8px }}
        body {{ grid-template-columns: repeat({_COLUMNS}, 1fr) }}
        figure {{ margin: 0 }}
        img {{ width: {_SMALL}px; height: 190px; object-fit: cover; object-position: top; border: 1px solid #ccc }}"""
    sheet = folder / "contact-sheet.html"
    sheet.write_text(_document(style, figures), "utf-8")
    page.set_viewport_size({"width": _COLUMNS * (_SMALL + 10) + 16, "height": 600})
    page.goto(sheet.resolve().as_uri())
    page.screenshot(path=folder / "handbook.jpg", full_page=True, type="jpeg", quality=60)
    sheet.unlink()


def _document(style: str, body: str) -> str:
    head = f'<meta charset="utf-8"><style>{style}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body class="plain">{body}</body></html>'


if __name__ == "__main__":
    main(Path(sys.argv[1]))
