"""Settings of the Jira source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainValidator, SecretStr, field_validator
from pydantic_settings import NoDecode

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.jira import Site
from wiki_pipeline.settings import Secrets, Words
from wiki_pipeline.sources.http.settings import SiteSettings
from wiki_pipeline.sources.jira.config import Projects, read_projects

CONNECTION_OPTIONS = {
    "username": "Cloud: the account's e-mail address. Data Center: none with a personal access token.",
    "site_url": "The site as people open it, where the address is the API gateway's.",
    "ssl_verify": "true, false, or the path of a CA bundle.",
    "media_hosts": "Where the site may send a download on to, separated by commas.",
    "flavour": "auto, cloud or datacenter.",
}
OWN_CONNECTION = "jira"


class JiraSettings(SiteSettings):
    """Where Jira is, who asks, for what, and how hard."""

    _kind: ClassVar[str] = "jira"
    _options: ClassVar[Mapping[str, str]] = CONNECTION_OPTIONS
    _token_ref: ClassVar[str] = "env:JIRA_TOKEN"  # noqa: S105 - where the token is
    _webhook_secret_ref: ClassVar[str] = "env:JIRA_WEBHOOK_SECRET"  # noqa: S105 - likewise
    _own: ClassVar[str] = OWN_CONNECTION

    url: str = Field(
        "",
        validation_alias="JIRA_URL",
        description="Root of the site, as https://yourcompany.atlassian.net; Data Center's with its context path.",
    )
    site_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_JIRA_SITE_URL",
        description="The site as people open it, where JIRA_URL is the API gateway (api.atlassian.com/ex/jira/...).",
    )
    username: str = Field(
        "",
        validation_alias="JIRA_USERNAME",
        description="Cloud: the account's e-mail address. Data Center: empty with a personal access token.",
    )
    token: SecretStr = Field(
        SecretStr(""),
        validation_alias="JIRA_TOKEN",
        description="API token, scoped or not, or personal access token; sent as Bearer without a user name. "
        "Whatever it sees, everyone in the source's audience sees.",
    )
    projects: Annotated[Projects, NoDecode, PlainValidator(read_projects)] = Field(
        default_factory=Projects,
        validation_alias="JIRA_PROJECTS",
        description='JSON: {"OPS": [], "DEV": [{"jql": "component = api"}]}; []: the whole project.',
    )
    ssl_verify: str = Field(
        "true", validation_alias="JIRA_SSL_VERIFY", description="true, false, or the path of a CA bundle."
    )
    max_concurrency: int = Field(
        5, ge=1, le=64, validation_alias="JIRA_MAX_CONCURRENCY", description="Requests under way at once, a source."
    )
    webhook_secret: Secrets = Field(
        (),
        validation_alias="JIRA_WEBHOOK_SECRET",
        description="Secret with which webhooks are signed; several, with commas between, while it is being changed.",
    )
    accept_unsigned_webhooks: bool = Field(
        False,
        validation_alias="WIKI_PIPELINE_JIRA_ACCEPT_UNSIGNED_WEBHOOKS",
        description="true: without a secret, take webhooks from anybody who reaches the gateway.",
    )
    sync_interval: float = Field(
        86_400,
        ge=0,
        validation_alias="WIKI_PIPELINE_JIRA_SYNC_INTERVAL",
        description="Seconds after which a source that was not brought up to date is reloaded; 0: never.",
    )
    max_ingestion_tasks: int = Field(
        5,
        ge=1,
        le=100,
        validation_alias="WIKI_PIPELINE_JIRA_MAX_INGESTION_TASKS",
        description="Jira sources synced at the same time.",
    )
    flavour: Literal["auto", "cloud", "datacenter"] = Field(
        "auto", validation_alias="WIKI_PIPELINE_JIRA_FLAVOUR", description="Which Jira it is: auto asks the site once."
    )
    gateway: str = Field(
        "https://api.atlassian.com",
        validation_alias="WIKI_PIPELINE_JIRA_GATEWAY",
        description="Where Cloud takes scoped tokens, which it refuses at the site's own address.",
    )
    comments: bool = Field(True, validation_alias="WIKI_PIPELINE_JIRA_COMMENTS", description="Keep comments.")
    restricted: bool = Field(
        False,
        validation_alias="WIKI_PIPELINE_JIRA_RESTRICTED",
        description="true: also keep issues with a security level and comments that not everybody may see.",
    )
    worklogs: bool = Field(False, validation_alias="WIKI_PIPELINE_JIRA_WORKLOGS", description="Keep worklogs.")
    history: bool = Field(
        False, validation_alias="WIKI_PIPELINE_JIRA_HISTORY", description="Keep what was changed, when and by whom."
    )
    fields: Words = Field(
        (),
        validation_alias="WIKI_PIPELINE_JIRA_FIELDS",
        description="Names of custom fields to show, separated by commas, as Story Points.",
    )
    list_limit: int = Field(
        1000,
        ge=2,
        le=5000,
        validation_alias="WIKI_PIPELINE_JIRA_LIST_LIMIT",
        description="Issues a request when listing; the site may give fewer.",
    )
    body_limit: int = Field(
        100,
        ge=1,
        le=100,
        validation_alias="WIKI_PIPELINE_JIRA_BODY_LIMIT",
        description="Issues a request when fetching.",
    )
    max_list_requests: int = Field(
        20_000,
        ge=1,
        validation_alias="WIKI_PIPELINE_JIRA_MAX_LIST_REQUESTS",
        description="A listing that is not at its end after so many requests is given up.",
    )
    http2: bool = Field(True, validation_alias="WIKI_PIPELINE_JIRA_HTTP2", description="Use HTTP/2 where there is.")
    connect_timeout: float = Field(
        10.0, gt=0, validation_alias="WIKI_PIPELINE_JIRA_CONNECT_TIMEOUT", description="Seconds to connect."
    )
    read_timeout: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_JIRA_READ_TIMEOUT", description="Seconds of silence allowed."
    )
    request_timeout: float = Field(
        120.0, gt=0, validation_alias="WIKI_PIPELINE_JIRA_REQUEST_TIMEOUT", description="Seconds a try may take."
    )
    tries: int = Field(4, ge=1, le=20, validation_alias="WIKI_PIPELINE_JIRA_TRIES", description="Tries a request.")
    max_wait: float = Field(
        60.0,
        ge=0,
        le=600,
        validation_alias="WIKI_PIPELINE_JIRA_MAX_WAIT",
        description="Most seconds between two tries, whatever Retry-After says.",
    )
    max_response_bytes: int = Field(
        32_000_000,
        ge=100_000,
        validation_alias="WIKI_PIPELINE_JIRA_MAX_RESPONSE_BYTES",
        description="Larger answers are not read; batches are split instead. Bounds memory.",
    )
    media_hosts: Words = Field(
        ("https://api.media.atlassian.com", "https://media-cdn.atlassian.com"),
        validation_alias="WIKI_PIPELINE_JIRA_MEDIA_HOSTS",
        description="Where the site may send a download on to (without credentials), separated by commas.",
    )

    @field_validator("media_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(Site.parse(part if "://" in part else f"https://{part}").origin for part in value)
        except ConfigurationError as error:
            raise ValueError(error.message) from None

    @field_validator("url", "site_url", "gateway")
    @classmethod
    def _root(cls, value: str) -> str:
        try:
            return Site.parse(value).root if value.strip() else ""
        except ConfigurationError as error:
            raise ValueError(error.message) from None
