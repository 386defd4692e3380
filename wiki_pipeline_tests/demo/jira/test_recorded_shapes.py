"""What the server tells in webhooks against recorded bodies of real sites: what it says, they say, in the same types.

The server says less: recordings name icons, avatars and fields of apps. They are not part of the project; without them
these tests are skipped.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from wiki_pipeline.demo.jira import JiraServer

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
RECORDED = CORPUS / "mattermost+mattermost-plugin-jira/server/testdata"
# Served and not recorded, each with the reason.
DOCUMENTED = (
    "customfield_",  # which a site has differs
    ".issue.fields.parent",  # of a sub-task; none was recorded
    ".issuetype.hierarchyLevel",  # of Cloud since 2021; the recordings are of 2019 and 2020
    ".project.style",  # likewise, as is whether it is private
    ".project.isPrivate",
    ".project.archived",  # Data Center's since 7.10
    ".accountId",  # Cloud's; recordings before 2019 have none
)


def kinds(data: Any) -> dict[str, set[str]]:
    """JSON types by path; all items of a list share one path."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}
    found: dict[str, set[str]] = {}

    def walk(value: Any, path: str) -> None:
        found.setdefault(path, set()).add(names.get(type(value), "null"))
        for name, item in value.items() if isinstance(value, dict) else ():
            walk(item, f"{path}.{name}")
        for item in value if isinstance(value, list) else ():
            walk(item, f"{path}[]")

    walk(data, "")
    return found


def recorded(cloud: bool, event: str) -> dict[str, set[str]]:
    """The types by path of all recordings of issues, or of comments of one flavour."""
    found: dict[str, set[str]] = {}
    for file in sorted(RECORDED.glob("*.json")):
        body = json.loads(file.read_text("utf-8"))
        # Server names users, Cloud gives them ids.
        is_comment = str(body.get("webhookEvent")).startswith("comment")
        if is_comment == event.startswith("comment") and (not is_comment or ("cloud" in file.name) == cloud):
            for path, types in kinds(body).items():
                found[path] = found.get(path, set()) | types
    if not found:
        pytest.skip(f"no recorded bodies of {event} at {RECORDED}")
    return found


@pytest.mark.parametrize("flavour", ["cloud", "datacenter"])
@pytest.mark.parametrize("event", ["jira:issue_created", "jira:issue_updated", "jira:issue_deleted", "comment_created"])
def test_what_is_told_was_recorded_so(flavour: Any, event: str) -> None:
    told: list[dict[str, Any]] = []
    with JiraServer(flavour) as server:
        server.webhook("secret", lambda _headers, body: told.append(orjson.loads(body)))
        issue = server.site.add("OPS", "The pager is silent", "See the log.", assignee="Ben Ito", labels=["night"])
        issue.transition("In Progress")
        issue.comment("Charged it.")
        issue.delete()
    real = recorded(flavour == "cloud", event)
    (body, *_) = (each for each in told if each["webhookEvent"] == event)
    served = {path: types for path, types in kinds(body).items() if not any(part in path for part in DOCUMENTED)}
    odd = [f"{path}: {types} served, {real.get(path, 'not')} recorded" for path, types in served.items()
           if not types <= real.get(path, set()) | {"null"}]  # fmt: skip
    assert odd == []
