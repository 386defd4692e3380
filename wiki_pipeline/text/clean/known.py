"""What is known beside the page itself and shows in its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """Facts from elsewhere on which a page's text depends; part of the stage's input.

    Attributes:
        users: display names by account id (Cloud) or user key (Data Center).
    """

    users: Mapping[str, str] = field(default_factory=dict)


NOTHING_KNOWN = Known()
