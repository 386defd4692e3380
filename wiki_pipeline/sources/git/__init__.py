"""Git repositories as sources: the files of a branch or tag, as they are at its newest commit.

A repository is kept as a bare, blob-filtered clone in the source's own folder. Nothing of it is ever checked out, so
nothing in it can run. A page's journey: `kind` (settings to sources), `remote` and `clone` (bring commits, trees and
desired blobs), `survey` (which files are documents, and which commit changed each last), `source` and `page` (rows).
"""

from wiki_pipeline.sources.git.kind import KIND

__all__ = ["KIND"]
