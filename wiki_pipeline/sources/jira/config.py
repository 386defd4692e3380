"""Which issues of a project a source holds: all of them, or those that a query finds.

Kept in the catalog as JSON: `{"url", "site", "project", "jql": [...]}`; no queries: the whole project.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.jira import PROJECT_KEY
from wiki_pipeline.sources.http.scopes import Scopes, ShapeError, read_scopes

MAX_JQL = 5_000


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """What a source is.

    Attributes:
        url: where Jira is asked: the site's root, or the API gateway's.
        site: the site's root as people open it.
        project: the project's key.
        jql: queries of which an issue must be found by one; none: the whole project.
    """

    url: str
    site: str
    project: str
    jql: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SourceConfig:
        """Read the JSON.

        Raises:
            ConfigurationError: it is not a config; says what is wrong.
        """
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in ("url", "project")):
                raise ShapeError("it must be an object with url, project and jql")
            unknown = sorted(data.keys() - {"url", "site", "project", "jql"})
            if unknown:
                raise ShapeError(f"unknown key {unknown[0]!r}")
            queries = data.get("jql", [])
            if not isinstance(queries, list) or not all(isinstance(query, str) for query in queries):
                raise ShapeError("jql must be a list of queries")
            site = str(data.get("site") or data["url"])
            return cls(data["url"], site, check_project_key(data["project"]), tuple(queries))
        except ValueError as error:
            raise ConfigurationError(
                f"The config of a Jira source can't be used: {error}.", "Remove the source and add it again."
            ) from None

    def dump(self) -> str:
        """The JSON, always the same for the same config."""
        return json.dumps({"url": self.url, "site": self.site, "project": self.project, "jql": list(self.jql)})


def check_project_key(value: Any) -> str:
    """A project's key.

    Raises:
        ShapeError: it is none.
    """
    if not isinstance(value, str) or not PROJECT_KEY.fullmatch(value):
        raise ShapeError(f"{value!r} is not the key of a project (as OPS)")
    return value


class Projects(Scopes[str]):
    """Queries by project; none: the whole project."""


def read_projects(value: Any) -> Projects:
    """The value of `JIRA_PROJECTS`; see `read_scopes`."""
    return read_scopes(Projects(), value, example="OPS", key_of=check_project_key, read=_read_queries)


def _read_queries(value: Any, place: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ShapeError(f"{place}: expected a list of queries, empty for the whole project")
    queries = []
    for index, item in enumerate(value):
        if not isinstance(item, dict) or set(item) != {"jql"} or not isinstance(item["jql"], str):
            raise ShapeError(f'{place}[{index}]: expected {{"jql": "component = api"}}')
        if not item["jql"].strip() or len(item["jql"]) > MAX_JQL:
            raise ShapeError(f"{place}[{index}]: jql must be a query of at most {MAX_JQL} characters")
        queries.append(item["jql"].strip())
    return tuple(queries)
