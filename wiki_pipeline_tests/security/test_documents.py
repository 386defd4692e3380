"""Documents that are made to cost: their time grows with their length, and what takes too much costs itself alone."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install, pipeline, sync
from wiki_pipeline_tests.security.documents import (
    FORMATS,
    Attempt,
    Cost,
    at_random,
    cost,
    document,
    flat,
    nested,
    whole_way,
)
from wiki_pipeline_tests.sources.git.upstream import Upstream

pytestmark = pytest.mark.security

# What has taken hours, or all memory, before.
FOUND = [
    Attempt("rst", (":a",)),
    Attempt("rst", ('"', ":a")),
    Attempt("rst", (".. note:: ",)),
    Attempt("rst", ("*a ",)),
    Attempt("html", ("<a ",)),
    Attempt("html", ("<a ", ">"), nested),
    Attempt("html", ("/>", "[", "-->", "</p>"), nested),
    Attempt("html", ("a", "</p>")),
    Attempt("storage", ("<a ",)),
    Attempt("asciidoc", ("link:",)),
    Attempt("asciidoc", ("image::",)),
    Attempt("asciidoc", ("<",)),
    Attempt("asciidoc", ("[",)),
    Attempt("asciidoc", ("\ninclude::",)),
    Attempt("asciidoc", ("-", ">>"), nested),
    Attempt("markdown", ("<h1>",)),
    Attempt("markdown", ("<a href=", "'"), nested),
    Attempt("toml", ("\n",)),
]


@pytest.mark.parametrize("attempt", FOUND, ids=str)
def test_what_was_found_takes_time_in_proportion_to_its_length(attempt: Attempt) -> None:
    assert cost(attempt).fault == ""


@pytest.mark.parametrize("name", FORMATS)
def test_tokens_of_a_format_take_time_in_proportion_to_their_number(name: str) -> None:
    """A few of all; `make attack` tries others all the time."""
    source = random.Random(name)
    found = {str(attempt): cost(attempt).fault for attempt in (at_random(source, [name]) for _ in range(2))}
    assert {attempt: fault for attempt, fault in found.items() if fault} == {}


def test_a_quadratic_attempt_would_be_found() -> None:
    assert Cost((0.01, 0.04, 0.16)).fault
    assert not Cost((0.01, 0.02, 0.04)).fault
    assert not Cost((0.001, 0.004, 0.016)).fault  # too little to be measured
    assert Cost((0.01, 0.02, 0.04), expansion=1_000).fault
    assert Cost(ended="takes more than 20 s of computing").fault


def test_attributes_that_hold_each_other_twice_add_a_bounded_text() -> None:
    doubled = "".join(f":a{number}: {{a{number - 1}}}{{a{number - 1}}}\n" for number in range(1, 60))
    characters, _ = whole_way(document("asciidoc", f":a0: xxxxxxxxxx\n{doubled}\n{{a59}}\n"))
    assert characters < 300_000


def test_a_file_of_empty_lines_is_no_large_page() -> None:
    _, shown = whole_way(document("toml", "\n" * 900_000))
    assert shown < 2_000_000


def test_notes_in_notes_do_not_multiply() -> None:
    characters, shown = whole_way(document("rst", flat((".. note:: ",), 500_000)))
    assert characters < 600_000
    assert shown < 2_000_000


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("storage", '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
            f'<!ENTITY {"b" * n} "{("&" + ("b" * (n - 1) or "a") + ";") * 10}">' for n in range(1, 12)
        ) + f"]><p>&{'b' * 11};</p>"),
        ("html", '<table><tr><td colspan="1000" rowspan="65534">' + "word " * 200 + "</td></tr></table>" * 3),
        ("xml", '<!DOCTYPE a [<!ENTITY a SYSTEM "/dev/zero">]><a>&a;</a>'),
        ("json", '{"cells": [' + '{"cell_type": "markdown", "source": ["' + "a" * 10 + '"]},' * 1000 + "{}]}"),
        ("json", "[" * 100_000),
        ("json", '{"cells": [{"cell_type": "heading", "level": 99999999, "source": "x"}]}'),
        ("json", '{"nbformat": ' + "9" * 100_000 + "}"),
        ("toml", "a" + ".a" * 50_000 + " = 1"),
        ("css", "@import url(" * 10_000),
        ("latex", "\\def\\a{\\a\\a}\\a" * 1_000),
    ],
)  # fmt: skip
def test_a_bomb_stays_small(name: str, body: str) -> None:
    characters, shown = whole_way(replace(document(name, ""), body=body))
    assert characters < 20 * len(body) + 100_000
    assert shown < 100 * len(body) + 100_000


# --- in a sync -----------------------------------------------------------------------------------------------------

HONEST = {"README.md": "# Pumps\n\nThey pump.", "docs/a.rst": "Winches\n=======\n\nThey pull.\n"}
# Nothing but paragraphs, which docutils takes some ten seconds to read: nobody can tell it from an attack.
LONG = "\n\n".join(f"Paragraph *{number}* of ``many``." for number in range(30_000))


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    made = Upstream(tmp_path / "pumps")
    made.commit({**HONEST, "docs/long.rst": LONG})
    install(
        monkeypatch,
        tmp_path,
        WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([{"url": made.folder.as_uri()}]),
        WIKI_PIPELINE_DOCUMENT_SECONDS="1",
    )
    return made


@pytest.fixture
def opened(upstream: Upstream) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


def test_a_document_that_takes_too_long_fails_by_name_once_and_the_others_are_served(
    opened: Pipeline, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = [record.key for record in opened.catalog.sources("default")]
    assert failed(opened, source) == ("docs/long.rst", 1)
    assert served(opened, source) == {*HONEST}
    upstream.commit({"docs/b.md": "# Levels"})
    assert failed(opened, source) == ("docs/long.rst", 1)  # not tried again, and not forgotten
    assert served(opened, source) == {*HONEST, "docs/b.md"}
    upstream.commit({"docs/long.rst": f"{LONG}\n\nMore."})
    assert failed(opened, source) == ("docs/long.rst", 2)
    upstream.commit({"docs/long.rst": "Short.\n"})
    assert sync(opened, source)[Stage.CLEAN_PAGES].failed == 0
    assert opened.catalog.failures(source) == []
    assert served(opened, source) == {*HONEST, "docs/b.md", "docs/long.rst"}


def test_a_higher_limit_is_reason_to_try_again(opened: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = [record.key for record in opened.catalog.sources("default")]
    assert failed(opened, source) == ("docs/long.rst", 1)
    monkeypatch.setenv("WIKI_PIPELINE_DOCUMENT_SECONDS", "1.5")
    with pipeline() as again:
        assert failed(again, source) == ("docs/long.rst", 2)


def failed(opened: Pipeline, source: SourceKey) -> tuple[str, int]:
    """Sync; the one document that fails, and how often it was tried in a row."""
    report = sync(opened, source)[Stage.CLEAN_PAGES]
    (failure,) = opened.catalog.failures(source)
    assert [(each.document_id, each.message) for each in report.failures] == [(failure.document_id, failure.message)]
    assert failure.message.startswith("Converting it takes more than 1")
    assert failure.message.endswith(" s of computing. It is left out until it changes.")
    return failure.document_id, failure.attempts


def served(opened: Pipeline, source: SourceKey) -> set[str]:
    return set(opened.store.table(Stage.WIKI_PAGES, source).read(columns=["document_id"])["document_id"].to_pylist())
