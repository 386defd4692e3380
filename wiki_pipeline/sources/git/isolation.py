"""The environment that Git runs in: nothing of the caller's repository, nothing that a repository could abuse.

Two kinds of commands, two environments. Commands on our own clone see no configuration but ours, so that the same
commit gives the same rows on every machine. Commands that talk to a server also see the user's own Git configuration,
because proxies, certificate authorities and address rewriting live there; what could run a program or ask a person is
overridden. Credentials are only ever in the environment, scoped by Git itself to the host that they are for: not in
an address, a file or an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline.links.repository import Address
from wiki_pipeline.sources.git.credentials import Credential
from wiki_pipeline.sources.git.reach import Pin
from wiki_pipeline.sources.git.settings import GitSettings

# Of the caller's environment only these reach Git. Not GIT_DIR and its like (set when we are started from a hook), not
# GIT_TRACE_CURL (prints credentials), not our own tokens.
PASSED_ON = frozenset(
    {
        "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "XDG_CONFIG_HOME",
        "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH",
        "SSH_AUTH_SOCK", "SSH_AGENT_PID", "KRB5CCNAME", "KRB5_CONFIG",
        "http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE",
        "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSL_CERT", "GIT_SSL_KEY", "GIT_SSL_NO_VERIFY",
        "GIT_HTTP_PROXY_AUTHMETHOD", "GIT_PROXY_SSL_CAINFO",
        "GIT_EXEC_PATH", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM",
    }
)  # fmt: skip

REMOTE = "wiki-pipeline"
"""Name of the remote. It exists in the environment only: `.git/config` holds no address, and commands on the clone
can't fetch what is missing one object at a time behind our back."""

_HARDENED = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
)

# The server's side of a local repository. It is read as its owner's, whoever runs us: the operator named this path.
# Its own configuration can't run anything: hooks are off, and Git takes `packObjectsHook` from the user's only. To look
# for deltas (`pack.window`) takes longer than it saves where nothing goes over a network.
_LOCAL_UPLOAD_PACK = (
    "git -c 'safe.directory=*' -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=: "
    "-c uploadpack.allowFilter=true -c uploadpack.allowAnySHA1InWant=true -c pack.window=0 upload-pack"
)


@dataclass(frozen=True)
class Isolation:
    """Makes the environments for one repository.

    Attributes:
        asked: see `Repository.asked`.
    """

    address: Address
    credential: Credential | None
    settings: GitSettings
    asked: bool = False

    def local(self, git_dir: Path) -> dict[str, str]:
        """For commands on a clone of ours, which reach no network."""
        return {
            **_git(git_dir),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            **_configuration(_HARDENED),
        }

    def remote(self, git_dir: Path, *, filtered: bool, pin: Pin | None = None) -> dict[str, str]:
        """For commands that talk to the repository's server, which is then `REMOTE`. It is where `pin` says."""
        configuration = [*_HARDENED, *self._transport(), (f"remote.{REMOTE}.url", self.address.url)]
        if filtered:
            configuration += [
                (f"remote.{REMOTE}.promisor", "true"),
                (f"remote.{REMOTE}.partialclonefilter", "blob:none"),
            ]
        if pin is not None:
            configuration += pin.configuration()
        environment = {**_git(git_dir), "GIT_ALLOW_PROTOCOL": _protocols(self.address)}
        if self.address.is_local:
            configuration.append((f"remote.{REMOTE}.uploadpack", _LOCAL_UPLOAD_PACK))
            environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        if self.credential is not None:
            configuration += self.credential.configuration()
            environment |= self.credential.environment()
        return {**environment, **_configuration(configuration), **self._never_ask(pin)}

    def _transport(self) -> list[tuple[str, str]]:
        return [
            # Where a stranger sends us was checked; where that server sends us on was not.
            *((("http.followRedirects", "false"),) if self.asked else ()),
            ("protocol.version", "2"),
            ("http.lowSpeedLimit", "1"),
            ("http.lowSpeedTime", str(self.settings.stall_timeout)),
            # An empty helper forgets those of the user's configuration: what is sent where is decided here alone.
            ("credential.helper", ""),
            ("credential.interactive", "false"),
            ("core.askPass", ""),
            ("fetch.prune", "false"),
            ("fetch.pruneTags", "false"),
            ("fetch.recurseSubmodules", "false"),
            ("fetch.writeCommitGraph", "false"),
            # Small fetches as packs too, not as thousands of loose files.
            ("fetch.unpackLimit", "1"),
        ]

    def _never_ask(self, pin: Pin | None) -> dict[str, str]:
        stall = self.settings.stall_timeout
        ssh = (
            f"{self.settings.ssh_command} -o BatchMode=yes -o ConnectTimeout={min(stall, 30)} "
            f"-o ServerAliveInterval={max(stall // 4, 1)} -o ServerAliveCountMax=3"
        )
        if pin is not None:
            ssh = f"{ssh} {pin.ssh_options()}"
        return {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS": "",
            "GIT_SSH_COMMAND": ssh,
            "GIT_SSH_VARIANT": "ssh",
        }


def variables_to_drop(callers: Iterable[str], ours: Mapping[str, str]) -> list[str]:
    """The names of the caller's environment that must not reach Git."""
    return sorted(name for name in callers if name not in PASSED_ON and name not in ours and "=" not in name)


def _git(git_dir: Path) -> dict[str, str]:
    return {
        "GIT_DIR": str(git_dir),
        # A clone that lacks a blob says so, instead of fetching it alone (Git 2.45 and newer; older ones can't either,
        # since the remote is unknown to them).
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ATTR_NOSYSTEM": "1",
    }


def _protocols(address: Address) -> str:
    """The only transports Git may use, whatever it is redirected or rewritten to; `ext::` is never among them."""
    return {"file": "file", "http": "http:https:ssh"}.get(address.scheme, "https:ssh")


def _configuration(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Configuration as environment, which beats every file."""
    environment = {}
    count = 0
    for count, (key, value) in enumerate(pairs, start=1):
        environment[f"GIT_CONFIG_KEY_{count - 1}"] = key
        environment[f"GIT_CONFIG_VALUE_{count - 1}"] = value
    return {"GIT_CONFIG_COUNT": str(count), **environment}
