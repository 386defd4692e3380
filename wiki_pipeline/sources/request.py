"""What programs may ask for over HTTP: a page, a repository. Each kind of source says what, and checks each address:
whoever asks may be a stranger, and no request of ours goes where the settings don't allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from wiki_pipeline.model import ChangeHint, Connection, SourceKey


@dataclass(frozen=True, slots=True)
class Requested:
    """What was asked for.

    Attributes:
        config: of the source, with what was asked for in it.
        hints: where to look.
        description: for people.
    """

    key: SourceKey
    config: str
    hints: tuple[ChangeHint, ...]
    description: str


class Request(Protocol):
    """One thing that can be asked for.

    Attributes:
        noun: the last part of its address, as in `/v1/ingest/confluence/page`.
        summary, details: for the reference of the HTTP interface.
        body: what is sent.
    """

    noun: str
    summary: str
    details: str
    body: type[BaseModel]

    def read(
        self, tenant: str, asked: Any, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None
    ) -> Requested:
        """Understand what was asked for, of type `body`. May ask the sites of connections, never the address given.

        Args:
            known: the known sources of the kind, with their configs.
            connections: of the kind; None: those of the settings.

        Raises:
            ConfigurationError: not an address that may be asked for; says which may.
            SourceError: the site could not say what the address means.
        """
