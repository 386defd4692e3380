"""`/account`: one's own profile, sessions and tokens."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wiki_pipeline.access import Action
from wiki_pipeline.catalog import ApiToken
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway.access import cookies_of
from wiki_pipeline.gateway.api.account import new_token
from wiki_pipeline.gateway.errors import status_of
from wiki_pipeline.gateway.form_fields import Form
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.access_views import AccountView, SessionRow, TokenRow

router = APIRouter(tags=["account"], include_in_schema=False)


@router.get("/account")
def account_page(serving: Serving) -> HTMLResponse:
    """Who one is here."""
    return _page(serving)


@router.post("/account/sessions/{session_id}/end")
def end_session(serving: Serving, session_id: str) -> Response:
    """End another session of one's own."""
    serving.people.end_session(serving.actor, session_id)
    return RedirectResponse("/account", HTTPStatus.SEE_OTHER)


@router.post("/account/tokens")
def make_token(serving: Serving, form: Form) -> HTMLResponse:
    """Make a token, and show it this once."""
    try:
        made = new_token(
            serving,
            form.get("name", ""),
            form.get("days", ""),
            [form.get("action", "")],
            [form["source"]] if form.get("source") else None,
        )
    except WikiPipelineError as error:
        return _page(serving, problem=error)
    return _page(serving, made=made)


@router.post("/account/tokens/{token_id}/revoke")
def revoke_token(serving: Serving, token_id: str) -> Response:
    """End a token."""
    serving.people.revoke_token(serving.actor, token_id)
    return RedirectResponse("/account", HTTPStatus.SEE_OTHER)


@router.post("/account/tenant")
def move(request: Request, serving: Serving, form: Form) -> Response:
    """Be in another tenant."""
    secret = cookies_of(serving.settings).session(request.scope)
    serving.people.move(serving.actor, secret, form.get("tenant", ""))
    return RedirectResponse("/", HTTPStatus.SEE_OTHER)


def browser_of(agent: str) -> str:
    """A browser and its system as people know them, by what it calls itself; that, where nothing is recognised."""
    browser = next((name for word, name in _BROWSERS.items() if word in agent), "")
    system = next((name for word, name in _SYSTEMS.items() if word in agent), "")
    return " on ".join(filter(None, (browser, system))) or agent[:40]


# Each names itself and most of the others; the one that no other copies comes first.
_BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "HeadlessChrome/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def token_rows(found: list[ApiToken]) -> list[TokenRow]:
    """Tokens for a list."""
    return [
        TokenRow(
            token_id=each.token_id,
            name=each.name,
            last_four=each.last_four,
            owner=each.owner,
            actions=", ".join(sorted(each.actions, key=lambda word: list(Action).index(Action(word)))),
            sources="all" if each.sources is None else ", ".join(each.sources),
            created_at=each.created_at,
            expires_at=each.expires_at,
            last_used_at=each.last_used_at,
        )
        for each in found
    ]


def _page(serving: Services, *, made: str = "", problem: WikiPipelineError | None = None) -> HTMLResponse:
    who, catalog = serving.principal, serving.catalog
    account = catalog.accounts.get(who.account) if who.account else None
    facts = {"Name": who.name, "Tenant": who.tenant, "Role": who.role.value, "Groups": ", ".join(sorted(who.groups))}
    tenants: set[str] = set()
    if account is not None:
        facts |= {"Address": account.email, "Known by": account.issuer, "Account": account.account_id}
        tenants = {who.tenant, *catalog.accounts.tenants(account.account_id)}
    view = AccountView(
        facts={name: value for name, value in facts.items() if value},
        tenant=who.tenant,
        tenants=sorted(tenants),
        sessions=[
            SessionRow(
                session_id=each.session_id,
                provider=each.provider,
                address=each.address,
                agent=browser_of(each.agent),
                created_at=each.created_at,
                seen_at=each.seen_at,
                current=each.session_id == serving.visit.session_id,
            )
            for each in (catalog.sessions.list(account.account_id) if account else ())
        ],
        tokens=token_rows(list(catalog.api_tokens.list(who.tenant, account.account_id))) if account else (),
        sources={str(record.key): record.title or record.key.name for record in serving.reader.sources()},
        actions=[action.value for action in Action if who.may(action)],
        most_days=serving.settings.token_days,
        made=made,
        problem=str(problem) if problem else "",
        login=account is not None,
    )
    return HTMLResponse(site.html(view), status_of(problem) if problem else 200)
