"""What both APIs of a server share: the site, who may see it, its limits, and what clients did wrong."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from wiki_pipeline.demo.confluence.cache import WrittenContents
from wiki_pipeline.demo.confluence.records import User
from wiki_pipeline.demo.confluence.site import Content, Site, Space
from wiki_pipeline.demo.web import ApiError, Request


@dataclass(slots=True)
class Limits:
    """Caps that the server puts on `limit`, silently in v1. The defaults are the vendor's.

    Attributes:
        plain: of a v1 list that expands nothing.
        expanded: of a v1 list that expands something, but no bodies.
        bodies: of a v1 list with bodies.
        export_view: of a v1 list with `body.export_view` or `body.styled_view`.
        nested: of labels and restrictions inside a content.
        start: the greatest `start` of Cloud's v1 content list.
    """

    plain: int = 1_000
    expanded: int = 200
    bodies: int = 50
    export_view: int = 25
    nested: int = 200
    start: int = 15_000


@dataclass(slots=True)
class Account:
    """Credentials that the server takes: a name and a secret (Basic), or a secret alone (Bearer).

    Attributes:
        scoped: valid at the gateway's address only, as OAuth and scoped tokens are.
        permitted: whether their owner may use Confluence at all; 403 otherwise.
    """

    secret: str
    user: User
    name: str = ""
    scoped: bool = False
    permitted: bool = True


class Unauthorized(Exception):  # noqa: N818 - named after the answer that it becomes
    """Credentials were sent and are wrong, or none were and some are needed.

    Its message is not empty if no right client sends such a request, whatever credentials it was given.
    """


@dataclass(slots=True, eq=False)
class World:
    """A site as served.

    Attributes:
        context: the context path, `/wiki` on Cloud.
        user_zone: the calling user's time zone: CQL dates are read in it, no API tells it.
        server_zone: the zone of Data Center's timestamps.
        accounts: who may call; empty means that anonymous access is open.
        report: takes the description of a violation.
    """

    site: Site
    cloud: bool
    context: str
    limits: Limits = field(default_factory=Limits)
    user_zone: tzinfo = UTC
    server_zone: tzinfo = UTC
    accounts: list[Account] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    report: Callable[[str], None] = print
    written: WrittenContents = field(default_factory=WrittenContents)
    _listings: dict[tuple[str, str, frozenset[str], str], tuple[int, list[Content]]] = field(default_factory=dict)

    def violation(self, request: Request, problem: str) -> None:
        """Record that a client did what no right client does."""
        self.report(f"{request.method} {request.path}: {problem}")

    def space(self, key: str) -> Space:
        """A space by its key.

        Raises:
            ApiError: 404.
        """
        space = self.site.spaces.get(key)
        if space is None:
            raise ApiError(404, f"No space with key : {key}")
        return space

    def listing(
        self, user: User | None, space: Space | None, kind: str, statuses: Collection[str], sort: str = ""
    ) -> Sequence[Content]:
        """Contents of a space (of all without one) of a type and of some statuses that a person may see.

        `sort` is v2's: `id`, `created-date`, `modified-date` or `title`, with a `-` for descending.
        """
        key = (space.key if space else "", kind, frozenset(statuses), sort)
        revision, contents = self._listings.get(key, (-1, []))
        if revision != self.site.revision:
            source = space.contents if space else self.site.contents
            every = "any" in statuses
            contents = [item for item in source.values() if item.type == kind and (every or item.status in statuses)]
            contents = sorted_contents(contents, sort) if sort else contents
            self._listings[key] = (self.site.revision, contents)
        return [item for item in contents if self.sees(user, item)] if self.site.restricted else contents

    def sees(self, user: User | None, content: Content) -> bool:
        """Whether a person may read a content: allowed by itself and by each ancestor (the intersection of all)."""
        if not self.site.restricted:
            return True
        groups = self.groups.get(user.display_name, ()) if user else ()
        held = [item.restrictions.get("read") for item in (content, *content.ancestors)]
        return all(restriction is None or restriction.allows(user, groups) for restriction in held)

    def identify(self, authorization: str, *, via_gateway: bool) -> User | None:
        """Who is calling; None is anonymous.

        Raises:
            Unauthorized: wrong credentials, or a scoped token at the site's own address.
            ApiError: 403, right credentials of a user who may not use Confluence.
        """
        if not self.accounts:
            return None
        kind, _, credentials = authorization.partition(" ")
        name, secret = "", credentials
        if kind.lower() == "basic":
            name, secret = _basic(credentials)
        for account in self.accounts:
            if not kind or (account.name, account.secret) != (name, secret):
                continue
            if account.scoped and not via_gateway:
                raise Unauthorized("a scoped token was sent to the site's own address")
            if account.scoped == via_gateway:
                if not account.permitted:
                    raise ApiError(403, "Current user not permitted to use Confluence")
                return account.user
        raise Unauthorized


def _basic(credentials: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(credentials).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthorized("the Authorization header can't be read") from error
    return name, secret


def sorted_contents(contents: Sequence[Content], sort: str) -> list[Content]:
    """Contents in v2's order `sort`."""
    keys: dict[str, Callable[[Content], Any]] = {
        "id": lambda item: int(item.id),
        "created-date": lambda item: item.created,
        "modified-date": lambda item: item.version.when,
        "title": lambda item: item.title.casefold(),
    }
    return sorted(contents, key=keys[sort.removeprefix("-")], reverse=sort.startswith("-"))
