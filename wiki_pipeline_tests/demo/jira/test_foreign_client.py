"""A client of Jira that this project did not write reads both servers to the end, and does nothing that they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jira import JIRA, JIRAError

from wiki_pipeline.demo.jira import JiraServer

ISSUES = 122


@pytest.fixture(params=["cloud", "datacenter"])
def server(request: pytest.FixtureRequest) -> Iterator[JiraServer]:
    """Two projects, of many issues and of one."""
    with JiraServer(request.param) as started:
        first = started.site.add("OPS", "The pager is silent", "See *OPS-2*.", labels=["night"], assignee="Ben Ito")
        first.comment("Charged it.")
        first.attach("log.txt", b"beep", "text/plain")
        for number in range(ISSUES - 1):
            started.site.add("OPS", f"Issue {number}")
        started.site.add("DEV", "Elsewhere")
        yield started


def connected(server: JiraServer) -> Any:  # its types say less than it gives
    return JIRA(server=server.url, token_auth="any", get_server_info=True, max_retries=0)


def test_all_issues_come_once(server: JiraServer) -> None:
    client, jql = connected(server), 'project = "OPS" ORDER BY created ASC'
    found: Any
    if server.world.cloud:
        found = client.enhanced_search_issues(jql, maxResults=0, fields=["summary"])
    else:
        found = client.search_issues(jql, maxResults=False, fields=["summary"])
    assert [issue.key for issue in found] == [f"OPS-{number}" for number in range(1, ISSUES + 1)]
    assert server.violations == []


def test_an_issue_has_what_people_see(server: JiraServer) -> None:
    client = connected(server)
    issue = client.issue("ops-1")
    assert (issue.key, issue.fields.summary, issue.fields.status.name) == ("OPS-1", "The pager is silent", "To Do")
    assert issue.fields.status.statusCategory.key == "new"
    assert (issue.fields.assignee.displayName, issue.fields.labels) == ("Ben Ito", ["night"])
    assert [comment.author.displayName for comment in client.comments("OPS-1")] == ["Ada Lovelace"]
    (file,) = issue.fields.attachment
    assert file.get() == b"beep"
    assert {project.key for project in client.projects()} == {"OPS", "DEV"}
    assert {"summary", "description"} <= {field["id"] for field in client.fields()}
    assert server.violations == []


def test_a_moved_issue_is_found_by_its_old_key_and_what_is_gone_is_404(server: JiraServer) -> None:
    client, site = connected(server), server.site
    moved, deleted = site.find("OPS-2"), site.find("OPS-3")
    assert moved is not None
    assert deleted is not None
    moved.move(site.project("DEV"))
    deleted.delete()
    assert client.issue("OPS-2").key == moved.key == "DEV-2"
    with pytest.raises(JIRAError) as refused:
        client.issue("OPS-3")
    assert refused.value.status_code == 404
