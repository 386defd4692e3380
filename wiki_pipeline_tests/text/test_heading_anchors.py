"""Links find the place that they mean, however the tool that wrote them spells it."""

from __future__ import annotations

import pytest

from wiki_pipeline.text.heading_anchors import Places
from wiki_pipeline_tests.text.confluence.pages import converted, macro

ANCHOR = '<ac:parameter ac:name="">{}</ac:parameter>'
BODY = (
    f"<h1>Who to call?</h1><p>{macro('anchor', ANCHOR.format('Phone tree'))}Ada.</p><h2>Setup</h2><h2>Setup</h2>"
    f"<h2>{macro('anchor', ANCHOR.format('rota'))}Who is on call</h2><h2>2024 plan</h2><h2>Größe</h2>"
)
SPELLINGS = [
    ("Who-to-call?", "who-to-call"),  # Cloud, as its addresses have it
    ("Who-to-call%3F", "who-to-call"),
    ("Home-Whotocall?", "who-to-call"),  # Data Center
    ("who-to-call", "who-to-call"),
    ("Setup", "setup"),
    ("Setup.1", "setup-1"),  # the second of its name
    ("Home-Setup.1", "setup-1"),
    ("rota", "rota"),
    ("Home-rota", "rota"),
    ("Phone tree", "Phone-tree"),
    ("Home-Phonetree", "Phone-tree"),
    ("Home-2024plan", "2024-plan"),
    ("id-2024plan", "2024-plan"),
    ("id-Home-2024plan", "2024-plan"),
    ("Gr%C3%B6%C3%9Fe", "größe"),
    ("comment-17", "comment-17"),  # a place that only Confluence has
]


@pytest.mark.parametrize(("spelled", "anchor"), SPELLINGS)
def test_a_link_from_another_page_finds_the_place(spelled: str, anchor: str) -> None:
    page = converted(BODY)
    assert Places.of_page(page.title, page.headings, page.markdown).find(spelled) == anchor
    assert anchor == "comment-17" or anchor in {*(h.anchor for h in page.headings), "rota", "Phone-tree"}


@pytest.mark.parametrize(("spelled", "anchor"), SPELLINGS)
def test_a_link_on_the_page_finds_the_place(spelled: str, anchor: str) -> None:
    link = f'<p><ac:link ac:anchor="{spelled}"><ac:link-body>go</ac:link-body></ac:link></p>'
    # A link on the page leads to the heading that the name is in.
    desired = "who-is-on-call" if anchor == "rota" else anchor
    assert converted(BODY + link).markdown.endswith(f"[go](#{desired})")


def test_names_of_places_are_written_for_other_pages_but_where_a_heading_has_them() -> None:
    markdown = converted(BODY + f"<h2>{macro('anchor', ANCHOR.format('tides'))}Tides</h2>").markdown
    assert '<a id="Phone-tree"></a>Ada.' in markdown
    assert '## <a id="rota"></a>Who is on call' in markdown
    assert "## Tides" in markdown
