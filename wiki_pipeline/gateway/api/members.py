"""`/v1/members`, `/v1/invitations`, `/v1/groups`, `/v1/tokens`, `/v1/audit`: for programs of the tenant's admins."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from wiki_pipeline.access import Role
from wiki_pipeline.catalog import AuditRecord, Member
from wiki_pipeline.errors import NotThereError
from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.api.account import Ended, TokenMade, TokensFound, TokenWanted, new_token, token_facts
from wiki_pipeline.gateway.errors import UNREADABLE, ErrorAnswer
from wiki_pipeline.gateway.services import Serving

_REFUSED: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "Not allowed."},
    404: {"model": ErrorAnswer, "description": "There is none."},
}
router = APIRouter(tags=["members"], responses=_REFUSED)
_MOST = 1_000
AccountId = Annotated[str, Path(max_length=64, description="Of the account.")]
GroupName = Annotated[str, Path(max_length=100, description="Of the group.")]
RoleName = Literal["reader", "editor", "admin", "operator"]


class MemberFacts(BaseModel):
    """A member of the tenant."""

    account: str
    name: str
    email: str
    issuer: str
    role: str
    origin: str = Field(description="`claims`: the provider decides; `people`: somebody gave it.")
    groups: list[str]
    last_login_at: datetime | None
    disabled: bool


class Members(BaseModel):
    """The members of the tenant."""

    members: list[MemberFacts]


class MemberWanted(BaseModel):
    """What a member is to be. What is left out stays."""

    role: RoleName | None = None
    disabled: bool | None = None


class PersonWanted(BaseModel):
    """Somebody who logs in with a password."""

    name: str = Field(min_length=1, max_length=100, description="To log in with.")
    title: str = Field("", max_length=100, description="Full name.")
    email: str = Field("", max_length=100)
    role: RoleName = "reader"


class Link(BaseModel):
    """An address for somebody, shown this once."""

    account: str = Field("", description="Of whom, where there is an account.")
    link: str
    expires_at: datetime


class InvitationWanted(BaseModel):
    """What somebody is invited as."""

    role: Literal["reader", "editor", "admin"] = "reader"
    email: str = Field("", max_length=100, description="Whose it is; empty: whoever has the link.")


class InvitationFacts(BaseModel):
    """An invitation, without its link."""

    invitation_id: str
    role: str
    email: str
    expires_at: datetime


class Invitations(BaseModel):
    """Invitations that are still good."""

    invitations: list[InvitationFacts]


class GroupFacts(BaseModel):
    """A group."""

    name: str
    members: int


class Groups(BaseModel):
    """The groups of the tenant."""

    groups: list[GroupFacts]


class AuditFacts(BaseModel):
    """Something that was done."""

    id: int
    at: datetime
    tenant: str
    actor: str
    action: str
    object: str
    result: str
    address: str
    request_id: str


class AuditPage(BaseModel):
    """A part of the audit, newest first."""

    entries: list[AuditFacts]
    next: int | None = Field(description="`before` of what follows; null at the end.")


@router.get("/v1/members", summary="List the members")
def members(serving: Serving) -> Members:
    """Who is in the tenant, with their roles and groups."""
    return Members(members=[_member(each) for each in serving.catalog.accounts.members(serving.principal.tenant)])


@router.post("/v1/members", status_code=201, summary="Add somebody with a password", responses=dict(UNREADABLE))
def add(request: Request, serving: Serving, wanted: PersonWanted) -> Link:
    """They set the password by the link, once."""
    made = serving.people.add(serving.actor, wanted.name, wanted.title, wanted.email, Role(wanted.role))
    return _password_link(request, serving, made.account_id)


@router.patch("/v1/members/{account_id}", summary="Change a member", responses=dict(UNREADABLE))
def change(serving: Serving, account_id: AccountId, wanted: MemberWanted) -> Members:
    """Their role in the tenant, or whether the account is good at all. Both count at once."""
    if wanted.disabled is not None:
        serving.people.set_disabled(serving.actor, account_id, disabled=wanted.disabled)
    if wanted.role is not None:
        serving.people.set_role(serving.actor, account_id, Role(wanted.role))
    return members(serving)


@router.delete("/v1/members/{account_id}", summary="Take a member out of the tenant")
def remove(serving: Serving, account_id: AccountId) -> Ended:
    """The account stays, for other tenants."""
    if account_id not in {
        each.account.account_id for each in serving.catalog.accounts.members(serving.principal.tenant)
    }:
        raise NotThereError("There is no such member.")
    serving.people.set_role(serving.actor, account_id, None)
    return Ended(ended=1)


@router.post("/v1/members/{account_id}/password-link", summary="Let somebody set their password")
def password_link(request: Request, serving: Serving, account_id: AccountId) -> Link:
    """A link that is good once, for an hour."""
    return _password_link(request, serving, account_id)


@router.get("/v1/invitations", summary="List invitations")
def invitations(serving: Serving) -> Invitations:
    """Those that are still good."""
    found = serving.catalog.invitations.list(serving.principal.tenant)
    names = InvitationFacts.model_fields
    return Invitations(invitations=[InvitationFacts(**{name: getattr(each, name) for name in names}) for each in found])


@router.post("/v1/invitations", status_code=201, summary="Invite somebody", responses=dict(UNREADABLE))
def invite(request: Request, serving: Serving, wanted: InvitationWanted) -> Link:
    """Whoever opens the link and logs in by a provider becomes a member."""
    secret, made = serving.people.invite(serving.actor, Role(wanted.role), wanted.email)
    link = f"{root_of(request, serving.settings)}/invitation?secret={secret}"
    return Link(account="", link=link, expires_at=made.expires_at)


@router.delete("/v1/invitations/{invitation_id}", summary="Withdraw an invitation")
def withdraw(serving: Serving, invitation_id: Annotated[str, Path(max_length=64, description="Its id.")]) -> Ended:
    """Its link is good no more."""
    return Ended(ended=int(serving.people.withdraw(serving.actor, invitation_id)))


@router.get("/v1/groups", summary="List groups")
def groups(serving: Serving) -> Groups:
    """With how many members each has."""
    found = serving.catalog.groups.list(serving.principal.tenant)
    return Groups(groups=[GroupFacts(name=name, members=count) for name, count in found.items()])


@router.put("/v1/groups/{name}", summary="Make a group")
def add_group(serving: Serving, name: GroupName) -> Groups:
    """One that is there stays."""
    serving.people.add_group(serving.actor, name)
    return groups(serving)


@router.delete("/v1/groups/{name}", summary="Remove a group")
def remove_group(serving: Serving, name: GroupName) -> Ended:
    """With who is in it."""
    return Ended(ended=int(serving.people.remove_group(serving.actor, name)))


@router.put("/v1/groups/{name}/{account_id}", summary="Put a member into a group")
def put(serving: Serving, name: GroupName, account_id: AccountId) -> Groups:
    """The group is made where it is missing."""
    serving.people.put(serving.actor, name, account_id)
    return groups(serving)


@router.delete("/v1/groups/{name}/{account_id}", summary="Take a member out of a group")
def take(serving: Serving, name: GroupName, account_id: AccountId) -> Ended:
    """They read its sources no more, at once."""
    return Ended(ended=int(serving.people.take(serving.actor, name, account_id)))


@router.get("/v1/tokens", summary="List all API tokens of the tenant")
def tokens(serving: Serving) -> TokensFound:
    """Without their secrets."""
    return TokensFound(tokens=[token_facts(each) for each in serving.catalog.api_tokens.list(serving.principal.tenant)])


@router.post(
    "/v1/tokens/{account_id}", status_code=201, summary="Make an API token for a member", responses=dict(UNREADABLE)
)
def make_token(serving: Serving, account_id: AccountId, wanted: TokenWanted) -> TokenMade:
    """As `POST /v1/account/tokens`, for an account of the tenant."""
    return TokenMade(
        token=new_token(serving, wanted.name, wanted.days, wanted.actions, wanted.sources, owner=account_id)
    )


@router.delete("/v1/tokens/{token_id}", summary="Revoke an API token of the tenant")
def revoke_token(serving: Serving, token_id: Annotated[str, Path(max_length=64, description="Its id.")]) -> Ended:
    """At once."""
    return Ended(ended=int(serving.people.revoke_token(serving.actor, token_id)))


@router.get("/v1/audit", summary="What was done")
def audit(
    serving: Serving,
    action: Annotated[str, Query(max_length=60, description="Only this, as `login`.")] = "",
    actor: Annotated[str, Query(max_length=200, description="Only by this one.")] = "",
    before: Annotated[int, Query(ge=0, description="Only what is older than this id.")] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST, description="So many at most.")] = 100,
) -> AuditPage:
    """In the tenant, newest first."""
    found = serving.catalog.audit.page(serving.principal.tenant, action=action, actor=actor, before=before, limit=limit)
    return AuditPage(
        entries=[AuditFacts(**facts_of(each)) for each in found],
        next=found[-1].entry_id if len(found) == limit else None,
    )


@router.get(
    "/v1/audit/export",
    summary="The whole audit of the tenant",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/jsonl": {}}, "description": "Oldest first."}},
)
def export(
    serving: Serving,
    format: Annotated[Literal["jsonl", "csv"], Query(description="Of the lines.")] = "jsonl",  # noqa: A002 - its name
) -> StreamingResponse:
    """As JSON lines or CSV, oldest first. The export is itself recorded."""
    serving.people.record(serving.actor, "audit.export", format)
    records = serving.catalog.audit.all(serving.principal.tenant)
    lines, media = (as_csv(records), "text/csv") if format == "csv" else (as_lines(records), "application/jsonl")
    name = {"content-disposition": f'attachment; filename="audit.{format}"'}
    return StreamingResponse(lines, media_type=media, headers=name)


def facts_of(record: AuditRecord) -> dict[str, Any]:
    """An entry as programs get it."""
    entry = record.entry
    return {
        "id": record.entry_id,
        "at": record.at,
        "tenant": entry.tenant,
        "actor": entry.actor,
        "action": entry.action,
        "object": entry.object,
        "result": entry.result,
        "address": entry.address,
        "request_id": entry.request_id,
    }


def as_lines(records: Iterable[AuditRecord]) -> Iterator[str]:
    """JSON, one entry a line."""
    for record in records:
        yield json.dumps(facts_of(record), ensure_ascii=False, default=lambda moment: moment.isoformat()) + "\n"


def as_csv(records: Iterable[AuditRecord]) -> Iterator[str]:
    """CSV with a head. What a spreadsheet would take for a formula is kept from being one."""
    yield "id,at,tenant,actor,action,object,result,address,request_id\r\n"
    for record in records:
        out = io.StringIO()
        facts = {**facts_of(record), "at": record.at.isoformat()}
        csv.writer(out).writerow([_plain(str(value)) for value in facts.values()])
        yield out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def _member(each: Member) -> MemberFacts:
    account = each.account
    return MemberFacts(
        account=account.account_id,
        name=account.title,
        email=account.email,
        issuer=account.issuer,
        role=Role.OPERATOR.value if account.operator else each.role,
        origin=each.origin,
        groups=sorted(each.groups),
        last_login_at=account.last_login_at,
        disabled=account.disabled_at is not None,
    )


def _password_link(request: Request, serving: Serving, account_id: str) -> Link:
    secret, until = serving.people.password_link(serving.actor, account_id)
    link = f"{root_of(request, serving.settings)}/password?link={secret}"
    return Link(account=account_id, link=link, expires_at=until)
