"""Sources as people name them on the command line: by key, by name, by kind, or all."""

from __future__ import annotations

from collections.abc import Sequence

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey

ALL = "all"


def select(known: Sequence[SourceKey], asked: Sequence[str]) -> list[SourceKey]:
    """The sources meant, each once, in the order asked for. Nothing asked for is everything.

    Raises:
        ConfigurationError: there is no such source, or several are meant.
    """
    if not asked:
        return list(known)
    chosen: dict[SourceKey, None] = {}
    for text in asked:
        chosen.update(dict.fromkeys(_several(known, text) or [one(known, text)]))
    return list(chosen)


def one(known: Sequence[SourceKey], text: str) -> SourceKey:
    """The source meant by `tenant:kind:name`, `kind:name` or `name`.

    Raises:
        ConfigurationError: there is no such source, or several are meant.
    """
    meant = [key for key in known if text in {str(key), f"{key.kind}:{key.name}", key.name}]
    if len(meant) == 1:
        return meant[0]
    if meant:
        raise ConfigurationError(f"{text!r} may mean {' or '.join(map(str, meant))}.", "Give the whole name.")
    there_are = (
        f"There are: {', '.join(map(str, known))}." if known else "Add it with `wiki-pipeline sources add ADDRESS`."
    )
    raise ConfigurationError(f"There is no source {text!r}.", there_are)


def _several(known: Sequence[SourceKey], text: str) -> list[SourceKey]:
    if text == ALL:
        return list(known)
    return [key for key in known if key.kind == text]
