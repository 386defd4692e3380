"""No page can do anything: whatever its Markdown, its HTML has none but the elements and attributes listed here.

The list and the parser are these tests' own, not the sanitiser's.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests.wiki.pages import REPOSITORY, SPACE, file, index, space_page

pytestmark = pytest.mark.security

LINKS = index()


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = words(
    "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i input ins kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub"
    " summary sup table tbody td tfoot th thead time tr tt u ul var wbr"
)
# Those of formulas, which have neither addresses nor styles.
FORMULAS = words(
    "math semantics annotation mi mn mo ms mspace mtext menclose merror mfrac mpadded mphantom mroot mrow msqrt mstyle"
    " mmultiscripts mover mprescripts msub msubsup msup munder munderover mtable mtd mtr none"
)
OF_FORMULAS = words(
    "accent accentunder columnalign columnspacing columnlines depth display displaystyle encoding fence form height"
    " largeop linebreak linethickness lspace mathsize mathvariant maxsize minsize movablelimits notation rowlines"
    " rowspacing rspace scriptlevel separator stretchy symmetric voffset width xmlns align"
)
HARMLESS = words(
    "title lang dir align colspan rowspan span scope start reversed value open type datetime disabled checked"
    " aria-label aria-hidden role tabindex data-line data-language"
)
VOID = words("br col hr input wbr")


class Inspector(HTMLParser):
    """Reads HTML and names what should not be in it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ELEMENTS | FORMULAS:
            self.wrong.append(f"<{tag}>")
        if tag not in VOID:
            self.open.append(tag)
        if tag == "input" and (dict(attrs).get("type") != "checkbox" or "disabled" not in dict(attrs)):
            self.wrong.append("a field that can be filled in")
        for name, value in attrs:
            if not self._may(tag, name, value or ""):
                self.wrong.append(f"<{tag} {name}={value!r}>")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"an instruction: {data}")

    @staticmethod
    def _may(tag: str, name: str, value: str) -> bool:
        if name == "href":
            parts = urlsplit(value)
            inside = value.startswith(("#", "/wiki/")) and not value.startswith("//")
            outside = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.username
            return tag == "a" and (inside or outside or parts.scheme in {"mailto", "tel"})
        if name in {"id", "name"}:
            return bool(re.fullmatch(r"[^\s\"'<>&`=]+", value)) and not value.startswith("wiki:")
        if name == "class":
            return bool(re.fullmatch(r"[\w+#. -]+", value))
        if name == "rel":
            return value == "noopener nofollow"
        return name in (OF_FORMULAS if tag in FORMULAS else HARMLESS)


def inspected(html: str) -> list[str]:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    return inspector.wrong + [f"<{tag}> is not closed" for tag in inspector.open]


def check(markdown: str) -> None:
    """Neither as a page nor as a file, neither as kept nor as shown."""
    for page in (
        render_page(space_page("100", "Home", markdown=markdown), SPACE, LINKS),
        render_page(file("docs/intro.md", markdown=markdown), REPOSITORY, LINKS),
    ):
        assert inspected(page.html) == []
        assert inspected(highlight(page.html)) == []


ATTACKS = [
    "<script>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href=' \x01javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1)) [x](vbscript:x) [x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](<java&#10;script:alert(1)>) ![x](javascript:alert(1)) <javascript:alert(1)>",
    '[x](https://a.b "onmouseover=alert(1) \\"><script>")',
    '![" onerror="alert(1)](x)',
    "<form action=//evil.org><input name=q><button>Send</button></form>",
    "<input type=checkbox><input type=password disabled>",
    "<style>*{display:none}</style><p style='position:fixed'>x</p>",
    "<base href=//evil.org><link rel=stylesheet href=//evil.org/x.css><meta http-equiv=refresh content=0>",
    "<object data=x></object><embed src=x><applet></applet><video src=x autoplay></video>",
    "<p id=wiki:search name=wiki:search>x</p><a id='a b' name='<'>y</a><img name=body src=x>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<p title='<a href=javascript:alert(1)>'>x</p><p title='</p><script>alert(1)</script>'>y</p>",
    "<textarea><a title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp><plaintext><b>",
    "<!--><img src=x onerror=alert(1)>--><![CDATA[<script>]]><?php echo 1 ?><!doctype html>",
    '```html"><script>alert(1)</script>\nx\n```',
    '~~~ a"onload=alert(1)\nx\n~~~',
    "# <a href=javascript:alert(1)>x</a> <img src=x onerror=alert(1)>",
    "<h2><div><h2>a</h2></div></h2><h1><a href=x>b<h3>c</a>",
    "<a href=x><img src=y><table><tr><td><a href=z>w</table>",
    "$<script>alert(1)</script>$ $$</span><img src=x onerror=alert(1)>$$",
    "> [!NOTE]<script>\n> <blockquote class='markdown-alert-x\"onload=1'>",
    "<span class='task done' onclick=x></span><span class='task'>x</span>",
    "<pre class=source><code class=a>1</code></pre>",
    '[^1]\n\n[^1]: <script>alert(1)</script>\n[^"onload=]: x\n\n[^"onload=]',
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<table background=javascript:alert(1)><td background=x style=x>",
    "&lt;script&gt;alert(1)&lt;/script&gt; \\<script>",
]


@pytest.mark.parametrize("markdown", ATTACKS)
def test_an_attack_comes_to_nothing(markdown: str) -> None:
    check(markdown)
    check(f"- a\n  > b {markdown}\n\n{markdown}")


def test_the_inspector_itself_finds_what_is_active() -> None:
    for html in (
        "<script>x</script>",
        "<p onclick=x>",
        '<a href="javascript:x">y</a>',
        '<a href="//evil.org">y</a>',
        '<p style="x">y</p>',
        "<input type=text>",
        '<p id="wiki:x">y</p>',
        "<!-- x -->",
        "<b>",
    ):
        assert inspected(html)


PIECES = words(
    "< > \" ' ` ``` & $ | # - [x] ]( [ ![ ) <a <img href= src= <td <h2> </h2> <pre><code> </code> </pre> title='"
)
FRAGMENTS = st.sampled_from([*ATTACKS, *sorted(PIECES), "\n", "\n\n", "    ", " ", "> "])


@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=8)), max_size=14).map("".join))
@settings(max_examples=400, deadline=None)
def test_no_markdown_gives_active_html(markdown: str) -> None:
    check(markdown)


@given(st.text(max_size=200), st.text(max_size=20))
@settings(deadline=None)
def test_no_source_code_gives_active_html(code: str, language: str) -> None:
    page = render_page(file("src/app.py", markdown=code, code_language=language or "x"), REPOSITORY, LINKS)
    assert inspected(highlight(page.html)) == []
