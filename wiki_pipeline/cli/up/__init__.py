"""`wiki-pipeline up`: everything as one command. What runs is in `plan`, how it is kept running in `supervisor`."""

from wiki_pipeline.cli.up.command import command

__all__ = ["command"]
