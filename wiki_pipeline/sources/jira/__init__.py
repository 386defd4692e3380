"""Jira, Cloud and Data Center: a project is a source, an issue a document."""

from wiki_pipeline.sources.jira.kind import JiraKind
from wiki_pipeline.sources.protocol import SourceKind

KIND: SourceKind = JiraKind()
