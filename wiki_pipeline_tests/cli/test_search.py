from __future__ import annotations

import json
from pathlib import Path

from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.confluence_server import Space
from wiki_pipeline_tests.installation import ENG


def test_a_hit_is_shown_with_title_text_and_link(run: Run, space: Space) -> None:
    run("sync")
    result = run("search", "winches", "-k", "1")
    assert result.exit_code == 0
    assert result.stdout.startswith("Winches (")
    assert "All about winches." in result.stdout
    assert "https://" in result.stdout or "http://" in result.stdout


def test_hits_are_restricted_to_sources_and_number(run: Run, space: Space) -> None:
    run("sync")
    hits = json.loads(run("search", "all", "about", "-k", "2", "--source", "ENG", "--mode", "text", "--json").stdout)
    assert [hit["source"] for hit in hits] == [str(ENG)] * 2


def test_control_characters_of_a_page_don_t_reach_the_terminal(run: Run, space: Space) -> None:
    space.add("Escape", "<p>before \u009b31m \u009d0;owned after</p>")
    run("sync")
    result = run("search", "before after", "-k", "1")
    assert "Escape" in result.stdout
    assert not any((ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in result.stdout)


def test_nothing_found_is_no_error(run: Run, empty: Path) -> None:
    assert (run("search", "winches").exit_code, run("search", "winches").stdout) == (0, "Nothing was found.\n")
    assert json.loads(run("search", "winches", "--json").stdout) == []


def test_an_empty_query_is_a_matter_of_usage(run: Run, empty: Path) -> None:
    result = run("search", " ")
    assert result.exit_code == 2
    assert "The query is empty." in result.stderr
