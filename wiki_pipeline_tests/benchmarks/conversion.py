"""`python -m wiki_pipeline_tests.benchmarks.conversion`: what is left of each element and macro, ours beside peers.

Every example of the documentation goes through our converter and, in the peers' environment, through theirs. A program
tells what became of it; the table is written to `results`.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from wiki_pipeline.demo.confluence import view
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline_tests.benchmarks.measure import PEERS, ROOT
from wiki_pipeline_tests.text.confluence.examples import EXAMPLES, Example
from wiki_pipeline_tests.text.confluence.pages import converted
from wiki_pipeline_tests.text.confluence.verdict import Verdict, verdict

TABLE = Path(__file__).parent / "results" / "conversion.md"
OURS, FROM_VIEW = "wiki-pipeline", "markdownify of `view`"
# What the test server renders as Confluence does, besides plain HTML; of the rest an exporter would be wronged.
_RENDERED = "ac:link ac:image ac:emoticon ac:task-list ac:placeholder ac:layout macro:code macro:noformat macro:info"
_RENDERED += " macro:status"
_SIGNS = {
    Verdict.KEPT: "kept",
    Verdict.WORDS: "words only",
    Verdict.PARTLY: "partly",
    Verdict.LOST: "**lost**",
    Verdict.GARBLED: "**garbled**",
}
_HOW = """\
Each line is one example of [the documentation](../../../wiki_pipeline/text/confluence/README.md), which shows its
source and what we make of it. A program compares each result with what a reader of the page in Confluence sees:

- kept: all words, in code all lines and blanks, and the form (a list, a table, a fence, a link ...);
- words only: the words without the form, such as a table as a run of words;
- partly, lost: some of the words, or none;
- garbled: words torn apart or run together, or text that no reader sees (parameters, ids of tasks, programs).

LangChain's `ConfluenceLoader` is asked for text, as it comes, and with `keep_markdown_format`, for which it calls
markdownify with the storage format. Exporters call markdownify with the HTML that the server renders (`view`), and add
handlers of their own for some macros, which are not measured here; – where our test server does not render a macro as
Confluence does. Examples are ours, so what they hold is what we thought of.
"""


def measure() -> dict[str, dict[str, Verdict]]:
    """What became of each example, by its title and by converter.

    Raises:
        CalledProcessError: the peers' program failed.
    """
    bodies = {example.title: {"storage": example.body, "view": _view(example)} for example in EXAMPLES}
    program = [str(PEERS), "-m", "wiki_pipeline_tests.benchmarks.peers.converters"]
    answer = subprocess.run(program, input=json.dumps(bodies), capture_output=True, text=True, check=True, cwd=ROOT)
    peers: dict[str, dict[str, str]] = json.loads(answer.stdout)
    return {example.title: _verdicts(example, peers[example.title]) for example in EXAMPLES}


def _verdicts(example: Example, peers: Mapping[str, str]) -> dict[str, Verdict]:
    texts = {OURS: converted(example.body).markdown, **peers}
    if ":" in (name := example.name.replace("macro ", "macro:")) and name not in _RENDERED.split():
        del texts[FROM_VIEW]
    return {converter: verdict(example, text) for converter, text in texts.items()}


def _view(example: Example) -> str:
    page = cast("Content", SimpleNamespace(id="42", space=SimpleNamespace(key="ENG")))
    return view.render(example.body, "https://x.atlassian.net/wiki", page)


def page(verdicts: Mapping[str, Mapping[str, Verdict]]) -> str:
    """The table, how many of each, and how it was measured."""
    names = list(next(iter(verdicts.values())))
    lines = [f"| example | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for title, found in verdicts.items():
        cells = (_SIGNS[found[name]] if name in found else "–" for name in names)
        lines.append(f"| {title.replace('|', chr(92) + '|')} | {' | '.join(cells)} |")
    counts = {name: Counter(found[name] for found in verdicts.values() if name in found) for name in names}
    totals = [f"| {kind.value} | {' | '.join(str(counts[name][kind]) for name in names)} |" for kind in Verdict]
    summary = [f"| of {len(verdicts)} examples | {' | '.join(names)} |", f"| --- |{' ---: |' * len(names)}", *totals]
    measured = f"Measured {datetime.now(UTC):%Y-%m-%d} by `make bench`."
    return "\n".join(["# What conversion keeps\n", *summary, "", *lines, "", _HOW, measured]) + "\n"


if __name__ == "__main__":
    TABLE.write_text(page(measure()), "utf-8")
