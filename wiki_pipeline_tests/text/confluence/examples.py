"""One example of each element and macro: for the documentation, and for the comparison with other converters.

Each says what a reader of the page in Confluence sees of it, and what no reader does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from wiki_pipeline_tests.text.confluence.pages import code, macro, rich

# Forms that any writer of Markdown may use.
HEADING, RULE = r"^#{1,6} |^(?:===|---)", r"^ *(?:---|\*\*\*|- - -)"
BULLETS, NUMBERS, TASKS = r"^ *[-*+] ", r"^ *1[.)] ", r"^ *[-*+] \[[ x]\] "
NESTED, TABLE = r"^(?:\t| {2,})[-*+\d]", r"^\|.*\|$|<table"
FENCE, QUOTE, DETAILS = r"^ *(?:```|~~~)", r"^ *> ", r"<details"
STRONG, EMPHASIS, STRUCK = r"\*\*|__|<strong|<b>", r"\*|_|<em|<i>", r"~~|<del|<s>"
SPAN, LINK, IMAGE, TAGS = r"`", r"\]\(|<https?:", r"!\[", r"<su[bp]>"
BREAK, FORMULA = r"(?:  |\\)$|<br", r"\$"
ANY = ""


@dataclass(frozen=True)
class Example:
    """An element or macro on a page.

    Attributes:
        name: as it is registered; macros are written `macro NAME`.
        body: storage format.
        shown: what a reader sees, in order.
        hidden: what no reader may see: parameters, ids, programs.
        form: a regular expression for what makes it more than words; matched line by line.
        about: what is particular to it, where there are several of one name.
    """

    name: str
    body: str
    shown: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    form: str = ANY
    about: str = ""

    @property
    def title(self) -> str:
        """Its name, and what is particular to it."""
        return f"{self.name}, {self.about}" if self.about else self.name


def _plain(text: str) -> str:
    return f"<ac:plain-text-body><![CDATA[{text}]]></ac:plain-text-body>"


def _parameter(content: str, name: str = "") -> str:
    return f'<ac:parameter ac:name="{name}">{content}</ac:parameter>'


def _table(*rows: str) -> str:
    return f"<table><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"


_PAGE = '<ri:page ri:content-title="On call"/>'
_ADA = '<ac:link><ri:user ri:account-id="abc123"/></ac:link>'
_TASK = (
    "<ac:task><ac:task-id>17</ac:task-id><ac:task-status>{}</ac:task-status><ac:task-body>{}</ac:task-body></ac:task>"
)
_PLAN = {
    "title": "2024",
    "timeline": {"displayOption": "MONTH"},
    "lanes": [{"title": "Rig", "bars": [{"title": "Cast", "startDate": "2024-02-01 00:00:00", "duration": 2}]}],
    "markers": [{"title": "Fair", "markerDate": "2024-05-01 00:00:00"}],
}
_CODE, _SHELL = code("a\n  b"), code("a | b\n  c", theme="Midnight")
_FILE = '<ri:attachment ri:filename="tides.pdf"/>'
_DECISION = (
    '<ac:adf-extension><ac:adf-node type="decision-list"><ac:adf-node type="decision-item">'
    '<ac:adf-attribute key="state">DECIDED</ac:adf-attribute><ac:adf-content>We cast in May</ac:adf-content>'
    "</ac:adf-node></ac:adf-node><ac:adf-fallback><p>We cast</p></ac:adf-fallback></ac:adf-extension>"
)
_QUARTERS = ("<th>Q</th><th>Tides</th>", "<td>1</td><td>700</td>")

EXAMPLES = (
    # Text.
    Example("h1", "<h2>Map&lt;K&gt; of tides</h2>", ("Map<K> of tides",), form=HEADING),
    Example("p", "<p>1. Tides &amp; caf&eacute;s *rise*</p>", ("1. Tides & cafés *rise*",)),
    Example("br", "<p>high<br/>low</p>", ("high", "low"), form=BREAK),
    Example("hr", "<p>high</p><hr/><p>low</p>", ("high", "low"), form=RULE),
    Example("strong", "<p>a <strong>&nbsp;strong</strong> tide</p>", ("a strong tide",), form=STRONG),
    Example("em", "<p>un<em>believ</em>able</p>", ("unbelievable",), form=EMPHASIS),
    Example("del", "<p><del>old</del> new</p>", ("old new",), form=STRUCK),
    Example("sub", "<p>H<sub>2</sub>O</p>", ("H2O",), form=TAGS),
    Example("q", "<p>She said <q>no</q>.</p>", ("She said",), form='[“"]no[”"]'),
    Example("code", "<p>Call <code>a*b_c &lt;T&gt;</code>.</p>", ("Call a*b_c <T>.",), form=SPAN),
    Example("pre", "<pre>a  b\n  c</pre>", ("a  b\n  c",), form=FENCE),
    Example("blockquote", "<blockquote><p>Mind the tide.</p></blockquote>", ("Mind the tide.",), form=QUOTE),
    Example("time", '<p>Due <time datetime="2024-05-17"/>.</p>', ("Due 2024-05-17.",)),
    Example("math", '<math><mi>a</mi><annotation encoding="application/x-tex">a^2</annotation></math>', ("a^2",)),
    Example("svg", "<svg><title>Chart of tides</title></svg>", ("Chart of tides",)),
    Example("script", "<p>seen</p><script>alert(1)</script>", ("seen",), ("alert",)),
    Example("details", "<details><summary>More</summary><p>Tides</p></details>", ("More", "Tides"), form=DETAILS),
    Example("summary", "<summary>More</summary>", ("More",)),
    Example("div", "<div><p>high</p><p>low</p></div>", ("high", "low")),
    Example("ac:emoticon", '<p>done <ac:emoticon ac:name="tick"/></p>', ("done ✅",)),
    Example("ac:placeholder", "<p>a<ac:placeholder>Describe it.</ac:placeholder></p>", ("a",), ("Describe",)),
    Example("select", "<p>Tide: <select><option>high</option><option>low</option></select></p>", ("Tide: high", "low")),
    Example("input", '<ul><li><input type="checkbox" checked=""/>cast</li></ul>', ("cast",), form=TASKS),
    # Lists.
    Example("ul", "<ul><li>a<ul><li>b</li></ul></li></ul>", ("a", "b"), form=NESTED, about="nested"),
    Example("ul", f"<ul><li><p>run</p>{_CODE}</li></ul>", ("run", "a\n  b"), form=FENCE, about="with code"),
    Example("ol", "<ol><li>one<ul><li>two</li></ul></li></ol>", ("one", "two"), form=NUMBERS),
    Example("dl", "<dl><dt>Ebb</dt><dd>falling tide</dd></dl>", ("Ebb", "falling tide")),
    Example("li", "<li>stray item</li>", ("stray item",)),
    Example(
        "ac:task-list",
        f"<ac:task-list>{_TASK.format('complete', 'cast')}"
        + _TASK.format("incomplete", f'{_ADA} tests by <time datetime="2024-05-17"/>')
        + "</ac:task-list>",
        ("cast", "@Ada Lovelace tests by 2024-05-17"),
        ("17cast", "17complete", "completecast", "incomplete"),
        TASKS,
    ),
    # Tables.
    Example("table", _table(*_QUARTERS), ("Q", "Tides", "1", "700"), form=TABLE),
    Example(
        "table",
        _table(
            "<th>a</th><th>b</th><th>c</th>", '<td rowspan="2">x</td><td colspan="2">y</td>', "<td>1</td><td>2</td>"
        ),
        ("a", "b", "c", "x", "y", "1", "2"),
        form=r"^\|? *x *\| *y *\| *y *\|?$|colspan",
        about="with merged cells",
    ),
    Example(
        "table",
        _table("<th>run</th>", f"<td>{_SHELL}</td>"),
        ("run", "a | b\n  c"),
        ("Midnight",),
        FENCE,
        about="with code in a cell",
    ),
    Example(
        "table",
        _table("<th>out</th>", f"<td>{_table(*_QUARTERS)}</td>"),
        ("out", "Q", "Tides", "1", "700"),
        form=r"^\| *Q *\| *Tides *\|$",
        about="in a table",
    ),
    Example("table", _table("<th>pipes</th>", "<td>a|b</td>"), ("pipes",), form=r"a\\\||a&#124;", about="with a bar"),
    Example("tr", "<p>a</p><td>stray cell</td>", ("a", "stray cell")),
    Example("colgroup", f'<table><colgroup><col style="width: 9px"/></colgroup>{_table(*_QUARTERS)[7:]}', ("700",)),
    # Links and pictures.
    Example("a", '<p><a href="https://e.example/(1)">the site</a></p>', ("the site",), form=LINK),
    Example(
        "ac:link",
        f"<p><ac:link>{_PAGE}<ac:plain-text-link-body><![CDATA[the *rota*]]></ac:plain-text-link-body></ac:link></p>",
        ("the *rota*",),
        form=LINK,
        about="to a page",
    ),
    Example("ac:link", f"<p>See <ac:link>{_PAGE}</ac:link></p>", ("See On call",), form=LINK, about="without text"),
    Example("ac:link", f"<p><ac:link>{_FILE}</ac:link></p>", ("tides.pdf",), form=LINK, about="to an attachment"),
    Example("ri:user", f"<p>Ask {_ADA}.</p>", ("Ask @Ada Lovelace.",), ("abc123",)),
    Example(
        "ac:image",
        '<p><ac:image ac:alt="The rig" ac:width="300"><ri:attachment ri:filename="rig.png"/></ac:image></p>',
        ("The rig",),
        form=IMAGE,
    ),
    Example("img", '<p><img src="https://e.example/rig.png" alt="The rig"/></p>', ("The rig",), form=IMAGE),
    Example("iframe", '<iframe src="https://e.example/map"></iframe>', ("https://e.example/map",), form=LINK),
    # Code and formulas.
    Example(
        "macro code",
        code(
            "SELECT 1 > 0; <b>x</b>\n  -- &amp;",
            language="sql",
            title="tides.sql",
            linenumbers="true",
            theme="Midnight",
        ),
        ("tides.sql", "SELECT 1 > 0; <b>x</b>\n  -- &amp;"),
        ("true", "Midnight"),
        FENCE,
    ),
    Example("macro code", code("a[b[0]]]]><![CDATA[>c"), ("a[b[0]]>c",), ("CDATA",), FENCE, "that holds `]]>`"),
    Example("macro noformat", macro("noformat", _plain("a\n  b"), nopanel="true"), ("a\n  b",), ("true",), FENCE),
    Example("macro html", macro("html", _plain("<b>x</b>")), ("<b>x</b>",), form=FENCE),
    Example("macro markdown", macro("markdown", _plain("# Tides")), ("Tides",), form=HEADING),
    Example("macro mermaid", macro("mermaid", _plain("graph TD\n  A-->B")), ("graph TD\n  A-->B",), form=FENCE),
    Example("macro mathblock", macro("mathblock", _plain("a < b")), ("a < b",), form=FORMULA),
    Example("macro mathinline", f"<p>so {macro('mathinline', body='a^2')}</p>", ("so", "a^2"), form=FORMULA),
    # Frames.
    Example(
        "macro info",
        rich("info", "<p>one</p><p>two</p>", title="Mind", icon="false"),
        ("Mind", "one", "two"),
        ("false", "Mindfalse"),
        QUOTE,
    ),
    Example("macro panel", rich("panel", "<p>x</p>", title="Tides", bgColor="#fff"), ("Tides", "x"), ("#fff",), QUOTE),
    Example("macro expand", rich("expand", "<p>hidden tide</p>", title="More"), ("More", "hidden tide"), form=DETAILS),
    Example(
        "macro details",
        rich("details", _table("<th>Owner</th><td>Ada</td>"), id="facts"),
        ("Owner", "Ada"),
        ("facts",),
        TABLE,
    ),
    Example(
        "ac:layout",
        '<ac:layout><ac:layout-section ac:type="two_equal"><ac:layout-cell><p>left</p></ac:layout-cell>'
        "<ac:layout-cell><p>right</p></ac:layout-cell></ac:layout-section></ac:layout>",
        ("left", "right"),
        ("two_equal",),
    ),
    Example("macro ui-tab", rich("ui-tab", "<p>x</p>", title="Linux"), ("Linux", "x")),
    Example("ac:adf-extension", _DECISION, ("We cast in May",), ("DECIDED",)),
    Example("ac:adf-attribute", '<ac:adf-attribute key="state">DECIDED</ac:adf-attribute>', (), ("DECIDED",)),
    # Facts and references.
    Example(
        "macro status",
        f"<p>It is {macro('status', colour='Green', title='IN PROGRESS')}.</p>",
        ("It is", "IN PROGRESS"),
        ("f00d",),
        r"class=\"[^\"]*green",
    ),
    Example(
        "macro jira",
        f"<p>{macro('jira', server='System JIRA', serverId='1-2', key='ENG-7')}</p>",
        ("ENG-7",),
        ("System",),
        LINK,
    ),
    Example("macro jira", macro("jira", jqlQuery="project = ENG", columns="key"), ("project = ENG",), about="a query"),
    Example(
        "macro profile", macro("profile", _parameter('<ri:user ri:account-id="abc123"/>', "user")), ("Ada Lovelace",)
    ),
    Example("macro anchor", f"<p>{macro('anchor', _parameter('here'))}x</p>", ("x",), ("herex",), r'id="here"'),
    Example(
        "macro include",
        macro("include", _parameter(f"<ac:link>{_PAGE}</ac:link>")),
        ("On call",),
        form=LINK,
    ),
    Example(
        "macro tooltip",
        f"<p>The {rich('tooltip', '<p>MTU</p>', text='maximum transmission unit')} is 9000.</p>",
        ("The MTU", "maximum transmission unit", "is 9000."),
    ),
    Example("macro footnote", f"<p>9000{macro('footnote', text='inside only')}.</p>", ("9000", "inside only")),
    Example("macro button", macro("button", url="https://e.example/go", title="Go"), ("Go",), form=LINK),
    # Files and data.
    Example(
        "macro view-file", macro("view-file", _parameter(_FILE, "name"), height="250"), ("tides.pdf",), ("250",), LINK
    ),
    Example("macro drawio", macro("drawio", diagramName="rig", width="300"), ("rig",), ("300",), IMAGE),
    Example("macro widget", macro("widget", url="https://e.example/film"), ("https://e.example/film",), form=LINK),
    Example("macro gallery", macro("gallery", include="rig.png", columns="3"), ("rig.png",), ("3rig",), IMAGE),
    Example("macro attachments", macro("attachments", upload="false"), ("Attachments",), ("false",), LINK),
    Example(
        "macro chart",
        rich("chart", _table(*_QUARTERS), type="pie", title="Tides a quarter"),
        ("Tides a quarter", "Q", "700"),
        ("pie",),
        TABLE,
    ),
    Example(
        "macro roadmap",
        macro("roadmap", source=quote(json.dumps(_PLAN))),
        ("2024", "Rig", "Cast", "Fair"),
        ("%22",),
        TABLE,
    ),
    # What only the server can make, what is not content, and what nobody knows.
    Example("macro toc", macro("toc", maxLevel="3"), ("Table of contents",), ("3",)),
    Example("macro calendar", macro("calendar", id="1-2"), ("Calendar",), ("1-2",)),
    # What shows other pages, none of which is there.
    Example("macro children", macro("children", all="true"), ("Child pages",), ("true",)),
    Example("macro pagetree", macro("pagetree", root="@home"), ("Page tree",), ("home",)),
    Example("macro index", macro("index"), ("Page index",)),
    Example("macro contentbylabel", macro("contentbylabel", labels="runbook"), ("Pages by label",), ("runbook",)),
    Example("macro contentreport", macro("contentreport", labels="runbook"), ("Content report",), ("runbook",)),
    Example("macro recently-updated", macro("recently-updated", max="5"), ("Recently updated pages",), ("5",)),
    Example("macro contributors", macro("contributors", scope="children"), ("Contributors",), ("children",)),
    Example("macro listlabels", macro("listlabels", spaceKey="ENG"), ("Labels",), ("ENG",)),
    Example(
        "macro detailssummary", macro("detailssummary", label="service"), ("Page properties report",), ("service",)
    ),
    Example("macro redirect", macro("redirect", location="/x"), (), ("/x",)),
    Example("macro style", macro("style", _plain("p { color: red }")), (), ("color",)),
    Example("macro acme-box", rich("acme-box", "<p>kept</p>", secret="leak"), ("kept",), ("leak",), about="unknown"),
)
