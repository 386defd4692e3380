"""Confluence, Cloud and Data Center, as a source: one space, or pages of it with or without all that is below them.

`config` says what is meant, `client` asks for it, `api_v1` and `api_v2` know each REST API, with `lookups_v1` and
`lookups_v2` for what stands beside the pages. `paging` and `walks` read lists to a proven end, `fetching` says what
to do when something can't be read, `source` puts all of it behind the protocol.
"""

from wiki_pipeline.sources.confluence.kind import ConfluenceKind
from wiki_pipeline.sources.protocol import SourceKind

KIND: SourceKind = ConfluenceKind()
