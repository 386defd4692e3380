"""What the settings of every product share that is read over HTTP: one site of their own, and those of connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr, SecretStr, field_validator

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import DEFAULT_CONNECTION, Connection
from wiki_pipeline.secret_refs import resolve
from wiki_pipeline.settings import Secrets, SettingsGroup, load


class SiteSettings(SettingsGroup):
    """Settings of a product with sites: its group declares `url`, `site_url`, `username`, `token`, `ssl_verify` and
    more, under its own variables. Times in seconds."""

    _kind: ClassVar[str]
    _options: ClassVar[Mapping[str, str]]
    """What belongs to one site, and is never taken over from the settings' own site to another one."""
    _token_ref: ClassVar[str]
    _webhook_secret_ref: ClassVar[str]
    _own: ClassVar[str] = DEFAULT_CONNECTION
    """Name of the connection that the settings themselves name."""
    # Of a connection that is not the settings' own.
    _connection: str = PrivateAttr("")

    url: str
    site_url: str
    username: str
    token: SecretStr
    webhook_secret: Secrets
    ssl_verify: str
    media_hosts: tuple[str, ...]
    http2: bool
    max_concurrency: int
    connect_timeout: float
    read_timeout: float
    request_timeout: float
    tries: int
    max_wait: float
    max_response_bytes: int

    @field_validator("ssl_verify", mode="before")
    @classmethod
    def _verify(cls, value: Any) -> str:
        text = str(value).strip()
        if text.lower() in {"", "true", "1", "yes", "on"}:
            return "true"
        if text.lower() in {"false", "0", "no", "off"}:
            return "false"
        if not Path(text).expanduser().exists():
            raise ValueError("is neither true nor false, and there is no such file or folder of CA certificates")
        return str(Path(text).expanduser())

    @property
    def public_url(self) -> str:
        """The site's root as people open it."""
        return self.site_url or self.url

    @property
    def connection(self) -> str:
        """Name of the connection that these are for; empty for the settings' own site."""
        return self._connection

    def as_connection(self, tenant: str) -> Connection | None:
        """The site of the settings; None if they name none."""
        if not self.url:
            return None
        options = {name: _plain(getattr(self, name)) for name in self._options if name in self.model_fields_set}
        given = {name: value for name, value in options.items() if value}
        token = self._token_ref if self.token.get_secret_value() else ""
        webhooks = self._webhook_secret_ref if self.webhook_secret else ""
        return Connection(tenant, self._kind, self._own, self.url, given, token, webhooks)

    @classmethod
    def for_connection(cls, connection: Connection) -> Self:
        """The settings with all that belongs to one site as the connection says.

        Raises:
            ConfigurationError: its secret is missing, or its address or an option can't be used; names it.
        """
        return cls._of(connection, resolve(connection.secret_ref, f"connection {connection.name}", connection.rows))

    @classmethod
    def checked(cls, connection: Connection) -> Connection:
        """The connection with its address in one form; errors as `for_connection`, without looking for its secret."""
        if unknown := sorted(connection.options.keys() - cls._options):
            raise ConfigurationError(
                f"A {cls._kind.capitalize()} connection has no option {unknown[0]}.",
                f"There are {', '.join(cls._options)}.",
            )
        return replace(connection, url=cls._of(connection, SecretStr("")).url)

    @classmethod
    def _of(cls, connection: Connection, token: SecretStr) -> Self:
        site = {name: cls.model_fields[name].default for name in cls._options} | dict(connection.options)
        try:
            settings = load(cls, url=connection.url, token=token, **site)
        except ConfigurationError as error:
            raise ConfigurationError(f"The connection {connection.name}: {error.message}", error.advice) from None
        if connection.name != cls._own:
            settings._connection = connection.name  # noqa: SLF001 - its own
        return settings


def _plain(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
