"""Lists of Jira's issues in a page, as far as their projects are synced."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from wiki_pipeline.links import jql
from wiki_pipeline.links.jira import query_address, root_of
from wiki_pipeline.model import Dependency
from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.markdown import escape

_MOST = 1_000
_MOST_PROJECTS = 20  # of a query
_SHOWN = 50  # where the macro does not say how many


def issues_found(query: str, values: Mapping[str, str], page: PageWriter) -> str:
    """A table of the issues that a query finds, or their number; empty where that can't be told.

    The page depends on each site's answer: it is made again when that changes, and when a project that the query names
    is synced for the first time.
    """
    try:
        projects = list(dict.fromkeys(jql.projects(jql.parse(query)))) if query.strip() else []
    except jql.QueryError:
        return ""
    page.named.update((project, page.known.names.get(project, "")) for project in projects[:_MOST_PROJECTS])
    addresses = [page.known.names.get(project, "") for project in projects]
    for root in dict.fromkeys(root_of(address) for address in addresses if address):
        target = query_address(root, query)
        found = page.known.page(target)
        page.dependencies.append(
            Dependency(target, "Jira issues", page.upstream.page_id, text_hash=found.text_hash if found else "")
        )
        if found is not None:
            return _written(orjson.loads(found.page.body), values, target, page)
    return ""


def _written(issues: list[dict[str, str]], values: Mapping[str, str], target: str, page: PageWriter) -> str:
    number = f"{len(issues)} {'issue' if len(issues) == 1 else 'issues'}"
    if values.get("count", "").lower() == "true" or not issues:
        return page.link(number, target)
    given = values.get("maximumIssues", "")
    most = min(int(given) if given.isdecimal() else _SHOWN, _MOST)
    rows = [["Issue", "Type", "Priority", "Assignee"]]
    for issue in issues[:most]:
        shown = page.link(escape(f"{issue['key']} {issue['summary']}"), issue["url"])
        rows.append(
            [
                markdown.cell(cell)
                for cell in (shown, *map(escape, (issue["type"], issue["priority"], issue["assignee"])))
            ]
        )
    table = markdown.table(rows)
    return f"{table}\n\n{page.link(f'All {number}', target)}" if len(issues) > most else table
