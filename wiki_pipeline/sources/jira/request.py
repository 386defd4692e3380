"""An issue of the configured Jira, asked for by its key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.jira import ISSUE_KEY
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.request import Requested

Find = Callable[[str, Connection], tuple[str, str]]
"""Id and key of an issue as they are now, by its key, also one of before."""


class IssueAsked(BaseModel):
    """An issue."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=300, description="The issue's key.", examples=["OPS-12"])
    description: str = Field("", max_length=500, description="What it is for; shown with the job.")


class IssueRequest:
    """See `wiki_pipeline.sources.request.Request`.

    Args:
        find: asks the site of a connection.
        connection_of: the connection of a source.
    """

    noun = "issue"
    summary = "Bring a Jira issue over"
    details = "The issue's project must be a source already. A key of before the issue was moved finds it too."
    body: type[BaseModel] = IssueAsked

    def __init__(self, find: Find, connection_of: Callable[..., Connection | None]) -> None:
        self._find = find
        self._connection_of = connection_of

    def read(
        self, tenant: str, asked: Any, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None
    ) -> Requested:
        """See `Request.read`."""
        key = asked.key.strip().upper()
        if not ISSUE_KEY.fullmatch(key):
            raise ConfigurationError("This is not the key of an issue.", "Keys are written as OPS-12.")
        for source, text in sorted(known.items()):
            config = SourceConfig.parse(text)
            if config.project != key.rpartition("-")[0]:
                continue
            connection = self._connection_of(source, text, connections or ())
            if connection is None:
                continue
            issue_id, now = self._find(key, connection)
            home = next((other for other, its in known.items() if _holds(its, now, config)), source)
            hint = ChangeHint(home.kind, home, issue_id, "issue asked for")
            return Requested(home, known[home], (hint,), asked.description or f"Issue {now}")
        raise ConfigurationError(
            f"The project {key.rpartition('-')[0]} is not a source.",
            "Add it to JIRA_PROJECTS, or with `wiki-pipeline sources add ADDRESS`.",
        )


def _holds(text: str, key: str, like: SourceConfig) -> bool:
    config = SourceConfig.parse(text)
    return config.project == key.rpartition("-")[0] and config.url == like.url
