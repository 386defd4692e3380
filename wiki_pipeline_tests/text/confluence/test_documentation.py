"""The documentation of conversion says what is true: it is made from the table of handlers, with an example of each.

It is written again by `python -m wiki_pipeline_tests.text.confluence.test_documentation`.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getdoc, getmodule
from pathlib import Path

import pytest

from wiki_pipeline.text import clean
from wiki_pipeline.text.confluence import registry
from wiki_pipeline.text.confluence.registry import Handler, qualified
from wiki_pipeline.text.confluence.writer import unknown_macro
from wiki_pipeline.text.markdown import fence
from wiki_pipeline_tests.text.confluence.examples import EXAMPLES, Example
from wiki_pipeline_tests.text.confluence.pages import converted
from wiki_pipeline_tests.text.confluence.verdict import Verdict, verdict

PAGE = Path(registry.__file__).with_name("README.md")
_ELEMENTS = registry.BLOCK | registry.INLINE
_MACROS = registry.BLOCK_MACROS | registry.INLINE_MACROS
_OPENING = """\
# What pages become

Pages of Confluence and files of repositories become Markdown. Each element and macro has one handler, a short function
in [`elements.py`](elements.py) and its neighbours or in [`macros/`](macros); [`registry.py`](registry.py) says how to
write another. What is named here is what the table of handlers holds: this page is made from it, each example by
converting it (`python -m wiki_pipeline_tests.text.confluence.test_documentation`).
How other converters fare with the same examples is told in
[the comparison](../../../wiki_pipeline_tests/benchmarks/results/conversion.md).
"""


def page() -> str:
    """The documentation as it should be."""
    parts = [_OPENING, "## Elements", *_sections(_ELEMENTS, "")]
    parts += ["## Macros", *_sections(_MACROS, "macro ")]
    parts += ["### Any other macro", _summary(unknown_macro), *_examples(unknown_macro)]
    return "\n\n".join([*map(str.strip, parts), "## Files of repositories", _files()]) + "\n"


def _sections(table: dict[str, Handler], prefix: str) -> Iterator[str]:
    for handler in dict.fromkeys(table.values()):
        names = [name.replace("{", "").replace("}", ":") for name, other in table.items() if other is handler]
        yield "### " + ", ".join(f"`{name}`" for name in names[:4]) + (" and more" if len(names) > 4 else "")
        yield _summary(handler)
        if len(names) > 4:
            yield "Also " + ", ".join(f"`{name}`" for name in names[4:]) + "."
        yield from _examples(handler)


def _summary(handler: object) -> str:
    return " ".join((getdoc(handler) or "").partition("\n\n")[0].split())


def _examples(handler: Handler) -> Iterator[str]:
    for example in EXAMPLES:
        if _handler_of(example) is handler:
            yield (f"{example.about.capitalize()}:" if example.about and handler is not unknown_macro else "Example:")
            yield fence(example.body, "xml")
            shown = converted(example.body).markdown
            yield f"becomes\n\n{fence(shown, 'markdown')}" if shown else "becomes nothing."


def _handler_of(example: Example) -> Handler | None:
    kind, _, name = example.name.rpartition(" ")
    return _MACROS.get(name, unknown_macro) if kind else _ELEMENTS.get(qualified(name))


def _files() -> str:
    lines = ["| media type | how |", "| --- | --- |"]
    for media_type, reader in sorted(clean.READERS.items()):
        about = (getmodule(reader).__doc__ or "").partition("\n\n")[0]
        lines.append(f"| `{media_type}` | {_summary(reader)} {' '.join(about.split())} |")
    return "\n".join([*lines, f"| all others | {_summary(clean.reader_of(''))} |"])


def test_the_documentation_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page()


def test_every_handler_has_an_example() -> None:
    shown = {_handler_of(example) for example in EXAMPLES}
    assert [name for name, handler in (_ELEMENTS | _MACROS).items() if handler not in shown] == []
    assert unknown_macro in shown


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.title for example in EXAMPLES])
def test_an_example_keeps_what_readers_see_and_nothing_else(example: Example) -> None:
    assert verdict(example, converted(example.body).markdown) is Verdict.KEPT


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("> **Mind**\n>\n> one\n>\n> two", Verdict.KEPT),
        ("Mind one two", Verdict.WORDS),
        ("> one\n> two", Verdict.PARTLY),
        ("three", Verdict.LOST),
        ("> Mindfalseone two", Verdict.GARBLED),
        ("> Mindone two", Verdict.GARBLED),
    ],
)
def test_damage_is_told_by_its_kind(markdown: str, expected: Verdict) -> None:
    (panel,) = (example for example in EXAMPLES if example.name == "macro info")
    assert verdict(panel, markdown) is expected


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
