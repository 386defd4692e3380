"""An issue as a page: facts, description, links both ways, comments by date. What its body holds `sources.jira` says.

A changed status of another issue is none of this one's text: links show keys, to which the wiki adds title and status
when the page is rendered. So an edit of one issue converts and embeds no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wiki_pipeline.errors import DocumentError
from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.links.jira import issue_address
from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence import elements, links, lists, macros, tables  # noqa: F401 - they register handlers
from wiki_pipeline.text.confluence.html import parse_html
from wiki_pipeline.text.confluence.stray import settle
from wiki_pipeline.text.confluence.view import adapt
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.jira.adf import AdfWriter
from wiki_pipeline.text.known import Known
from wiki_pipeline.text.markdown import escape
from wiki_pipeline.text.page import finished

Json = dict[str, Any]
_KEYS = {"Parent"}


def clean_issue(raw: RawPage, known: Known) -> CleanPage:
    """An issue.

    Raises:
        DocumentError: the body is no issue.
    """
    try:
        body = orjson.loads(raw.body)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise DocumentError(f"{raw.title}: what is kept of the issue can't be read.")
    page = _Page(raw, body, known)
    return finished(raw, page.text(), headings=page.out.headings, links=page.out.links)


@dataclass
class _Page:
    raw: RawPage
    body: Json
    known: Known

    def __post_init__(self) -> None:
        files = {str(name): str(url) for name, url in self.body.get("files") or ()}
        self.out = AdfWriter(users=self.known.users, files=files)
        self._site = str(self.body.get("site") or "")

    def text(self) -> str:
        out = self.out
        parts = [self._facts()]
        if description := self._written(self.body.get("description")):
            parts += [out.heading(2, "Description"), description]
        for title, made in (
            ("Links", self._links()),
            ("Sub-tasks", self._children()),
            ("Attachments", self._files()),
        ):
            if made:
                parts += [out.heading(2, title), made]
        if comments := self.body.get("comments"):
            parts.append(out.heading(2, "Comments"))
            for comment in comments:
                parts += [
                    out.heading(3, escape(f"{comment['author'] or 'Somebody'}, {comment['created']}")),
                    self._written(comment.get("body")),
                ]
        parts += self._work()
        return "\n\n".join(part for part in parts if part)

    def _facts(self) -> str:
        rows = [["Field", "Value"]]
        for name, *values in self.body.get("facts") or ():
            shown = [self._issue(value) if name in _KEYS else escape(value) for value in values]
            rows.append([escape(name), markdown.cell(", ".join(shown))])
        return markdown.table(rows)

    def _issue(self, key: str) -> str:
        return self.out.link(key, issue_address(self._site, key))

    def _links(self) -> str:
        return "\n".join(
            f"- {escape(each['how'])} {self._issue(each['key'])}{self._beside(each)}"
            for each in self.body.get("links") or ()
        )

    def _children(self) -> str:
        children = self.body.get("children") or ()
        return "\n".join(f"- {self._issue(each['key'])}{self._beside(each)}" for each in children)

    def _beside(self, each: Mapping[str, str]) -> str:
        """Summary and status of an issue that no source has: of others the page shows them as they are now."""
        if each["key"].rpartition("-")[0] in self.known.names or not each["summary"]:
            return ""
        status = f" ({escape(each['status'])})" if each["status"] else ""
        return f": {escape(each['summary'])}{status}"

    def _files(self) -> str:
        return "\n".join(
            f"- {self.out.link(escape(str(name)), str(url))}" for name, url in self.body.get("files") or ()
        )

    def _work(self) -> list[str]:
        parts = []
        if logs := self.body.get("worklogs"):
            rows = [["Date", "Who", "Spent", "What"]]
            for log in logs:
                what = markdown.cell(self._written(log.get("body")).replace("\n\n", "\n"))
                rows.append([log["started"], escape(log["author"]), escape(log["spent"]), what])
            parts += [self.out.heading(2, "Work"), markdown.table(rows)]
        if history := self.body.get("history"):
            rows = [["Date", "Who", "Field", "Before", "After"]]
            rows += [
                [markdown.cell(escape(each[name])) for name in ("created", "author", "field", "before", "after")]
                for each in history
            ]
            parts += [self.out.heading(2, "History"), markdown.table(rows)]
        return parts

    # --- texts ----

    def _written(self, text: object) -> str:
        if not isinstance(text, dict):
            return ""
        if "adf" in text:
            return self.out.document(text["adf"])
        if "html" in text:
            return self._html(str(text["html"]))
        return markdown.paragraph(escape(str(text.get("text") or "")))

    def _html(self, html: str) -> str:
        """What Jira rendered, by the writer that reads Confluence's pages."""
        root, _ = parse_html(html)
        adapt(root)
        settle(root)
        for node in root.iter("h1", "h2", "h3", "h4", "h5", "h6"):
            node.tag = f"h{min(int(node.tag[1]) + self.out.shift, 6)}"
        for node in root.iter("img"):
            # Pictures of an issue lie at an address that doesn't say whose they are.
            name = (node.get("src") or "").rpartition("/")[2]
            if target := self.out.files.get(node.get("alt") or name) or self.out.files.get(name):
                node.set("src", target)
        page = PageWriter(root, Upstream(self.raw), self.raw.title, self.known)
        page.headings, page.links, page.slugs = self.out.headings, self.out.links, self.out.slugs
        return page.blocks(root)
