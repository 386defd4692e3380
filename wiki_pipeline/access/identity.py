"""Who a provider says somebody is, and what that is worth here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wiki_pipeline.access.principal import Role
from wiki_pipeline.access.settings import ProviderSettings
from wiki_pipeline.errors import LoginError

_LONGEST_SUBJECT = 255
_LONGEST_NAME = 200
_MOST_GROUPS = 200
_LONGEST_GROUP = 100


@dataclass(frozen=True, slots=True)
class Identity:
    """What a provider says of somebody.

    Attributes:
        email: empty if it says none.
        verified: whether the address is theirs, by the provider's word or by trust in it.
        role: by its claims; None where they say nothing of roles here.
        decides: whether the provider decides on roles at all.
        groups: None where the provider says nothing of groups.
        id_token: to log out there.
    """

    issuer: str
    subject: str
    name: str
    email: str
    verified: bool
    role: Role | None = None
    decides: bool = False
    groups: frozenset[str] | None = None
    id_token: str = field(default="", repr=False)


def identity(provider: ProviderSettings, claims: Mapping[str, Any], id_token: str = "") -> Identity:
    """What claims say, by the provider's settings.

    Raises:
        LoginError: they say that this person may not log in here.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise LoginError(f"{provider.shown} does not say who logged in.", "Its `sub` is missing or too long.")
    if provider.kind == "google" and claims.get("hd") != provider.hosted_domain:
        raise LoginError(f"Only accounts of {provider.hosted_domain} may log in here.")
    email, verified = _address(provider, claims)
    if provider.domains and not (
        verified and email.rpartition("@")[2] in {each.casefold() for each in provider.domains}
    ):
        raise LoginError(f"Only people with an address of {' or '.join(provider.domains)} may log in here.")
    name = claims.get("name") or claims.get("preferred_username") or ""
    words = [_at(claims, provider.roles_claim)] if provider.roles_claim else []
    given = {provider.roles[word] for found in words for word in _words(found) if word in provider.roles}
    groups = None
    if provider.groups_claim:
        named = (_group(word) for word in _words(_at(claims, provider.groups_claim)))
        groups = frozenset(sorted(filter(None, named))[:_MOST_GROUPS])
    return Identity(
        issuer=provider.issuer,
        subject=subject,
        name=str(name)[:_LONGEST_NAME],
        email=email,
        verified=verified,
        role=max((Role(word) for word in given), default=None),
        decides=bool(provider.roles),
        groups=groups,
        id_token=id_token,
    )


def _address(provider: ProviderSettings, claims: Mapping[str, Any]) -> tuple[str, bool]:
    """The address and whether it is theirs. One that the provider calls unverified is refused: it may be anybody's."""
    email = claims.get("email")
    if not isinstance(email, str) or "@" not in email or len(email) > _LONGEST_SUBJECT:
        return "", False
    said = claims.get("email_verified")
    if said in {False, "false"} and said is not None:
        raise LoginError(
            f"{provider.shown} has not verified the address {email}.", "Have it verified there, then log in again."
        )
    return email.casefold(), said in {True, "true"} or (said is None and provider.trusts)


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """A claim by its name, or by the names on the way to it. A name may have dots itself (`https://x.example/roles`)."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _words(found: Any) -> Sequence[str]:
    if isinstance(found, str):
        return [found]
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []


def _group(word: str) -> str:
    """A name for a group; Keycloak's are paths that begin with a slash."""
    name = word.strip().removeprefix("/")
    return name if len(name) <= _LONGEST_GROUP and name.isprintable() else ""
