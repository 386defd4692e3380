"""Markdown becomes the HTML that readers get."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from wiki_pipeline.links.index import LinkIndex
from wiki_pipeline.model import CleanPage, Heading, WikiPage
from wiki_pipeline.wiki import markup
from wiki_pipeline.wiki.formulas import _ELEMENTS, mathml
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests.wiki.pages import BLOBS, REPOSITORY, SPACE, columns_of, file, index, space_page

LINKS = index()


def rendered(markdown: str, **columns: object) -> str:
    return render_page(space_page("100", "Home", markdown=markdown, **columns), SPACE, LINKS).html


def rendered_file(path: str, markdown: str) -> str:
    return render_page(file(path, markdown=markdown), REPOSITORY, LINKS).html


def table(inside: str) -> str:
    return f"{markup.TABLE}<table>{inside}</table></div>"


def test_a_page_keeps_its_columns_and_gets_its_address() -> None:
    page = space_page("98487", "On-call Guide", markdown="Hi", labels=("a",), author="Ana", words=1)
    wiki_page = render_page(page, SPACE, LINKS)
    assert isinstance(wiki_page, WikiPage)
    assert (wiki_page.wiki_path, wiki_page.markdown, wiki_page.html) == ("98487/on-call-guide", "Hi", "<p>Hi</p>\n")
    assert (wiki_page.labels, wiki_page.author, wiki_page.words) == (("a",), "Ana", 1)


def test_the_same_page_gives_the_same_bytes() -> None:
    page = space_page("1", "T", markdown="# A\n\n[x](y)\n\n| a |\n|---|\n| b |\n")
    assert render_page(page, SPACE, LINKS) == render_page(page, SPACE, index())


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("~~gone~~ **b** *i* `c<d`", "<p><del>gone</del> <strong>b</strong> <em>i</em> <code>c&lt;d</code></p>"),
        ("- [x] done", '<ul>\n<li><input type="checkbox" disabled="" checked="">\ndone</li>\n</ul>'),
        ("1. [ ] open", '<ol>\n<li><input type="checkbox" disabled="">\nopen</li>\n</ol>'),
        (
            "> [!WARNING]\n> Hot.",
            '<blockquote class="alert alert-warning"><p class="alert-title">Warning</p>\n<p>Hot.</p>\n</blockquote>',
        ),
        (
            "| a |\n|:-:|\n| 1 |",
            table(
                '<thead><tr><th align="center">a</th></tr></thead><tbody>\n<tr><td align="center">1</td></tr>\n</tbody>'
            ),
        ),
        (
            "<details>\n<summary>More</summary>\n\nText **here**\n\n</details>",
            "<details>\n<summary>More</summary>\n<p>Text <strong>here</strong></p>\n</details>",
        ),
        (
            '<table><tr><th rowspan="2">A</th><td colspan="3">B</td></tr></table>',
            table('<tbody><tr><th rowspan="2">A</th><td colspan="3">B</td></tr></tbody>'),
        ),
        ("H<sub>2</sub>O <kbd>Esc</kbd> <mark>new</mark>", "<p>H<sub>2</sub>O <kbd>Esc</kbd> <mark>new</mark></p>"),
        ("```sql\nselect 1 < 2\n```", '<pre><code class="language-sql">select 1 &lt; 2\n</code></pre>'),
        ("costs $5 or $6", "<p>costs $5 or $6</p>"),
        (r"$a_1 * \nosuch$", r'<p><span class="math math-inline source">$a_1 * \nosuch$</span></p>'),
    ],
)
def test_markdown_as_on_github(markdown: str, html: str) -> None:
    assert rendered(markdown).strip() == html


def test_formulas_are_set_with_their_source_behind_them() -> None:
    html = rendered("So $a_1 < b$:\n\n$$\\frac{1}{2}$$")
    source = '<annotation encoding="application/x-tex">'
    inline, displayed = re.findall(r'<span class="math math-(?:inline|display)">(<math .*?</math>)</span>', html)
    assert "<msub><mi>a</mi><mn>1</mn></msub><mo>&lt;</mo><mi>b</mi>" in inline
    assert f"{source}a_1 &lt; b</annotation>" in inline
    assert "<mfrac><mn>1</mn><mn>2</mn></mfrac>" in displayed
    assert 'display="block"' in displayed


@given(st.text(alphabet=st.sampled_from("\\{}[]&^_<>\"'ab1 |$%#~"), max_size=60) | st.text(max_size=60))
def test_whatever_stands_in_a_formula_does_nothing(tex: str) -> None:
    root = etree.fromstring(mathml(tex, displayed=False) or "<none/>")
    assert all("href" not in node.attrib and "style" not in node.attrib for node in root.iter())
    assert {etree.QName(node).localname for node in root.iter()} <= {*_ELEMENTS, "annotation"}
    found = root.find(".//{*}annotation")
    assert found is None or found.text == tex


@pytest.mark.parametrize("part", ["{", "{a", "a^", "a_{", r"\frac", r"\left(", r"\sqrt{", "&", r"\\\\"])
def test_a_formula_of_any_length_is_refused_or_set_in_one_go(part: str) -> None:
    mathml(part * (2_000 // len(part)), displayed=True)
    assert mathml(part * 2_000, displayed=True) == ""


# --- headings --------------------------------------------------------------------------------------------------------


def test_headings_have_the_clean_page_s_anchors() -> None:
    headings = (Heading(1, "Set up", "set-up"), Heading(2, "Use `x`", "use-x"), Heading(2, "Set up", "set-up-1"))
    html = rendered("# Set up\n\n## Use `x`\n\n## **Set up**\n", headings=headings)
    assert [html.count(f' id="{heading.anchor}"') for heading in headings] == [1, 1, 1]
    assert html.index('id="set-up"') < html.index('id="use-x"') < html.index('id="set-up-1"')
    assert '<h2 id="use-x">Use <code>x</code><a class="anchor" href="#use-x"' in html


def test_a_heading_in_html_alone_gets_an_anchor_of_its_own() -> None:
    headings = (Heading(2, "Second", "second"),)
    html = rendered(
        '<h1 align="center" id="second">Second</h1>\n\n## Second\n\n### 🚀\n\n### wiki:nav', headings=headings
    )
    assert '<h1 id="second-1" align="center">' in html
    assert '<h2 id="second">' in html
    assert '<h3 id="section">' in html
    assert '<h3 id="wiki-nav">' in html


# --- links and images ------------------------------------------------------------------------------------------------


def test_a_link_to_a_page_that_the_wiki_has_stays_in_the_wiki() -> None:
    html = rendered("[g](https://acme.atlassian.net/wiki/display/ENG/On-call+Guide#Top)")
    assert html == '<p><a href="/wiki/confluence-ENG/98487/on-call-guide#Top">g</a></p>\n'


def test_a_link_that_leaves_the_wiki_gives_nothing_away() -> None:
    html = rendered('[e](https://example.org/?a=1&b="2" "Say \\"hi\\"")')
    assert html == (
        '<p><a href="https://example.org/?a=1&amp;b=%222%22" rel="noopener nofollow"'
        ' title="Say &quot;hi&quot;">e</a></p>\n'
    )


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("[x](#top)", '<a href="#top">x</a>'),
        ("[x](mailto:a@b.c)", '<a href="mailto:a@b.c">x</a>'),
        ("[x](/wiki/evil)", '<a href="https://acme.atlassian.net/wiki/evil" rel="noopener nofollow">x</a>'),
        ("[x](//evil.org/a)", '<a href="https://evil.org/a" rel="noopener nofollow">x</a>'),
        ("[x](https://user:secret@example.org/)", "<a>x</a>"),
        ("[x](javascript:alert)", "<a>x</a>"),
        ("[x](data:text/html,x)", "<a>x</a>"),
        ("[x](http://[broken)", "<a>x</a>"),
        ('<a name="here"></a>', '<a name="here"></a>'),
    ],
)
def test_where_a_link_may_lead(markdown: str, html: str) -> None:
    assert html in rendered(markdown)


def test_a_relative_link_that_the_wiki_does_not_have_leads_to_the_host() -> None:
    html = rendered_file("docs/intro.md", "[p](../paper.pdf) [a](../src/app.py)")
    assert f'<a href="{BLOBS}paper.pdf" rel="noopener nofollow">p</a>' in html
    assert f'<a href="/wiki/{REPOSITORY.slug}/src/app.py">a</a>' in html


def test_a_file_of_a_repository_without_a_site_links_nowhere_rather_than_to_the_machine() -> None:
    page = file("a.md", markdown="[x](secret.pdf)", url="file:///srv/repositories/rocket/a.md")
    assert render_page(page, REPOSITORY, LinkIndex({REPOSITORY: columns_of([page])})).html == "<p><a>x</a></p>\n"


def test_an_image_is_a_link_with_its_description() -> None:
    html = rendered_file("docs/intro.md", "![A <b> diagram](img/a%20b.png) ![](x.png)")
    relation = 'rel="noopener nofollow"'
    assert f'<a class="image" href="{BLOBS}docs/img/a%20b.png" {relation}>A &lt;b&gt; diagram</a>' in html
    assert f'<a class="image" href="{BLOBS}docs/x.png" {relation}>x.png</a>' in html
    assert "<img" not in html


def test_an_image_in_a_link_is_the_text_of_that_link() -> None:
    html = rendered("[![build](https://img.example/b.svg)](https://ci.example/)")
    assert '<a href="https://ci.example/" rel="noopener nofollow"><span class="image">build</span></a>' in html


# --- source code and bounds ------------------------------------------------------------------------------------------


def test_source_code_is_kept_as_it_is() -> None:
    code = 'if a < b and "c":\n\tpass\n'
    page = render_page(file("src/app.py", markdown=code, code_language="python"), REPOSITORY, LINKS)
    assert page.html == (
        '<pre class="source"><code class="language-python">if a &lt; b and "c":\n\tpass\n</code></pre>\n'
    )
    assert page.markdown == code


@pytest.mark.parametrize(
    "markdown",
    [
        "x" * 600_000,
        "> " * 60_000 + "x",
        "<div>" * 60_000,
        "<foo>" * 30_000 + "<div></div>" * 10_000,
        "<ul><li>" * 30_000,
    ],
    ids=["large", "quotes", "divs", "unknown", "lists"],
)
def test_a_page_that_cannot_be_laid_out_is_shown_as_its_text_in_bounded_time(markdown: str) -> None:
    start = time.process_time()
    html = rendered(markdown)
    assert time.process_time() - start < 5
    assert html.startswith('<p class="notice">')
    assert html.count("<") < 12


def test_a_large_page_of_ordinary_structure_is_laid_out() -> None:
    html = rendered(
        "".join(f"## Part {n}\n\n- a\n  - b\n\n| a | b |\n|---|---|\n| 1 | <b>2</b> |\n\n" for n in range(4000))
    )
    assert html.count("<h2") == 4000


def test_columns_of_a_clean_page_are_all_it_takes() -> None:
    page = CleanPage(document_id="9", title="", url="", markdown="[a](b) ![](c)")
    assert render_page(page, SPACE, LinkIndex({})).html == '<p><a>a</a> <span class="image">Image</span></p>\n'
