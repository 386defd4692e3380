"""That pages say which words their conversion lost, and only then."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.model import RawPage
from wiki_pipeline.text.clean import Known, clean_page
from wiki_pipeline.text.confluence import registry
from wiki_pipeline.text.known import Included, text_hash
from wiki_pipeline.text.markdown import lozenge
from wiki_pipeline.text.words import lost_words
from wiki_pipeline_tests.text.confluence.pages import STORAGE, code, converted, macro, raw_file, raw_page, rich

LOSSY = rich("forgetful", "<p>quay {}</p>")


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler that says that it reads the macro's body, and forgets it."""
    monkeypatch.setitem(registry.BLOCK_MACROS, "forgetful", lambda node, page: "")
    monkeypatch.setitem(registry.READS, "forgetful", frozenset({registry.RICH}))


@pytest.mark.usefixtures("forgetful")
def test_a_page_that_lost_words_names_the_first_of_them() -> None:
    page = converted(LOSSY.format(" ".join(f"word{number:02}" for number in range(30))))
    assert page.lost_words == ("quay", *(f"word{number:02}" for number in range(19)))
    assert page.notes[-1].endswith("word18 and 11 more.")


@pytest.mark.usefixtures("forgetful")
def test_a_word_that_is_missed_most_comes_first_and_a_long_one_is_cut() -> None:
    page = converted(LOSSY.format(f"zebra zebra {60 * 'a'}"))
    assert page.lost_words == ("zebra", f"{50 * 'a'}…", "quay")


@pytest.mark.parametrize(
    "body",
    [
        "<p>W<b>or</b>d <em>and</em>, word &amp; w&ouml;rd</p>",
        "<table><tbody><tr><th>one</th><td><ul><li>two</li></ul></td></tr></tbody></table>",
        code("if (a < b && c) { return `x`; }\n\tstop_it(*a);", language="java", title="Main.java"),
        macro("toc", maxLevel="3") + "<p>1. a_b * c</p>",
        "<p>said &lt;b&gt;twice&lt;/b&gt;<!-- not this --> <script>nor(this)</script></p>",
        "<p>open <b>end",
        '<math><mi>a</mi><annotation encoding="application/x-tex">a^2</annotation></math>',
    ],
)
def test_a_page_that_kept_all_says_nothing(body: str) -> None:
    assert converted(body).lost_words == ()


PROLOGS = [
    "<!DOCTYPE html>",
    "<!doctype html>\n",
    '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n',
    '<!DOCTYPE html [<!ENTITY owner "somebody">]>',
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>',
    '<?xml-stylesheet href="style.css"?>',
    "<?php echo $greeting ?>",
    "<?php echo $greeting>",
    "<!-- a comment --><!--[if IE]> for old browsers <![endif]-->",
    "<!ELEMENT br EMPTY>",
    "<![if !IE]>",
    "</ unnamed>",
]


@pytest.mark.parametrize("prolog", PROLOGS)
@pytest.mark.parametrize("media_type", ["text/html", "application/xhtml+xml"])
def test_what_html_says_to_programs_is_no_word_of_it(prolog: str, media_type: str) -> None:
    raw = raw_file("hello.html", f"{prolog}<html><body><p>Hello</p></body></html>", media_type)
    assert clean_page(raw).lost_words == ()
    assert set(lost_words(raw, replace(clean_page(raw), markdown=""))) == {"hello"}


def test_a_doctype_in_storage_format_is_text_and_must_not_be_lost() -> None:
    raw = raw_page("<p>Begin with:</p><!DOCTYPE html>")
    assert clean_page(raw).lost_words == ()
    assert {"doctype", "html"} <= set(lost_words(raw, replace(clean_page(raw), markdown="Begin with:")))


HIDDEN = {"comment-macro", "css-stylesheet", "htmlcomment", "style"}


@pytest.mark.parametrize("name", sorted(registry.BLOCK_MACROS | registry.INLINE_MACROS))
def test_no_macro_loses_a_body_whether_it_is_made_to_have_one_or_not(name: str) -> None:
    for body in ("<ac:plain-text-body>quay pier</ac:plain-text-body>", "<ac:rich-text-body>{}</ac:rich-text-body>"):
        inside = macro(name, body.format("<p>quay</p><ul><li>pier</li></ul>"), title="T")
        for markup in (inside, f"<p>a {inside} z</p>", f"<h2>{inside}</h2>", f"<ul><li>{inside}</li></ul>"):
            page = converted(markup)
            assert [word in page.markdown for word in ("quay", "pier")] == 2 * [name not in HIDDEN], markup
            assert page.lost_words == ()


NAMES = sorted(name.replace("{", "").replace("}", ":") for name in registry.BLOCK | registry.INLINE)
HTML = """
    address applet area base bdi button col dialog embed frame label legend link marquee meta meter noscript object
    optgroup option output progress rp rt ruby textarea track wbr xmp
"""
FOR_PROGRAMS = {"head", "script", "style", "template", "ac:placeholder"}
FOR_PROGRAMS |= {"ac:adf-attribute", "ac:adf-mark", "ac:adf-parameter"}


@pytest.mark.parametrize("media_type", [STORAGE, "text/html"])
@pytest.mark.parametrize("name", sorted({*NAMES, *HTML.split()}))
def test_no_element_loses_what_stands_in_it(name: str, media_type: str) -> None:
    for body in ("<p>a <{0}>quay pier</{0}> z</p>", "<{0}><p>quay</p><p>pier</p></{0}>", "<{0}><b>quay</b> pier</{0}>"):
        page = converted(body.format(name), media_type=media_type)
        assert [word in page.markdown for word in ("quay", "pier")] == 2 * [name not in FOR_PROGRAMS], body
        assert page.lost_words == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '<p>Tide: <select><option>high</option><option selected="">low</option></select>.</p>',
            "Tide: high / <strong>low</strong>.",
        ),
        (
            '<select><optgroup label="Quay"><option>1</option></optgroup><option label="3"/></select>',
            "Quay: 1 / 3",
        ),
        ('<p><input type="radio" checked=""/>ebb <input type="radio"/>flow</p>', "[x] ebb [ ] flow"),
        ('<p><input value="Cast off"/><input type="hidden" value="x"/> <button>Moor</button></p>', "Cast off Moor"),
        ("<math><mi>sin</mi><mi>x</mi></math>", "sin x"),
        ("<svg><style>.a{}</style><text>high</text><foreignObject><p>tide</p></foreignObject></svg>", "high tide"),
        ('<p><code><ac:link><ri:user ri:account-id="abc123"/></ac:link></code></p>', "<code>@Ada Lovelace</code>"),
        ("<pre><div>a</div><div>b</div></pre>", "```\na\nb\n```"),
        ("<p>high<br>low</br></p>", "high  \nlow"),
        (rich("status", "<p>low</p>", title="TIDE"), f"{lozenge('TIDE')}\n\nlow"),
    ],
)
def test_what_is_not_made_to_hold_text_is_shown_with_it(body: str, expected: str) -> None:
    page = converted(body)
    assert (page.markdown, page.lost_words) == (expected, ())


@given(
    st.lists(
        st.sampled_from(["the", "tide", "turns", "at", "a", "pier,", "at", "the", "pier.", "no"]),
        min_size=1,
        max_size=12,
    ),
    st.data(),
)
def test_any_word_that_is_taken_out_of_a_text_is_found(words: list[str], data: st.DataObject) -> None:
    raw = raw_page("".join(f"<p>{word}</p>" for word in words))
    page = clean_page(raw)
    at = data.draw(st.integers(0, len(words) - 1))
    left = "\n\n".join(words[:at] + words[at + 1 :])
    assert not lost_words(raw, page)
    assert lost_words(raw, replace(page, markdown=left)) == {words[at].strip(",."): 1}


def test_a_part_of_a_longer_word_stands_for_no_word() -> None:
    raw = raw_page("<p>art</p><p>departs</p>")
    assert lost_words(raw, replace(clean_page(raw), markdown="departs")) == {"art": 1}


@pytest.mark.usefixtures("forgetful")
def test_words_of_an_included_page_stand_for_no_word_of_the_page() -> None:
    other = replace(raw_page("<p>quay</p>", url="https://x.atlassian.net/wiki/spaces/ENG/pages/7/O"), document_id="7")
    include = macro("include", **{"": '<ac:link><ri:page ri:content-title="O"/></ac:link>'})
    known = Known(page=lambda _: Included(other, "default:confluence:ENG", text_hash(other)))
    page = clean_page(raw_page(include + LOSSY.format("")), known)
    assert "quay" in page.markdown
    assert page.lost_words == ("quay",)
    assert clean_page(raw_page(include), known).lost_words == ()


@pytest.mark.parametrize("name", ["a.md", "a.yaml"])
def test_files_are_not_compared(name: str) -> None:
    raw: RawPage = raw_file(name, "---\nkey: value\n---\n<!-- hidden -->\n[a]: b\n\nText.\n", "text/markdown")
    assert clean_page(raw).lost_words == ()


@pytest.mark.parametrize(
    "mark", ["<![CDATA[", "<script>", "<!--", "<math>", "<ac:parameter ", "```\n> ", "[a](", "<a ", "&", "]]>", "<?"]
)
def test_a_hostile_body_takes_time_in_proportion(mark: str) -> None:
    raw = raw_page(f"<p>{mark * 30_000}</p>")
    lost_words(raw, replace(clean_page(raw_page("")), markdown=mark * 30_000))  # a quadratic search takes minutes
