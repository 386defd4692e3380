"""Files of a repository: documents as Markdown, all else as it is; media types as the Git source gives them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from wiki_pipeline.model import CleanPage, Heading, Link
from wiki_pipeline.sources.git.names import media_type_of
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline_tests.text.confluence.pages import raw_file


def converted_file(path: str, body: str) -> CleanPage:
    """The file as a page, with the media type that its path tells."""
    return clean_page(raw_file(path, body, media_type_of(path, body)))


def notebook(*cells: dict[str, Any], language: str = "python") -> str:
    """A notebook of version 4."""
    return json.dumps({"nbformat": 4, "metadata": {"language_info": {"name": language}}, "cells": cells})


# --- Markdown --------------------------------------------------------------------------------------------------------


def test_markdown_stays_as_it_is_written() -> None:
    body = "# Set *up*\n\n* one\n+ two\n\n\n<b>x</b> `y`  \n| a |\n|---|\n| 1 |\n"
    page = converted_file("docs/setup.md", body)
    assert (page.markdown, page.title, page.code_language) == (body, "Set up", "")
    assert page.headings == (Heading(1, "Set up", "set-up"),)


def test_front_matter_gives_the_title_and_leaves_the_lines_where_they_are() -> None:
    page = converted_file("a.md", '---\ntitle: "The rig"\ntags: [x]\n---\n# Other\n')
    assert (page.title, page.markdown) == ("The rig", "\n\n\n\n# Other\n")


@pytest.mark.parametrize("path", ["a.md", "docs/a.html", "a.rst", "docs/a.adoc"])
def test_a_title_that_the_source_knows_is_not_overridden_by_a_heading(path: str) -> None:
    bodies = {"md": "# Other\n", "html": "<h1>Other</h1>", "rst": "Other\n=====\n\ntext\n", "adoc": "= Other\n"}
    raw = raw_file(path, bodies[path.rpartition(".")[2]], media_type_of(path))
    assert clean_page(raw).title == "Other"
    assert clean_page(replace(raw, title="The rig")).title == "The rig"


def test_the_description_in_the_front_matter_is_text_of_the_page() -> None:
    assert converted_file("a.md", "+++\ndescription = 'How *it* works'\n+++\ntext\n").markdown == (
        "How \\*it\\* works\n\n\ntext\n"
    )


def test_a_rule_at_the_start_is_no_front_matter() -> None:
    assert converted_file("a.md", "---\n\ntext\n").markdown == "---\n\ntext\n"


@pytest.mark.parametrize(
    ("target", "recorded"),
    [
        ("b.md", "docs/b.md"),
        ("../README.md#top", "README.md#top"),
        ("/src/a%20b.py", "src/a b.py"),
        ("#here", "#here"),
        ("https://example.org/x", "https://example.org/x"),
        ("mailto:ada@example.org", "mailto:ada@example.org"),
    ],
)
def test_a_relative_link_is_entered_as_a_path_within_the_repository(target: str, recorded: str) -> None:
    page = converted_file("docs/a.md", f"See [it]({target}).\n")
    assert page.markdown == f"See [it]({target}).\n"
    assert page.links == (Link("it", recorded),)


def test_headings_and_links_in_code_are_none() -> None:
    page = converted_file("a.md", "```sh\n# no\n[no](x)\n```\n\n`[no](x)`\n")
    assert (page.headings, page.links, page.title) == ((), (), "a.md")


def test_headings_and_links_written_in_html_count() -> None:
    page = converted_file("a.md", '<h1 align="center"><img src="logo.png"> The rig</h1>\n\n<a href="b.md">b</a>\n')
    assert page.headings == (Heading(1, "The rig", "the-rig"),)
    assert [link.target for link in page.links] == ["logo.png", "b.md"]


def test_line_ends_of_windows_become_plain() -> None:
    assert converted_file("a.md", "# A\r\n\r\nb\r\n").markdown == "# A\n\nb\n"


# --- notebooks -------------------------------------------------------------------------------------------------------


def test_a_notebook_shows_its_text_its_code_and_what_it_prints() -> None:
    body = notebook(
        {"cell_type": "markdown", "source": ["# Tides\n", "text"]},
        {
            "cell_type": "code",
            "source": "print(1 < 2)",
            "outputs": [{"output_type": "stream", "text": ["\x1b[31mTrue\x1b[0m\n"]}],
        },
    )
    page = converted_file("tides.ipynb", body)
    assert page.markdown == "# Tides\ntext\n\n```python\nprint(1 < 2)\n```\n\n```\nTrue\n```"
    assert page.title == "Tides"


def test_a_notebook_in_another_language_says_so() -> None:
    body = notebook({"cell_type": "code", "source": "x <- 1", "outputs": []}, language="R")
    assert converted_file("a.ipynb", body).markdown == "```r\nx <- 1\n```"


def test_a_picture_in_a_notebook_is_a_mark() -> None:
    shown = {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}}
    assert "iVBOR" not in converted_file("a.ipynb", notebook({"cell_type": "code", "outputs": [shown]})).markdown


def test_long_output_of_a_notebook_is_cut() -> None:
    printed = {"output_type": "stream", "text": [f"{n}\n" for n in range(100)]}
    page = converted_file("a.ipynb", notebook({"cell_type": "code", "source": "", "outputs": [printed]}))
    assert page.markdown.splitlines()[-3:] == ["19", "…", "```"]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"cells": 1}', '{"cells": ["x"]}', "[" * 100_000])
def test_a_notebook_that_cannot_be_read_is_shown_as_its_source(body: str) -> None:
    page = converted_file("a.ipynb", body)
    assert (page.markdown, page.notes) == (body, ("This notebook can't be read; its source is shown.",))


# --- reStructuredText, AsciiDoc, HTML --------------------------------------------------------------------------------


def test_restructured_text_is_markdown() -> None:
    body = (
        "The rig\n=======\n\nUse *it* and ``x*y``, see `here <b.rst>`_.\n\n.. note:: Mind the tide.\n\n"
        ".. code-block:: python\n\n   print(1 < 2)\n\n- one\n- two\n"
    )
    page = converted_file("docs/a.rst", body)
    assert page.markdown == (
        "# The rig\n\nUse *it* and `x*y`, see [here](b.rst).\n\n> [!NOTE]\n> Mind the tide.\n\n"
        "```python\nprint(1 < 2)\n```\n\n- one\n- two"
    )
    assert (page.title, page.links) == ("The rig", (Link("here", "docs/b.rst"),))


def test_restructured_text_includes_no_file() -> None:
    page = converted_file(
        "a.rst", "Title\n=====\n\n.. include:: /etc/passwd\n\n.. raw:: html\n\n   <script>x</script>\n"
    )
    assert "root:" not in page.markdown
    assert "<script" not in page.markdown.replace("\\<script", "").split("```")[0]


def test_roles_of_sphinx_are_their_text() -> None:
    assert converted_file("a.rst", "See :doc:`the rig <rig>` and :py:func:`~a.b`.\n").markdown == (
        "See the rig and `a.b`."
    )


def test_asciidoc_is_markdown() -> None:
    body = (
        "= The rig\nAda Lovelace\n:toc:\n\n== Use\n\nNOTE: Mind the *tide*.\n\n* one\n** two\n\n"
        "[source,python]\n----\nprint(1 < 2)\n----\n\nSee link:b.adoc[here].\n"
    )
    page = converted_file("docs/a.adoc", body)
    assert page.markdown == (
        "# The rig\n\n## Use\n\n> [!NOTE]\n> Mind the **tide**.\n\n- one\n   - two\n\n"
        "```python\nprint(1 < 2)\n```\n\nSee [here](b.adoc)."
    )
    assert (page.title, page.links) == ("The rig", (Link("here", "docs/b.adoc"),))


def test_html_is_markdown_without_its_programs() -> None:
    body = (
        "<!DOCTYPE html><html><head><title>T</title><script>x()</script></head>"
        "<body><h1>The rig</h1><p>See <a href='b.html'>here</a>.</p></body></html>"
    )
    page = converted_file("docs/a.html", body)
    assert page.markdown == "# The rig\n\nSee [here](b.html)."
    assert (page.title, page.links) == ("The rig", (Link("here", "docs/b.html"),))


# --- everything else -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "language"),
    [
        ("src/a.py", "# no heading\nx = '[no](link)'\n\n", "python"),
        ("Dockerfile", "FROM scratch\n", "docker"),
        ("a.yaml", "---\ntitle: no front matter\n---\n", "yaml"),
        ("a.json", '{"a": 1}', "json"),
        ("run", "#!/usr/bin/env python3\nprint()\n", "python"),
        ("notes.txt", "  one\n\ttwo  \n", "text"),
        ("LICENSE", "# Apache\n", "text"),
        ("empty.py", "", "python"),
    ],
)
def test_what_is_no_document_stays_as_it_is(path: str, body: str, language: str) -> None:
    page = converted_file(path, body)
    assert (page.markdown, page.code_language, page.title) == (body, language, path)
    assert (page.headings, page.links, page.notes) == ((), (), ())
