"""Where the catalog is."""

from __future__ import annotations

from pydantic import Field, SecretStr

from wiki_pipeline.settings import HomeSettings


class CatalogSettings(HomeSettings):
    """Settings of the catalog."""

    database_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_DATABASE_URL",
        description="SQLAlchemy address of the catalog; empty: SQLite in the home folder.",
    )

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy address of the catalog; may hold a password."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.home / 'catalog.sqlite'}"
