"""Keys of documents in the world: the names under which others refer to them, wherever the documents are kept.

A document has several keys, and an address means one or, where the address alone does not say, one of
several. Each system's module (`confluence`, `forges`) makes both, from its own grammar; who looks something up compares
keys and knows no addresses. A new system is a module with a `System` in it and a line in `SYSTEMS` of `index`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from wiki_pipeline.links.web import WebAddress


class LinkKey(NamedTuple):
    """A canonical name of a document, or of what holds it: equal keys, the same thing.

    As text `confluence:acme.atlassian.net/wiki/:id:98487`, `confluence:docs.acme.com/:title:eng:on-call guide`,
    `git:github.com/acme/rocket:docs/intro.md`.

    Attributes:
        namespace: the system, the site and how things are named there; one string for many documents.
        name: within it; empty for what the namespace itself stands for: a space, a repository.
    """

    namespace: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}" if self.name else self.namespace


class Meaning(NamedTuple):
    """What an address may mean.

    Attributes:
        commit: the commit at which it means that; empty if it means the thing as it is now.
    """

    key: LinkKey
    commit: str = ""


class Record(NamedTuple):
    """The columns of a document from which its keys are made."""

    document_id: str
    title: str
    url: str
    path: str
    space_key: str
    facets: Sequence[str] = ()


class System(Protocol):
    """One system's grammar."""

    def keys_of(self, document: Record) -> Sequence[LinkKey]:
        """Under which keys others refer to a document, and to the space or repository that holds it (without a name);
        none if it is of another system, or has no address."""

    def meanings(self, address: WebAddress) -> Iterable[Meaning]:
        """What an address may mean, the likeliest first; nothing if it is of another system."""
