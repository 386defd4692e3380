from __future__ import annotations

import json
from pathlib import Path

from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.running import Running, announce, only_one
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import ENG, pipeline, sync


def sync_again() -> None:
    """Bring what was changed upstream; what `wiki-pipeline sync` shows of that is not looked at here."""
    with pipeline() as opened:
        sync(opened)


def test_a_hit_is_shown_with_title_source_text_and_link_each_once(run: Run, synced: Space) -> None:
    result = run("search", "winches", "-k", "1")
    assert result.exit_code == 0
    title, text, link = result.stdout.splitlines()
    assert title.startswith("Winches  Engineering, changed 20")
    assert text.strip() == "All about winches."
    assert link.startswith("  from http://")


def test_passages_of_a_document_stand_together_below_their_headings(run: Run, synced: Space) -> None:
    synced.add("Ropes", "".join(f"<h2>Rope {n}</h2><p>{'Splicing a rope. ' * 80}</p>" for n in range(3)))
    sync_again()
    shown = run("search", "splicing a rope", "-k", "3").stdout.splitlines()
    assert sum(line.startswith("Ropes ") for line in shown) == 1
    assert {line for line in shown if line.startswith("  Rope ")} >= {"  Rope 0", "  Rope 1", "  Rope 2"}


def test_the_wiki_s_address_is_given_while_it_is_served(run: Run, synced: Space) -> None:
    home = load(Settings).home
    with only_one(home):
        announce(home, Running("http://127.0.0.1:8080"))
        address = f"http://127.0.0.1:8080/wiki/confluence-ENG/{synced.page('Winches').id}/winches"
        assert f"  {address}\n" in run("search", "winches", "-k", "1").stdout
        assert json.loads(run("search", "winches", "-k", "1", "--json").stdout)[0]["wiki_url"] == address
    assert "8080" not in run("search", "winches", "-k", "1").stdout


def test_hits_are_restricted_to_sources_and_number(run: Run, synced: Space) -> None:
    hits = json.loads(run("search", "all", "about", "-k", "2", "--source", "ENG", "--mode", "text", "--json").stdout)
    assert [hit["source"] for hit in hits] == [str(ENG)] * 2


def test_control_characters_of_a_page_don_t_reach_the_terminal(run: Run, synced: Space) -> None:
    synced.add("Escape", "<p>before \u009b31m \u009d0;owned after</p>")
    sync_again()
    result = run("search", "before after", "-k", "1")
    assert "Escape" in result.stdout
    assert not any((ord(c) < 0x20 and c != "\n") or 0x7F <= ord(c) < 0xA0 for c in result.stdout)


def test_nothing_found_is_no_error(run: Run, empty: Path) -> None:
    assert (run("search", "winches").exit_code, run("search", "winches").stdout) == (0, "Nothing was found.\n")
    assert json.loads(run("search", "winches", "--json").stdout) == []


def test_an_empty_query_and_one_that_is_too_long_are_a_matter_of_usage(run: Run, empty: Path) -> None:
    for query, said in ((" ", "The query is empty."), ("x" * 1001, "longer than 1000 characters")):
        result = run("search", query)
        assert result.exit_code == 2
        assert said in result.stderr
