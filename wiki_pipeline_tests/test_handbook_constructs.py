"""Between them the pages of the demo handbook hold every construct of the storage format."""

from __future__ import annotations

import re
from html.entities import name2codepoint

import pytest

from wiki_pipeline_tests.handbook import macro, pages, well_formed

MACROS = [
    "anchor",
    "attachments",
    "chart",
    "children",
    "code",
    "column",
    "contentbylabel",
    "details",
    "detailssummary",
    "drawio",
    "excerpt",
    "excerpt-include",
    "expand",
    "gallery",
    "gliffy",
    "include",
    "info",
    "jira",
    "note",
    "noformat",
    "pagetree",
    "panel",
    "profile",
    "recently-updated",
    "roadmap",
    "section",
    "status",
    "tip",
    "toc",
    "view-file",
    "warning",
    "widget",
    "easy-math-block",
    "eazy-math-inline",
    "mathblock",
    "mathinline",
    "com-harbourlight-tide-clock",
]

CONSTRUCTS = {
    **{f"macro {name}": macro(name) for name in MACROS},
    "code with a language": macro("code", "/ac:parameter[@ac:name='language']"),
    "code with a title": macro("code", "/ac:parameter[@ac:name='title']"),
    "code with line numbers": macro("code", "/ac:parameter[@ac:name='linenumbers']"),
    "code that holds the end of a CDATA section": macro("code", "[contains(ac:plain-text-body, ']]>')]"),
    "code that holds a less-than sign": macro("code", "[contains(ac:plain-text-body, ' < ')]"),
    "code that holds two ampersands": macro("code", "[contains(ac:plain-text-body, ' && ')]"),
    "code in a list item": f"//li{macro('code')}",
    "code in a table cell": f"//td{macro('code')}",
    "an admonition with a title": macro("warning", "/ac:parameter[@ac:name='title']"),
    "an inline macro": f"//p[text()]{macro('status')}",
    "a status without a colour": macro("status", "[not(ac:parameter[@ac:name='colour'])]"),
    "a table of children of another depth": macro("children", "/ac:parameter[@ac:name='depth']"),
    "a named excerpt": macro("excerpt", "/ac:parameter[@ac:name='name']"),
    "a named excerpt, included": macro("excerpt-include", "/ac:parameter[@ac:name='name']"),
    "a Jira query": macro("jira", "/ac:parameter[@ac:name='jqlQuery']"),
    "a chart's data": macro("chart", "/ac:rich-text-body//table//td"),
    "an address as a parameter": macro("widget", "/ac:parameter/ri:url"),
    "an attachment as a parameter": macro("view-file", "/ac:parameter/ri:attachment"),
    "a person as a parameter": macro("profile", "/ac:parameter/ri:user"),
    "an unknown macro's body": macro("com-harbourlight-tide-clock", "/ac:rich-text-body//text()"),
    "a decision": "//ac:adf-extension/ac:adf-node//ac:adf-node[@type='decision-item']",
    "its fallback": "//ac:adf-extension/ac:adf-fallback//li",
    "a layout of two columns": "//ac:layout-section[count(ac:layout-cell) = 2]",
    "a layout of three columns": "//ac:layout-section[count(ac:layout-cell) = 3]",
    "an inline comment": "//ac:inline-comment-marker[@ac:ref]",
    "an old emoticon": "//ac:emoticon[@ac:name='tick' and not(@ac:emoji-id)]",
    "an emoji": "//ac:emoticon[@ac:emoji-id and @ac:emoji-fallback and @ac:emoji-shortname]",
    "a task that is done": "//ac:task[ac:task-status='complete']",
    "a task that is open": "//ac:task[ac:task-status='incomplete']",
    "a task list in a task": "//ac:task-body//ac:task-list",
    "a task for a person": "//ac:task-body//ri:user",
    "a task with a date": "//ac:task-body//time",
    "a person by account id": "//ac:link/ri:user[@ri:account-id]",
    "a person by user key": "//ac:link/ri:user[@ri:userkey]",
    "a date": "//time[@datetime]",
    "a link to a page": "//ac:link/ri:page[not(@ri:space-key)]",
    "a link to a page of another space": "//ac:link/ri:page[@ri:space-key]",
    "a link to an anchor": "//ac:link[@ac:anchor]/ri:page",
    "a link to an anchor of the same page": "//ac:link[@ac:anchor][not(ri:*)]",
    "a link with plain text": "//ac:link[ri:page]/ac:plain-text-link-body",
    "a link with rich text": "//ac:link[ri:page]/ac:link-body/em",
    "a link without text": "//ac:link[ri:page][count(*) = 1]",
    "a link to an attachment": "//ac:link/ri:attachment",
    "a link to a blog post": "//ac:link/ri:blog-post[@ri:posting-day]",
    "a link to a space": "//ac:link/ri:space",
    "a link to content by id": "//ac:link/ri:content-entity",
    "a shortcut": "//ac:link/ri:shortcut[@ri:key and @ri:parameter]",
    "an external link": "//a[starts-with(@href, 'https://')]",
    "a link by page id": "//a[contains(@href, 'viewpage.action?pageId=')]",
    "a link by title": "//a[starts-with(@href, '/display/')]",
    "an image of the page": "//ac:image[@ac:width and @ac:alt]/ri:attachment[not(ri:page)]",
    "an image of another page": "//ac:image/ri:attachment/ri:page",
    "an image with a caption": "//ac:image/ac:caption",
    "an image elsewhere": "//ac:image/ri:url",
    "a table in a table": "//td//table",
    "a cell over columns": "//*[self::td or self::th][@colspan > 1]",
    "a cell over rows": "//*[self::td or self::th][@rowspan > 1]",
    "a cell over the rest of its row": "//*[self::td or self::th][@colspan = '0']",
    "a header row": "//table/thead/tr[th][not(td)]",
    "a header column": "//tr/*[1][self::th][following-sibling::td]",
    "a list in a cell": "//td//ul//ol",
    "a vertical bar in a cell": "//td//text()[contains(., '|')][not(ancestor::ac:plain-text-body)]",
    "a list in a list": "//ul/li/ul",
    "a numbered list in bullets": "//ul/li//ol",
    "bullets in a numbered list": "//ol/li//ul",
    "a numbered list with a start": "//ol[@start]",
    "a definition list": "//dl/dt",
    "a subscript": "//sub",
    "a superscript": "//sup",
    "a coloured span": "//span[contains(@style, 'color')]",
    "emphasis with a no-break space": "//em[contains(., '\u00a0')]",
    "inserted and deleted text": "//li[ins and del]",
    "a placeholder": "//ac:placeholder",
    "a placeholder of a kind": "//ac:placeholder[@ac:type]",
    "a line break": "//br",
    "preformatted text": "//pre",
    "a quotation": "//blockquote",
    "a rule": "//hr",
    "right-to-left text": "//*[@dir = 'rtl']",
    "Hebrew": "//*[@lang = 'he']",
}


@pytest.mark.parametrize("xpath", CONSTRUCTS.values(), ids=CONSTRUCTS.keys())
def test_the_handbook_holds(xpath: str) -> None:
    assert any(page.find(xpath) for page in well_formed())


def test_entities_are_written_in_all_their_ways() -> None:
    bodies = "".join(page.body for page in pages())
    named = set(re.findall(r"&([A-Za-z][A-Za-z0-9]*);", bodies))
    assert {"nbsp", "amp", "lt", "ndash", "mdash", "rsquo", "hellip", "euro", "deg", "eta", "ge", "frac12"} <= named
    assert len(named) >= 30
    assert named <= name2codepoint.keys()
    assert re.search(r"&#\d+;", bodies)
    assert re.search(r"&#x[0-9A-Fa-f]+;", bodies)
    assert "]]]]><![CDATA[>" in bodies
