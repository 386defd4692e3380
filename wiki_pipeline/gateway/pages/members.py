"""`/settings/members`, `/settings/tokens`, `/settings/audit`: for the tenant's admins."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wiki_pipeline.access import Action, Role
from wiki_pipeline.access.logins import LOCAL
from wiki_pipeline.errors import PayloadError, WikiPipelineError
from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.errors import status_of
from wiki_pipeline.gateway.form_fields import Form
from wiki_pipeline.gateway.pages.account import token_rows
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.access_views import (
    AuditRow,
    AuditView,
    InvitationRow,
    MemberRow,
    MembersView,
    TokensView,
)

router = APIRouter(tags=["members"], include_in_schema=False)
_ROWS = 100


@router.get("/settings")
def settings_page() -> Response:
    """The first of the pages below."""
    return RedirectResponse("/settings/members", HTTPStatus.SEE_OTHER)


@router.get("/settings/members")
def members_page(serving: Serving) -> HTMLResponse:
    """Who is in the tenant."""
    return _members(serving)


@router.post("/settings/members")
def add(request: Request, serving: Serving, form: Form) -> HTMLResponse:
    """Add somebody with a password."""
    try:
        role = role_of(form.get("role", ""))
        account = serving.people.add(
            serving.actor, form.get("name", ""), form.get("title", ""), form.get("email", ""), role
        )
        return _password_link(request, serving, account.account_id)
    except WikiPipelineError as error:
        return _members(serving, problem=error)


@router.post("/settings/members/{account_id}/role")
def set_role(serving: Serving, account_id: str, form: Form) -> Response:
    """Change what somebody is here."""
    given = form.get("role", "")
    return _done(serving, lambda: serving.people.set_role(serving.actor, account_id, role_of(given) if given else None))


@router.post("/settings/members/{account_id}/disable")
def disable(serving: Serving, account_id: str) -> Response:
    """Nothing of theirs opens anything any more."""
    return _done(serving, lambda: serving.people.set_disabled(serving.actor, account_id, disabled=True))


@router.post("/settings/members/{account_id}/enable")
def enable(serving: Serving, account_id: str) -> Response:
    """They may log in again."""
    return _done(serving, lambda: serving.people.set_disabled(serving.actor, account_id, disabled=False))


@router.post("/settings/members/{account_id}/end-sessions")
def end_sessions(serving: Serving, account_id: str) -> Response:
    """Log somebody out everywhere."""
    return _done(serving, lambda: serving.people.end_sessions(serving.actor, account_id))


@router.post("/settings/members/{account_id}/password-link")
def password_link(request: Request, serving: Serving, account_id: str) -> HTMLResponse:
    """A link by which somebody sets their password."""
    try:
        return _password_link(request, serving, account_id)
    except WikiPipelineError as error:
        return _members(serving, problem=error)


@router.post("/settings/invitations")
def invite(request: Request, serving: Serving, form: Form) -> HTMLResponse:
    """A link by which somebody becomes a member."""
    try:
        secret, _ = serving.people.invite(serving.actor, role_of(form.get("role", "")), form.get("email", ""))
    except WikiPipelineError as error:
        return _members(serving, problem=error)
    link = f"{root_of(request, serving.settings)}/invitation?secret={secret}"
    return _members(serving, link=link, link_for="This is the invitation, good for a week.")


@router.post("/settings/invitations/{invitation_id}/withdraw")
def withdraw(serving: Serving, invitation_id: str) -> Response:
    """Take an invitation back."""
    return _done(serving, lambda: serving.people.withdraw(serving.actor, invitation_id))


@router.post("/settings/groups")
def group(serving: Serving, form: Form) -> Response:
    """Make a group, put somebody in or take them out."""
    name, account_id = form.get("group", ""), form.get("account", "")

    def do() -> None:
        if not account_id:
            serving.people.add_group(serving.actor, name)
        elif form.get("do") == "take":
            serving.people.take(serving.actor, name, account_id)
        else:
            serving.people.put(serving.actor, name, account_id)

    return _done(serving, do)


@router.post("/settings/groups/{name}/remove")
def remove_group(serving: Serving, name: str) -> Response:
    """Remove a group."""
    return _done(serving, lambda: serving.people.remove_group(serving.actor, name))


@router.get("/settings/tokens")
def tokens_page(serving: Serving) -> HTMLResponse:
    """All API tokens of the tenant."""
    rows = token_rows(list(serving.catalog.api_tokens.list(serving.principal.tenant)))
    return HTMLResponse(site.html(TokensView(tenant=serving.principal.tenant, tokens=rows)))


@router.post("/settings/tokens/{token_id}/revoke")
def revoke_token(serving: Serving, token_id: str) -> Response:
    """End one."""
    serving.people.revoke_token(serving.actor, token_id)
    return RedirectResponse("/settings/tokens", HTTPStatus.SEE_OTHER)


@router.get("/settings/audit")
def audit_page(
    serving: Serving,
    action: Annotated[str, Query(max_length=60)] = "",
    before: Annotated[int, Query(ge=0)] = 0,
) -> HTMLResponse:
    """What was done, newest first."""
    tenant = serving.principal.tenant
    found = serving.catalog.audit.page(tenant, action=action, before=before, limit=_ROWS)
    older = ""
    if len(found) == _ROWS:
        older = f"/settings/audit?{urlencode({'action': action, 'before': found[-1].entry_id})}"
    rows = [
        AuditRow(
            at=each.at,
            actor=each.entry.actor,
            action=each.entry.action,
            what=each.entry.object,
            result=each.entry.result,
            address=each.entry.address,
        )
        for each in found
    ]
    return HTMLResponse(site.html(AuditView(tenant=tenant, rows=rows, action=action, older=older)))


def role_of(word: str) -> Role:
    """A role by its name.

    Raises:
        PayloadError: there is none.
    """
    try:
        return Role(word)
    except ValueError:
        raise PayloadError(f"There is no such role. There are {', '.join(Role)}.") from None


def _done(serving: Services, do: object) -> Response:
    try:
        do()  # type: ignore[operator]
    except WikiPipelineError as error:
        return _members(serving, problem=error)
    return RedirectResponse("/settings/members", HTTPStatus.SEE_OTHER)


def _password_link(request: Request, serving: Services, account_id: str) -> HTMLResponse:
    secret, _ = serving.people.password_link(serving.actor, account_id)
    link = f"{root_of(request, serving.settings)}/password?link={secret}"
    return _members(serving, link=link, link_for="By this link they set their password, once, within an hour.")


def _members(
    serving: Services, *, link: str = "", link_for: str = "", problem: WikiPipelineError | None = None
) -> HTMLResponse:
    who, catalog = serving.principal, serving.catalog
    members = [
        MemberRow(
            account_id=each.account.account_id,
            name=each.account.title,
            email=each.account.email,
            issuer=each.account.issuer,
            role=Role.OPERATOR.value if each.account.operator else each.role,
            origin=each.origin,
            groups=", ".join(sorted(each.groups)),
            last_login_at=each.account.last_login_at,
            disabled=each.account.disabled_at is not None,
            local=each.account.issuer == LOCAL,
            own=each.account.account_id == who.account,
        )
        for each in catalog.accounts.members(who.tenant)
    ]
    invitations = [
        InvitationRow(invitation_id=each.invitation_id, role=each.role, email=each.email, expires_at=each.expires_at)
        for each in catalog.invitations.list(who.tenant)
    ]
    roles = [role.value for role in Role if role is not Role.OPERATOR or who.may(Action.OPERATE)]
    view = MembersView(
        tenant=who.tenant,
        members=members,
        invitations=invitations,
        groups=catalog.groups.list(who.tenant),
        roles=roles,
        passwords=serving.settings.passwords != "off",
        link=link,
        link_for=link_for,
        problem=str(problem) if problem else "",
    )
    return HTMLResponse(site.html(view), status_of(problem) if problem else 200)
