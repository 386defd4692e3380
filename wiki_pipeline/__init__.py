"""wiki-pipeline: Confluence spaces and Git repositories, searchable, readable and provably fresh."""

__version__ = "0.1.0"
