"""The least that any client of Jira Cloud must do: page through a project with httpx, one answer after the other.

Usage: `python -m ...jira_loop ADDRESS PROJECT LIMIT FIELDS`; prints JSON.
"""

from __future__ import annotations

import sys

import httpx
import orjson

from wiki_pipeline_tests.benchmarks.measure import Clock


def main(address: str, project: str, limit: str, fields: str) -> None:
    """Walk the whole project once."""
    clock, issues, token = Clock(), 0, ""
    asked = {"jql": f'project = "{project}" ORDER BY created ASC, key ASC', "maxResults": int(limit)}
    with httpx.Client(base_url=address, timeout=60, headers={"Authorization": "Bearer any"}) as client:
        while True:
            body = {**asked, "fields": fields.split(","), **({"nextPageToken": token} if token else {})}
            answer = orjson.loads(client.post("/rest/api/3/search/jql", json=body).raise_for_status().content)
            issues += len(answer["issues"])
            token = answer.get("nextPageToken") or ""
            if not token:
                break
    clock.stop(issues=issues)


if __name__ == "__main__":
    main(*sys.argv[1:5])
