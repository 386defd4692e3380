"""The same as the console script, for a given interpreter: `python -m wiki_pipeline.cli`."""

from wiki_pipeline.cli import main

main()
