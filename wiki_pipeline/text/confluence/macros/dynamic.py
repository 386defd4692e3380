"""Macros whose content the server makes when a page is shown; each becomes a short mark, so that the gap is seen."""

from __future__ import annotations

from wiki_pipeline.text.confluence.macro_parameters import parameters
from wiki_pipeline.text.confluence.registry import AC, PLAIN, RICH, Element, macro
from wiki_pipeline.text.confluence.writer import PageWriter

_MARKS = {
    "Attachments of the space": "space-attachments",
    "Blog posts": "blog-posts",
    "Calendar": "calendar team-calendar",
    "Change history": "change-history",
    "Child pages": "children children-display",
    "Content report": "content-report-table contentreport",
    "Contributors": "contributors contributors-summary",
    "Create a page": "create-from-template create-space-button add-page-form",
    "Decisions": "decisionreport",
    "Excerpts": "excerpt-report",
    "Favourite pages": "favpages",
    "Feed": "rss",
    "Gadget": "gadget",
    "Jira chart": "jirachart",
    "Jira plan": "jiraroadmap",
    "Labels": "listlabels labels-list recently-used-labels related-labels popular-labels",
    "Messenger": "im",
    "Network": "network",
    "Page index": "index",
    "Page properties report": "detailssummary",
    "Page tree": "pagetree page-tree",
    "Pages by label": "contentbylabel content-by-label",
    "People": "userlister",
    "Recently updated pages": "recently-updated recently-updated-dashboard",
    "Reports": "global-reports",
    "Roadmap": "roadmap-planner",
    "Search": "pagetreesearch livesearch search",
    "Space details": "space-details",
    "Spaces": "spaces spaces-list space-list",
    "Table of contents": "toc toc-zone",
    "Task report": "tasks-report-macro task-report",
    "Test report": "junitreport",
    "Views": "viewtracker",
}
_MARK_OF = {name: mark for mark, names in _MARKS.items() for name in names.split()}


@macro(*_MARK_OF, reads=(RICH,))
def mark(node: Element, page: PageWriter) -> str:
    """A short mark that names what Confluence shows here."""
    body = node.find(RICH)
    shown = page.placeholder(_MARK_OF[(node.get(AC + "name") or "").lower()])
    return f"{shown}\n\n{page.blocks(body)}".strip() if body is not None else shown


@macro("loremipsum", "page-info", "scrollbar", "redirect", "alias")
def silent(node: Element, page: PageWriter) -> str:
    """Nothing: no content of the page."""
    return ""


@macro("htmlcomment", "comment-macro", "style", "css-stylesheet", reads=(RICH, PLAIN))
def hidden(node: Element, page: PageWriter) -> str:
    """Nothing, whatever is in it: remarks and styles, which no reader sees."""
    return ""


@macro("button", "ui-button", "aui-button", block=False)
def button(node: Element, page: PageWriter) -> str:
    """A link with the button's text."""
    values = parameters(node)
    target = page.upstream.absolute(values.get("url") or values.get("href") or values.get("link") or "")
    return page.link(values.get("title") or values.get("text") or values.get("name") or target, target)
