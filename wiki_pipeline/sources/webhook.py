"""What others send when something may have changed: who sent it, and what it hints at. Each kind of source reads its
own.

A delivery is checked (`Webhook.authenticate`) before a byte of it is parsed, and then read into hints. No hint is
believed: it makes a sync look, with the credentials of the settings.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError, PayloadError, SignatureError
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.secret_refs import resolve

_LOG = logging.getLogger(__name__)
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came.

    Attributes:
        headers: names in lower case.
        body: the raw bytes, which are what is signed.
        event: named by the address (`/webhook/.../page_updated`); empty where it was not.
    """

    headers: Mapping[str, str]
    body: bytes
    event: str = ""


@dataclass(frozen=True, slots=True)
class ParsedDelivery:
    """What a delivery says.

    Attributes:
        event: its name, one of a bounded number.
        hints: where to look; none if it changes nothing that is kept.
        ignored: why there are none, for people.
        delivery_id: the same for the same message sent again; empty where that can't be known.
    """

    event: str
    hints: tuple[ChangeHint, ...] = ()
    ignored: str = ""
    delivery_id: str = ""


Reader = Callable[[Delivery], ParsedDelivery]
"""Reads a delivery. Raises PayloadError if it can't be understood."""


class Webhook(Protocol):
    """One address to which deliveries of one kind of source come.

    Attributes:
        path: below `/webhook/`.
        events_in_path: whether the event may also follow in the address.
        summary, description: for the reference of the HTTP interface.
        headers: those that are read, each with what it is for.
        example: of a body.
    """

    path: str
    events_in_path: bool
    summary: str
    description: str
    headers: Mapping[str, str]
    example: Mapping[str, Any]

    def authenticate(self, delivery: Delivery, secrets: Sequence[SecretStr] | None = None) -> None:
        """Check that the sender knows one of the secrets. In constant time, before anything is parsed.

        Args:
            secrets: of a connection; None: those of the settings.

        Raises:
            SignatureError: it does not, or there is no secret.
        """

    def reader(self, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None) -> Reader:
        """Reads deliveries as long as these are the known sources of the kind, given with their configs, and these its
        connections (None: those of the settings)."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Whoever knows some secrets, and whose sources they may report changes of.

    Attributes:
        secrets: of a connection; None: those of the settings.
        connections: names of those by which the sources are opened; empty for sources that are opened by none.
    """

    secrets: Sequence[SecretStr] | None
    connections: frozenset[str]


def signers_of(connections: Sequence[Connection]) -> list[Signer]:
    """Who may sign webhooks of a kind: of each connection those who know its secrets; and those who know the settings',
    for sources without a connection, and for connections that have no webhook secret of their own.

    A connection whose secret is missing can't be reported to until it is there again: no other secret counts for it.
    """
    without = {connection.name for connection in connections if not connection.webhook_secret_ref}
    signers = [Signer(None, frozenset({"", *without}))]
    for connection in connections:
        if not connection.webhook_secret_ref:
            continue
        try:
            owner = f"webhooks of connection {connection.name}"
            found = resolve(connection.webhook_secret_ref, owner, connection.rows)
        except ConfigurationError as error:
            _LOG.warning("%s", error)
            continue
        several = (part.strip() for part in found.get_secret_value().split(","))
        if secrets := [SecretStr(part) for part in several if part]:
            signers.append(Signer(secrets, frozenset({connection.name})))
    return signers


def reported_by(webhook: Webhook, delivery: Delivery, signers: Sequence[Signer]) -> frozenset[str]:
    """The connections whose sources a delivery may be about. All secrets are tried, whichever is right.

    Raises:
        SignatureError: it is signed with none of them.
    """
    allowed: set[str] = set()
    refused: SignatureError | None = None
    for signer in signers:
        try:
            webhook.authenticate(delivery) if signer.secrets is None else webhook.authenticate(delivery, signer.secrets)
        except SignatureError as error:
            refused = error  # with the settings' secrets tried first: that of a connection says more
        else:
            allowed |= signer.connections
    if refused and not allowed:
        raise refused
    return frozenset(allowed)


def require_secret(secrets: Sequence[SecretStr], *, unsigned: bool, setting: str, unsigned_setting: str) -> bool:
    """Whether a signature is to be checked.

    Raises:
        SignatureError: no secret is configured, and unsigned deliveries are not taken either.
    """
    if secrets:
        return True
    if unsigned:
        return False
    raise SignatureError(
        f"No webhook is taken: {setting} is not set, so nothing shows who sent it.",
        f"Set it to the secret of the webhook. ({unsigned_setting}=true takes unsigned ones, from anybody.)",
    )


def check_hmac(body: bytes, claimed: Iterable[str], secrets: Sequence[SecretStr], names: str) -> None:
    """See that one of the signatures is the HMAC-SHA256 of the body under one of the secrets.

    Args:
        claimed: in hex.
        names: the headers, for the message.

    Raises:
        SignatureError: none is.
    """
    given = [signature.strip().lower().encode("utf-8", "surrogateescape") for signature in claimed]
    if not given:
        raise SignatureError(f"The delivery is not signed: it has no {names}.", "Give the webhook its secret.")
    right = [hmac.new(s.get_secret_value().encode(), body, hashlib.sha256).hexdigest().encode() for s in secrets]
    if not _any_equal(given, right):
        raise SignatureError(
            "The signature is wrong.", "Is the secret of the webhook the one of its connection, or of the settings?"
        )


def check_token(given: str, secrets: Sequence[SecretStr], name: str) -> None:
    """See that a token sent along is one of the secrets.

    Raises:
        SignatureError: it is not.
    """
    if not given:
        raise SignatureError(f"The delivery is not signed: it has no {name}.", "Give the webhook its secret.")
    if not _any_equal([_hashed(given)], [_hashed(s.get_secret_value()) for s in secrets]):
        raise SignatureError(
            "The token is wrong.", "Is the secret of the webhook the one of its connection, or of the settings?"
        )


def parse_object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object.

    Raises:
        PayloadError: it is none.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PayloadError("The body is not JSON.") from None
    if not isinstance(parsed, dict):
        raise PayloadError("The body is not a JSON object.")
    return parsed


def delivery_id(kind: str, delivery: Delivery, names: Iterable[str], *, dated: bool) -> str:
    """An id by which the same message is known when it comes again.

    Args:
        names: headers with the sender's own id; the first that is there counts.
        dated: whether the body says when it happened. Only then is the same body the same message: a body that names
            no more than page and event is the same for the next edit too.
    """
    given = next((value for name in names if (value := delivery.headers.get(name, "").strip())), "")
    if given:
        return f"{kind} {given}" if len(given) <= _LONGEST_ID else f"{kind} {_hashed(given).hex()}"
    if not dated:
        return ""
    state = hashlib.sha256(delivery.event.encode("utf-8", "surrogatepass"))
    state.update(b"\0" + delivery.body)
    return f"{kind} sha256:{state.hexdigest()}"


def _any_equal(given: Sequence[bytes], right: Sequence[bytes]) -> bool:
    # Every pair is compared, each in constant time: how long it takes shows neither which nor how far.
    return max((hmac.compare_digest(one, other) for one in given for other in right), default=False)


def _hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
