"""What every stage works with: settings, catalog and tables, opened once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from wiki_pipeline.access.sealing import Vault
from wiki_pipeline.catalog import DEMO, SETTINGS, Audience, Catalog, SourceRecord, sqlite_path
from wiki_pipeline.errors import ConfigurationError, StoreError
from wiki_pipeline.model import Connection, SourceDescription, SourceKey, Stage
from wiki_pipeline.settings import Mode
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import Source, SourceKind
from wiki_pipeline.store import ObjectFiles, Store, probe
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.sync.source_folder import SourceFolder

logger = logging.getLogger(__name__)

# Of the caches of tables, for a tenant that is not the default one: a process may have dozens of them open.
_SHARE_OF_OTHERS = 1 / 16


def check_mode(settings: Settings) -> None:
    """Make sure that the state is where the mode wants it.

    Raises:
        ConfigurationError: it is not; all that is wrong in one message.
    """
    if settings.mode is Mode.STATELESS:
        raise ConfigurationError(
            "WIKI_PIPELINE_MODE=stateless keeps nothing, and what this command does needs a catalog and tables.",
            "Set it to laptop, or to cluster with a database and a bucket.",
        )
    if settings.mode is not Mode.CLUSTER:
        return
    problems = []
    if sqlite_path(settings.catalog_url) is not None:
        problems.append(
            "the catalog is in SQLite, which one machine alone can open: set WIKI_PIPELINE_DATABASE_URL to "
            "postgresql+psycopg://user:password@host/database"
        )
    if settings.storage.is_folder:
        problems.append(
            "the tables are in a folder, which other machines don't see: set WIKI_PIPELINE_STORAGE_URL to "
            "s3://bucket/prefix (or gs://, az://)"
        )
    if problems:
        raise ConfigurationError(f"WIKI_PIPELINE_MODE=cluster, but {'; and '.join(problems)}.")


def open_store(settings: Settings, catalog: Catalog, tenant: str = "") -> Store:
    """A tenant's tables (empty: the default tenant's), after making sure that a bucket can keep them (once a process).

    Raises:
        ConfigurationError: the storage can't keep tables, or a setting of it is wrong.
        StoreError: a bucket is out of reach.
    """
    check_mode(settings)
    tenant = tenant or settings.tenant
    storage = settings.storage_of(tenant)
    probe(storage)
    share = 1.0 if tenant == settings.tenant else _SHARE_OF_OTHERS
    return Store(storage, tenant, catalog.table_names(tenant), share)


@dataclass(frozen=True)
class Pipeline:
    """Settings, catalog and one tenant's tables. Whatever is done with it is done for that tenant; `of` and `each` lead
    to the others."""

    settings: Settings
    catalog: Catalog
    store: Store

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, tenant: str = "") -> Iterator[Pipeline]:
        """Open the catalog and the tables, and close them again.

        Args:
            tenant: whose; empty: the default tenant's.

        Raises:
            ConfigurationError, CatalogError, StoreError: one of them can't be opened.
        """
        check_mode(settings)
        settings.home.mkdir(parents=True, exist_ok=True)
        with Catalog(settings.catalog_url) as catalog:
            catalog.tenancy.ensure(settings.tenant)
            opened = cls(settings, catalog, open_store(settings, catalog))
            yield opened.of(tenant) if tenant else opened

    # --- tenants ---

    @property
    def tenant(self) -> str:
        """Whose tables these are, and for whom all is done."""
        return self.store.tenant

    @property
    def vault(self) -> Vault:
        """What seals and opens secrets in the catalog."""
        return Vault(self.catalog, self.settings)

    def of(self, tenant: str) -> Pipeline:
        """The same for another tenant.

        Raises:
            ConfigurationError: there is no such tenant, or it was dropped.
        """
        if tenant == self.tenant:
            return self
        if tenant not in self.catalog.tenancy.active():
            raise ConfigurationError(f"There is no tenant {tenant!r}.", "`wiki-pipeline tenants list` shows them.")
        return self.even_dropped(tenant)

    def even_dropped(self, tenant: str) -> Pipeline:
        """The same for another tenant that may be on its way out: for who drops it."""
        return replace(self, store=open_store(self.settings, self.catalog, tenant))

    def each(self) -> list[Pipeline]:
        """The same for each tenant that is served, by name. One whose tables are out of reach is left out and logged,
        and holds no other up, unless it is the default one.

        Raises:
            ConfigurationError: a setting is wrong.
            CatalogError, StoreError: catalog or tables are out of reach.
        """
        found = []
        for tenant in self.catalog.tenancy.active():
            try:
                found.append(self if tenant == self.tenant else self.even_dropped(tenant))
            except (ConfigurationError, StoreError) as error:
                if tenant == self.settings.tenant:
                    raise
                logger.warning("The tenant %s is left alone: %s", tenant, error)
        return found

    def add_configured_sources(self) -> list[SourceKey]:
        """Take the sources that the settings name into the catalog; all of them, by kind and name. Repeatable.

        Entries that can't be used are left out and logged (`configuration_problems`). Sources that the settings named
        before and no longer name stay as they are, and are looked after no more (`dropped`).

        Raises:
            ConfigurationError: a setting is wrong.
        """
        if unknown := sorted(self.settings.chunks_by_kind.keys() - kinds().keys()):
            raise ConfigurationError(
                f"WIKI_PIPELINE_CHUNKS_BY_KIND names {', '.join(unknown)}, which is no kind of source.",
                f"Kinds of sources are {', '.join(sorted(kinds()))}.",
            )
        for problem in self.configuration_problems():
            logger.warning("%s", problem)
        self.add_configured_connections()
        configured: dict[SourceKey, str] = {}
        for kind in kinds().values():
            named = kind.configured(self.tenant)
            connections = self.connections(kind) if named else ()
            for key, config in named.items():
                self._configure(key, config, kind.connection_of(key, config, connections))
            configured.update(named)
        return sorted(configured)

    def _configure(self, key: SourceKey, config: str, connection: Connection | None) -> None:
        known, name = self.catalog.source(key), connection.name if connection else ""
        if known is None:
            self.catalog.add_source(key, config, connection=name, managed_by=SETTINGS)
        elif known.config != config or known.managed_by == DEMO or (name and not known.connection):
            # Otherwise it stays: a person may have chosen another connection to the same site.
            managed_by = SETTINGS if known.managed_by == DEMO else known.managed_by
            self.catalog.add_source(key, config, known.title, known.url, name, managed_by=managed_by)

    @staticmethod
    def configuration_problems() -> list[str]:
        """Entries of the settings that can't be used and are left out, each with what is wrong with it.

        Raises:
            ConfigurationError: a setting is wrong as a whole.
        """
        return [problem for kind in kinds().values() for problem in kind.configuration_problems()]

    def dropped(self) -> set[SourceKey]:
        """Sources that came from the settings and that those no longer name: they are served as they are, and neither
        synced nor polled until they are named or added again, or removed.

        Raises:
            CatalogError: the catalog can't be read.
            ConfigurationError: a setting is wrong.
        """
        records = self.catalog.sources(self.tenant)
        of_settings = {record.key for record in records if record.managed_by == SETTINGS}
        if not of_settings:
            return set()
        return of_settings.difference(*(kind.configured(self.tenant) for kind in kinds().values()))

    def active_sources(self) -> list[SourceRecord]:
        """The tenant's sources that are kept up to date: all but those that are `dropped`."""
        dropped = self.dropped()
        return [record for record in self.catalog.sources(self.tenant) if record.key not in dropped]

    # --- connections ---

    def add_configured_connections(self) -> None:
        """Take the connections that the settings name into the catalog, and those out that they named before and that
        nothing uses. What people added stays as it is. Repeatable.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        known = {record.connection.name: record for record in self.catalog.connections.list(self.tenant)}
        named = {each.name: each for kind in kinds().values() for each in kind.connections(self.tenant)}
        for name, connection in named.items():
            before = known.get(name)
            # One that a person added, or the demo, stays.
            if before is None or (before.managed_by == SETTINGS and before.connection != connection):
                self.catalog.connections.add(connection, SETTINGS)
        for name, record in known.items():
            if record.managed_by == SETTINGS and name not in named:
                with suppress(ConfigurationError):  # a source is still opened by it
                    self.catalog.connections.remove(self.tenant, name)

    def connections(self, kind: SourceKind) -> list[Connection]:
        """The tenant's connections of a kind, by name: those of this process's settings, and those that were added.

        Of two with one name, the one that a person added counts.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        records = self.catalog.connections.list(self.tenant)
        added = {r.connection.name: r.connection for r in records if r.managed_by not in {SETTINGS, DEMO}}
        demo = {r.connection.name: r.connection for r in records if r.managed_by == DEMO}
        own = {each.name: each for each in kind.connections(self.tenant)}
        found = {**demo, **own, **added}
        rows = self.vault.rows(self.tenant)
        return [replace(found[name], rows=rows) for name in sorted(found) if found[name].kind == kind.name]

    def connection_of(self, record: SourceRecord) -> Connection | None:
        """By which connection a source is opened; None if by none, as a public repository is.

        Raises:
            ConfigurationError: the source is of a kind that is not installed, or a setting is wrong.
        """
        kind = self.kind_of(record.key)
        connections = self.connections(kind)
        named = next((each for each in connections if each.name == record.connection), None)
        return named or kind.connection_of(record.key, record.config, connections)

    def opened_by(self, connection: Connection) -> dict[SourceKey, str]:
        """The sources that are opened by a connection, with their configs; without those that can't be opened."""
        groups = self.by_connection(kinds()[connection.kind])
        return next((known for by, known in groups if by and by.name == connection.name), {})

    def by_connection(self, kind: SourceKind) -> list[tuple[Connection | None, dict[SourceKey, str]]]:
        """The sources of a kind with their configs, by the connection that opens them (None: none does); without those
        that can't be opened.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        groups: dict[str, tuple[Connection | None, dict[SourceKey, str]]] = {}
        connections = self.connections(kind)
        named = {connection.name: connection for connection in connections}
        for record in self.catalog.sources(self.tenant):
            if record.key.kind != kind.name or self.problem_of(record):
                continue
            by = named.get(record.connection) or kind.connection_of(record.key, record.config, connections)
            groups.setdefault(by.name if by else "", (by, {}))[1][record.key] = record.config
        return list(groups.values())

    # --- sources ---

    def problem_of(self, record: SourceRecord) -> str:
        """Why a source can't be opened as it is in the catalog; empty if it can, as far as that shows without I/O.

        Whatever looks at several sources leaves such a one out, or shows this: it must not stop the others.
        """
        try:
            self.kind_of(record.key).check_config(record.config)
        except ConfigurationError as error:
            return str(error)
        return ""

    def describe(self, key: SourceKey, description: SourceDescription) -> None:
        """Record what the source says it is, where that is new.

        Raises:
            CatalogError: the catalog can't be written.
        """
        known = self.catalog.source(key)
        if known is not None and (known.title, known.url) != (description.title, description.url):
            self.catalog.add_source(key, known.config, description.title, description.url)

    def open_source(self, key: SourceKey) -> Source:
        """The source as it was added to the catalog.

        Raises:
            ConfigurationError: not in the catalog, of a kind that is not installed, or its settings are wrong.
        """
        entry = self.catalog.source(key)
        if entry is None:
            raise ConfigurationError(f"There is no source {key}.", "Add it with `wiki-pipeline sources add ADDRESS`.")
        kind, connection = self.kind_of(key), self.connection_of(entry)
        home = self.home_of(key)
        home.mkdir(parents=True, exist_ok=True)
        self.catalog.uses.note(key.tenant, f"clone {key.slug}")
        source = kind.open(key, entry.config, home, connection)
        source.recall(partial(self._known_labels, key))
        return source

    def _known_labels(self, key: SourceKey) -> dict[str, tuple[str, ...]]:
        """The labels of a source's documents as they were read last, by document."""
        known: dict[str, tuple[str, ...]] = {}
        for batch in self.store.table(Stage.RAW_PAGES, key).batches(["document_id", "labels"]):
            rows = zip(batch["document_id"].to_pylist(), batch["labels"].to_pylist(), strict=True)
            known.update((document_id, tuple(labels)) for document_id, labels in rows if labels)
        return known

    def kind_of(self, key: SourceKey) -> SourceKind:
        """The kind of a source.

        Raises:
            ConfigurationError: it is not installed.
        """
        kind = kinds().get(key.kind)
        if kind is None:
            raise ConfigurationError(
                f"{key} is of a kind that is not installed.", f"Installed kinds: {', '.join(sorted(kinds()))}."
            )
        return kind

    def shown_by(self, source: SourceKey) -> list[SourceRecord]:
        """The tenant's sources that a source's pages may show something of (text of pages that they include, titles,
        statuses of issues, addresses here): those that all its readers may read. Itself among them."""
        records = self.catalog.sources(source.tenant)
        readers = next((record.audience for record in records if record.key == source), Audience())
        return [record for record in records if record.key == source or record.audience.covers(readers)]

    def names_in_text(self, source: SourceKey) -> dict[str, str]:
        """How people write of documents of the tenant's sources in running text; see `SourceKind.mentions`: of those
        that a source's pages may show. Where two sources claim a prefix, the first by its key has it."""
        found: dict[str, str] = {}
        for record in sorted(self.shown_by(source), key=lambda record: record.key):
            if not self.problem_of(record):
                for prefix, address in self.kind_of(record.key).mentions(record.config).items():
                    found.setdefault(prefix, address)
        return found

    def named_since(self, tenant: str) -> dict[str, datetime]:
        """When the sources were added that have the names in running text, by prefix."""
        found: dict[str, datetime] = {}
        for record in sorted(self.catalog.sources(tenant), key=lambda record: record.key):
            if not self.problem_of(record):
                for prefix in self.kind_of(record.key).mentions(record.config):
                    found.setdefault(prefix, record.added_at)
        return found

    def home_of(self, key: SourceKey) -> Path:
        """Folder for the source's own clones and caches."""
        return self.settings.sources_folder / key.tenant / key.slug

    def folder_of(self, key: SourceKey) -> SourceFolder | None:
        """The source's folder with its copy in the bucket; None where the folder itself is there to stay."""
        if self.store.storage.is_folder or self.settings.sources_dir:
            return None
        place = self.store.storage.child("_sources").child(key.slug)
        return SourceFolder(self.home_of(key), ObjectFiles(place))
