"""Confluence, Cloud and Data Center, as a source: one space, or pages of it with or without all that is below them.

`address` and `config` say what is meant, `client` asks for it, `api_v1` and `api_v2` know how each REST API
tells it, `fetching` and `paging` what to do when it goes wrong, `source` puts them behind the protocol.
"""

from wiki_pipeline.sources.confluence.kind import ConfluenceKind
from wiki_pipeline.sources.protocol import SourceKind

KIND: SourceKind = ConfluenceKind()
