"""Confluence's webhooks: bodies of Cloud (Connect, Forge), of Data Center, and of the connector that this one replaces.

Connect's own JWT is not accepted for a signature. It is signed with a secret that only an app's installation hands
out, and its `qsh` covers method, path and query but not the body, so it shows that Atlassian called, not what it said.
Cloud's events come through whoever holds our secret and signs the body: an app's trigger, a forwarder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, PayloadError
from wiki_pipeline.links.confluence import PAGE_ID, Site
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.confluence.events import Effect, counted_name, effect_of, normal_name, why_ignored
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.webhook import (
    Delivery,
    ParsedDelivery,
    Reader,
    check_hmac,
    delivery_id,
    parse_object,
    require_secret,
)

_KIND = "confluence"
_IDS = ("x-atlassian-webhook-identifier", "idempotency-key")
_OWN, _HUB, _HUB_256 = "x-confluence-signature", "x-hub-signature", "x-hub-signature-256"
# Where a body has the page that an event is about, or that a label or an attachment belongs to.
_PAGES = ("page", "content")
_HOLDERS = ("labeled", "labelled", "attachedTo", "container", "page", "content")
_PAGE_TYPES = {"", "page"}
_ABOUT = (*_HOLDERS, "space", "attachments")
_ADDRESSES = ("baseUrl", "base", "self", "url")
_LONGEST_ADDRESS = 2_000
_DATES = ("timestamp", "eventCreatedDate")

Json = Mapping[str, Any]


class ConfluenceWebhook:
    """See `wiki_pipeline.sources.webhook.Webhook`."""

    path = "confluence-updated"
    events_in_path = True
    summary = "A Confluence page, space or attachment changed"
    description = (
        "Webhooks of Confluence: bodies of Data Center, of Cloud (Connect and Forge), and the short form "
        '`{"event", "page": {"id"}, "space": {"key"}}`. It is signed with a secret of its connection, or of '
        "`CONFLUENCE_WEBHOOK_SECRET`."
    )
    headers: Mapping[str, str] = {
        "X-Confluence-Signature": "HMAC-SHA256 of the raw body, in hex; or:",
        "X-Hub-Signature": "the same as `sha256=...`, as Data Center sends it.",
        "X-Atlassian-Webhook-Identifier": "Id of the delivery: one that comes again is not taken twice.",
    }
    example: Mapping[str, Any] = {
        "timestamp": 1762335000000,
        "event": "page_updated",
        "page": {"id": 98487, "spaceKey": "ENG", "version": 8},
    }

    def __init__(self, settings: ConfluenceSettings) -> None:
        self._settings = settings

    def authenticate(self, delivery: Delivery, secrets: Sequence[SecretStr] | None = None) -> None:
        """See `Webhook.authenticate`."""
        secrets = self._settings.webhook_secret if secrets is None else secrets
        if not require_secret(
            secrets,
            unsigned=self._settings.accept_unsigned_webhooks,
            setting="CONFLUENCE_WEBHOOK_SECRET",
            unsigned_setting="WIKI_PIPELINE_CONFLUENCE_ACCEPT_UNSIGNED_WEBHOOKS",
        ):
            return
        own = [delivery.headers[_OWN]] if _OWN in delivery.headers else []
        hub = [delivery.headers[name] for name in (_HUB, _HUB_256) if name in delivery.headers]
        claimed = [value.strip().removeprefix("sha256=") for value in (*own, *hub)]
        check_hmac(delivery.body, claimed, secrets, "X-Confluence-Signature or X-Hub-Signature")

    def reader(self, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None) -> Reader:
        """See `Webhook.reader`."""
        if connections is None:
            own = self._settings.as_connection("default")
            connections = [own] if own else []
        return _Reader(_Sites.of(connections), known).read


@dataclass(frozen=True, slots=True)
class _Sites:
    """The sites of all connections, each also by the address under which people, and so deliveries, know it."""

    roots: Mapping[Site, Site]

    @classmethod
    def of(cls, connections: Sequence[Connection]) -> _Sites:
        roots: dict[Site, Site] = {}
        for connection in connections:
            site = Site.parse(connection.url)
            shown = connection.options.get("site_url", "")
            roots |= {site: site} | ({Site.parse(shown): site} if shown else {})
        return cls(roots)

    def that_sent(self, body: Json) -> Site | None:
        """The site whose addresses a delivery holds; None where it holds none, or one that no connection knows."""
        for address in _addresses(body):
            for root, site in self.roots.items():
                if root.below(address) is not None:
                    return site
        return None


class _Reader:
    def __init__(self, sites: _Sites, known: Mapping[SourceKey, str]) -> None:
        self._sites = sites
        self._spaces: dict[str, list[tuple[Site, SourceKey]]] = defaultdict(list)
        for key, text in sorted(known.items()):
            try:
                config = SourceConfig.parse(text)
                site = Site.parse(config.url)
            except ConfigurationError:  # its syncs say what is wrong with it
                continue
            if site in sites.roots:
                self._spaces[config.space.lower()].append((site, key))

    def _of(self, space: str, body: Json) -> list[SourceKey]:
        """The sources of a space: those of the site that sent the delivery, or of all where that is not known."""
        found = self._spaces.get(space.lower(), ())
        sender = self._sites.that_sent(body) if found and len(self._sites.roots) > 1 else None
        return [key for site, key in found if sender in {None, site}]

    def read(self, delivery: Delivery) -> ParsedDelivery:
        body = parse_object(delivery.body)
        name = normal_name(_event(delivery, body))
        if not name:
            raise PayloadError(
                "The event is not named.",
                'Name it in the body ("event"), or in the address, as /webhook/confluence-updated/page_updated.',
            )
        dated = any(body.get(date) for date in _DATES)
        id_ = delivery_id(_KIND, delivery, _IDS, dated=dated)
        event, effect = counted_name(name), effect_of(name)
        if effect is Effect.NOTHING:
            return ParsedDelivery(event, ignored=why_ignored(name), delivery_id=id_)
        hints = tuple(self._space_hints(name, body) if effect is Effect.SPACE else self._page_hints(name, effect, body))
        ignored = "" if hints else self._why_nowhere(effect, body)
        return ParsedDelivery(event, hints, ignored, id_)

    def _space_hints(self, name: str, body: Json) -> Iterator[ChangeHint]:
        key = _space_of(body)
        if not key:
            raise PayloadError(f"The space of {name} is not named.", 'Give it as {"space": {"key": ...}}.')
        for source in self._of(key, body):
            yield ChangeHint(_KIND, source, "", name)

    def _page_hints(self, name: str, effect: Effect, body: Json) -> Iterator[ChangeHint]:
        page = _page(body, _HOLDERS if effect is Effect.PART else _PAGES)
        if page is None and effect is Effect.PART:
            return  # of a label as such, or of an attachment of which only its own id is given
        page_id = _page_id(page or {})
        if not page_id:
            raise PayloadError(f"The page of {name} is not named.", 'Give its id as {"page": {"id": ...}}.')
        if _type(page or {}) not in _PAGE_TYPES:
            return
        space = _space_of(page or {}) or _space_of(body)
        sources = self._of(space, body)
        if effect is Effect.MOVED:
            yield ChangeHint(_KIND, None, page_id, name)
            before = body.get("prevContent") or {}
            spaces = {space.lower(), _space_of(before if isinstance(before, dict) else {}).lower()}
            yield from (ChangeHint(_KIND, key, "", name) for each in sorted(spaces) for key in self._of(each, body))
        elif not space:
            yield ChangeHint(_KIND, None, page_id, name, _version(page or {}) if effect is Effect.VERSION else "")
        elif effect is Effect.BELOW:
            yield from (ChangeHint(_KIND, source, "", name) for source in sources)
        else:
            version = _version(page or {}) if effect is Effect.VERSION else ""
            yield from (ChangeHint(_KIND, source, page_id, name, version) for source in sources)

    def _why_nowhere(self, effect: Effect, body: Json) -> str:
        page = _page(body, _HOLDERS if effect is Effect.PART else _PAGES) or {}
        if _type(page) not in _PAGE_TYPES:
            return f"It is not about a page, but about a {_type(page)[:40]}."
        space = _space_of(page) or _space_of(body)
        return f"The space {space[:100]} is not a source." if space else "It does not say which page it is about."


def _addresses(body: Json) -> Iterator[str]:
    """Addresses of the sender in a delivery, as `baseUrl`, `self` and `_links.base` have them."""
    about = [body, *(found for name in _ABOUT if isinstance(found := body.get(name), dict))]
    for part in (*about, *(links for each in about if isinstance(links := each.get("_links"), dict))):
        values = (part.get(name) for name in _ADDRESSES)
        yield from (value for value in values if isinstance(value, str) and len(value) <= _LONGEST_ADDRESS)


def _event(delivery: Delivery, body: Json) -> str:
    named = body.get("event") or body.get("eventType") or delivery.event
    return named if isinstance(named, str) else ""


def _page(body: Json, names: tuple[str, ...]) -> Json | None:
    return next((found for name in names if isinstance(found := body.get(name), dict)), None)


def _page_id(page: Json) -> str:
    value = page.get("id") or page.get("idAsString")
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return text if PAGE_ID.fullmatch(text) else ""


def _type(page: Json) -> str:
    value = page.get("contentType") or page.get("type") or ""
    return value.lower() if isinstance(value, str) else ""


def _space_of(about: Json) -> str:
    space = about.get("space")
    value = about.get("spaceKey") or (space.get("key") if isinstance(space, dict) else "")
    return value if isinstance(value, str) else ""


def _version(page: Json) -> str:
    value = page.get("version")
    if isinstance(value, dict):
        value = value.get("number")
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
    return str(value) if is_number else ""
