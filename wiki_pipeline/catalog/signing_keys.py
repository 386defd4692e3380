"""The keys that access tokens are checked with: the public halves. Each process signs with a key of its own, whose
private half it never writes down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select

from wiki_pipeline.catalog.access_tables import signing_keys
from wiki_pipeline.catalog.database import Database, database_now, now


class SigningKeys:
    """The catalog's signing keys. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kid: str, public: Mapping[str, Any], lasts: timedelta) -> None:
        """Have a key check tokens for so long."""
        with self._database.write() as connection:
            moment = now(connection)
            connection.execute(delete(signing_keys).where(signing_keys.c.checks_until < moment))
            row = {"kid": kid, "public": dict(public), "checks_until": moment + lasts}
            connection.execute(insert(signing_keys).values(**row))

    def public(self) -> Sequence[Mapping[str, Any]]:
        """The keys that are good, as JWKs, newest first."""
        chosen = select(signing_keys.c.public).where(signing_keys.c.checks_until > database_now())
        with self._database.read() as connection:
            return list(connection.execute(chosen.order_by(signing_keys.c.checks_until.desc())).scalars())
