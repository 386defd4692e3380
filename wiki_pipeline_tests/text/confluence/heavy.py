"""Converts pages that are as large and as deep as they get, for a test that limits this process. Prints their words."""

from __future__ import annotations

from wiki_pipeline_tests.text.confluence.pages import STORAGE, code, converted

_LARGEST = 10_000_000  # characters; a source leaves out what is larger
_WORDS = "<p>word <strong>word</strong> &amp; <code>word</code></p>"
_ROW = f"<tr>{'<td>word</td>' * 100}</tr>"
_MACRO = '<ac:structured-macro ac:name="info">'
PAGES = {
    "words": _WORDS * (_LARGEST // len(_WORDS)),
    "words, broken": _WORDS.removesuffix("</p>") * (_LARGEST // len(_WORDS)),
    "code": code("word = 1\n" * (_LARGEST // 9)),
    "cells": f"<table>{_ROW * (_LARGEST // len(_ROW))}</table>",
    "macros in macros": _MACRO * 10_000 + "word",
}


def main() -> None:
    """Convert each."""
    for name, body in PAGES.items():
        print(name, body.count("word") == converted(body, media_type=STORAGE).markdown.count("word"), flush=True)


if __name__ == "__main__":
    main()
