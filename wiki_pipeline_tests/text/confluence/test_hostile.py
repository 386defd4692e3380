"""Pages made to break a converter: it ends, gives the same text each time, and writes no program into it."""

from __future__ import annotations

import re
import resource
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.errors import DocumentError
from wiki_pipeline.limits import DocumentLimits
from wiki_pipeline.model import CleanPage
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline_tests.handbook import pages
from wiki_pipeline_tests.text.confluence.heavy import PAGES
from wiki_pipeline_tests.text.confluence.pages import STORAGE, converted, macro, raw_page

_MEDIA_TYPES = [
    STORAGE,
    "text/html",
    "text/markdown",
    "text/asciidoc",
    "text/x-rst",
    "application/x-ipynb+json",
    "text/x-python",
]
_TAGS = [
    "p",
    "h1",
    "h3",
    "ul",
    "ol",
    "li",
    "table",
    "tbody",
    "tr",
    "td",
    "th",
    "strong",
    "em",
    "code",
    "pre",
    "a",
    "img",
    "br",
    "blockquote",
    "dl",
    "dt",
    "dd",
    "details",
    "summary",
    "script",
    "style",
    "ac:structured-macro",
    "ac:parameter",
    "ac:rich-text-body",
    "ac:plain-text-body",
    "ac:link",
    "ac:link-body",
    "ac:plain-text-link-body",
    "ac:image",
    "ac:task-list",
    "ac:task",
    "ac:task-id",
    "ac:task-status",
    "ac:task-body",
    "ac:layout",
    "ac:layout-section",
    "ac:layout-cell",
    "ac:placeholder",
    "ac:emoticon",
    "ac:adf-extension",
    "ac:adf-node",
    "ac:adf-attribute",
    "ri:page",
    "ri:user",
    "ri:attachment",
    "ri:url",
    "ac:inline-comment-marker",
    "time",
    "math",
    "svg",
    "iframe",
]
_ATTRIBUTES = [
    'ac:name="code"',
    'ac:name="info"',
    'ac:name="expand"',
    'ac:name="include"',
    'ac:name="status"',
    'ac:name="toc"',
    'ac:name="acme"',
    'ac:name=""',
    'ac:anchor="x"',
    'ri:content-title="A"',
    'ri:value="javascript:x"',
    'ri:account-id="1"',
    'href="#x"',
    'href="http://["',
    'href="javascript:alert(1)"',
    'src="x"',
    'colspan="0"',
    'rowspan="9"',
    'colspan="7"',
    'start="-1"',
    'type="panel"',
    'class="panel"',
    'datetime=""',
]
_PIECES = [f"</{tag}>" for tag in _TAGS] + [f"<{tag}/>" for tag in _TAGS]
_PIECES += [
    "<![CDATA[",
    "<![dth[",
    "]]>",
    "]] >",
    "&nbsp;",
    "&lt;script&gt;",
    "&#0;",
    "&x;",
    "&",
    "<",
    ">",
    "<!--",
    "-->",
    "<?x?>",
]
_PIECES += ["a", " ", "\n", "*", "_", "`", "```", "|", "[", "](", "#", "- ", "1. ", "$", "\\", "~", "é", "語", "\x00"]
_OPENED = st.builds(
    lambda tag, attributes: f"<{' '.join([tag, *attributes])}>",
    st.sampled_from(_TAGS),
    st.lists(st.sampled_from(_ATTRIBUTES), max_size=2),
)
_MARKUP = st.lists(_OPENED | st.sampled_from(_PIECES) | st.text(max_size=5), max_size=40).map("".join)
_INFO = '<ac:structured-macro ac:name="info">'
_SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

_CODE = re.compile(r"^[ >]*(?P<fence>`{3,}).*?^[ >]*(?P=fence)[ ]*$|(?P<span>`+).+?(?P=span)", re.DOTALL | re.MULTILINE)
_SCRIPT = re.compile(r"(?<!\\)<script|\]\(\s*javascript:", re.IGNORECASE)


def attempt(body: str, media_type: str = STORAGE) -> CleanPage | None:
    """The page, converted twice alike; None where it is refused."""
    raw = raw_page(body, media_type=media_type)
    try:
        page = clean_page(raw)
    except DocumentError:
        return None
    assert clean_page(raw) == page
    return page


def runs_programs(page: CleanPage) -> bool:
    """Whether the Markdown of a wiki page, outside of code, holds HTML or links that run programs."""
    return bool(_SCRIPT.search(_CODE.sub("", page.markdown)))


@_SETTINGS
@given(_MARKUP)
def test_any_markup_is_converted(body: str) -> None:
    page = attempt(body)
    assert page is not None
    assert not runs_programs(page)


@_SETTINGS
@given(_MARKUP)
def test_any_html_is_converted(body: str) -> None:
    page = attempt(body, "text/html")
    assert page is not None
    assert not runs_programs(page)


@settings(_SETTINGS, max_examples=60)
@given(st.sampled_from(_MEDIA_TYPES), _MARKUP | st.text())
def test_anything_is_converted_or_refused_whatever_it_is_said_to_be(media_type: str, body: str) -> None:
    attempt(body, media_type)


@settings(_SETTINGS, max_examples=100)
@given(st.sampled_from([page.body for page in pages()]), st.data())
def test_a_page_that_was_cut_or_spliced_is_converted(body: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body)))
    until = data.draw(st.integers(at, min(len(body), at + 200)))
    page = attempt(body[:at] + data.draw(_MARKUP) + body[until:])
    assert page is not None
    assert not runs_programs(page)


@pytest.mark.parametrize("tag", ["div", "ul><li", "blockquote", "em", "b><i", "ac:layout"])
@pytest.mark.parametrize("media_type", [STORAGE, "text/html"])
def test_elements_ten_thousand_deep_keep_their_word(tag: str, media_type: str) -> None:
    closed = "".join(f"</{name.strip('<>')}>" for name in reversed(tag.split("><")))
    page = converted(f"<{tag}>" * 10_000 + "word" + closed * 10_000, media_type=media_type)
    assert page.markdown.count("word") == 1
    assert len(page.markdown) < 1_000_000


def test_macros_ten_thousand_deep_keep_their_word() -> None:
    opened = '<ac:structured-macro ac:name="info"><ac:rich-text-body>'
    page = converted(opened * 10_000 + "word" + "</ac:rich-text-body></ac:structured-macro>" * 10_000)
    assert page.markdown.count("word") == 1


def test_elements_that_are_opened_and_never_closed_keep_their_word() -> None:
    assert "word" in converted("<div><b>" * 10_000 + "word").markdown


@pytest.mark.parametrize(
    "opened",
    ["<li>", "<p>", "<tr><td>", "<div><p>", "<ul>", "<ac:task-list><ac:task>", "<ac:link>", _INFO],
)
def test_what_begins_ten_thousand_times_and_never_ends_keeps_its_words(opened: str) -> None:
    assert converted(f"{opened}word " * 10_000).markdown.count("word") == 10_000


@pytest.mark.parametrize("opened", ["[", "> ", "- ", "*a ", "![](", "<div>", "`" * 3 + "\n"])
def test_a_markdown_file_may_nest_ten_thousand_deep(opened: str) -> None:
    body = opened * 10_000 + "word"
    page = converted(body, media_type="text/markdown")
    assert page.markdown == body


def test_a_table_of_200_000_cells_keeps_each() -> None:
    row = "<tr>" + "<td>x</td>" * 100 + "</tr>"
    page = converted(f"<table>{row * 2_000}</table>")
    assert page.markdown.count("x") == 200_000


def test_merged_cells_do_not_multiply_without_bound() -> None:
    row = '<tr><td colspan="1000" rowspan="65534">word</td></tr>'
    page = converted(f"<table>{row * 1_000}</table>")
    assert page.markdown.count("word") == 1_000
    assert page.notes == ("A table's merged cells are too many to be repeated; each is shown once.",)


def test_an_entity_bomb_is_plain_words() -> None:
    entities = '<!ENTITY a "boom">' + "".join(f'<!ENTITY {"b" * n} "{"&a;" * 10}">' for n in range(1, 10))
    page = converted(f"<!DOCTYPE root [{entities}]><p>&{'b' * 9};</p>")
    assert len(page.markdown) < 2_000
    assert page.markdown.count("boom") == 1


def test_an_external_entity_reads_no_file() -> None:
    page = converted('<!DOCTYPE root [<!ENTITY f SYSTEM "file:///etc/passwd">]><p>&f;</p>')
    assert page.markdown.endswith("&amp;f;")
    assert "root:" not in page.markdown


def test_a_body_of_five_megabytes_is_converted_whole() -> None:
    paragraph = "<p>word <strong>word</strong> &amp; <code>word</code></p>"
    times = 5_000_000 // len(paragraph)
    assert converted(paragraph * times).markdown.count("word") == 3 * times


@pytest.mark.parametrize(
    "text",
    [
        "a" * 5_000_000,
        "<" * 200_000,
        "&" * 500_000,
        "]]>" * 200_000,
        "<![CDATA[" * 20_000,
        "<![CDATA[" * 20_000 + "]] >",
    ],
)
def test_a_long_run_of_one_thing_ends(text: str) -> None:
    assert converted(text).markdown


@pytest.mark.parametrize("text", ["[", "*", "_a", "`", "$", "\\", "((", "~", "| ", "<a"])
def test_a_long_run_of_marks_in_a_paragraph_ends(text: str) -> None:
    shown = converted(f"<p>{text.replace('<', '&lt;') * 50_000}</p>").markdown
    assert len(shown) >= 50_000


def test_a_program_in_a_page_is_not_in_its_text() -> None:
    inside = "<script>alert(1)</script><style>p{}</style><p onclick='alert(1)'>a &lt;script&gt;b&lt;/script&gt;</p>"
    page = converted(inside + macro("acme", "<script>alert(1)</script>"))
    assert page.markdown == "a \\<script>b\\</script>"


@pytest.mark.integration
@pytest.mark.timeout(600)
def test_the_largest_pages_stay_within_what_one_document_may_take() -> None:
    """Bounds on processor time, for all of them what one may take, and on memory: a busy machine does not matter."""
    limits = DocumentLimits()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (int(limits.seconds), int(limits.seconds)))
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))

    done = subprocess.run(
        [sys.executable, "-m", "wiki_pipeline_tests.text.confluence.heavy"],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == [f"{name} True" for name in PAGES], done.stderr[-2000:]
