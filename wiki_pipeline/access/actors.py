"""Who does something, as the audit names them."""

from __future__ import annotations

from dataclasses import dataclass

from wiki_pipeline.access.principal import Action, Principal
from wiki_pipeline.catalog import AuditEntry

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, from where.

    Attributes:
        actions: what they may do.
        account: theirs; empty for the command line and shared tokens.
    """

    name: str
    tenant: str
    actions: frozenset[Action]
    account: str = ""
    address: str = ""
    request_id: str = ""

    @classmethod
    def of(cls, principal: Principal, address: str = "", request_id: str = "") -> Actor:
        """The actor of a request."""
        name = principal.name[:_LONGEST_NAME] + (f" ({principal.account})" if principal.account else "")
        return cls(name, principal.tenant, principal.scope.actions, principal.account, address, request_id)

    def entry(self, action: str, what: str = "", result: str = "ok", tenant: str = "") -> AuditEntry:
        """An entry for the audit."""
        return AuditEntry(tenant or self.tenant, self.name, action, what, result, self.address, self.request_id)


def command_line(tenant: str) -> Actor:
    """Whoever uses this machine."""
    return Actor("command line", tenant, frozenset(Action))


def nobody(tenant: str, address: str, request_id: str) -> Actor:
    """Somebody who has not shown yet who they are."""
    return Actor("nobody", tenant, frozenset(), "", address, request_id)
