"""What Git says when it fails, in words for people: which kind of failure, on which repository, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wiki_pipeline.errors import AccessDeniedError, SourceError, SourceNotFoundError, SourceUnreachableError
from wiki_pipeline.links.repository import Address

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_LONGEST_QUOTE = 300
_FAILURE = re.compile(r"^(remote: )?(fatal|error)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Kind:
    pattern: re.Pattern[str]
    error: type[SourceError]
    says: str
    advice: str


def _kind(pattern: str, error: type[SourceError], says: str, advice: str) -> _Kind:
    return _Kind(re.compile(pattern, re.IGNORECASE), error, says, advice)


_MISSING = "does not exist, or the credentials may not see it"
_CHECK = "Check the address; for a private repository check that the token or key may read it."

# In this order: the first that matches counts, and servers often add a line that would mislead.
_KINDS = (
    _kind(
        r"no space left on device|disk quota exceeded",
        SourceError,
        "could not be stored: the disk is full",
        "Make room in WIKI_PIPELINE_HOME; the next sync goes on from what is there.",
    ),
    _kind(
        r"not our ref",
        SourceError,
        "was rewritten while it was being read",
        "The next sync sees its new state.",
    ),
    _kind(
        r"mismatched algorithms|unknown repository extension.*objectformat",
        SourceError,
        "uses SHA-256 object names",
        "Only repositories with SHA-1 object names can be read.",
    ),
    _kind(
        r"host key verification failed|no .* host key is known",
        AccessDeniedError,
        "was not contacted: its host key is unknown or has changed",
        "Add the host's key to ~/.ssh/known_hosts (ssh-keyscan shows it; compare it with what the host publishes).",
    ),
    _kind(
        r"certificate|CAfile|SSL_ERROR|unable to get local issuer|self.signed",
        SourceUnreachableError,
        "was not contacted: its TLS certificate is not trusted",
        "Set GIT_SSL_CAINFO to the file of your certificate authority, or http.sslCAInfo in Git's configuration.",
    ),
    _kind(
        r"could not read (username|password)|terminal prompts disabled|authentication failed|invalid credentials"
        r"|access denied|permission denied|returned error: 40[13]|not authori[sz]ed",
        AccessDeniedError,
        "refused the credentials, or needs some",
        "",
    ),
    _kind(
        r"not found|does not exist|does not appear to be a git repository|not a git repository"
        r"|is this a git repository|no such (file|repository)|returned error: 404",
        SourceNotFoundError,
        _MISSING,
        _CHECK,
    ),
    _kind(
        r"transport '.*' not allowed",
        AccessDeniedError,
        "leads to a transport that is not allowed",
        "Only https, ssh and local repositories are read.",
    ),
    _kind(
        r"could not resolve|couldn't resolve|name or service not known|temporary failure in name resolution"
        r"|failed to connect|couldn't connect|could not connect|connection (refused|reset|timed out|closed)"
        r"|timed? ?out|network is unreachable|no route to host|early eof|hung up|unexpected disconnect|rpc failed"
        r"|operation too slow|empty reply|recv failure|returned error: (429|5\d\d)|gnutls|broken pipe|unable to access"
        r"|transfer closed|protocol error|bad (line length|pack)|invalid index-pack output|remote did not send all",
        SourceUnreachableError,
        "could not be reached, or broke off",
        "Check the address and the network, then try again.",
    ),
    # What Git adds to every failure of ssh, so it comes last.
    _kind(r"access rights", SourceNotFoundError, _MISSING, _CHECK),
)


def explain(name: str, address: Address, complaint: str) -> SourceError:
    """The error for people behind what Git said (redacted) about a repository."""
    for kind in _KINDS:
        if kind.pattern.search(complaint):
            advice = kind.advice or _how_to_authenticate(address)
            return kind.error(f"{_repository(name, address)} {kind.says}.{_quote(complaint, kind.pattern)}", advice)
    return SourceError(f"{_repository(name, address)} could not be read.{_quote(complaint, _FAILURE)}")


def timed_out(name: str, address: Address, seconds: float) -> SourceUnreachableError:
    """The error for a command that was killed at its time limit."""
    return SourceUnreachableError(
        f"{_repository(name, address)} took longer than {seconds:g} seconds.",
        "If that is how large it is, raise WIKI_PIPELINE_GIT_TIMEOUT.",
    )


def no_git_server(name: str, address: Address) -> SourceUnreachableError:
    """The error for a server that answers, but not as Git servers do."""
    return SourceUnreachableError(
        f"{_repository(name, address)} was not found: the server answers with something else than Git's protocol.",
        "Perhaps that is a sign-in page or a proxy's; check the address and the credentials.",
    )


def no_such_branch(name: str, address: Address, branch: str, branches: list[str]) -> SourceNotFoundError:
    """The error for a branch or tag that is not there (any more)."""
    shown = ", ".join(_CONTROL.sub(" ", each) for each in branches[:10]) + (", ..." if len(branches) > 10 else "")
    says = f"has no branch or tag {branch!r} (any more)" if branch else "has a default branch that does not exist"
    return SourceNotFoundError(
        f"{_repository(name, address)} {says}.",
        f"It has: {shown}. Name one of them in WIKI_PIPELINE_GIT_REPOSITORIES.",
    )


def _repository(name: str, address: Address) -> str:
    return f"The repository {name} ({address.display})"


def _how_to_authenticate(address: Address) -> str:
    if address.is_local:
        return "Give the user that runs this the right to read the folder."
    if address.scheme == "ssh":
        return "Check that the ssh key or agent of the user that runs this is registered with the host."
    host = address.host if address.scheme == "https" else f"{address.scheme}://{address.host}"
    return (
        f'Set WIKI_PIPELINE_GIT_TOKENS to {{"{host}": "a token that may read it"}}; '
        "WIKI_PIPELINE_GIT_TOKEN goes only to the one https host of WIKI_PIPELINE_GIT_REPOSITORIES."
    )


def _quote(complaint: str, telling: re.Pattern[str]) -> str:
    """The line in which Git or the server says what went wrong; servers can put anything into it."""
    lines = [line for line in (_CONTROL.sub(" ", line).strip() for line in complaint.splitlines()) if line]
    said = next((line for line in lines if telling.search(line)), lines[-1] if lines else "")
    return f" Git says: {said[:_LONGEST_QUOTE].rstrip('.')}." if said else ""
