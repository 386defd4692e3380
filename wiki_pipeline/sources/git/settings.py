"""Settings of the Git source, and what one repository of theirs is."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pathspec import GitIgnoreSpec
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import NoDecode

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import Connection
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.settings import Secrets, SettingsGroup

_WEBHOOK_SECRET = "env:WIKI_PIPELINE_GIT_WEBHOOK_SECRET"  # noqa: S105 - where it is
_TOKEN, _TOKENS = "env:WIKI_PIPELINE_GIT_TOKEN", "env:WIKI_PIPELINE_GIT_TOKENS"

# What Git allows in the name of a branch or tag (git help check-ref-format), without those that begin with a dash.
_REF = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|/\.|@\{|\.lock(?:/|$)))[^\x00-\x20\x7f~^:?*\[\\]{1,255}(?<![/.])")

# Text, but neither documentation, source code nor configuration. In gitignore's syntax.
DEFAULT_EXCLUDE = (
    "*.csv", "*.tsv", "*.jsonl", "*.ndjson", "*.geojson", "*.svg", "*.log", "*.patch", "*.diff", "*.po", "*.pot",
    ".gitattributes", ".gitignore", ".gitkeep", ".gitmodules", ".git-blame-ignore-revs", ".mailmap",
)  # fmt: skip


class Repository(BaseModel):
    """One repository as the settings name it, and as the catalog keeps it (JSON). No credentials.

    Attributes:
        url: https, http, ssh or file address, `git@host:path`, or a local path.
        branch: branch or tag; empty follows the repository's default branch, wherever that goes.
        name: of the source; empty takes it from the address.
        include, exclude: as the settings of the same name, for this repository instead of those.
        forge: the kind of server, where the host's name does not show it.
        asked: requested over HTTP: only fetched from hosts that strangers may name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str
    branch: str = ""
    name: str = ""
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    forge: Literal["", "github", "gitlab", "bitbucket", "bitbucket-server", "gitea", "azure"] = ""
    asked: bool = False

    @classmethod
    def parse(cls, config: str) -> Repository:
        """Read the JSON that the catalog keeps.

        Raises:
            ConfigurationError: it is not a repository's; says what is wrong.
        """
        try:
            return cls.model_validate_json(config)
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors())
            raise ConfigurationError(
                f"The config of a Git source can't be used: {problems}.", "Remove the source and add it again."
            ) from None

    def dump(self) -> str:
        """The JSON, always the same for the same repository."""
        return json.dumps(self.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)

    @property
    def address(self) -> Address:
        """The address, taken apart."""
        return Address.parse(self.url)

    @field_validator("url")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            return Address.parse(value).url
        except ConfigurationError as error:
            raise ValueError(str(error)) from None

    @field_validator("branch")
    @classmethod
    def _ref(cls, value: str) -> str:
        value = value.removeprefix("refs/heads/").removeprefix("refs/tags/")
        if value and not _REF.fullmatch(value):
            raise ValueError("is not the name of a branch or tag")
        return value

    @field_validator("include", "exclude")
    @classmethod
    def _globs(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else checked_globs(value)


class GitSettings(SettingsGroup):
    """Which repositories, with which credentials, and which of their files."""

    repositories: Annotated[tuple[Repository, ...], NoDecode] = Field(
        (),
        validation_alias="WIKI_PIPELINE_GIT_REPOSITORIES",
        description='JSON: [{"url": "https://github.com/org/repo", "branch": "main"}]; optional are branch (or tag), '
        "name, include, exclude and forge.",
    )
    token: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_GIT_TOKEN",
        description="Token for the one https host of WIKI_PIPELINE_GIT_REPOSITORIES; it is sent to no other host. "
        "Whatever it sees, everyone in the audience of each source sees.",
    )
    tokens: Annotated[dict[str, SecretStr], NoDecode] = Field(
        default_factory=dict,
        validation_alias="WIKI_PIPELINE_GIT_TOKENS",
        description='JSON: {"gitlab.company.com": "token", "bitbucket.company.com": "user:token"}, each sent to its '
        'host only. A host without TLS must be written as "http://host".',
    )
    include: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        validation_alias="WIKI_PIPELINE_GIT_INCLUDE",
        description="Only these files, in gitignore's syntax (JSON list, or one a line); empty: all. Files named here "
        "are taken even if they look vendored or generated.",
    )
    exclude: Annotated[tuple[str, ...], NoDecode] = Field(
        DEFAULT_EXCLUDE,
        validation_alias="WIKI_PIPELINE_GIT_EXCLUDE",
        description="Not these files, in gitignore's syntax (JSON list, or one a line); replaces the default.",
    )
    max_file_bytes: int = Field(
        1_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_GIT_MAX_FILE_BYTES",
        description="Larger files are left out and counted.",
    )
    max_files: int = Field(
        500_000,
        ge=1,
        validation_alias="WIKI_PIPELINE_GIT_MAX_FILES",
        description="A repository with more files is refused: a tree of a few bytes can name billions.",
    )
    timeout: float = Field(
        1800.0, gt=0, validation_alias="WIKI_PIPELINE_GIT_TIMEOUT", description="Seconds one Git command may take."
    )
    stall_timeout: int = Field(
        60,
        ge=1,
        validation_alias="WIKI_PIPELINE_GIT_STALL_TIMEOUT",
        description="Seconds without data after which a transfer is given up.",
    )
    tries: int = Field(3, ge=1, le=20, validation_alias="WIKI_PIPELINE_GIT_TRIES", description="Tries of a transfer.")
    max_wait: float = Field(
        30.0, ge=0, le=600, validation_alias="WIKI_PIPELINE_GIT_MAX_WAIT", description="Most seconds between two tries."
    )
    ssh_command: str = Field(
        "ssh",
        validation_alias="WIKI_PIPELINE_GIT_SSH_COMMAND",
        description="OpenSSH client, with options if need be (`ssh -i /keys/deploy`); never asks, and keeps to "
        "~/.ssh/config, known_hosts and the agent.",
    )

    webhook_secret: Secrets = Field(
        (),
        validation_alias="WIKI_PIPELINE_GIT_WEBHOOK_SECRET",
        description="Secret of the push webhooks; several, with commas between, while it is being changed.",
    )
    accept_unsigned_webhooks: bool = Field(
        False,
        validation_alias="WIKI_PIPELINE_GIT_ACCEPT_UNSIGNED_WEBHOOKS",
        description="true: without a secret, take push webhooks from anybody who reaches the gateway.",
    )

    allow_private_addresses: bool = Field(
        False,
        validation_alias="WIKI_PIPELINE_GIT_ALLOW_PRIVATE_ADDRESSES",
        description="true: repositories on private networks, and over http, may be asked for over HTTP.",
    )

    @field_validator("repositories", mode="before")
    @classmethod
    def _repositories(cls, value: Any) -> Any:
        return _json(value, list, '[{"url": "https://github.com/org/repo"}]')

    @field_validator("tokens", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        tokens = _json(value, dict, '{"gitlab.company.com": "token"}')
        return {origin_of(host): token for host, token in tokens.items()}

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _globs(cls, value: Any) -> Any:
        if isinstance(value, str):
            lines = [line.strip() for line in value.splitlines()]
            is_json = value.lstrip().startswith("[")
            value = _json(value, list, '["docs/**", "*.md"]') if is_json else [line for line in lines if line]
        return checked_globs(value)

    @model_validator(mode="after")
    def _one_host_for_the_token(self) -> GitSettings:
        if self.token.get_secret_value() and len(self.hosts_of_the_token) > 1:
            hosts = ", ".join(sorted(self.hosts_of_the_token))
            raise ValueError(
                f"WIKI_PIPELINE_GIT_TOKEN is for one host, and the repositories are on several ({hosts}); "
                "set WIKI_PIPELINE_GIT_TOKENS to a JSON object of hosts and tokens instead"
            )
        return self

    @property
    def hosts_of_the_token(self) -> set[str]:
        """The https hosts of the repositories that have no token of their own in `tokens`."""
        addresses = [repository.address for repository in self.repositories]
        origins = {f"https://{address.host}" for address in addresses if address.scheme == "https"}
        return {origin.removeprefix("https://") for origin in origins - self.tokens.keys()}

    def connections(self, tenant: str) -> list[Connection]:
        """The hosts that there is a token for, each as a connection of its own."""
        refs = {origin: f"{_TOKENS}#{origin}" for origin, token in self.tokens.items() if token.get_secret_value()}
        if self.token.get_secret_value() and len(self.hosts_of_the_token) == 1:
            refs[f"https://{next(iter(self.hosts_of_the_token))}"] = _TOKEN
        webhooks = _WEBHOOK_SECRET if self.webhook_secret else ""
        return [
            Connection(tenant, "git", connection_name(origin), origin, {}, ref, webhooks)
            for origin, ref in refs.items()
        ]

    def for_connection(self, connection: Connection | None) -> GitSettings:
        """The settings with the connection's token, for its host alone; without a connection there is none.

        Raises:
            ConfigurationError: its secret is missing.
        """
        tokens = {}
        if connection is not None:
            secret = resolve(connection.secret_ref, f"connection {connection.name}", connection.rows)
            tokens = {connection.url: with_user(secret, connection.options.get("username", ""))}
        return self.model_copy(update={"token": SecretStr(""), "tokens": tokens})

    def token_of(self, address: Address) -> str:
        """The token for an address: one configured for exactly its scheme, host and port; empty if none is."""
        own = self.tokens.get(f"{address.scheme}://{address.host}")
        if own is not None:
            return own.get_secret_value()
        for_all = address.scheme == "https" and self.hosts_of_the_token == {address.host}
        return self.token.get_secret_value() if for_all else ""


def connection_name(origin: str) -> str:
    """The name of the connection that the settings make for a host, as `gitlab.company.com`."""
    return re.sub(r"[^a-z0-9._-]+", "-", origin.removeprefix("https://")).strip("-._")[:63]


def with_user(secret: SecretStr, user: str) -> SecretStr:
    """A token with the user name that goes with it, as `WIKI_PIPELINE_GIT_TOKENS` has both."""
    return SecretStr(f"{user}:{secret.get_secret_value()}") if user and secret.get_secret_value() else secret


def checked_globs(globs: Any) -> tuple[str, ...]:
    """Patterns in gitignore's syntax.

    Raises:
        ValueError: not a list of texts, or one of them is not a pattern.
    """
    if not isinstance(globs, list | tuple) or not all(isinstance(glob, str) for glob in globs):
        raise ValueError('expected a list of patterns, as ["docs/**", "*.md"]')
    try:
        GitIgnoreSpec.from_lines(globs)
    except ValueError as error:
        raise ValueError(f"not a pattern in gitignore's syntax: {error}") from None
    return tuple(globs)


def _json(value: Any, shape: type, example: str) -> Any:
    """JSON text, or what a configuration file made of it, checked to be a list or an object."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else shape()
        except json.JSONDecodeError as error:
            raise ValueError(
                f"not JSON ({error.msg} at line {error.lineno} column {error.colno}); expected {example}"
            ) from None
    if not isinstance(value, shape | tuple):
        raise ValueError(f"expected {example}")  # noqa: TRY004 - pydantic reads ValueErrors
    return value


def origin_of(host: str) -> str:
    """`https://host[:port]` of what people write for a host; `http://` only where they wrote it.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(host if "://" in host else f"https://{host}")
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc:
        raise ValueError("its keys are hosts, as gitlab.company.com, gitlab.company.com:8443 or http://gitlab.local")
    default = {"https": 443, "http": 80}[parts.scheme]
    port = "" if parts.port in {None, default} else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"
