"""Code in colours, when a page is shown.

Pages are kept with their code as plain text in `<pre><code class="language-...">`. Here Pygments turns it into spans
with CSS classes, within bounds of size and time: code that exceeds them is shown as it is, complete.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape
from io import StringIO

from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import TextLexer, get_lexer_by_name
from pygments.token import Token, _TokenType
from pygments.util import ClassNotFound

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 300_000
MAX_LINE = 5_000  # minified files need no colours
SECONDS = 1.0
MAX_LINES = 50_000  # each takes a hundred bytes for its number

_BLOCK = re.compile(
    r'<pre(?P<whole> class="source")?><code(?: class="language-(?P<language>[^"]*)")?>(?P<code>[^<]*)</code></pre>'
)
_FORMATTER = HtmlFormatter[str](nowrap=True)


def highlight(html: str) -> str:
    """A rendered page's HTML with its code coloured; whole files, unless too long, with numbered lines (`#L12`)."""
    return _BLOCK.sub(_block, html)


def _block(found: re.Match[str]) -> str:
    language = found["language"] or ""
    coloured = _coloured(unescape(found["code"]), language)
    if found["whole"]:
        return f'<pre class="source highlight" tabindex="0"><code>{_numbered(coloured)}</code></pre>'
    caption = f' data-language="{language}"' if language else ""
    return f'<pre class="highlight"{caption} tabindex="0"><code>{coloured}</code></pre>'


@lru_cache(maxsize=32)
def _coloured(code: str, language: str) -> str:
    """Code as HTML, line by line: no element spans two lines."""
    code = code.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")  # as lexers do, so positions agree
    lexer = _lexer(language)
    if len(code) > MAX_CHARACTERS or max(map(len, code.split("\n"))) > MAX_LINE:
        lexer = _lexer("text")
    written = StringIO()
    _FORMATTER.format(_within(SECONDS, lexer.get_tokens(code), code), written)
    return written.getvalue()


def _within(seconds: float, tokens: Iterable[tuple[_TokenType, str]], code: str) -> Iterator[tuple[_TokenType, str]]:
    """Tokens until the time is up or the lexer fails, then the rest of the code as one plain token."""
    end = time.monotonic() + seconds
    seen = 0
    try:
        for kind, text in tokens:
            yield kind, text
            seen += len(text)
            if time.monotonic() > end:
                break
        else:
            return
    except Exception as error:  # lexers call themselves for code within code, some without end
        logger.info("Code is shown without colours: its lexer failed with %r.", error)
    yield Token.Text, code[seen:]


def _numbered(coloured: str) -> str:
    lines = coloured.removesuffix("\n").split("\n")
    if len(lines) > MAX_LINES:
        return coloured
    return "".join(
        f'<span class="line" id="L{number}"><a class="number" href="#L{number}" data-line="{number}" '
        f'aria-hidden="true" tabindex="-1"></a>{line}\n</span>'
        for number, line in enumerate(lines, start=1)
    )


@lru_cache(maxsize=128)
def _lexer(language: str) -> Lexer:
    # The code is shown as it is: no line is stripped, no tab replaced.
    options = {"stripnl": False, "ensurenl": False}
    try:
        lexer: Lexer = get_lexer_by_name(language, **options)
    except ClassNotFound:
        lexer = TextLexer(**options)
    return lexer
