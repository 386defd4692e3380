"""The command line: `wiki-pipeline COMMAND`. One module a command; `up/` is the one that starts everything else.

Exit status: 0 all well; 1 some documents failed; 2 usage or configuration; 3 it could not be done.
"""

from wiki_pipeline.cli.group import main

__all__ = ["main"]
