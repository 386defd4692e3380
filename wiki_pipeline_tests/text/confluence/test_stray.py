"""Text between the parts of tables, lists, links and macros is read where a browser would show it."""

from __future__ import annotations

import pytest

from wiki_pipeline.text.clean import clean_page
from wiki_pipeline.text.markdown import lozenge
from wiki_pipeline.text.words import lost_words
from wiki_pipeline_tests.text.confluence.pages import converted, macro, raw_page

LINK = '<ri:page ri:content-title="A"/>'
TARGET = "https://x.atlassian.net/wiki/display/ENG/A"
TASK = "<ac:task-status>complete</ac:task-status>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<table>one<tr><th>a</th></tr>two<tr><td>b</td></tr></table>", "one two\n\n| a |\n| --- |\n| b |"),
        ("<table><tbody>one<tr>two<th>a</th>three</tr></tbody></table>", "one\n\ntwo three\n\n| a |\n| --- |"),
        ("<table><tr><th>a</th></tr><p>one</p></table>", "one\n\n| a |\n| --- |"),
        ("<table><tr><td>a<table>one<tr><th>b</th></tr></table></td></tr></table>", None),
        ("<table><colgroup>one<col/></colgroup><tr><th>a</th></tr></table>", "one\n\n| a |\n| --- |"),
        (
            "<table><caption>one</caption><caption>two</caption><tr><th>a</th></tr></table>",
            "**one two**\n\n| a |\n| --- |",
        ),
        ("<ul>one<li>a</li>two</ul>", "- one\n- a\n- two"),
        ("<ul><li>a</li><p>one <strong>two</strong></p></ul>", "- a\n- one **two**"),
        ("<ul><li>a</li><ul><li>b</li></ul><li>c</li></ul>", "- a\n  - b\n- c"),
        (f"<ul><li>a</li>{macro('status', title='DONE', colour='Red')}</ul>", f"- a\n- {lozenge('DONE', 'red')}"),
        ("<ol><li>a</li>one<li>b</li></ol>", "1. a\n2. one\n3. b"),
        ("<dl><dt>a</dt>one<dd>b</dd></dl>", "- **a**  \n  one  \n  b"),
        (f"<ac:task-list>one<ac:task>{TASK}<ac:task-body>a</ac:task-body>two</ac:task></ac:task-list>", None),
        (f"<p><ac:link>one{LINK}<ac:link-body>a</ac:link-body> two</ac:link>.</p>", f"[a]({TARGET}) one two."),
        (f"<p><ac:link>{LINK}<ac:link-body>a</ac:link-body><em> b</em></ac:link></p>", f"[a]({TARGET}) *b*"),
        (
            '<p><ac:image><ri:url ri:value="https://e/a.png"/>one</ac:image></p>',
            "![https://e/a.png](https://e/a.png)\n\none",
        ),
        (macro("info", "one<ac:rich-text-body>a</ac:rich-text-body><p>two</p>"), "> [!NOTE]\n> a\n\none\n\ntwo"),
        (f"<p>{macro('status', 'one', title='DONE')}, two</p>", f"{lozenge('DONE')} one, two"),
        (macro("toc", "<p>one</p>"), "*[Table of contents]*\n\none"),
    ],
)
def test_what_stands_between_parts_is_kept(body: str, expected: str | None) -> None:
    spaced = body.replace("one", " one ").replace("two", " two ")  # so that each is a word of its own in the source
    raw = raw_page(spaced)
    assert not lost_words(raw, clean_page(raw))
    page = converted(body)
    assert expected is None or page.markdown == expected
    assert page.notes == ()


def test_spaces_between_parts_add_nothing() -> None:
    tight = "<table><tbody><tr><th>a</th></tr></tbody></table><ul><li>a</li><li>b</li></ul>"
    assert converted(tight.replace("><", ">\n <")).markdown == converted(tight).markdown


def test_text_in_ten_thousand_rows_is_kept_in_order() -> None:
    rows = "".join(f"<tr>stray{number} <td>x</td></tr>" for number in range(10_000))
    page = converted(f"<table>{rows}</table>")
    strays = [word for word in page.markdown.split() if word.startswith("stray")]
    assert strays == [f"stray{number}" for number in range(10_000)]
