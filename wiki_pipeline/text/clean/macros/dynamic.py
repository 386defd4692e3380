"""Macros whose content the server makes when a page is shown: each becomes a short mark, so that a reader sees the gap."""

from __future__ import annotations

from wiki_pipeline.text.clean.macros.parameters import parameters
from wiki_pipeline.text.clean.registry import AC, Element, macro
from wiki_pipeline.text.clean.writer import PageWriter

_MARKS = {
    "toc": "Table of contents", "toc-zone": "Table of contents", "children": "Child pages", "pagetree": "Page tree",
    "page-tree": "Page tree", "pagetreesearch": "Search", "livesearch": "Search", "search": "Search",
    "recently-updated": "Recently updated pages", "recently-updated-dashboard": "Recently updated pages",
    "contentbylabel": "Pages by label", "content-by-label": "Pages by label", "listlabels": "Labels", "popular-labels": "Popular labels",
    "recently-used-labels": "Labels", "related-labels": "Related labels", "content-report-table": "Content report",
    "blog-posts": "Blog posts", "detailssummary": "Page properties report", "tasks-report-macro": "Task report",
    "task-report": "Task report", "contributors": "Contributors", "contributors-summary": "Contributors",
    "change-history": "Change history", "spaces": "Spaces", "space-details": "Space details", "space-list": "Spaces", "network": "Network",
    "favpages": "Favourite pages", "create-from-template": "Create a page", "calendar": "Calendar", "team-calendar": "Calendar",
    "decisionreport": "Decisions", "excerpt-report": "Excerpts", "gadget": "Gadget", "jirachart": "Jira chart", "im": "Messenger",
    "global-reports": "Reports", "userlister": "People", "index": "Page index", "junitreport": "Test report", "rss": "Feed", "navmap": "Navigation map",
    "jiraroadmap": "Jira plan", "roadmap-planner": "Roadmap", "viewtracker": "Views", "add-page-form": "Add a page", "contentreport": "Content report",
}  # fmt: skip


@macro(*_MARKS)
def mark(node: Element, page: PageWriter) -> str:
    """A short mark that names what Confluence shows here."""
    body = node.find(AC + "rich-text-body")
    shown = page.placeholder(_MARKS[(node.get(AC + "name") or "").lower()])
    return f"{shown}\n\n{page.blocks(body)}".strip() if body is not None else shown


@macro(
    "loremipsum",
    "clickable",
    "page-info",
    "htmlcomment",
    "comment-macro",
    "scrollbar",
    "style",
    "css-stylesheet",
    "redirect",
    "alias",
)
def silent(node: Element, page: PageWriter) -> str:
    """Nothing: no content of the page."""
    return ""


@macro("button", "ui-button", "aui-button", block=False)
def button(node: Element, page: PageWriter) -> str:
    """A link with the button's text."""
    values = parameters(node)
    target = page.upstream.absolute(values.get("url") or values.get("href") or values.get("link") or "")
    return page.link(values.get("title") or values.get("text") or values.get("name") or target, target)
