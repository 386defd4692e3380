"""Where the tables are, and with what they are reached."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field, SecretStr

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.settings import HomeSettings
from wiki_pipeline.store.storage import Storage

_REFERENCES = ("env:", "file:")


class StoreSettings(HomeSettings):
    """Settings of the tables."""

    storage_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_STORAGE_URL",
        description="Where the LanceDB tables are: a folder, s3://, gs:// or az://; empty: `lance` in the home folder.",
    )
    storage_endpoint: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_STORAGE_ENDPOINT",
        description="Address of the object store, where it is not its provider's own, as https://minio.company.com.",
    )
    storage_region: str = Field(
        "", validation_alias="WIKI_PIPELINE_STORAGE_REGION", description="Region of the bucket (S3)."
    )
    storage_options: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_STORAGE_OPTIONS",
        description="More options of the object store, as a JSON object by Lance's names; a secret is referred to, as "
        '{"aws_access_key_id": "env:NAME", "aws_secret_access_key": "file:/run/secrets/key"}. Without, the '
        "provider's own environment variables count, as AWS_ACCESS_KEY_ID or the pod's role.",
    )
    storage_tenants: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_STORAGE_TENANTS",
        description='Options of one tenant, which come before the others: {"acme": {"aws_access_key_id": "env:NAME"}}.',
    )

    @property
    def lance_url(self) -> str:
        """Root of the LanceDB tables, without the tenant."""
        return self.storage_url or str(self.home / "lance")

    @property
    def storage(self) -> Storage:
        """The root of the tables, with what reaches it for the default tenant; errors as `storage_of`."""
        return self.storage_of(self.tenant)

    def storage_of(self, tenant: str) -> Storage:
        """The root of the tables, with what reaches it for a tenant.

        Raises:
            ConfigurationError: not an address that tables can be kept at, or a secret that is referred to is missing.
        """
        place = Storage.at(self.lance_url)
        options = self.storage_options_of(place.url, tenant)
        if place.is_folder and options:
            raise ConfigurationError(
                "Options of an object store are set, but the tables are in a folder.",
                "Set WIKI_PIPELINE_STORAGE_URL to s3://bucket/prefix (or gs://, az://), or take the options out.",
            )
        return Storage(place.url, options)

    def storage_options_of(self, url: str, tenant: str = "") -> dict[str, str]:
        """What reaches a bucket of this installation, with secrets in it: for a tenant; empty: for the default one.

        Raises:
            ConfigurationError: a setting is wrong, or a secret that is referred to is missing.
        """
        own = _object("WIKI_PIPELINE_STORAGE_TENANTS", self.storage_tenants).get(tenant or self.tenant, {})
        given = {**self._common(url), **_object("WIKI_PIPELINE_STORAGE_OPTIONS", self.storage_options), **own}
        return {name: _value(name, str(value)) for name, value in given.items()}

    def _common(self, url: str) -> dict[str, str]:
        scheme = url.partition("://")[0]
        options = {}
        if self.storage_endpoint:
            options[{"az": "azure_endpoint", "gs": "google_base_url"}.get(scheme, "aws_endpoint")] = (
                self.storage_endpoint.rstrip("/")
            )
            if self.storage_endpoint.startswith("http://"):
                options["allow_http"] = "true"
        if self.storage_region:
            options["aws_region"] = self.storage_region
        return options


def _object(name: str, setting: SecretStr) -> dict[str, Any]:
    """A JSON object, as it is written in the environment; it may hold secrets, so that the message does not show it."""
    text = setting.get_secret_value().strip()
    try:
        found = json.loads(text) if text else {}
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{name} is not a JSON object.", 'Write it as {"aws_region": "eu-central-1"}.')
    return found


def _value(name: str, value: str) -> str:
    if value.startswith(_REFERENCES):
        return resolve(value, f"storage option {name}").get_secret_value()
    return value
