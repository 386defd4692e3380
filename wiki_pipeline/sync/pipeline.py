"""What every stage works with: settings, catalog and tables, opened once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceDescription, SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.store import Store
from wiki_pipeline.sync.settings import Settings


@dataclass(frozen=True)
class Pipeline:
    """Settings, catalog and one tenant's tables."""

    settings: Settings
    catalog: Catalog
    store: Store

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Iterator[Pipeline]:
        """Open the catalog and the tables, and close them again.

        Raises:
            ConfigurationError, CatalogError, StoreError: one of them can't be opened.
        """
        settings.home.mkdir(parents=True, exist_ok=True)
        with Catalog(settings.catalog_url) as catalog:
            yield cls(settings, catalog, Store(settings.lance_url, settings.tenant))

    def add_configured_sources(self) -> list[SourceKey]:
        """Take the sources that the settings name into the catalog; all of them, by kind and name. Repeatable.

        Raises:
            ConfigurationError: a setting is wrong.
        """
        if unknown := sorted(self.settings.chunks_by_kind.keys() - kinds().keys()):
            raise ConfigurationError(
                f"WIKI_PIPELINE_CHUNKS_BY_KIND names {', '.join(unknown)}, which is no kind of source.",
                f"Kinds of sources are {', '.join(sorted(kinds()))}.",
            )
        configured: dict[SourceKey, str] = {}
        for kind in kinds().values():
            configured.update(kind.configured(self.settings.tenant))
        for key, config in configured.items():
            known = self.catalog.source(key)
            if known is None:
                self.catalog.add_source(key, config)
            elif known.config != config:
                self.catalog.add_source(key, config, known.title, known.url)
        return sorted(configured)

    def describe(self, key: SourceKey, description: SourceDescription) -> None:
        """Take down what the source says it is, where that is new.

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
        kind = kinds().get(key.kind)
        if kind is None:
            raise ConfigurationError(
                f"{key} is of a kind that is not installed.", f"Installed kinds: {', '.join(sorted(kinds()))}."
            )
        home = self.home_of(key)
        home.mkdir(parents=True, exist_ok=True)
        return kind.open(key, entry.config, home)

    def home_of(self, key: SourceKey) -> Path:
        """Folder for the source's own clones and caches."""
        return self.settings.home / "sources" / key.tenant / key.slug
