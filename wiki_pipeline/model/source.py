"""What documents come from: a source and how it is named."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model.hashing import digest

if TYPE_CHECKING:
    from pydantic import SecretStr

_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,30}")
# No comma (breaks Dagster's command line), no white space, no control characters; a slash may not lead anywhere.
_NAME = re.compile(r"[^\s,:\\\x00-\x1f\x7f]{1,200}")


@dataclass(frozen=True, slots=True, order=True)
class SourceKey:
    """One Confluence space or Git repository of one tenant; as text, the Dagster partition `tenant:kind:name`."""

    tenant: str
    kind: str
    name: str

    def __post_init__(self) -> None:
        parts = self.name.split("/")
        if (
            not _TENANT.fullmatch(self.tenant)
            or not _KIND.fullmatch(self.kind)
            or not _NAME.fullmatch(self.name)
            or any(part in {"", ".", ".."} for part in parts)
        ):
            raise ConfigurationError(
                f"{self.tenant}:{self.kind}:{self.name!r} is not a source.",
                "A source is written tenant:kind:name, as default:confluence:ENG or default:git:org/repo, "
                "without spaces, commas or further colons.",
            )

    def __str__(self) -> str:
        return f"{self.tenant}:{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> SourceKey:
        """Read `tenant:kind:name`.

        Raises:
            ConfigurationError: the text is not a source key.
        """
        parts = text.split(":")
        if len(parts) != 3:
            raise ConfigurationError(
                f"{text!r} is not a source.",
                "A source is written tenant:kind:name, as default:confluence:ENG or default:git:org/repo.",
            )
        return cls(*parts)

    @property
    def slug(self) -> str:
        """The source within its tenant as one safe word for table names and addresses, as `git-org-repo-1f3a9c`.

        Names that are safe as they are stay readable; all others get a hash, so two sources never share a slug.
        """
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", self.name)
        readable = f"{self.kind}-{safe}"[:80]
        unchanged = safe == self.name and len(readable) < 80 and not re.search(r"-[0-9a-f]{6}$", safe)
        return readable if unchanged else f"{readable}-{digest(self.name)[:6]}"


DEFAULT_CONNECTION = "default"
_CONNECTION = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SECRET_REF = re.compile(r"(env:[A-Za-z_][A-Za-z0-9_]*(#\S+)?|file:.+|row:\S+)?")


@dataclass(frozen=True, slots=True)
class Connection:
    """A site or host from which sources are read, and where the credential for it is kept. Holds no secret itself.

    Attributes:
        name: unique within the tenant; the settings' own Confluence is `default`.
        url: root of the site, or of the host; the credential is sent nowhere else.
        options: what else the kind needs to know, as the user name.
        secret_ref: `env:NAME` (a setting; `env:NAME#HOST` one host's in a JSON object), `file:PATH` or `row:ID`;
            empty: no credential. `wiki_pipeline.secret_refs` resolves it.
        webhook_secret_ref: likewise where the secrets are with which its webhooks are signed, separated by commas;
            empty: it has none of its own, and those of the settings count for it.
        rows: opens `row:` references of the connection's tenant; set by who reads the connection out of the catalog.

    Raises:
        ConfigurationError: a part can't be used; the message never repeats what may be a secret.
    """

    tenant: str
    kind: str
    name: str
    url: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    secret_ref: str = ""
    webhook_secret_ref: str = ""
    rows: Callable[[str, str], SecretStr] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not _TENANT.fullmatch(self.tenant) or not _KIND.fullmatch(self.kind) or not _CONNECTION.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name[:80]!r} is not a name of a connection.",
                "Names are of lower-case letters, digits, dots, dashes and underscores, 63 characters at most.",
            )
        if not _SECRET_REF.fullmatch(self.secret_ref) or not _SECRET_REF.fullmatch(self.webhook_secret_ref):
            raise ConfigurationError(
                f"The connection {self.name} does not say where its secret is.",
                "Write env:NAME (a variable that holds it) or file:PATH (a file that does), never the secret itself.",
            )
        try:
            has_userinfo = "@" in urlsplit(self.url).netloc
        except ValueError:
            raise ConfigurationError(f"The address of the connection {self.name} can't be read.") from None
        if has_userinfo:
            raise ConfigurationError(
                f"The address of the connection {self.name} holds a user name, password or token.",
                "Leave it out, and say by env:NAME or file:PATH where the secret is.",
            )


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """What a source is, for people.

    Attributes:
        title: the space's name, the repository's name.
        url: where to open it; no credentials.
        details: further facts worth showing, as ("API", "v2").
    """

    title: str
    url: str
    details: tuple[tuple[str, str], ...] = ()
