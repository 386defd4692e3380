"""Which keys of language models are a tenant's or a person's own. The keys themselves are sealed secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, delete, select

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.tables import model_keys


@dataclass(frozen=True, slots=True)
class ModelKey:
    """A key.

    Attributes:
        account: whose it is; empty: the tenant's.
        base_url: of the endpoint that it is for.
        model: that is asked there.
        secret_ref: where the key is; never the key.
        last_four: its last characters, for people; empty where they would tell too much.
    """

    tenant: str
    account: str
    base_url: str
    model: str
    secret_ref: str
    last_four: str
    added_at: datetime


class ModelKeys:
    """The catalog's keys of models. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, tenant: str, account: str) -> list[ModelKey]:
        """The account's own key and the tenant's, as far as there are: the nearest first."""
        chosen = select(model_keys).where(model_keys.c.tenant == tenant, model_keys.c.account.in_(["", account]))
        with self._database.read() as connection:
            rows = connection.execute(chosen).all()
        return sorted(map(_key, rows), key=lambda key: not key.account)

    def put(self, key: ModelKey) -> ModelKey:
        """Note a key, in place of the one that its owner had."""
        with self._database.write() as connection:
            said = {
                "base_url": key.base_url,
                "model": key.model,
                "secret_ref": key.secret_ref,
                "last_four": key.last_four,
                "added_at": now(connection),
            }
            statement = upsert(connection, model_keys).values(tenant=key.tenant, account=key.account, **said)
            statement = statement.on_conflict_do_update(index_elements=["tenant", "account"], set_=said)
            return _key(connection.execute(statement.returning(model_keys)).one())

    def remove(self, tenant: str, account: str) -> bool:
        """Forget a key. False if there was none."""
        which = (model_keys.c.tenant == tenant) & (model_keys.c.account == account)
        with self._database.write() as connection:
            return connection.execute(delete(model_keys).where(which)).rowcount > 0


def _key(row: Row[tuple[str, ...]]) -> ModelKey:
    return ModelKey(row.tenant, row.account, row.base_url, row.model, row.secret_ref, row.last_four, row.added_at)
