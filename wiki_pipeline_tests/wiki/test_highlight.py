"""Code in colours: nothing is lost, lines have numbers, and there are bounds."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.wiki import highlight as module
from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.markup import source_block


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_code_gets_classes_and_its_language() -> None:
    html = highlight('<p>x</p><pre><code class="language-python">def f(): pass\n</code></pre>')
    assert html.startswith(
        '<p>x</p><pre class="highlight" data-language="python" tabindex="0"><code><span class="k">def</span>'
    )


def test_code_without_a_known_language_is_plain() -> None:
    assert (
        highlight("<pre><code>a &lt; b\n</code></pre>")
        == '<pre class="highlight" tabindex="0"><code>a &lt; b\n</code></pre>'
    )
    assert "<span" not in highlight('<pre><code class="language-klingon">a\n</code></pre>')


def test_every_line_of_a_file_has_a_number_and_an_anchor() -> None:
    html = highlight(source_block('"""Two\nlines."""\n\nx = 1\n', "python"))
    assert re.findall(r'<span class="line" id="(L\d+)">', html) == ["L1", "L2", "L3", "L4"]
    assert html.count('href="#L2" data-line="2"') == 1


@given(
    st.text(st.sampled_from("ab \n\t\"'#(){}<>&é\r\f\u2028🚀"), max_size=120),
    st.sampled_from(["python", "c", "yaml", "zz"]),
)
@settings(deadline=None)
def test_no_character_of_the_code_is_lost(code: str, language: str) -> None:
    lines = code.replace("\r\n", "\n").replace("\r", "\n")
    assert text_of(highlight(source_block(code, language))).rstrip("\n") == lines.rstrip("\n")


@pytest.mark.parametrize("code", ["x = 1\n" * 60_000, "x = [" + "1, " * 20_000 + "]\n"], ids=["large", "long line"])
def test_very_large_code_and_very_long_lines_are_shown_plain(code: str) -> None:
    html = highlight(source_block(code, "python"))
    assert text_of(html).strip() == code.strip()
    assert 'class="n"' not in html


def test_colouring_stops_when_its_time_is_up_and_the_rest_is_shown_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.0)
    code = "first = 1\nsecond = '<b>'\n" * 3
    html = highlight(source_block(code, "python"))
    assert text_of(html) == code + "\n"
    assert html.count('<span class="n">') == 1


def test_code_that_was_seen_is_not_coloured_again() -> None:
    block = source_block("\n".join(f"value_{n} = {n}" for n in range(3000)), "python")
    times = []
    for _ in range(2):
        start = time.process_time()
        highlight(block)
        times.append(time.process_time() - start)
    assert times[1] < times[0] / 2
