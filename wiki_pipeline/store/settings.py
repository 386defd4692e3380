"""Where the tables are."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.settings import HomeSettings


class StoreSettings(HomeSettings):
    """Settings of the tables."""

    storage_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_STORAGE_URL",
        description="Where the LanceDB tables are; empty: `lance` in the home folder.",
    )

    @property
    def lance_url(self) -> str:
        """Root of the LanceDB tables, without the tenant."""
        return self.storage_url or str(self.home / "lance")
