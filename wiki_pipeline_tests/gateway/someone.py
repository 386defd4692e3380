"""In the place of `Access`: whoever a test says that it is."""

from __future__ import annotations

from collections.abc import Callable

from wiki_pipeline.access import Principal
from wiki_pipeline.access.credentials import Visit
from wiki_pipeline.gateway.access import Decision
from wiki_pipeline.gateway.rights import is_open
from wiki_pipeline.serving.asgi import Scope


class Someone:
    """Knows who asks without looking at anything that they bring.

    Args:
        who: whom a request is from.
    """

    people = False

    def __init__(self, who: Callable[[Scope], Principal]) -> None:
        self._who = who

    def address(self, scope: Scope) -> str:
        return "203.0.113.7"

    async def decide(self, scope: Scope) -> Decision:
        return Decision(None if is_open(scope["path"]) else Visit(self._who(scope)), self.address(scope))
