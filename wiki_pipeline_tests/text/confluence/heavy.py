"""Converts pages that are as large and as deep as they get, for a test that limits this process. Prints their words."""

from __future__ import annotations

from wiki_pipeline_tests.text.confluence.pages import STORAGE, code, converted

_WORDS = "<p>word <strong>word</strong> &amp; <code>word</code></p>"
_ROW = f"<tr>{'<td>word</td>' * 100}</tr>"
_MACRO = '<ac:structured-macro ac:name="info">'
PAGES = {
    "twenty megabytes": _WORDS * (20_000_000 // len(_WORDS)),
    "twenty megabytes, broken": _WORDS.removesuffix("</p>") * (20_000_000 // len(_WORDS)),
    "twenty megabytes of code": code("word = 1\n" * (20_000_000 // 9)),
    "a million cells": f"<table>{_ROW * 10_000}</table>",
    "macros in macros": _MACRO * 10_000 + "word",
}


def main() -> None:
    """Convert each."""
    for name, body in PAGES.items():
        print(name, body.count("word") == converted(body, media_type=STORAGE).markdown.count("word"), flush=True)


if __name__ == "__main__":
    main()
