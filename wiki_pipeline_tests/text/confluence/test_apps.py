"""What apps of Confluence store in ways of their own: in the new editor's nodes, JSON, packed texts, several bodies."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from urllib.parse import quote

import pytest

from wiki_pipeline.model import RawPage, UnknownMacro
from wiki_pipeline.text.clean import Known, clean_page
from wiki_pipeline.text.confluence.diagrams import MOST_CHARACTERS, diagram_source, inflated
from wiki_pipeline.text.known import Included, text_hash
from wiki_pipeline_tests.text.confluence.pages import converted, macro, raw_page, rich

UML = "@startuml\nAda -> Bob: 20% < 30% ü\n@enduml"


def markdown(body: str) -> str:
    return converted(body).markdown


def plain(text: str) -> str:
    return f"<ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body>"


def forge(key: str, title: str, fallback: str = "", kind: str = "extension", **guest: str) -> str:
    inside = "".join(
        f'<ac:adf-parameter key="{name}"><![CDATA[{value}]]></ac:adf-parameter>' for name, value in guest.items()
    )
    return (
        f'<ac:adf-extension><ac:adf-node type="{kind}"><ac:adf-attribute key="extension-key">{key}</ac:adf-attribute>'
        f'<ac:adf-attribute key="parameters"><ac:adf-parameter key="extension-title">{title}</ac:adf-parameter>'
        f'<ac:adf-parameter key="guest-params">{inside}</ac:adf-parameter></ac:adf-attribute>'
        f'<ac:adf-attribute key="text">{title}</ac:adf-attribute></ac:adf-node>{fallback}</ac:adf-extension>'
    )


# --- apps in the new editor ------------------------------------------------------------------------------------------


def test_an_app_is_written_as_the_macro_of_its_kind() -> None:
    page = converted(
        forge("a1/b2/static/fancycodeblock", "Fancy Code", globaltitle="keys.sh", code="rotate --all <now>")
    )
    assert page.markdown == "**keys.sh**\n\n```\nrotate --all <now>\n```"
    assert not page.unknown_macros
    assert (
        markdown(forge("a/b/static/mermaid-chart", "x", source="graph TD\n A-->B"))
        == "```mermaid\ngraph TD\n A-->B\n```"
    )
    shown = markdown(forge("a/b/static/drawio", "draw.io", diagramName="rig"))
    assert shown.startswith("![rig](https://x.atlassian.net/wiki/download/attachments/42/rig.png")


def test_a_macro_of_confluence_in_the_new_editor_is_that_macro() -> None:
    assert markdown(forge("noformat", "No format", body="a\n  b")) == "```\na\n  b\n```"


def test_an_app_that_nothing_is_known_of_shows_its_fallback_else_its_name_and_is_counted() -> None:
    fallback = "<ac:adf-fallback><p>Ten berths</p></ac:adf-fallback>"
    page = converted(forge("a/b/static/berths", "Berth plan", fallback))
    assert (page.markdown, page.unknown_macros) == ("Ten berths", (UnknownMacro("Berth plan", 1),))
    page = converted(forge("a/b/static/berths", "Berth plan"))
    assert (page.markdown, page.unknown_macros) == ("*[Berth plan]*", (UnknownMacro("Berth plan", 1),))


def test_an_app_in_a_line_stays_in_it() -> None:
    app = forge("a/b/static/berths", "Berths", kind="inline-extension")
    assert markdown(f"<p>There are {app} left.</p>") == "There are *[Berths]* left."


def test_words_of_a_leaf_stand_in_an_attribute() -> None:
    leaf = '<ac:adf-leaf type="text"><ac:adf-attribute key="text">Retire it</ac:adf-attribute></ac:adf-leaf>'
    item = f'<ac:adf-node type="decision-item"><ac:adf-node type="paragraph">{leaf}{leaf}</ac:adf-node></ac:adf-node>'
    assert markdown(f'<ac:adf-extension><ac:adf-node type="decision-list">{item}</ac:adf-node></ac:adf-extension>') == (
        "- ⤷ Retire itRetire it"
    )


@pytest.mark.parametrize(("state", "shown"), [("DECIDED", "- ⤷ x"), ("UNDECIDED", "- ⤷ (undecided) x")])
def test_a_decision_says_whether_it_is_made(state: str, shown: str) -> None:
    node = f'<ac:adf-attribute key="state">{state}</ac:adf-attribute><ac:adf-content>x</ac:adf-content>'
    item = f'<ac:adf-node type="decision-item">{node}</ac:adf-node>'
    assert (
        markdown(f'<ac:adf-extension><ac:adf-node type="decision-list">{item}</ac:adf-node></ac:adf-extension>')
        == shown
    )


# --- diagrams written as text ----------------------------------------------------------------------------------------


def deflated(text: str, window: int) -> str:
    packer = zlib.compressobj(wbits=window)
    return base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()


@pytest.mark.parametrize(
    "stored",
    [
        UML,
        json.dumps({"umlDefinition": UML}),
        json.dumps([{"body": UML, "date": 1700000000000}]),
        json.dumps({"theme": "dark", "content": {"code": UML}}),
        deflated(UML, -15),
        deflated(UML, 15),
        deflated(quote(UML), -15),
        base64.b64encode(gzip.compress(UML.encode(), mtime=0)).decode(),
    ],
)
def test_a_diagram_is_its_source_however_it_is_stored(stored: str) -> None:
    shown = f"```plantuml\n{UML}\n```"
    page = converted(macro("plantuml", plain(stored)))
    assert (page.markdown, page.lost_words) == (shown, ())
    escaped = stored.replace("&", "&amp;").replace("<", "&lt;")
    assert markdown(macro("plantumlcloud", data=escaped, filename="x.svg")) == shown


def test_text_that_only_looks_packed_or_like_json_stays_as_it_is() -> None:
    for text in ("{not json", "[ ]", "{}", '{"a": 1}', "graph TD", "[" * 5_000):
        assert diagram_source(text) == text
    for text in ("", "graph TD", "AAAA", base64.b64encode(b"plain").decode()):
        assert inflated(text) == ""


def test_a_diagram_that_is_a_bomb_is_not_opened() -> None:
    assert inflated(deflated("a" * (MOST_CHARACTERS + 1), -15)) == ""


# --- bodies and remarks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["details", "acme", "info", "markdown"])
def test_every_body_of_a_macro_counts(name: str) -> None:
    bodies = (
        "<ac:rich-text-body>one<p>two</p></ac:rich-text-body> and <ac:rich-text-body><p>three</p></ac:rich-text-body>"
    )
    page = converted(macro(name, bodies))
    assert page.lost_words == ()
    page = converted(macro(name, plain("four") + plain("five")))
    assert page.lost_words == ()


def test_markdown_is_read_from_a_body_and_from_a_parameter() -> None:
    assert markdown(macro("mohamicorp-markdown", markdown="# Steps\n\n1. Stop")) == "# Steps\n\n1. Stop"
    assert markdown(macro("mohamicorp-markdown", plain("## Second\n\n* item"))) == "## Second\n\n* item"


def test_an_unknown_macro_among_words_stays_in_their_line() -> None:
    inline = rich("acme", "<p>the <b>limit</b></p>")
    assert markdown(f"<p>Set {inline} to nine.</p>") == "Set the **limit** to nine."
    assert markdown(f"<p>Set {rich('acme', '<ul><li>a</li></ul>')} to nine.</p>") == "Set\n\n- a\n\nto nine."
    assert markdown(f"<p>{rich('acme', '<p>alone</p>')}</p>") == "alone"


def test_remarks_stay_in_their_line() -> None:
    tip = rich("cfm-tooltip", "<p>MTU</p>", text="maximum transmission unit")
    note = macro("cfm-footnote", text="Only inside.")
    assert (
        markdown(f"<p>Use the {tip} of 9000{note}.</p>")
        == "Use the MTU (maximum transmission unit) of 9000 (Only inside.)."
    )


# --- characters ------------------------------------------------------------------------------------------------------


def test_a_character_in_two_halves_is_one() -> None:
    assert markdown("<p>&#55357;&#56832; &#xD83D;&#xde00; &#55357;&#xDE00;</p>") == "😀 😀 😀"


@pytest.mark.parametrize(
    ("emoji", "shown"),
    [
        ("1f525", "🔥"),
        ("1F1E9-1f1ea", "🇩🇪"),
        ("a1b2", ":ship:"),
        ("0041", ":ship:"),
        ("110000", ":ship:"),
        ("-", ":ship:"),
        ("d83d", ":ship:"),
    ],
)
def test_an_emoji_is_known_by_its_id(emoji: str, shown: str) -> None:
    assert (
        markdown(f'<p><ac:emoticon ac:name="blue-star" ac:emoji-shortname=":ship:" ac:emoji-id="{emoji}"/></p>')
        == shown
    )


# --- included parts --------------------------------------------------------------------------------------------------


def page_of(title: str, body: str, space: str = "ENG") -> RawPage:
    raw = raw_page(body, url=f"https://x.atlassian.net/wiki/spaces/{space}/pages/{len(title)}/x")
    return RawPage(
        document_id=title,
        title=title,
        url=raw.url,
        space_key=space,
        media_type=raw.media_type,
        version_key="1",
        body=body,
    )


def with_pages(body: str, *pages: RawPage) -> str:
    known = {}
    for page in pages:
        address = (
            f"https://x.atlassian.net/wiki/display/{page.space_key}/{quote(page.title, safe='').replace('%20', '+')}"
        )
        known[address] = Included(page, "default:confluence:ENG", text_hash(page))
    return clean_page(raw_page(body), Known(page=known.get)).markdown


def excerpt_of(title: str, kind: str = "excerpt-include", named: str = "", **values: str) -> str:
    part = f'<ac:parameter ac:name="name">{named}</ac:parameter>' if named else ""
    return macro(kind, f'<ac:parameter ac:name="">{title}</ac:parameter>{part}', nopanel="true", **values)


def test_a_title_may_hold_a_colon_unless_such_a_space_is_known() -> None:
    body = rich("excerpt", "<p>ours</p>")
    other = page_of("DB failover", rich("excerpt", "<p>theirs</p>"), "Runbook")
    assert with_pages(excerpt_of("Runbook: DB failover"), page_of("Runbook: DB failover", body)) == "ours"
    assert with_pages(excerpt_of("Runbook: DB failover"), other) == "theirs"
    assert "/display/ENG/Runbook%3A+DB+failover" in with_pages(excerpt_of("Runbook: DB failover"))
    assert "/display/DEV/Home" in with_pages(excerpt_of("DEV:Home"))


def test_an_excerpt_never_shows_another_kinds_text() -> None:
    named_a = '<ac:parameter ac:name="name">a</ac:parameter>'
    page = page_of(
        "Parts",
        macro("multiexcerpt-macro", f"{named_a}<ac:rich-text-body><p>multi</p></ac:rich-text-body>")
        + rich("excerpt", "<p>single</p>")
        + rich("shared-block", "<p>shared</p>", **{"shared-block-key": "k"}),
    )
    assert with_pages(excerpt_of("Parts"), page) == "single"
    assert with_pages(excerpt_of("Parts", "multiexcerpt-include-macro", "a"), page) == "multi"
    assert "has no excerpt" in with_pages(excerpt_of("Parts", named="a"), page)
    assert with_pages(excerpt_of("Parts", "include-shared-block", **{"shared-block-key": "k"}), page) == "shared"


def test_an_included_page_stands_as_if_it_were_written_here() -> None:
    shown = with_pages(macro("include", '<ac:parameter ac:name="">Rota</ac:parameter>'), page_of("Rota", "<p>Ada</p>"))
    assert shown == "Ada"


def test_a_list_behind_a_smart_link_names_its_query() -> None:
    card = '{"parameters": {"jql": "project = OPS AND status != Done"}}'.replace('"', "&quot;")
    address = "https://x.atlassian.net/issues/?jql=project%20%3D%20OPS"
    page = converted(f'<p><a href="{address}" data-datasource="{card}">{address}</a></p>')
    assert page.markdown == f"[Jira issues: `project = OPS AND status != Done`]({address})"
    assert markdown(f'<p><a href="{address}" data-datasource="broken">list</a></p>') == f"[list]({address})"
