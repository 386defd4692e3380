"""Issues as Markdown: every kind of node of ADF keeps its text, comments their authors, and keys become links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from wiki_pipeline.links.jql import Asker, QueryError, UnsupportedQueryError, holds, parse, without_order
from wiki_pipeline.model import CleanPage, RawPage, SourceKey
from wiki_pipeline.text.chunk import ChunkSizes, chunk_page
from wiki_pipeline.text.chunk.size import CODE_CHUNKS, PROSE_CHUNKS
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline.text.jira.adf import AdfWriter
from wiki_pipeline.text.known import Known

SITE = "https://acme.atlassian.net"
KNOWN = Known(names={"OPS": f"{SITE}/browse/"})


def issue(known: Known = KNOWN, **body: Any) -> CleanPage:
    given = {"key": "OPS-2", "site": SITE, "facts": [["Type", "Bug"]], "files": []} | body
    raw = RawPage(
        document_id="10002", title="OPS-2 Pump stalls", url=f"{SITE}/browse/OPS-2", version_key="1",
        body=orjson.dumps(given).decode(), media_type="application/vnd.atlassian.jira.issue+json",
        space_key="OPS", space_name="Operations", facets=("key=OPS-2",),
    )  # fmt: skip
    return clean_page(raw, known)


def adf(*blocks: Any) -> Any:
    return {"adf": {"type": "doc", "version": 1, "content": list(blocks)}}


def text(words: str, *marks: Any) -> Any:
    return {"type": "text", "text": words, "marks": list(marks)}


def paragraph(*parts: Any) -> Any:
    return {"type": "paragraph", "content": list(parts)}


# From the schema of ADF: each kind of node with the word that it must keep.
_BLOCKS = [
    "paragraph", "heading", "blockquote", "bulletList", "orderedList", "taskList", "decisionList", "panel", "expand",
    "nestedExpand", "table", "layoutSection", "bodiedExtension", "bodiedSyncBlock", "somethingNew", "mediaSingle",
]  # fmt: skip


@pytest.mark.parametrize("kind", _BLOCKS)
def test_every_block_keeps_its_words(kind: str) -> None:
    inner = paragraph(text("kept"))
    content: Any = {
        "paragraph": [text("kept")],
        "heading": [text("kept")],
        "bulletList": [{"type": "listItem", "content": [inner]}],
        "orderedList": [{"type": "listItem", "content": [inner]}],
        "taskList": [{"type": "taskItem", "attrs": {"state": "DONE"}, "content": [text("kept")]}],
        "decisionList": [{"type": "decisionItem", "content": [text("kept")]}],
        "table": [{"type": "tableRow", "content": [{"type": "tableCell", "content": [inner]}]}],
        "layoutSection": [{"type": "layoutColumn", "content": [inner]}],
        "mediaSingle": [{"type": "caption", "content": [text("kept")]}],
    }.get(kind, [inner])
    written = AdfWriter().document(adf({"type": kind, "attrs": {"level": 2}, "content": content})["adf"])
    assert "kept" in written


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        ({"type": "mention", "attrs": {"id": "7", "text": "@Ada"}}, "@Ada"),
        ({"type": "emoji", "attrs": {"shortName": ":tada:", "text": "🎉"}}, "🎉"),
        ({"type": "status", "attrs": {"text": "ROLLED OUT", "color": "green"}}, "ROLLED OUT"),
        ({"type": "date", "attrs": {"timestamp": "1762335000000"}}, "2025-11-05"),
        ({"type": "inlineCard", "attrs": {"url": f"{SITE}/browse/OPS-3"}}, f"[OPS-3]({SITE}/browse/OPS-3)"),
        ({"type": "inlineCard", "attrs": {"data": {"url": "https://x.org/a", "name": "A"}}}, "[A](https://x.org/a)"),
        ({"type": "mediaInline", "attrs": {"alt": "log.txt"}}, "log.txt"),
        ({"type": "inlineExtension", "attrs": {"text": "inside"}}, "inside"),
        ({"type": "hardBreak"}, "a"),
    ],
)
def test_the_words_of_atoms_are_in_their_attributes(node: Any, shown: str) -> None:
    assert shown in AdfWriter().document(adf(paragraph(text("a "), node))["adf"])


def test_a_table_is_no_single_word_and_marks_are_kept() -> None:
    cells = [{"type": "tableCell", "content": [paragraph(text(word))]} for word in ("one", "two | half")]
    page = issue(description=adf(
        {"type": "table", "content": [{"type": "tableRow", "content": cells}]},
        paragraph(text("bold", {"type": "strong"}), text(" and "), text("x", {"type": "code"})),
        paragraph(text("bad", {"type": "link", "attrs": {"href": "javascript:alert(1)"}})),
    ))  # fmt: skip
    assert "| one | two \\| half |" in page.markdown
    assert "**bold** and `x`" in page.markdown
    assert "javascript" not in page.markdown


@pytest.mark.parametrize("description", [None, {}, {"adf": None}, {"adf": {"type": "doc"}}, {"text": ""}])
def test_an_issue_without_a_description_is_a_page(description: Any) -> None:
    assert "| Type | Bug |" in issue(description=description).markdown


def test_comments_have_authors_and_dates_and_are_cut_apart() -> None:
    long = " ".join(f"word{number}" for number in range(400))
    comments = [
        {"author": name, "created": "2026-05-01", "body": adf(paragraph(text(f"{name} says {long}")))}
        for name in ("Ada", "Grace", "Alan")
    ]
    page = issue(comments=comments, description=adf(paragraph(text("Short."))))
    assert [heading.text for heading in page.headings if heading.level == 3] == [
        f"{name}, 2026-05-01" for name in ("Ada", "Grace", "Alan")
    ]
    chunks = chunk_page(page, SourceKey("default", "jira", "OPS"), ChunkSizes(PROSE_CHUNKS, CODE_CHUNKS))
    assert all("OPS-2 Pump stalls" in chunk.search_text.partition("\n")[0] for chunk in chunks)
    told = [{name for name in ("Ada says", "Grace says", "Alan says") if name in chunk.text} for chunk in chunks]
    assert all(len(names) <= 1 for names in told)


def test_a_short_issue_is_one_chunk() -> None:
    page = issue(description=adf(paragraph(text("Short."))))
    assert len(chunk_page(page, SourceKey("default", "jira", "OPS"), ChunkSizes(PROSE_CHUNKS, CODE_CHUNKS))) == 1


def test_rendered_wiki_markup_is_read_by_the_cleaner_of_pages() -> None:
    page = issue(
        description={
            "html": '<h2><a name="x"></a>What</h2><p>It <b>stalls</b>.</p><ul><li>one</li></ul>'
            '<div class="code panel"><div class="codeContent panelContent">'
            '<pre class="code-java">x = 1;</pre></div></div>'
            '<p><img src="/secure/attachment/0/a.png" alt="a.png"/></p>'
        },
        files=[["a.png", f"{SITE}/secure/attachment/5/a.png#issue=10002"]],
    )
    assert "#### What" in page.markdown
    assert "It **stalls**." in page.markdown
    assert "x = 1;" in page.markdown
    assert f"![a.png]({SITE}/secure/attachment/5/a.png#issue=10002)" in page.markdown


def test_bare_keys_become_links_but_not_in_code_links_addresses_or_headings() -> None:
    markdown = (
        "# About OPS-1\n\nSee OPS-1, OPS-12. Not XOPS-1, OPS-0, OPS-1a, A/OPS-1; `OPS-1` [OPS-1](https://x.org)\n\n"
        "```\nOPS-1\n```\n\n<https://x.org/OPS-1> https://x.org/?q=OPS-1\n"
    )
    raw = RawPage(
        document_id="a.md", title="a.md", url="https://git.example.org/a.md", path="a.md", version_key="1",
        body=markdown, media_type="text/markdown",
    )  # fmt: skip
    page = clean_page(raw, KNOWN)
    assert [link.target for link in page.links if "/browse/" in link.target] == [
        f"{SITE}/browse/OPS-1",
        f"{SITE}/browse/OPS-12",
    ]
    assert clean_page(raw).markdown == markdown.rstrip("\n") or "/browse/" not in clean_page(raw).markdown
    assert page.markdown.count("/browse/") == 2


def test_jql_is_answered_or_said_to_be_unsupported() -> None:
    facts: dict[str, Any] = {
        "project": ["OPS"], "statuscategory": ["new"], "labels": ["night", "pump"], "assignee": [], "key": ["OPS-2"],
        "summary": ["Pump stalls"], "resolution": [], "updated": datetime(2026, 5, 1, tzinfo=UTC),
    }  # fmt: skip
    asker = Asker(datetime(2026, 5, 2, tzinfo=UTC))

    def found(jql: str) -> bool:
        return holds(parse(jql), facts.get, asker)

    assert found('project = ops AND statusCategory = "To Do" AND labels in (night, day) ORDER BY rank')
    assert found("assignee IS EMPTY AND resolution = Unresolved AND updated >= -2d AND summary ~ pump")
    assert found("NOT (project = DEV OR key in (OPS-1)) and updated >= 1746000000000")
    assert not found("assignee = currentUser2 OR updated < startOfDay(-1d)")
    for unsupported in ("status WAS Done", "sprint in openSprints()", "votes > 3", "assignee = currentUser()"):
        with pytest.raises(UnsupportedQueryError):
            found(unsupported)
    for wrong in ("project =", "(project = OPS", "project ! OPS", "updated > yesterday"):
        with pytest.raises(QueryError):
            found(wrong)
    assert without_order('summary ~ "x order by y" Order By rank desc') == 'summary ~ "x order by y"'
