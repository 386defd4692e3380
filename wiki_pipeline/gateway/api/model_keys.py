"""`/v1/model-keys`: keys of language models that are a tenant's or a person's own. Never shown again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from wiki_pipeline.access import Action
from wiki_pipeline.catalog.model_keys import ModelKey
from wiki_pipeline.errors import ConfigurationError, NotAllowedError, PayloadError
from wiki_pipeline.gateway.errors import UNREADABLE, ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving

router = APIRouter(prefix="/v1", tags=["access"])

Whose = Literal["tenant", "account"]
OfWhom = Annotated[Whose, Path(description="The tenant's, which admins set, or the asker's own.")]
_DENIED: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "Not theirs to set: the asker is no admin, or has no account."}
}


class KeyShown(BaseModel):
    """A key, without it."""

    whose: Whose
    model: str = Field(examples=["gpt-5-mini"])
    base_url: str = Field(examples=["https://api.openai.com/v1"])
    last_four: str = Field(description="Its last characters; empty of short ones.", examples=["x7Qa"])
    added_at: datetime


class KeysShown(BaseModel):
    """The keys by which the asker may be answered, the one that is used first."""

    keys: list[KeyShown]
    installation: str = Field(
        description="The installation's model, which answers where there is no key; empty if it has none.",
        examples=["gpt-5-mini"],
    )
    endpoints: list[str] = Field(description="Endpoints that keys may be for.")


class KeyGiven(BaseModel):
    """A key to keep."""

    model_config = ConfigDict(extra="forbid")

    key: SecretStr = Field(min_length=1, max_length=4_000)
    model: str = Field("", max_length=200, description="As its endpoint names it; empty: the installation's.")
    base_url: str = Field("", max_length=500, description="Its endpoint; empty: the installation's.")


@router.get("/model-keys", summary="Show keys of models")
def keys(serving: Serving) -> KeysShown:
    """Which key a question of the asker's uses: their own, else their tenant's, else the installation's."""
    models = serving.models
    return KeysShown(
        keys=[_shown(key) for key in models.known(serving.principal.scope)],
        installation=models.installation.name if models.installation else "",
        endpoints=models.endpoints(),
    )


@router.put("/model-keys/{whose}", summary="Keep a key of a model", responses=_DENIED | dict(UNREADABLE))
def put(serving: Serving, whose: OfWhom, given: KeyGiven) -> KeyShown:
    """It is kept sealed, in place of the one before, and used from the next question on."""
    account = _owner(serving, whose)
    try:
        key = serving.models.put(serving.principal.tenant, account, given.key, given.model, given.base_url)
    except ConfigurationError as error:
        raise PayloadError(error.message, error.advice) from None
    serving.people.record(serving.actor, "model_key.put", f"key of the {whose}")
    return _shown(key)


@router.delete("/model-keys/{whose}", status_code=204, summary="Forget a key of a model", responses=_DENIED)
def forget(serving: Serving, whose: OfWhom) -> None:
    """Questions are answered by the next nearest key from now on."""
    serving.models.remove(serving.principal.tenant, _owner(serving, whose))
    serving.people.record(serving.actor, "model_key.remove", f"key of the {whose}")


def _owner(serving: Services, whose: Whose) -> str:
    """The account whose key is meant; empty for the tenant's."""
    who = serving.principal
    if whose == "tenant" and not who.may(Action.ADMIN):
        raise NotAllowedError("The tenant's key is the business of its admins.")
    if whose == "account" and not who.account:
        raise NotAllowedError("Whoever has no account has no key of their own.")
    return who.account if whose == "account" else ""


def _shown(key: ModelKey) -> KeyShown:
    return KeyShown(
        whose="account" if key.account else "tenant",
        model=key.model,
        base_url=key.base_url,
        last_four=key.last_four,
        added_at=key.added_at,
    )
