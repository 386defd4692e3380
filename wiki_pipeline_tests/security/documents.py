"""Documents that are made to cost: `python -m wiki_pipeline_tests.security.documents [--seconds N] [--seed N] [FORMAT...]`.

Tokens of a format are repeated, flat (`abab...`) and nested (`aa...bb...`), and go the whole way: conversion, splitting,
rendering. Four times as much of the same may take nine times as long, which leaves room for a noisy machine: linear
time takes four times as long, quadratic time sixteen. Nothing is judged by seconds, and what takes too little to be
measured is not judged. Sizes are small ones first: what can be judged by those is not asked for larger ones. Each
attempt is made in a process of its own within the limits of a document.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from wiki_pipeline.limits import OUT_OF_MEMORY, DocumentLimits, Watch, reason, shut_in
from wiki_pipeline.links.index import LinkIndex
from wiki_pipeline.model import RawPage, SourceKey
from wiki_pipeline.text.chunk import chunk_page
from wiki_pipeline.text.chunk.settings import ChunkSettings
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests.security.attacks import BEGINNING, Attack

SIZES = ((5_000, 10_000, 20_000), (20_000, 40_000, 80_000))
LIMITS = DocumentLimits(seconds=20, memory=1_000_000_000)
MOST = 9.0
"""How many times as long four times as much may take."""
EXPANSION = 300
"""How many times as large as its source a document may become, as Markdown and as HTML, with a page around it."""
_LONG_SECONDS = 600.0
_MEASURABLE = 0.1  # seconds of computing that the largest size takes
_ENOUGH = 4 * _MEASURABLE  # of the small sizes, so that nothing which is less than linear hides what is more
_SOURCE = SourceKey("default", "git", "attack")
_SIZES = ChunkSettings().chunk_sizes(_SOURCE.kind)
_LINKS = LinkIndex({})


def _asis(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Format:
    """A format as strangers write it.

    Attributes:
        tokens: of which its documents are made.
        whole: a document around some text of tokens.
        path: of a file in the format.
    """

    media_type: str
    tokens: tuple[str, ...]
    whole: Callable[[str], str] = _asis
    path: str = "file"


def _notebook(text: str) -> str:
    cells = [{"cell_type": "markdown", "source": text}, {"cell_type": "code", "source": text, "outputs": []}]
    return json.dumps({"cells": cells})


_COMMON = ("a", " ", "\n", "\n\n", "\\", '"', "'", "&", "(", ")", "[", "]", "{", "}", "<", ">", "*", "_", "`", ":", "-")
_MARKUP = (
    "<a ", "</a>", '<a href="x">', "<p>", "</p>", "<div>", "</div>", "<table>", "<tr>", "<td>", "<ul>", "<li>", "</li>",
    "<!--", "-->", "<![", "<!", "<?", "</", "<script>", "<style>", "<b>", "</b>", "<i>", "<math>", "<svg>", "<h1>",
    "</h1>", '="', "&amp;", "&#", "<br>", "<pre>", "<code>", "<details>", "<summary>", "<select>", "<option>", "/>",
)  # fmt: skip
# ruff: noqa: E501 - a line a format reads best
FORMATS = {
    "markdown": Format(
        "text/markdown",
        (*_COMMON, "](", "![", "[^", "[^1]:", "[a]: b", "**", "~~", "~", "```\n", "~~~\n", "> ", "- ", "1. ", "# ", "#", "|",
         "|-|\n", "| a | b |\n", "---\n", "===\n", "    ", "\t", "$", "$$", "http://", "www.", "a@b.c", "<a ", "<h1>",
         "</h1>", "<!--", "<!", "<?", "<![CDATA[", "<div>", '<a href="', "&amp;", "+++\n", "title: ", "- [ ] "),
    ),
    "rst": Format(
        "text/x-rst",
        (*_COMMON, "\n* ", "\n- ", "\n1. ", "::", "\n.. ", ".. note::", ".. note:: ", "\n\n   ", "   ", "``", "`_", "`__", "|",
         "**", ":a", ":a:`", ":ref:`", "\n====\n", "\n----\n", "+--+\n", "|  |\n", "=== ===\n", "_a", "__", "[1]_", "\n.. [1]",
         "\n.. _a: b", "\n.. |a| replace:: ", "|a|", "\n:a: b", "\n>>> a", "http://a", "\n.. code-block:: a\n", "a_ "),
    ),
    "asciidoc": Format(
        "text/asciidoc",
        (*_COMMON, "link:", "link:a[", "xref:", "image:", "image::", "http:", "mailto:", "<<", ">>", "[[", "]]", "**", "__",
         "\n:a: b", "\n:a: {a}{a}", "{a}", "\n----\n", "\n====\n", "\n|===\n", "\n|", "| ", "\n* ", "\n** ", "\n. ", "\n+\n",
         "a::", ":: ", "\ninclude::", "[source]\n", "\n....\n", "\n--\n", "\n////\n", "\n.a", "\n= a", "NOTE: ", "`+", "[.a]"),
    ),
    "html": Format("text/html", (*_COMMON, *_MARKUP)),
    "storage": Format(
        "application/vnd.atlassian.confluence.storage+xml",
        (*_COMMON, *_MARKUP, "<![CDATA[", "]]>", "]] >", "<ac:structured-macro", ' ac:name="code">', "</ac:structured-macro>",
         '<ac:structured-macro ac:name="info">', "<ac:rich-text-body>", "</ac:rich-text-body>", "<ac:parameter>",
         "<ac:plain-text-body>", "<ac:link>", "<ac:image>", "<ac:task-list>", "<ac:task>", "<!DOCTYPE", "<!ENTITY a ",
         '<ac:structured-macro ac:name="anchor">', '<a href="#a">', "<ri:page", ' xmlns:a="b"', "&nbsp;",
         '<p class="panel">', '<p class="user-mention">', '<p class="confluence-information-macro-note">'),
    ),
    "notebook": Format("application/x-ipynb+json", ("# ", "\n", "[", "](", "```\n", "<a ", "a", "    ", "|", "*", "$"), _notebook),
    "json": Format("application/x-ipynb+json", ("[", "]", "{", "}", '"a":', ",", "1", '"', "\\u0000", '"cells":[', "9")),
    **{
        name: Format(f"text/x-{name}", (*_COMMON, *tokens), path=f"file.{name}")
        for name, tokens in {
            "xml": ("<a>", "</a>", '<a b="', "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE a [", "<!ENTITY a '", "&a;", "<?a"),
            "toml": ("[a]\n", "[[a]]\n", "a = ", "a.", "'''", '"""', "\n", "# ", "1", "[", "{", ","),
            "css": ("a{", "}", "@media ", "/*", "*/", "a:b;", "url(", ",", "a ", "!important", "@import ", "#", ".a"),
            "latex": ("\\a{", "}", "\\begin{a}", "\\end{a}", "$", "$$", "%", "\\section{", "&", "\\\\", "\\def\\a{\\a}"),
            "python": ("def a(", "):\n", "class A:\n    ", "    ", "#", '"""', "f'{", "lambda:", "if a:\n", "[", "@", "\\\n"),
            "javascript": ("function a(){", "=>", "`${", "/", "/*", "//", "<a>", "class A{", "(", "async ", "a?.", "x=>"),
            "c": ("int a(", "#if 1\n", "#define a(", "/*", "{", "}", "struct a{", "->", "<", "a<", "template<", ";"),
            "yaml": ("- ", "a: ", "&a ", "*a", "? ", "|\n", "{", "[", "  ", "--- \n", "!!", "<<: "),
            "sql": ("SELECT ", "(", ")", ",", "'", "--", "/*", "CREATE TABLE a(", "WITH a AS (", "CASE ", ";", "$$"),
            "bash": ("$(", "${", "<<A\n", "if ", "case a in ", "|", ";", "((", "[[", "'", '"', "`"),
        }.items()
    },
}  # fmt: skip


def document(name: str, text: str) -> RawPage:
    """A document of a format, with some text in it."""
    form = FORMATS[name]
    return RawPage(
        document_id="attack",
        title="Attack",
        url="https://git.example.org/attack",
        space_key="ATTACK",
        space_name="Attack",
        version="1",
        version_key="1",
        path=form.path,
        media_type=form.media_type,
        body=form.whole(text),
    )


def whole_way(raw: RawPage) -> tuple[int, int]:
    """Convert, split, render and show a document; characters of its Markdown and of its HTML."""
    page = clean_page(raw)
    chunk_page(page, _SOURCE, _SIZES)
    html = render_page(page, _SOURCE, _LINKS).html
    return len(page.markdown), len(highlight(html))


# --- what is repeated ------------------------------------------------------------------------------------------------


def flat(tokens: Sequence[str], size: int) -> str:
    """The tokens one after the other, again and again."""
    once = "".join(tokens)
    return once * (size // len(once))


def nested(tokens: Sequence[str], size: int) -> str:
    """The first half of the tokens again and again, then the other half as often."""
    half = len(tokens) // 2
    opening, closing = "".join(tokens[:half]), "".join(tokens[half:])
    times = size // len(opening + closing)
    return opening * times + "x" + closing * times


Shape = Callable[[Sequence[str], int], str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """Tokens of a format, repeated in one of the shapes."""

    format: str
    tokens: tuple[str, ...]
    shape: Shape = flat

    def __str__(self) -> str:
        return f"{self.format} {self.shape.__name__} {' '.join(map(repr, self.tokens))}"


@dataclass(frozen=True, slots=True)
class Cost:
    """What an attempt cost: seconds of computing by size, and how many times as large it became; or why it ended."""

    seconds: tuple[float, ...] = ()
    expansion: float = 0.0
    ended: str = ""

    @property
    def fault(self) -> str:
        """What is wrong; empty if nothing is."""
        if self.ended:
            return f"it {self.ended}"
        if self.seconds[-1] >= _MEASURABLE and self.seconds[-1] > MOST * self.seconds[0]:
            return f"4 times as much takes {self.seconds[-1] / self.seconds[0]:.1f} times as long"
        return f"it becomes {self.expansion:.0f} times as large" if self.expansion > EXPANSION else ""


def cost(attempt: Attempt, repeats: int = 3) -> Cost:
    """What an attempt costs, measured in a process of its own. What looks wrong is measured again: the least counts."""
    reading, writing = os.pipe()
    watch = Watch(LIMITS)
    child = os.fork()
    if not child:
        os.close(reading)
        os._exit(_measure(attempt, repeats, watch, writing))
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    if status:
        return Cost(ended=reason(status, LIMITS).message)
    seconds, expansion = json.loads(said)
    return Cost(tuple(seconds), expansion)


def _measure(attempt: Attempt, repeats: int, watch: Watch, writing: int) -> int:
    shut_in(LIMITS)
    try:
        watch.begin(0)
        whole_way(document(attempt.format, attempt.shape(attempt.tokens, 200)))  # imports, compiled patterns
        for sizes in SIZES:
            found = _timed(attempt, sizes, repeats, watch)
            if found.fault or found.seconds[-1] >= _ENOUGH:
                break
        watch.end()
        os.write(writing, json.dumps((found.seconds, found.expansion)).encode())
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as error:
        print(f"{attempt}: {error!r}", file=sys.stderr)
        return 1
    return 0


def _timed(attempt: Attempt, sizes: Sequence[int], repeats: int, watch: Watch) -> Cost:
    documents = [document(attempt.format, attempt.shape(attempt.tokens, size)) for size in sizes]
    seconds, expansion = [float("inf")] * len(sizes), 0.0
    for _ in range(repeats):
        for place, raw in enumerate(documents):
            watch.begin(place)
            began = time.process_time()
            characters = whole_way(raw)
            seconds[place] = min(seconds[place], time.process_time() - began)
            expansion = max(expansion, max(characters) / (len(raw.body) + 1_000))
        if not Cost(tuple(seconds), expansion).fault:
            break
    return Cost(tuple(seconds), expansion)


def singles_and_pairs(name: str) -> Iterator[Attempt]:
    """Each token alone, each pair flat and nested."""
    tokens = FORMATS[name].tokens
    yield from (Attempt(name, (token,)) for token in tokens)
    yield from (Attempt(name, pair, shape) for pair in product(tokens, tokens) for shape in (flat, nested))


def at_random(source: random.Random, names: Sequence[str] = tuple(FORMATS)) -> Attempt:
    """Two to four tokens of some format."""
    name = source.choice(names)
    tokens = source.choices(FORMATS[name].tokens, k=source.randint(2, 4))
    return Attempt(name, tuple(tokens), source.choice((flat, nested)))


def attacked(seconds: float, seed: int, formats: Sequence[str] = tuple(FORMATS)) -> tuple[Counter[str], Counter[str]]:
    """Attack for some time. How often each format was tried, and in how many of them something was wrong."""
    source, until = random.Random(seed), time.monotonic() + seconds
    tried, failed = Counter[str](), Counter[str]()
    while time.monotonic() < until:
        attempt = at_random(source, formats)
        tried[attempt.format] += 1
        if fault := cost(attempt).fault:
            failed[attempt.format] += 1
            print(f"{attempt}: {fault}", file=sys.stderr, flush=True)
    return tried, failed


def main() -> list[Attack]:
    """Ten minutes of it."""
    tried, failed = attacked(_LONG_SECONDS, BEGINNING)
    return [
        Attack(f"documents of {name}", number, number - failed[name], failed[name])
        for name, number in sorted(tried.items())
    ]


def command() -> int:
    """Attack as the arguments say; what was found, and a line of figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=_LONG_SECONDS)
    parser.add_argument("--seed", type=int, default=BEGINNING)
    parser.add_argument("formats", nargs="*", choices=[[], *FORMATS])
    asked = parser.parse_args()
    tried, failed = attacked(asked.seconds, asked.seed, asked.formats or tuple(FORMATS))
    print(f"{tried.total():,} tried (seed {asked.seed}), {failed.total()} failed; {dict(sorted(tried.items()))}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(command())
