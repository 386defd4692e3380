"""Settings of the Confluence source. The names without `WIKI_PIPELINE_` are those of the connector it replaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator, SecretStr, field_validator
from pydantic_settings import NoDecode

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.confluence import Site
from wiki_pipeline.settings import Secrets, Words
from wiki_pipeline.sources.confluence.config import Spaces, read_spaces
from wiki_pipeline.sources.http.settings import SiteSettings

# What belongs to one site, and is never taken over from the settings' own site to another one.
CONNECTION_OPTIONS = {
    "username": "Cloud: the account's e-mail address. Data Center: none with a personal access token.",
    "site_url": "The site as people open it, where the address is the API gateway's.",
    "ssl_verify": "true, false, or the path of a CA bundle.",
    "media_hosts": "Where the site may send a download on to, separated by commas.",
    "api": "auto, v1 or v2.",
}


class ConfluenceSettings(SiteSettings):
    """Where Confluence is, who asks, for what, and how hard."""

    _kind: ClassVar[str] = "confluence"
    _options: ClassVar[Mapping[str, str]] = CONNECTION_OPTIONS
    _token_ref: ClassVar[str] = "env:CONFLUENCE_TOKEN"  # noqa: S105 - where the token is
    _webhook_secret_ref: ClassVar[str] = "env:CONFLUENCE_WEBHOOK_SECRET"  # noqa: S105 - likewise

    url: str = Field(
        "",
        validation_alias="CONFLUENCE_URL",
        description="Root of the site with its context path, as https://yourcompany.atlassian.net/wiki.",
    )
    site_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_CONFLUENCE_SITE_URL",
        description="The site as people open it, where CONFLUENCE_URL is the API gateway (api.atlassian.com/ex/...).",
    )
    username: str = Field(
        "",
        validation_alias="CONFLUENCE_USERNAME",
        description="Cloud: the account's e-mail address. Data Center: empty with a personal access token.",
    )
    token: SecretStr = Field(
        SecretStr(""),
        validation_alias="CONFLUENCE_TOKEN",
        description="API token, OAuth token, personal access token or password; sent as Bearer without a user name. "
        "Whatever it sees, everyone in the source's audience sees.",
    )
    spaces: Annotated[Spaces, NoDecode, PlainValidator(read_spaces)] = Field(
        default_factory=Spaces,
        validation_alias="CONFLUENCE_SPACES",
        description='JSON: {"DEV": [], "DOCS": [{"page_id": "123", "get_child_pages": true}]}; []: the whole space.',
    )
    ssl_verify: str = Field(
        "true",
        validation_alias="CONFLUENCE_SSL_VERIFY",
        description="true, false, or the path of a CA bundle (file or folder).",
    )
    max_concurrency: int = Field(
        5,
        ge=1,
        le=64,
        validation_alias="CONFLUENCE_MAX_CONCURRENCY",
        description="Requests under way at once, a source.",
    )
    sync_interval: float = Field(
        86_400,
        ge=0,
        validation_alias="CONFLUENCE_SYNC_INTERVAL",
        description="Seconds after which a source that was not brought up to date is reloaded; 0: never.",
    )
    max_ingestion_tasks: int = Field(
        5,
        ge=1,
        le=100,
        validation_alias="CONFLUENCE_MAX_INGESTION_TASKS",
        description="Confluence sources synced at the same time.",
    )
    api: Literal["auto", "v1", "v2"] = Field(
        "auto",
        validation_alias="WIKI_PIPELINE_CONFLUENCE_API",
        description="REST API: auto asks the site once and prefers v2.",
    )
    http2: bool = Field(
        True, validation_alias="WIKI_PIPELINE_CONFLUENCE_HTTP2", description="Use HTTP/2 where the site offers it."
    )
    connect_timeout: float = Field(
        10.0, gt=0, validation_alias="WIKI_PIPELINE_CONFLUENCE_CONNECT_TIMEOUT", description="Seconds to connect."
    )
    read_timeout: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_CONFLUENCE_READ_TIMEOUT", description="Seconds of silence allowed."
    )
    request_timeout: float = Field(
        120.0, gt=0, validation_alias="WIKI_PIPELINE_CONFLUENCE_REQUEST_TIMEOUT", description="Seconds a try may take."
    )
    tries: int = Field(
        4, ge=1, le=20, validation_alias="WIKI_PIPELINE_CONFLUENCE_TRIES", description="Tries a request."
    )
    max_wait: float = Field(
        60.0,
        ge=0,
        le=600,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_MAX_WAIT",
        description="Most seconds between two tries, whatever Retry-After says.",
    )
    list_limit: int = Field(
        250,
        ge=2,
        le=1000,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_LIST_LIMIT",
        description="Pages a request when listing; the site may give fewer.",
    )
    body_limit: int = Field(
        100,
        ge=1,
        le=250,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_BODY_LIMIT",
        description="Pages a request when their bodies come along.",
    )
    max_list_requests: int = Field(
        20_000,
        ge=1,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_MAX_LIST_REQUESTS",
        description="A listing that is not at its end after so many requests is given up.",
    )
    max_response_bytes: int = Field(
        32_000_000,
        ge=100_000,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_MAX_RESPONSE_BYTES",
        description="Larger answers are not read; batches are split instead. Bounds memory.",
    )

    media_hosts: Words = Field(
        ("https://api.media.atlassian.com", "https://media-cdn.atlassian.com"),
        validation_alias="WIKI_PIPELINE_CONFLUENCE_MEDIA_HOSTS",
        description="Where the site may send a download on to (without credentials), separated by commas.",
    )

    @field_validator("media_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(Site.parse(part if "://" in part else f"https://{part}").origin for part in value)
        except ConfigurationError as error:
            raise ValueError(error.message) from None

    restricted: bool = Field(
        False,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_RESTRICTED",
        description="true: also keep pages that are, or stand below, pages that not everybody may read.",
    )
    webhook_secret: Secrets = Field(
        (),
        validation_alias="CONFLUENCE_WEBHOOK_SECRET",
        description="Secret with which webhooks are signed; several, with commas between, while it is being changed.",
    )
    accept_unsigned_webhooks: bool = Field(
        False,
        validation_alias="WIKI_PIPELINE_CONFLUENCE_ACCEPT_UNSIGNED_WEBHOOKS",
        description="true: without a secret, take webhooks from anybody who reaches the gateway.",
    )

    @field_validator("url", "site_url")
    @classmethod
    def _root(cls, value: str) -> str:
        try:
            return Site.parse(value).root if value.strip() else ""
        except ConfigurationError as error:
            raise ValueError(error.message) from None
