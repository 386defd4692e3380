"""What is known beside the page itself and shows in its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wiki_pipeline.model import RawPage, digest


@dataclass(frozen=True, slots=True)
class Included:
    """A page that another one may include.

    Attributes:
        source: partition key of the source that it was found in.
        text_hash: see `text_hash`.
    """

    page: RawPage
    source: str
    text_hash: str


def no_page(_target: str) -> Included | None:
    """Finds nothing, as `Known.page`; a function with a name, so that other processes can be given it."""
    return None


@dataclass(frozen=True, slots=True)
class Known:
    """Facts from elsewhere on which a page's text depends; part of the stage's input.

    Attributes:
        users: display names by account id (Cloud), user key or user name (Data Center).
        names: prefixes under which people write of documents in running text, as `OPS` of `OPS-12`, each with the
            address that such a name follows.
        page: finds the page that an upstream address, as `Upstream` writes it, means; None if it is not there.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    page: Callable[[str], Included | None] = no_page


NOTHING_KNOWN = Known()


def text_hash(page: RawPage) -> str:
    """Hash of all of a page that its text within another page depends on, other than pages that it includes itself."""
    return digest(page.document_id, page.title, page.url, page.space_key, page.media_type, page.body)
