"""Confluence's storage format as Markdown: each trap that converters fall into, and the Markdown that is right."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import quote

import pytest

from wiki_pipeline.model import Dependency, Heading, Link
from wiki_pipeline.text.markdown import lozenge, plain
from wiki_pipeline_tests.text.confluence.pages import CLOUD, DATA_CENTER, code, converted, macro, rich


def markdown(body: str, url: str = CLOUD) -> str:
    """The Markdown of a well-formed page of which nothing is lost."""
    page = converted(body, url=url)
    assert page.notes == ()
    return page.markdown


# --- code ------------------------------------------------------------------------------------------------------------


def test_code_is_kept_verbatim() -> None:
    assert markdown(code("SELECT 1 > 0; <b>x</b> &amp; [a](b)")) == "```\nSELECT 1 > 0; <b>x</b> &amp; [a](b)\n```"


def test_parameters_of_a_macro_never_leak_into_text() -> None:
    body = code("SELECT 1", language="sql", linenumbers="true", theme="Midnight", collapse="false")
    assert markdown(body) == "```sql\nSELECT 1\n```"


def test_the_title_of_a_code_block_stands_above_it() -> None:
    assert markdown(code("SELECT 1", title="a*b.sql")) == "**a\\*b.sql**\n\n```\nSELECT 1\n```"


@pytest.mark.parametrize(
    ("confluence", "markdown_name"), [("c#", "csharp"), ("js", "javascript"), ("none", ""), ("YML", "yaml")]
)
def test_languages_have_the_names_that_highlighters_know(confluence: str, markdown_name: str) -> None:
    assert markdown(code("x", language=confluence)) == f"```{markdown_name}\nx\n```"


def test_a_section_that_is_split_around_its_own_end_is_one() -> None:
    assert markdown(code("a[b[0]]]]><![CDATA[>c")) == "```\na[b[0]]>c\n```"


def test_the_end_of_a_section_as_exports_write_it_ends_the_section() -> None:
    body = macro("code", "<ac:plain-text-body><![CDATA[a = b]] ></ac:plain-text-body>")
    assert markdown(f"{body}<p>after</p>") == "```\na = b\n```\n\nafter"


def test_brackets_and_a_space_within_code_are_code() -> None:
    assert markdown(code("[[ $a = $b[[1]] > 0 ]]")) == "```\n[[ $a = $b[[1]] > 0 ]]\n```"


def test_lines_and_indentation_of_code_stay() -> None:
    assert markdown(code("def f():\r\n    return 1\n\n\n\tx")) == "```\ndef f():\n    return 1\n\n\n\tx\n```"


def test_a_fence_is_longer_than_the_fences_in_the_code() -> None:
    assert markdown(code("```sh\nls\n```")) == "````\n```sh\nls\n```\n````"


def test_preformatted_text_is_a_code_block() -> None:
    assert markdown("<pre>a  b<br/>c &lt;d&gt;</pre>") == "```\na  b\nc <d>\n```"
    assert markdown(code("a  *b*").replace('"code"', '"noformat"')) == "```\na  *b*\n```"


def test_code_in_a_line_keeps_its_marks() -> None:
    assert markdown("<p>Call <code>a*b_c &lt;T&gt;</code> or <code>`x`</code>.</p>") == "Call `a*b_c <T>` or `` `x` ``."


def test_markup_that_is_told_about_is_shown_and_not_made() -> None:
    assert markdown("<p>Write &lt;b&gt; &amp;amp; *no* _no_ [no](x)</p>") == (
        "Write \\<b> &amp;amp; \\*no\\* \\_no\\_ [no\\](x)"
    )


@pytest.mark.parametrize("start", ["# no", "- no", "+ no", "> no", "1. no", "| no |", "---", "~~~"])
def test_a_paragraph_never_becomes_another_block(start: str) -> None:
    shown = markdown(f"<p>{start.replace('>', '&gt;')}</p>")
    assert shown.replace("\\", "") == start
    assert shown != start


# --- characters ------------------------------------------------------------------------------------------------------


def test_named_and_numbered_entities_are_their_characters() -> None:
    assert markdown("<p>caf&eacute; &rarr; &#8364; &#x1F600; &hellip; &mdash;</p>") == "café → € 😀 … —"


def test_an_entity_that_does_not_exist_is_shown_as_it_is_written() -> None:
    assert markdown("<p>&nosuch; AT&T too</p>") == "&amp;nosuch; AT&T too"


def test_a_no_break_space_in_emphasis_still_parts_words() -> None:
    assert markdown("<p>one<em>&nbsp;two&nbsp;</em>three</p>") == "one *two* three"
    assert markdown("<p>one<em>&nbsp;</em>two</p>") == "one two"


def test_emphasis_within_a_word_is_emphasis() -> None:
    assert markdown("<p>a<strong>b.</strong>c</p>") == "a<strong>b.</strong>c"
    assert markdown("<p>un<em>believ</em>able</p>") == "un*believ*able"


def test_struck_lowered_and_raised_text_stays_so() -> None:
    assert markdown("<p><del>old</del> H<sub>2</sub>O m<sup>2</sup> <u>x</u></p>") == (
        "~~old~~ H<sub>2</sub>O m<sup>2</sup> <u>x</u>"
    )


def test_a_line_break_breaks_the_line() -> None:
    assert markdown("<p>one<br/>two</p>") == "one  \ntwo"


def test_namespaces_that_a_body_declares_itself_change_nothing() -> None:
    declared = 'xmlns:ac="http://atlassian.com/content" xmlns:ri="http://atlassian.com/resource/identifier"'
    body = macro("status", title="DONE").replace("<ac:structured-macro", f"<ac:structured-macro {declared}")
    assert markdown(f'<p xmlns="http://www.w3.org/1999/xhtml">{body}</p>') == lozenge("DONE")


# --- headings, lists, tasks ------------------------------------------------------------------------------------------


def test_headings_keep_their_level_and_get_an_anchor_each() -> None:
    page = converted("<h1>Set <em>up</em></h1><h3>Step</h3><h3>Step</h3>")
    assert page.markdown == "# Set *up*\n\n### Step\n\n### Step"
    assert page.headings == (Heading(1, "Set up", "set-up"), Heading(3, "Step", "step"), Heading(3, "Step", "step-1"))


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        ("Map&lt;K, V&gt;", "Map<K, V>"),
        ("<code>List&lt;T&gt;</code> &amp; &lt;b&gt;", "List<T> & <b>"),
        ("Use &lt;<em>name</em>&gt; &amp;amp; `x`", "Use <name> &amp; `x`"),
        ("a &lt; b &gt; c * d_e_", "a < b > c * d_e_"),
        ('See <a href="https://e/(1)">[1] the <sub>guide</sub></a>', "See [1] the guide"),
        ('<a href="https://e/"><img src="https://e/a.png" alt="logo"/></a> x', "logo x"),
    ],
)
def test_the_text_of_a_heading_is_what_a_reader_sees(inside: str, text: str) -> None:
    assert [heading.text for heading in converted(f"<h2>{inside}</h2>").headings] == [text]


def test_lists_nest() -> None:
    body = "<ul><li><p>a</p><ol><li>b</li><li>c<ul><li>d</li></ul></li></ol></li><li>e</li></ul>"
    assert markdown(body) == "- a\n  1. b\n  2. c\n     - d\n- e"


def test_code_in_a_list_stays_in_its_item() -> None:
    assert markdown("<ol><li><p>Run</p>" + code("a\n\nb") + "</li><li>End</li></ol>") == (
        "1. Run\n\n   ```\n   a\n\n   b\n   ```\n2. End"
    )


def test_two_lists_side_by_side_stay_two() -> None:
    assert markdown("<ul><li>a</li></ul><ul><li>b</li></ul>") == "- a\n\n* b"


def test_tasks_have_boxes_and_no_ids() -> None:
    body = "".join(
        f"<ac:task><ac:task-id>{number}</ac:task-id><ac:task-uuid>7f-{number}</ac:task-uuid>"
        f"<ac:task-status>{status}</ac:task-status><ac:task-body><span>do {number}</span></ac:task-body></ac:task>"
        for number, status in ((1, "incomplete"), (2, "complete"))
    )
    assert markdown(f"<ac:task-list>{body}</ac:task-list>") == "- [ ] do 1\n- [x] do 2"


def test_a_task_names_who_and_when() -> None:
    who = '<ac:link><ri:user ri:account-id="abc123"/></ac:link>'
    what = f'<ac:task-body>{who} by <time datetime="2024-05-17"/></ac:task-body>'
    task = f"<ac:task-status>incomplete</ac:task-status>{what}"
    assert markdown(f"<ac:task-list><ac:task>{task}</ac:task></ac:task-list>") == "- [ ] @Ada Lovelace by 2024-05-17"


# --- tables ----------------------------------------------------------------------------------------------------------


def test_a_table_with_a_row_of_headers_is_a_pipe_table() -> None:
    rows = "<tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr>"
    assert (
        markdown(f"<table><colgroup><col/></colgroup><tbody>{rows}</tbody></table>")
        == "| a | b |\n| --- | --- |\n| 1 | 2 |"
    )


def test_a_table_without_headers_gets_an_empty_row_of_them() -> None:
    assert markdown("<table><tr><td>1</td><td>2</td></tr></table>") == "|  |  |\n| --- | --- |\n| 1 | 2 |"


def test_a_column_of_headers_is_strong() -> None:
    rows = "<tr><th>a</th><td>1</td></tr><tr><th>b</th><td>2</td></tr>"
    assert markdown(f"<table>{rows}</table>") == "|  |  |\n| --- | --- |\n| **a** | 1 |\n| **b** | 2 |"
    headers = "<tr><th></th><th>n</th></tr>"
    assert markdown(f"<table>{headers}{rows}</table>") == "|  | n |\n| --- | --- |\n| **a** | 1 |\n| **b** | 2 |"


def test_a_pipe_in_a_cell_does_not_end_the_cell() -> None:
    assert markdown("<table><tr><th>a|b</th></tr><tr><td><code>x | y</code></td></tr></table>") == (
        "| a\\|b |\n| --- |\n| `x \\| y` |"
    )


def test_a_cell_of_several_paragraphs_stays_in_its_row() -> None:
    assert markdown("<table><tr><th>a</th></tr><tr><td><p>1</p><p>2<br/>3</p></td></tr></table>") == (
        "| a |\n| --- |\n| 1<br>2<br>3 |"
    )


def test_a_merged_cell_is_shown_in_each_place_that_it_spans() -> None:
    body = (
        '<table><tr><th>a</th><th>b</th><th>c</th></tr><tr><td rowspan="2">x</td><td colspan="2">y</td></tr>'
        "<tr><td>1</td><td>2</td></tr></table>"
    )
    assert markdown(body) == "| a | b | c |\n| --- | --- | --- |\n| x | y | y |\n| x | 1 | 2 |"


@pytest.mark.parametrize("span", ["-1", "many", "", "1.5", "99999999999999999999"])
def test_a_span_that_makes_no_sense_is_one_column(span: str) -> None:
    body = (
        f'<table><tr><th>a</th><th>b</th></tr><tr><td colspan="{span}" rowspan="{span}">1</td><td>2</td></tr></table>'
    )
    assert markdown(body) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_a_cell_that_spans_no_column_spans_the_rest_of_its_row() -> None:
    rows = '<tr><th>a</th><th>b</th><th>c</th></tr><tr><td rowspan="2">1</td><td colspan="0">2</td></tr>{}'
    last = '<tr><td colspan="0">3</td></tr>'
    assert markdown(f"<table>{rows.format(last)}</table>") == (
        "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 2 |\n| 1 | 3 | 3 |"
    )
    listed = '<tr><td colspan="0"><ul><li>3</li></ul></td></tr>'
    assert '<tr><td colspan="2">\n\n- 3' in markdown(f"<table>{rows.format(listed)}</table>")


def test_rows_of_headers_become_one() -> None:
    rows = '<tr><th rowspan="2">Plan</th><th colspan="2">Requests</th></tr><tr><th>a minute</th><th>at once</th></tr>'
    assert markdown(f"<table>{rows}<tr><td>Free</td><td>60</td><td>2</td></tr></table>") == (
        "| Plan | Requests a minute | Requests at once |\n| --- | --- | --- |\n| Free | 60 | 2 |"
    )


def test_a_table_of_headers_alone_keeps_its_rows() -> None:
    assert markdown("<table><tr><th>a</th></tr><tr><th>b / c</th></tr></table>") == "| a |\n| --- |\n| **b / c** |"


def test_code_and_lists_in_cells_make_an_html_table() -> None:
    body = (
        f"<table><tr><th>a</th><th>b</th></tr><tr><td>{code('x | y', language='awk')}</td>"
        "<td><ul><li>1</li><li>2</li></ul></td></tr></table>"
    )
    assert markdown(body) == (
        "<table>\n<tr><th>a</th><th>b</th></tr>\n"
        "<tr><td>\n\n```awk\nx | y\n```\n\n</td><td>\n\n- 1\n- 2\n\n</td></tr>\n</table>"
    )


def test_a_table_in_a_table_is_kept_as_one() -> None:
    inner = "<table><tr><th>in</th></tr><tr><td>1</td></tr></table>"
    assert markdown(f"<table><tr><th>out</th></tr><tr><td>{inner}</td></tr></table>") == (
        "<table>\n<tr><th>out</th></tr>\n<tr><td>\n\n| in |\n| --- |\n| 1 |\n\n</td></tr>\n</table>"
    )


def test_merged_cells_of_an_html_table_stay_merged() -> None:
    body = '<table><tr><td colspan="2"><ul><li>1</li></ul></td></tr><tr><td>a</td><td>b</td></tr></table>'
    assert markdown(body) == (
        '<table>\n<tr><td colspan="2">\n\n- 1\n\n</td></tr>\n<tr><td>a</td><td>b</td></tr>\n</table>'
    )


# --- macros ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "alert"), [("info", "NOTE"), ("tip", "TIP"), ("note", "WARNING"), ("warning", "CAUTION")]
)
def test_panels_are_alerts(name: str, alert: str) -> None:
    body = rich(name, "<p>one</p><p>two</p>", title="Mind", icon="false")
    assert markdown(body) == f"> [!{alert}]\n> **Mind**\n>\n> one\n>\n> two"


def test_a_plain_panel_is_a_quote() -> None:
    assert markdown(rich("panel", "<p>x</p>", bgColor="#fff")) == "> x"


@pytest.mark.parametrize(
    ("icon", "expected"),
    [
        ({"panelIcon": ":rocket:"}, "> 🚀\n>\n> x"),
        ({"panelIcon": ":whale:", "panelIconText": "🐋", "title": "Sea"}, "> 🐋 **Sea**\n>\n> x"),
        ({"panelIcon": ":acme-logo:", "panelIconText": ":acme-logo:"}, "> x"),
        ({"panelIcon": ":bulb:", "panelIconText": "💡"}, "> [!TIP]\n> x"),
    ],
)
def test_a_panel_shows_its_icon(icon: dict[str, str], expected: str) -> None:
    assert markdown(rich("panel", "<p>x</p>", **icon)) == expected


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.youtube.com/watch?v=a1", "YouTube video"),
        ("https://youtu.be/a1", "YouTube video"),
        ("https://player.vimeo.com/video/1", "Vimeo video"),
        ("https://e.example/youtube.com", "https://e.example/youtube.com"),
        ("https://notyoutube.com/a", "https://notyoutube.com/a"),
    ],
)
def test_what_is_embedded_from_a_well_known_site_is_named(url: str, shown: str) -> None:
    assert markdown(macro("widget", url=url)) == f"[{shown}]({url})"
    assert markdown(f'<iframe src="{url}"></iframe>') == f"[{shown}]({url})"
    assert markdown(macro("widget", url=url, title="Tides")) == f"[Tides]({url})"


def test_a_panel_of_the_new_editor_is_an_alert() -> None:
    kind = '<ac:adf-attribute key="panel-type">note</ac:adf-attribute>'
    node = f'<ac:adf-node type="panel">{kind}<ac:adf-content><p>x</p></ac:adf-content></ac:adf-node>'
    fallback = "<ac:adf-fallback><div>x</div></ac:adf-fallback>"
    assert markdown(f"<ac:adf-extension>{node}{fallback}</ac:adf-extension>") == "> [!NOTE]\n> x"


@pytest.mark.parametrize(
    ("parameters", "written"),
    [
        ({"colour": "Green", "title": "IN PROGRESS"}, '<span class="status status-green">[IN PROGRESS]</span>'),
        ({"title": "SEV3", "subtle": "true"}, '<span class="status status-grey subtle">[SEV3]</span>'),
        ({"color": "Purple"}, '<span class="status status-purple">[Purple]</span>'),
        ({"colour": 'x" onclick="', "title": "a ] b"}, '<span class="status status-grey">[a ] b]</span>'),
        ({"title": ""}, ""),
    ],
)
def test_a_status_keeps_its_colour_and_stands_in_brackets(parameters: dict[str, str], written: str) -> None:
    told = markdown(f"<p>It is {macro('status', **{name: escape(value) for name, value in parameters.items()})}.</p>")
    assert told == f"It is {written}."
    assert plain(told) == f"It is {plain(written)}."


def test_a_status_as_the_server_renders_it_is_the_same() -> None:
    shown = '<p>It is <span class="status-macro aui-lozenge aui-lozenge-success">IN PROGRESS</span>.</p>'
    assert converted(shown, media_type="text/html").markdown == f"It is {lozenge('IN PROGRESS', 'Green')}."


def test_an_expand_is_a_collapsed_section() -> None:
    assert markdown(rich("expand", "<p>x</p>", title="More &amp; more")) == (
        "<details>\n<summary>More &amp; more</summary>\n\nx\n\n</details>"
    )


def test_an_unknown_macro_keeps_its_body_and_is_told_of() -> None:
    page = converted(rich("acme-box", "<p>kept</p>", secret="leak") + macro("acme-dot", colour="leak"))
    assert page.markdown == "kept"
    assert page.notes == ("Unknown macro: acme-box (1).", "Unknown macro: acme-dot (1).")


def test_the_body_of_an_unknown_macro_keeps_its_lines() -> None:
    body = macro("acme", "<ac:plain-text-body><![CDATA[a <b>\n  c]]></ac:plain-text-body>", secret="leak")
    assert converted(body).markdown == "```\na <b>\n  c\n```"
    assert converted(f"<p>so {body.replace(chr(10), ' ')}.</p>").markdown == "so `a <b> c`."


def test_an_excerpt_in_a_line_stays_in_it() -> None:
    inline = {"atlassian-macro-output-type": "INLINE"}
    assert markdown(f"<p>one {rich('excerpt', 'two', **inline)} three</p>") == "one two three"
    assert markdown(f"<p>one {rich('excerpt', '<ul><li>two</li></ul>', **inline)}</p>") == "one\n\n- two"


def test_a_roadmap_is_a_table_of_its_bars_and_markers() -> None:
    plan = {
        "title": "2024",
        "timeline": {"displayOption": "MONTH"},
        "lanes": [
            {
                "title": "Rig",
                "bars": [
                    {"title": "Mk IV", "description": "Cast", "startDate": "2024-02-01 00:00:00", "duration": 1.5},
                    {"title": "Test", "startDate": "2024-03-01 00:00:00", "duration": 1},
                ],
            }
        ],
        "markers": [{"title": "Fair", "markerDate": "2024-05-01 00:00:00"}],
    }
    assert markdown(macro("roadmap", source=quote(json.dumps(plan)), hash="f00d", timeline="true")) == (
        "**2024**\n\n| Lane | Name | Start | Duration |\n| --- | --- | --- | --- |\n"
        "| Rig | Mk IV – Cast | 2024-02-01 | 1.5 months |\n| Rig | Test | 2024-03-01 | 1 month |\n"
        "|  | Fair | 2024-05-01 |  |"
    )


@pytest.mark.parametrize(
    "source", ["", "no", "[]", "1", '{"lanes": 1}', '{"lanes": [1]}', '{"lanes": [{"bars": [2]}]}']
)
def test_a_roadmap_that_cannot_be_read_is_a_mark(source: str) -> None:
    assert markdown(macro("roadmap", source=quote(source), title="2024")) == "*[Roadmap: 2024]*"


def test_a_gallery_shows_the_pictures_that_it_names() -> None:
    base = "https://x.atlassian.net/wiki/download/attachments/42"
    assert markdown(macro("gallery", include="a.png, b.png", title="Rigs", columns="2")) == (
        f"**Rigs**\n\n![a.png]({base}/a.png) ![b.png]({base}/b.png)"
    )


def test_files_that_are_not_named_are_linked_where_they_are_listed() -> None:
    files = "https://x.atlassian.net/wiki/pages/viewpageattachments.action?pageId=42"
    assert markdown(macro("gallery", title="Rigs")) == f"*[[Gallery: Rigs]({files}#gallery)]*"
    assert markdown(macro("attachments", upload="false")) == f"*[[Attachments]({files})]*"


def test_a_chart_is_its_data() -> None:
    table = "<table><tr><th>q</th></tr><tr><td>1</td></tr></table>"
    assert markdown(rich("chart", table, type="pie", title="Tides")) == "**Tides**\n\n| q |\n| --- |\n| 1 |"


def test_a_quotation_in_a_line_has_its_marks() -> None:
    assert markdown("<p>She said <q>no</q>.</p>") == "She said “no”."


def test_what_only_the_server_can_show_leaves_a_mark() -> None:
    assert markdown(macro("toc", maxLevel="3")) == "*[Table of contents]*"
    assert markdown(macro("children", all="true")) == "*[Child pages]*"


def test_instructions_of_templates_are_not_text() -> None:
    assert markdown("<p>a<ac:placeholder>Describe it here.</ac:placeholder></p>") == "a"


def test_layouts_are_read_column_by_column() -> None:
    cells = "<ac:layout-cell><p>left</p></ac:layout-cell><ac:layout-cell><p>right</p></ac:layout-cell>"
    body = f'<ac:layout><ac:layout-section ac:type="two_equal">{cells}</ac:layout-section></ac:layout>'
    assert markdown(body) == "left\n\nright"


def test_formulas_stay_as_tex() -> None:
    formula = "<ac:plain-text-body><![CDATA[\\frac{a_1}{b} < c]]></ac:plain-text-body>"
    assert markdown(macro("mathblock", formula)) == "$$\n\\frac{a_1}{b} < c\n$$"
    assert markdown(f"<p>so {macro('mathinline', body='a^2_1')}</p>") == "so $a^2_1$"


def test_an_issue_is_a_link_to_its_tracker() -> None:
    page = converted(f"<p>{macro('jira', server='System JIRA', serverId='1-2', key='ENG-7')}</p>")
    assert page.markdown == "[ENG-7](https://x.atlassian.net/browse/ENG-7)"
    assert page.links == (Link("ENG-7", "https://x.atlassian.net/browse/ENG-7"),)


def test_an_issue_of_an_unknown_tracker_is_its_key() -> None:
    assert markdown(f"<p>{macro('jira', server='System JIRA', key='ENG-7')}</p>", DATA_CENTER) == "ENG-7"


def test_a_list_of_issues_is_its_query() -> None:
    assert markdown(macro("jira", jqlQuery="project = ENG", columns="key")) == "*[Jira issues: `project = ENG`]*"


def test_an_included_page_that_is_not_there_is_linked_and_a_dependency() -> None:
    inside = '<ac:parameter ac:name=""><ac:link><ri:page ri:content-title="Team &amp; Me"/></ac:link></ac:parameter>'
    page = converted(macro("include", inside))
    target = "https://x.atlassian.net/wiki/display/ENG/Team+%26+Me"
    assert page.markdown == f"*[Included page: [Team & Me]({target}) is not among the pages that are synced]*"
    assert page.dependencies == (Dependency(target, "Team & Me", via="42"),)
    assert page.notes == ("The included page “Team & Me” is not among the pages that are synced.",)


# --- people, dates, emoticons ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ('ri:account-id="abc123"', "@Ada Lovelace"),
        ('ri:account-id="5d:9876543210"', "@unknown user"),
        ('ri:username="grace"', "@grace"),
    ],
)
def test_a_mention_is_a_name(user: str, shown: str) -> None:
    assert markdown(f"<p>Ask <ac:link><ri:user {user}/></ac:link>.</p>") == f"Ask {shown}."


def test_a_date_is_shown_as_a_date() -> None:
    assert markdown('<p>Due <time datetime="2024-05-17"/>.</p>') == "Due 2024-05-17."


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ('ac:name="tick"', "✅"),
        ('ac:name="blue-star" ac:emoji-shortname=":rocket:" ac:emoji-id="1f680" ac:emoji-fallback="🚀"', "🚀"),
        ('ac:name="acme"', ":acme:"),
        ('ac:name="blue-star"', "🔵"),
        ('ac:name="blue-star" ac:emoji-shortname=":acme:" ac:emoji-id="1-2" ac:emoji-fallback=":acme:"', ":acme:"),
    ],
)
def test_an_emoticon_is_a_character_or_its_name(attributes: str, shown: str) -> None:
    assert markdown(f"<p>ok <ac:emoticon {attributes}/></p>") == f"ok {shown}"


# --- links and images ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "address", "name"),
    [
        ('<ri:page ri:content-title="On call"/>', "/display/ENG/On+call", "On call"),
        ('<ri:page ri:space-key="OPS" ri:content-title="On call"/>', "/display/OPS/On+call", "On call"),
        ('<ri:page ri:space-key="~ada" ri:content-title="Caf&eacute;"/>', "/display/~ada/Caf%C3%A9", "Café"),
        ('<ri:blog-post ri:content-title="Hi" ri:posting-day="2024/05/17"/>', "/display/ENG/2024/05/17/Hi", "Hi"),
        ('<ri:content-entity ri:content-id="77"/>', "/spaces/ENG/pages/77", "77"),
        ('<ri:attachment ri:filename="a b.pdf"/>', "/download/attachments/42/a%20b.pdf", "a b.pdf"),
        ('<ri:space ri:space-key="OPS"/>', "/spaces/OPS", "OPS"),
    ],
)
def test_a_link_leads_to_the_address_of_what_it_names(reference: str, address: str, name: str) -> None:
    target = f"https://x.atlassian.net/wiki{address}"
    page = converted(f"<p><ac:link>{reference}</ac:link></p>")
    assert page.markdown == f"[{name}]({target})"
    assert page.links == (Link(name, target),)


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ('<ri:page ri:content-title="On call"/>', "/display/ENG/On+call"),
        ('<ri:content-entity ri:content-id="77"/>', "/pages/viewpage.action?pageId=77"),
        ('<ri:space ri:space-key="OPS"/>', "/display/OPS"),
        ('<ri:attachment ri:filename="a.pdf"/>', "/download/attachments/42/a.pdf"),
    ],
)
def test_links_of_a_data_center_keep_its_context_path(reference: str, address: str) -> None:
    page = converted(f"<p><ac:link>{reference}<ac:link-body>x</ac:link-body></ac:link></p>", url=DATA_CENTER)
    assert page.markdown == f"[x](https://wiki.example.org/confluence{address})"


def test_the_text_of_a_link_is_kept() -> None:
    page = '<ri:page ri:content-title="Home"/>'
    target = "https://x.atlassian.net/wiki/display/ENG/Home"
    plain = "<ac:plain-text-link-body><![CDATA[a < *b*]]></ac:plain-text-link-body>"
    assert markdown(f"<p><ac:link>{page}{plain}</ac:link></p>") == f"[a < \\*b\\*]({target})"
    formatted = "<ac:link-body>a <strong>b</strong></ac:link-body>"
    assert markdown(f"<p><ac:link>{page}{formatted}</ac:link></p>") == f"[a **b**]({target})"


def test_a_link_to_a_place_on_another_page_keeps_the_place() -> None:
    body = '<p><ac:link ac:anchor="Rota"><ri:page ri:content-title="On call"/></ac:link></p>'
    assert markdown(body) == "[On call](https://x.atlassian.net/wiki/display/ENG/On+call#Rota)"


@pytest.mark.parametrize("name", ["SetUp", "Set up", "Home-SetUp", "set-up"])
def test_a_link_to_a_heading_of_the_page_finds_it_however_it_is_spelled(name: str) -> None:
    body = f'<h2>Set up</h2><p><ac:link ac:anchor="{name}"><ac:link-body>go</ac:link-body></ac:link></p>'
    assert markdown(body) == "## Set up\n\n[go](#set-up)"


@pytest.mark.parametrize(
    "here",
    [
        '<ri:page ri:content-title="Home"/>',
        '<ri:page ri:space-key="ENG" ri:content-title="Home"/>',
        '<ri:content-entity ri:content-id="42"/>',
    ],
)
def test_a_link_that_names_its_own_page_finds_the_heading(here: str) -> None:
    body = f'<h2>Set up</h2><p><ac:link ac:anchor="SetUp">{here}<ac:link-body>go</ac:link-body></ac:link></p>'
    assert markdown(body) == "## Set up\n\n[go](#set-up)"


def test_a_plain_link_is_absolute() -> None:
    assert markdown('<p><a href="/wiki/x/abc">a</a> <a href="https://example.org/?a=1&amp;b=(2)">b</a></p>') == (
        "[a](https://x.atlassian.net/wiki/x/abc) [b](https://example.org/?a=1&b=%282%29)"
    )


@pytest.mark.parametrize(
    "target", ["javascript:alert(1)", "JAVA&#9;script:alert(1)", " javascript:x", "data:text/html,x"]
)
def test_a_link_that_runs_a_program_is_its_text(target: str) -> None:
    page = converted(f'<p><a href="{target}">a</a></p>')
    assert (page.markdown, page.links) == ("a", ())


def test_an_attached_image_has_its_address_and_its_description() -> None:
    body = '<ac:image ac:alt="The [old] rig" ac:width="300"><ri:attachment ri:filename="rig 1.png"/></ac:image>'
    target = "https://x.atlassian.net/wiki/download/attachments/42/rig%201.png"
    page = converted(f"<p>{body}</p>")
    assert page.markdown == f"![The [old] rig]({target})"
    assert page.links == (Link("The [old] rig", target),)


def test_the_caption_of_an_image_is_kept() -> None:
    image = '<ri:url ri:value="https://example.org/a.png"/><ac:caption><p>The <em>rig</em></p></ac:caption>'
    assert markdown(f"<ac:image>{image}</ac:image>") == "![The rig](https://example.org/a.png)"
    assert markdown(f'<ac:image ac:alt="A mast">{image}</ac:image>') == '![A mast](https://example.org/a.png "The rig")'


def test_an_image_that_is_a_link_is_both() -> None:
    image = '<ac:image ac:alt="rig"><ri:url ri:value="https://example.org/a.png"/></ac:image>'
    body = f'<p><ac:link><ri:page ri:content-title="Rig"/><ac:link-body>{image}</ac:link-body></ac:link></p>'
    assert markdown(body) == ("[![rig](https://example.org/a.png)](https://x.atlassian.net/wiki/display/ENG/Rig)")


def test_a_page_without_text_is_empty() -> None:
    page = converted("")
    assert (page.markdown, page.words, page.headings, page.links) == ("", 0, (), ())
