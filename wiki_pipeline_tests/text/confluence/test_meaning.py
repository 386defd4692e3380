"""The Markdown that is written means what the page said: another program shows the same text and emphasis of it."""

from __future__ import annotations

import html
import re
from xml.sax.saxutils import escape as xml_escape

import lxml.html
import pyromark
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from wiki_pipeline.text.markdown import code_span, escape, fence, image, link, paragraph
from wiki_pipeline_tests.text.confluence.pages import converted

_OPTIONS = pyromark.Options
_GITHUB = pyromark.Markdown(
    options=_OPTIONS.ENABLE_TABLES
    | _OPTIONS.ENABLE_GFM
    | _OPTIONS.ENABLE_STRIKETHROUGH
    | _OPTIONS.ENABLE_TASKLISTS
    | _OPTIONS.ENABLE_FOOTNOTES
)
# Two dollar signs in one text may be a formula, which is left as its author wrote it.
_texts = st.text(alphabet="ab1 *_`~<>[]()!#-+=|.\\&;:/^{}\n\"'@é日 x$", max_size=24).filter(lambda t: t.count("$") < 2)
_EMPHASES = ["strong", "em", "del", "code", "sub"]
_OPENING = dict(zip("QRSTUV", [*_EMPHASES, "span"], strict=True))
_CLOSING = "XYZ"


def _nested(marks: str) -> list[object]:
    """Elements within elements, from a text in which some letters open one and others close the innermost."""
    stack: list[tuple[str, list[object]]] = [("", [])]
    for mark in marks:
        if name := _OPENING.get(mark):
            stack.append((name, []))
        elif mark not in _CLOSING:
            stack[-1][1].append(mark)
        elif len(stack) > 1:
            stack[-2][1].append(stack.pop())
    while len(stack) > 1:
        stack[-2][1].append(stack.pop())
    return stack[0][1]


# Drawn as texts: strategies that are nested as the elements are take ten times as long as what is tested.
_nodes = st.text(alphabet="ab1 *_`~<[]().!é日,:-" + "".join(_OPENING) + _CLOSING, max_size=24).map(_nested)


def shown(markdown: str) -> str:
    """The text of a single paragraph as a reader sees it; fails if it is anything else."""
    rendered = _GITHUB.html(markdown)
    found = re.fullmatch(r"(?:<p>([^<]*)</p>\n?)?", rendered)
    assert found, f"{markdown!r} is shown as {rendered!r}"
    return " ".join(html.unescape(found.group(1) or "").split())


@settings(max_examples=1500)
@given(_texts)
@example("a_b_ *c* _d_")
@example("1. a")
@example("[a]: b")
@example("<a@b>")
def test_text_is_shown_as_it_is(text: str) -> None:
    assert shown(paragraph(escape(text))) == " ".join(text.split())


@given(st.text(alphabet="ab `*\n", max_size=16))
def test_code_in_a_line_is_shown_as_it_is(text: str) -> None:
    words = " ".join(text.split())
    assert _GITHUB.html(f"x {code_span(text)} y") == (
        f"<p>x <code>{words}</code> y</p>\n" if words else "<p>x  y</p>\n"
    )


@given(st.text(alphabet="ab `~\n#", max_size=30))
def test_a_fence_holds_its_code_whatever_fences_are_in_it(code: str) -> None:
    expected = html.escape(code.strip("\n"), quote=False)
    assert _GITHUB.html(fence(code, "py")) in {
        f'<pre><code class="language-py">{expected}\n</code></pre>\n',
        '<pre><code class="language-py"></code></pre>\n',
    }


@given(
    st.text(alphabet="ab[]\\ *", min_size=1, max_size=12), st.text(alphabet="ab()<> \\/?#%é", min_size=1, max_size=12)
)
def test_a_link_leads_to_one_place_whatever_its_text_and_target_hold(text: str, target: str) -> None:
    if not text.strip() or not target.strip():
        return
    rendered = lxml.html.fromstring(_GITHUB.html(f"x {link(escape(text), target)} y"))
    (anchor,) = rendered.iter("a")
    assert " ".join(anchor.text_content().split()) == " ".join(text.split())
    (picture,) = lxml.html.fromstring(_GITHUB.html(f"x {image(text, target)} y")).iter("img")
    assert " ".join(picture.get("alt").split()) == " ".join(text.split())


@settings(max_examples=1500)
@given(_nodes)
@example(["a", ("strong", ["b."]), "c"])
@example([("em", ["a"]), ("em", ["b"])])
@example([("code", ["a"]), ("code", ["b"])])
@example(["1", ("span", [("strong", [":"])])])
@example([("strong", [("em", ["a"]), "b"])])
def test_emphasis_is_where_it_was(nodes: list[object]) -> None:
    body = f"<p>{''.join(map(_xml, nodes))}</p>"
    rendered = _GITHUB.html(converted(body).markdown)
    assert _marked(lxml.html.fromstring(f"<div>{rendered}</div>")) == _marked(etree.fromstring(body))


@settings(max_examples=500)
@given(_nodes)
@example([("code", ["<a]b"]), "&amp;[x](y)"])
def test_a_heading_is_listed_with_the_text_that_is_shown(nodes: list[object]) -> None:
    body = f"<h2>{''.join(map(_xml, nodes))}</h2>"
    words = [" ".join("".join(etree.fromstring(body).itertext()).split())]
    assert ["".join(heading.text.split()) for heading in converted(body).headings] == [
        "".join(text.split()) for text in words if text
    ]


def _xml(node: object) -> str:
    if isinstance(node, str):
        return xml_escape(node)
    assert isinstance(node, tuple)
    name, content = node
    return f"<{name}>{''.join(map(_xml, content))}</{name}>"


def _marked(node: etree._Element, around: frozenset[str] = frozenset()) -> list[tuple[str, frozenset[str]]]:
    """Each character but white space with the emphases around it; within code there are none."""
    if node.tag in _EMPHASES and "code" not in around:
        around = frozenset({"code"}) if node.tag == "code" else around | {node.tag}
    found = [(character, around) for character in node.text or ""]
    for child in node:
        found += _marked(child, around)
        found += [(character, around) for character in child.tail or ""]
    return [(character, marks) for character, marks in found if not character.isspace()]
