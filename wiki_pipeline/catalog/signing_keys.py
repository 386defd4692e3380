"""The keys that access tokens are signed with: one signs at a time, those before it go on checking for a while."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from wiki_pipeline.catalog.access_tables import signing_keys
from wiki_pipeline.catalog.database import Database, in_turn, now

_TURN = 0x73_69_67_6E  # "sign": whoever makes a key has it alone


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair.

    Attributes:
        public: a JWK.
        private: as it is kept.
        signs_until: later ones are signed by another.
    """

    kid: str
    public: Mapping[str, Any]
    private: str = field(repr=False)
    signs_until: datetime


class SigningKeys:
    """The catalog's signing keys. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def current(
        self, make: Callable[[], tuple[str, Mapping[str, Any], str]], signs: timedelta, checks: timedelta
    ) -> SigningKey:
        """The key that signs, made if there is none.

        Args:
            make: id, public and private half.
            signs: how long a new one signs; for `checks` longer it is among those that are good.
        """
        with self._database.write() as connection:
            in_turn(connection, _TURN)
            moment = now(connection)
            connection.execute(delete(signing_keys).where(signing_keys.c.checks_until < moment))
            newest = select(signing_keys).where(signing_keys.c.signs_until > moment)
            row = connection.execute(newest.order_by(signing_keys.c.signs_until.desc()).limit(1)).one_or_none()
            if row is not None:
                return SigningKey(row.kid, row.public, row.private, row.signs_until)
            kid, public, private = make()
            until = moment + signs
            values = {"kid": kid, "public": dict(public), "private": private, "signs_until": until}
            connection.execute(insert(signing_keys).values(**values, checks_until=until + checks))
            return SigningKey(kid, public, private, until)

    def public(self) -> Sequence[Mapping[str, Any]]:
        """The public halves of those that are good, newest first."""
        with self._database.read() as connection:
            chosen = select(signing_keys.c.public).where(signing_keys.c.checks_until > now(connection))
            return list(connection.execute(chosen.order_by(signing_keys.c.signs_until.desc())).scalars())
