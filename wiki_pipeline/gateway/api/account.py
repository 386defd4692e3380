"""`/v1/account`, `/v1/access-tokens`, `/.well-known/jwks.json`: what programs do with what is theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from wiki_pipeline import logs
from wiki_pipeline.access import Action
from wiki_pipeline.access.actors import nobody
from wiki_pipeline.access.people import Pair
from wiki_pipeline.errors import NotAllowedError, NotThereError, PayloadError, WikiPipelineError
from wiki_pipeline.gateway.errors import UNREADABLE, ErrorAnswer
from wiki_pipeline.gateway.security import CLIENT
from wiki_pipeline.gateway.services import Services, Serving, opened
from wiki_pipeline.model import SourceKey

_NONE: dict[int | str, dict[str, Any]] = {404: {"model": ErrorAnswer, "description": "There is none."}}
_REFUSED: dict[int | str, dict[str, Any]] = {403: {"model": ErrorAnswer, "description": "Not allowed."}}
Id = Annotated[str, Path(max_length=64, description="Its id.")]

router = APIRouter(tags=["account"])


class AccountFacts(BaseModel):
    """Who asks."""

    name: str
    tenant: str
    role: str = Field(examples=["editor"])
    account: str = Field(description="Id of the account; empty for this machine and for shared tokens.")
    groups: list[str]
    actions: list[str] = Field(description="What may be done.", examples=[["read", "write"]])


class SessionFacts(BaseModel):
    """A session of a browser."""

    session_id: str
    provider: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    current: bool


class Sessions(BaseModel):
    """One's own sessions."""

    sessions: list[SessionFacts]


class TokenFacts(BaseModel):
    """An API token, without its secret."""

    token_id: str
    name: str
    last_four: str
    owner: str
    actions: list[str]
    sources: list[str] | None = Field(description="Null: all.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokensFound(BaseModel):
    """API tokens."""

    tokens: list[TokenFacts]


class TokenWanted(BaseModel):
    """What a token is to be good for."""

    name: str = Field(min_length=1, max_length=100, examples=["nightly import"])
    actions: list[str] = Field(["read"], max_length=4, description="`read`, `write`, `admin`, `operate`.")
    sources: list[str] | None = Field(None, max_length=1_000, examples=[["default:confluence:ENG"]])
    days: int = Field(90, ge=1, le=3_650)


class TokenMade(BaseModel):
    """A new token. It is shown this once."""

    token: str = Field(examples=["wp_k3v9x0ab12cd_..."])


class AccessPair(BaseModel):
    """An access token and what gets the next one."""

    access_token: str = Field(description="A JWT, as `Authorization: Bearer ...`.")
    token_type: str = Field("Bearer")
    expires_in: int = Field(description="Seconds.", examples=[600])
    refresh_token: str = Field(description="Good once. Used twice, it ends all that came of it.")


class RefreshWanted(BaseModel):
    """A refresh token."""

    refresh_token: str = Field(min_length=1, max_length=100)


class KeySet(BaseModel):
    """Keys, as RFC 7517 has them."""

    keys: list[dict[str, Any]]


class Ended(BaseModel):
    """How many were ended."""

    ended: int


@router.get("/v1/account", summary="Who asks")
def account(serving: Serving) -> AccountFacts:
    """What the gateway takes the asker for."""
    who = serving.principal
    return AccountFacts(
        name=who.name,
        tenant=who.tenant,
        role=who.role.value,
        account=who.account,
        groups=sorted(who.groups),
        actions=sorted(who.scope.actions),
    )


@router.get("/v1/account/sessions", summary="List one's sessions")
def sessions(serving: Serving) -> Sessions:
    """The open sessions of the asker's account."""
    found = serving.catalog.sessions.list(serving.principal.account) if serving.principal.account else ()
    names = [name for name in SessionFacts.model_fields if name != "current"]
    return Sessions(
        sessions=[
            SessionFacts(
                **{name: getattr(each, name) for name in names}, current=each.session_id == serving.visit.session_id
            )
            for each in found
        ]
    )


@router.delete("/v1/account/sessions", summary="Log out everywhere")
def end_sessions(serving: Serving) -> Ended:
    """End all sessions of the asker's account."""
    if not serving.principal.account:
        return Ended(ended=0)
    return Ended(ended=serving.people.end_sessions(serving.actor, serving.principal.account))


@router.delete("/v1/account/sessions/{session_id}", summary="End a session", responses=_NONE)
def end_session(serving: Serving, session_id: Id) -> Ended:
    """End one session of the asker's account."""
    return Ended(ended=_one(serving.people.end_session(serving.actor, session_id)))


@router.get("/v1/account/tokens", summary="List one's API tokens")
def tokens(serving: Serving) -> TokensFound:
    """Those of the asker's account in this tenant."""
    who = serving.principal
    found = serving.catalog.api_tokens.list(who.tenant, who.account) if who.account else ()
    return TokensFound(tokens=[token_facts(each) for each in found])


@router.post(
    "/v1/account/tokens", status_code=201, summary="Make an API token", responses={**UNREADABLE, **_REFUSED, **_NONE}
)
def make_token(serving: Serving, wanted: TokenWanted) -> TokenMade:
    """It may do what its owner may at each moment, and never more than was asked for. For people who are logged in."""
    if not serving.principal.account:
        raise NotAllowedError("Shared tokens and this machine have no account.", "Use `wiki-pipeline tokens create`.")
    return TokenMade(token=new_token(serving, wanted.name, wanted.days, wanted.actions, wanted.sources))


@router.delete("/v1/account/tokens/{token_id}", summary="Revoke an API token", responses=_NONE)
def revoke_token(serving: Serving, token_id: Id) -> Ended:
    """It and what it was exchanged for are good for nothing from now on."""
    return Ended(ended=_one(serving.people.revoke_token(serving.actor, token_id)))


@router.post("/v1/access-tokens", summary="Exchange an API token for an access token", responses=_REFUSED)
def exchange(serving: Serving) -> AccessPair:
    """Bring the API token as `Authorization: Bearer ...`. The access token is good for ten minutes."""
    visit = serving.visit
    if not visit.token_id or visit.principal.how != "token":
        raise NotAllowedError("Only an API token (wp_...) is exchanged.", "Make one at /account.")
    return _pair(serving.people.exchange(serving.actor, visit.token_id, visit.principal.account))


@router.post(
    "/v1/access-tokens/refresh",
    summary="The next access token",
    responses={**UNREADABLE, 401: {"model": ErrorAnswer, "description": "The refresh token is not good (any more)."}},
)
def refresh(request: Request, wanted: RefreshWanted) -> AccessPair:
    """For a refresh token, which is used up by it."""
    serving = opened(request)
    address = request.scope.get("state", {}).get(CLIENT, "")
    actor = nobody(serving.settings.tenant, address, logs.about().get("request_id", ""))
    return _pair(serving.people.refresh(actor, wanted.refresh_token)[1])


@router.get("/.well-known/jwks.json", summary="Keys that access tokens are checked with")
def keys(request: Request) -> KeySet:
    """Public halves only."""
    return KeySet.model_validate(opened(request).people.access_tokens.published())


def new_token(
    serving: Services, name: str, days: object, actions: list[str], sources: list[str] | None, owner: str = ""
) -> str:
    """A token for the one who asks, in a session: what a token could make would outlive it.

    Args:
        actions: the highest of each; those below come with it.
        owner: another account, for admins.
    """
    if not serving.visit.session_id and not serving.principal.may(Action.ADMIN):
        raise NotAllowedError("Tokens are made by people who are logged in.", "Log in and open /account.")
    allowed = frozenset(action for action in Action if action in actions)
    if len(allowed) != len(set(actions)):
        raise PayloadError(f"A token may {', '.join(Action)}.")
    highest = max((list(Action).index(action) for action in allowed), default=-1)
    try:
        keys = None if sources is None else [SourceKey.parse(text) for text in sources]
        lasts = int(str(days))
    except (ValueError, WikiPipelineError):
        raise PayloadError("Sources are written tenant:kind:name, days as a number.") from None
    for key in keys or ():
        if not serving.principal.scope.allows(key):
            raise PayloadError(f"There is no source {key}.")
    return serving.people.create_token(
        serving.actor,
        owner or serving.principal.account,
        name,
        actions=list(Action)[: highest + 1],
        sources=keys,
        days=lasts,
    )


def token_facts(token: object) -> TokenFacts:
    """A token as it is answered."""
    return TokenFacts.model_validate({name: getattr(token, name) for name in TokenFacts.model_fields})


def _pair(pair: Pair) -> AccessPair:
    return AccessPair(
        access_token=pair.access,
        token_type="Bearer",  # noqa: S106 - a word
        expires_in=pair.seconds,
        refresh_token=pair.refresh,
    )


def _one(found: bool) -> int:
    if not found:
        raise NotThereError("There is none of that id.")
    return 1
