"""Bodies that no XML parser accepts: read nevertheless, with no word lost, and said so."""

from __future__ import annotations

import re

import pytest

from wiki_pipeline.text.clean import clean_page
from wiki_pipeline.text.words import lost_words
from wiki_pipeline_tests.handbook import NOT_WELL_FORMED, pages
from wiki_pipeline_tests.text.confluence.pages import code, converted, macro, raw_page, rich

_NOTE = re.compile(r"The page is not well-formed and was repaired \(line \d+: [^\n]{1,120}\)\.")


def repaired(body: str) -> str:
    """The Markdown of a page that had to be repaired, and nothing else noted."""
    raw = raw_page(body)
    page = clean_page(raw)
    (note,) = page.notes
    assert _NOTE.fullmatch(note)
    assert not lost_words(raw, page)
    return page.markdown


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>one</p><p>two<p>three", "one\n\ntwo\n\nthree"),
        ("<p>one</p></div><p>two</p>", "one\n\ntwo"),
        ("<p>one <b>two</p><p>three</p>", "one **two**\n\nthree"),
        ("<p>one<br>two</p>", "one  \ntwo"),
        ("<p>1 < 2 & 3</p>", "1 < 2 & 3"),
        ("<p title=x>one</p>", "one"),
        ('<p title="1" title="2">one</p>', "one"),
        ("<acme:box>one</acme:box>", "one"),
        ("<ul><li>one</ul><p>two</p>", "- one\n\ntwo"),
        ("<p>one<p>two<div>three</div>four", "one\n\ntwo\n\nthree\n\nfour"),
        ("<p>one<h2>two</h2><ul><li>three</ul>", "one\n\n## two\n\n- three"),
        ("<ul><li>one<li>two<ul><li>three<li>four</ul><li>five</ul>", "- one\n- two\n  - three\n  - four\n- five"),
        ("<table><tr><th>a<th>b<tr><td><p>c<td>d</table><p>e", "| a | b |\n| --- | --- |\n| c | d |\n\ne"),
        ("<table><thead><tr><th>a<tbody><tr><td>b</table>", "| a |\n| --- |\n| b |"),
        ("<table><tr><td>a<table><tr><td>b</table></table>", None),
        ("<dl><dt>one<dd>two<dt>three<dd>four</dl>", "- **one**  \n  two\n- **three**  \n  four"),
        ("<div><table><tr><th>a</div></th><th>b</th></tr></table></div><p>c", "| a | b |\n| --- | --- |\n\nc"),
        (rich("info", "<p>one </div>two") + "</p>three", "> [!NOTE]\n> one two\n\nthree"),
    ],
)
def test_markup_that_is_broken_is_read_as_browsers_read_it(body: str, expected: str | None) -> None:
    shown = repaired(body)
    assert expected is None or shown == expected


def test_code_on_a_broken_page_is_verbatim() -> None:
    assert repaired(code("if a < b && c > 0: <b>", language="c") + "<p>one") == (
        "```c\nif a < b && c > 0: <b>\n```\n\none"
    )


def test_split_code_on_a_broken_page_is_one() -> None:
    assert repaired(code("a[b[0]]]]><![CDATA[>c") + "<p>one") == "```\na[b[0]]>c\n```\n\none"


def test_parameters_on_a_broken_page_do_not_leak() -> None:
    assert repaired(rich("info", "<p>one</p>", title="Mind", icon="false") + "<p>two") == (
        "> [!NOTE]\n> **Mind**\n>\n> one\n\ntwo"
    )


def test_tasks_on_a_broken_page_have_boxes_and_no_ids() -> None:
    task = "<ac:task-id>7</ac:task-id><ac:task-status>complete</ac:task-status><ac:task-body>do</ac:task-body>"
    assert repaired(f"<ac:task-list><ac:task>{task}</ac:task></ac:task-list><p>one") == "- [x] do\n\none"


@pytest.mark.parametrize("name", ["info", "code", "expand", "acme-unknown", "toc", "status", "jira", "excerpt"])
def test_text_after_a_macro_that_was_never_closed_is_kept(name: str) -> None:
    opened = macro(name, "<ac:rich-text-body><p>one</p></ac:rich-text-body>").removesuffix("</ac:structured-macro>")
    page = converted(f"<p>zero</p>{opened}<p>two</p><h2>Three</h2><p>four</p>")
    assert page.markdown.endswith("two\n\n## Three\n\nfour")
    assert page.markdown.startswith("zero\n\n")
    assert _NOTE.fullmatch(page.notes[0])


def test_text_directly_in_a_macro_that_was_never_closed_is_kept() -> None:
    body = '<ac:structured-macro ac:name="info">zero<ac:rich-text-body><p>one</p></ac:rich-text-body> two <p>three</p>'
    assert repaired(body) == "> [!NOTE]\n> one\n\nzero two\n\nthree"


def test_a_macro_that_was_never_closed_in_another_one_keeps_what_follows_both() -> None:
    inner = macro("code", "<ac:plain-text-body><![CDATA[x]]></ac:plain-text-body>")
    body = rich("info", inner.removesuffix("</ac:structured-macro>") + "<p>one</p>") + "<p>two</p>"
    assert repaired(body) == "> [!NOTE]\n> ```\n> x\n> ```\n>\n> one\n\ntwo"


def test_a_section_without_end_ends_with_the_element_around_it() -> None:
    page = converted(code("one < two").replace("]]>", "") + "<p>three</p>")
    assert page.markdown == "```\none < two\n```\n\nthree"
    assert page.notes == ("The page is not well-formed and was repaired (a CDATA section has no end).",)


def test_a_marked_section_of_a_kind_that_there_is_not_is_text() -> None:
    assert repaired("<p>one<![dth[ two ]]>three</p><br>") == "one\\<![dth[ two ]]>three"


def test_words_of_code_that_was_never_closed_are_kept() -> None:
    page = converted('<p>one</p><ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[two<p>three</p>')
    assert page.markdown == "one\n\n```\ntwo<p>three</p>\n```"
    assert page.notes == ("The page is not well-formed and was repaired (a CDATA section has no end).",)


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    page = converted("<p>a\x00b\x0b \x1b[1mc\ufffe \ud800d</p>")
    assert (page.markdown, page.notes) == ("ab [1mc d", ())


def test_references_to_characters_that_xml_cannot_hold_are_repaired() -> None:
    assert repaired("<p>one&#1; two&#xB;</p>") == "one two"


def test_the_broken_page_of_the_handbook_loses_no_word() -> None:
    (page,) = (page for page in pages() if page.id == NOT_WELL_FORMED)
    assert repaired(page.body)
