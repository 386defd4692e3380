"""Who may use the gateway."""

from __future__ import annotations

import ipaddress
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wiki_pipeline.settings import HomeSettings, Secrets, Words

Kind = Literal["oidc", "keycloak", "entra", "google", "gitlab", "github"]
RoleName = Literal["reader", "editor", "admin", "operator"]
_GOOGLE = "https://accounts.google.com"
_GITHUB = "https://github.com"
_GITLAB = "https://gitlab.com"
_ALL_OF_AZURE = {"common", "organizations", "consumers"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class ProviderSettings(BaseModel):
    """An identity provider: who it is, and what its word is worth.

    Attributes:
        name: in addresses (`/login/NAME/callback`), short.
        secret: where the client's secret is, `env:NAME` or `file:PATH`; empty: a public client.
        scopes: beside `openid`.
        hosted_domain: Google's: whose accounts may log in.
        domains: of e-mail addresses; none: any. Only verified addresses count.
        trusts_addresses: an address counts as verified where the provider does not say so.
        roles_claim, roles: where the provider says what somebody is (`realm_access.roles`), and which word means which
            role here. With them the provider decides at each login anew, and takes away what it gave.
        default_role: of people who log in for the first time, or whom the provider gives no role; none: they need an
            invitation.
        groups_claim: where it lists groups.
        tenant: whose members they become; empty: that of the settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")
    kind: Kind = "oidc"
    title: str = Field("", max_length=60)
    issuer: str = ""
    client_id: str = Field(min_length=1, max_length=300)
    secret: str = ""
    scopes: tuple[str, ...] = ("profile", "email")
    hosted_domain: str = ""
    domains: tuple[str, ...] = ()
    trusts_addresses: bool | None = None
    roles_claim: str = ""
    roles: dict[str, RoleName] = Field(default_factory=dict)
    default_role: Literal["reader", "editor", "admin"] | None = None
    groups_claim: str = ""
    tenant: str = ""

    @model_validator(mode="before")
    @classmethod
    def _known_issuers(cls, given: Any) -> Any:
        known = {"google": _GOOGLE, "github": _GITHUB, "gitlab": _GITLAB}
        if isinstance(given, dict) and not given.get("issuer") and given.get("kind") in known:
            return {**given, "issuer": known[given["kind"]]}
        return given

    @field_validator("issuer")
    @classmethod
    def _address(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
            raise ValueError("expected the address of the issuer, as its discovery document names it")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("an issuer is asked by https")
        return value

    @model_validator(mode="after")
    def _whole(self) -> ProviderSettings:
        if self.kind == "google" and not self.hosted_domain:
            raise ValueError("Google has accounts for anybody: set hosted_domain to your organisation's")
        if self.kind == "entra" and _ALL_OF_AZURE & set(urlsplit(self.issuer).path.split("/")):
            raise ValueError("name one directory in the issuer: `common` lets in every tenant of Azure")
        if bool(self.roles) != bool(self.roles_claim):
            raise ValueError("roles and roles_claim go together")
        if self.kind == "github" and (self.roles or self.groups_claim):
            raise ValueError("GitHub says nothing of roles and groups: leave them out")
        return self

    @property
    def shown(self) -> str:
        """How people know it."""
        return self.title or {"entra": "Microsoft", "google": "Google", "github": "GitHub"}.get(self.kind, self.name)

    @property
    def trusts(self) -> bool:
        """Whether an address counts as verified where the provider is silent. Entra never says; its directory, of
        which exactly one is named, is its administrators'."""
        return self.kind == "entra" if self.trusts_addresses is None else self.trusts_addresses


class AccessSettings(HomeSettings):
    """Settings of access."""

    api_tokens: Secrets = Field(
        (),
        validation_alias="WIKI_PIPELINE_API_TOKENS",
        description="Tokens of which every request to the gateway has to bring one; several, with commas between, "
        "while one is being changed. Who has one may do everything. Without any, and without people who log in, the "
        "gateway serves its own machine only.",
    )
    providers: tuple[ProviderSettings, ...] = Field(
        (),
        validation_alias="WIKI_PIPELINE_LOGIN_PROVIDERS",
        description="Identity providers by which people log in, as a JSON list: see deploy/ACCESS.md.",
    )
    passwords: Literal["off", "admins", "everybody"] = Field(
        "admins",
        validation_alias="WIKI_PIPELINE_PASSWORDS",
        description="Who may log in with a password: nobody; admins and operators, for when the provider is down; or "
        "everybody, which turns login on without a provider.",
    )
    session_idle_hours: float = Field(
        24.0,
        gt=0,
        le=24 * 30,
        validation_alias="WIKI_PIPELINE_SESSION_IDLE_HOURS",
        description="A session of a browser ends when it was not used for so long.",
    )
    session_hours: float = Field(
        168.0,
        gt=0,
        le=24 * 90,
        validation_alias="WIKI_PIPELINE_SESSION_HOURS",
        description="A session of a browser ends after so long, however much it is used.",
    )
    token_days: int = Field(
        365,
        ge=1,
        le=3_650,
        validation_alias="WIKI_PIPELINE_TOKEN_DAYS",
        description="API tokens of people last no longer than that.",
    )
    access_cache_seconds: float = Field(
        2.0,
        ge=0,
        le=60,
        validation_alias="WIKI_PIPELINE_ACCESS_CACHE_SECONDS",
        description="For so long the gateway remembers whose a session or token is. What is changed by it counts at "
        "once; what another process changes, after that time at the latest. 0: the catalog is asked each time.",
    )
    proxies: Words = Field(
        (),
        validation_alias="WIKI_PIPELINE_GATEWAY_PROXIES",
        description="Addresses or networks of proxies whose X-Forwarded-For is believed; with commas between.",
    )
    audit_days: int = Field(
        365,
        ge=0,
        validation_alias="WIKI_PIPELINE_AUDIT_DAYS",
        description="The audit is kept for so long; 0: for ever.",
    )

    @field_validator("providers")
    @classmethod
    def _named_once(cls, value: tuple[ProviderSettings, ...]) -> tuple[ProviderSettings, ...]:
        names = [provider.name for provider in value]
        if len(set(names)) < len(names) or "local" in names:
            raise ValueError("each provider has a name of its own, and none is called local")
        if len({provider.issuer for provider in value}) < len(value):
            raise ValueError("two providers have the same issuer")
        return value

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ipaddress.ip_network(text, strict=False)
        return value

    @property
    def people(self) -> bool:
        """Whether people log in."""
        return bool(self.providers) or self.passwords == "everybody"


class SealingSettings(HomeSettings):
    """Settings of sealed secrets."""

    master_key: Secrets = Field(
        (),
        validation_alias="WIKI_PIPELINE_MASTER_KEY",
        description="Master key of the secrets in the catalog: 32 bytes in base64 or hex (`openssl rand -base64 32`). "
        "Two with a comma between while it is changed, the new one first. On a laptop without one, `master.key` is "
        "made in the home folder when it is first needed; a cluster must be given one.",
    )
    master_key_file: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_MASTER_KEY_FILE",
        description="A file with the master key instead, or with the new and the old one in a line each.",
    )
