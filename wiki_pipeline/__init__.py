"""wiki-pipeline: Confluence spaces, Git repositories and Jira projects, searchable, readable and provably fresh."""

__version__ = "0.1.0"
