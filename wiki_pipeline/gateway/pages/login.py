"""`/login`, `/logout`, `/invitation`, `/password`: how people get in and out. All of it works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, urlencode

import anyio.to_thread
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wiki_pipeline import logs
from wiki_pipeline.access import passwords, secrets
from wiki_pipeline.access.actors import nobody
from wiki_pipeline.access.logins import LoggedIn, Visitor
from wiki_pipeline.catalog import LoginAttempt
from wiki_pipeline.errors import LoginError, PayloadError, ThrottledError, WikiPipelineError
from wiki_pipeline.gateway.access import cookies_of
from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.errors import status_of
from wiki_pipeline.gateway.form_fields import Form, local_path
from wiki_pipeline.gateway.security import CLIENT
from wiki_pipeline.gateway.services import Services, Serving, opened
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.access_views import LoginView, PasswordView

router = APIRouter(tags=["login"], include_in_schema=False)

_LONGEST = 2_000
_SECRET = 100
Next = Annotated[str, Query(max_length=_LONGEST)]
Secret = Annotated[str, Query(max_length=_SECRET)]


@router.get("/login")
def login_page(request: Request, next: Next = "") -> Response:  # noqa: A002 - the name in the address
    """Where people choose how to log in."""
    return _page(opened(request), local_path(next))


@router.post("/login")
async def log_in(request: Request, form: Form) -> Response:
    """By name and password."""
    serving, onward = opened(request), local_path(form.get("next", ""))
    try:
        _need_people(serving)
        visitor = _visitor(request)
        done = await serving.logins.by_password(form.get("name", "")[:200], form.get("password", ""), onward, visitor)
    except (LoginError, ThrottledError) as error:
        return _page(serving, onward, problem=error)
    except WikiPipelineError as error:
        return _page(serving, onward, problem=error)
    return _entered(request, serving, done)


@router.get("/login/{provider}")
async def begin(request: Request, provider: str, next: Next = "", invitation: Secret = "") -> Response:  # noqa: A002
    """To the provider."""
    serving, onward = opened(request), local_path(next)
    try:
        _need_people(serving)
        attempt = LoginAttempt(provider, onward, secrets.hashed(invitation) if invitation else "")
        there, client = _callback(request, serving, provider), _visitor(request).address
        address, state, binding = await serving.logins.begin(provider, there, attempt, client)
    except WikiPipelineError as error:
        return _page(serving, onward, problem=error)
    response = RedirectResponse(address, HTTPStatus.SEE_OTHER)
    cookies_of(serving.settings).set_binding(response, request.scope, state, binding)
    return response


@router.get("/login/{provider}/callback")
async def callback(request: Request, provider: str) -> Response:
    """Back from the provider."""
    serving, cookies = opened(request), cookies_of(opened(request).settings)
    answer = {name: value[: _LONGEST * 2] for name, value in request.query_params.items()}
    state = answer.get("state", "")[:_SECRET]
    binding = cookies.binding(request.scope, state)
    response: Response
    try:
        _need_people(serving)
        there = _callback(request, serving, provider)
        done = await serving.logins.finish(provider, {**answer, "state": state}, binding, there, _visitor(request))
    except WikiPipelineError as error:
        response = _page(serving, "/", problem=error)
    else:
        response = _entered(request, serving, done)
    cookies.drop_binding(response, state)
    return response


@router.post("/logout")
async def log_out(request: Request, serving: Serving, form: Form) -> Response:
    """Here, and at the provider if it has a place for that; everywhere if asked."""
    secret = cookies_of(serving.settings).session(request.scope)
    provider, id_token = await anyio.to_thread.run_sync(serving.people.log_out, serving.actor, secret)
    if form.get("everywhere") and serving.principal.account:
        await anyio.to_thread.run_sync(serving.people.end_sessions, serving.actor, serving.principal.account)
    found = serving.logins.providers.get(provider)
    there = await found.logout_address(id_token, f"{root_of(request, serving.settings)}/login") if found else ""
    onward = (
        {there: f"Go on to log out at {found.settings.shown} too"} if found and there else {"/login": "Log in again"}
    )
    with site.read_by(None):
        view = LoginView(title="You are logged out", onward=onward)
        response = HTMLResponse(site.html(view))
    if there:  # not a redirect: the policy of pages lets forms lead to the gateway alone
        response.headers["refresh"] = f"0; url={there}"
    response.headers["clear-site-data"] = '"cache"'
    cookies_of(serving.settings).drop_session(response)
    return response


@router.get("/invitation")
def invitation_page(request: Request, secret: Secret = "") -> Response:
    """Where an invitation leads."""
    serving = opened(request)
    found = serving.catalog.invitations.get(secrets.hashed(secret)) if secret else None
    if found is None:
        return _page(serving, "/", problem=LoginError("This invitation is not good any more.", "Ask for another one."))
    notice = f"You are invited to {found.tenant} as {found.role}. Log in to accept."
    if found.email:
        notice += f" It is for {found.email}."
    return _page(serving, "/", invitation=secret, notice=notice)


@router.get("/password")
def password_page(request: Request, link: Secret = "") -> Response:
    """Where a link for a password leads. Looking at it uses nothing up."""
    return _password(opened(request), link)


@router.post("/password")
async def set_password(request: Request, form: Form) -> Response:
    """Sets it."""
    serving = opened(request)
    link, password = form.get("link", "")[:_SECRET], form.get("password", "")
    account = await anyio.to_thread.run_sync(serving.catalog.accounts.of_link, secrets.hashed(link))
    if account is None:
        return _password(serving, link)
    try:
        if password != form.get("again", ""):
            raise PayloadError("The two are not the same.")
        await anyio.to_thread.run_sync(passwords.check, password, [account.subject, account.name, account.email])
        kept = await serving.logins.hashing.hash(password)
        actor = nobody(serving.settings.tenant, _visitor(request).address, logs.about().get("request_id", ""))
        await anyio.to_thread.run_sync(serving.people.set_password, actor, link, kept)
    except WikiPipelineError as error:
        return _password(serving, link, problem=error)
    return _page(serving, "/", notice="The password is set. Log in with it.")


def _password(serving: Services, link: str, problem: WikiPipelineError | None = None) -> Response:
    account = serving.catalog.accounts.of_link(secrets.hashed(link)) if link else None
    if account is None:
        gone = LoginError("This link was used, is too old, or another one was made since.", "Ask for a new one.")
        return _page(serving, "/", problem=gone)
    view = PasswordView(
        account=account.title, link=link, shortest=passwords.SHORTEST, problem=str(problem) if problem else ""
    )
    return HTMLResponse(site.html(view), status_of(problem) if problem else 200)


def _page(
    serving: Services,
    onward: str,
    *,
    problem: WikiPipelineError | None = None,
    notice: str = "",
    invitation: str = "",
) -> HTMLResponse:
    settings = serving.settings
    if not settings.people and problem is None:
        problem = LoginError("Nobody logs in here.", "How to have people log in is in deploy/ACCESS.md.")
    asked = {
        name: value for name, value in {"next": onward.removesuffix("/"), "invitation": invitation}.items() if value
    }
    query = f"?{urlencode(asked)}" if asked else ""
    view = LoginView(
        providers={f"/login/{quote(each.name)}{query}": each.shown for each in settings.providers},
        passwords=settings.people and settings.passwords != "off" and not invitation,
        next=onward,
        notice=notice,
        problem=str(problem) if problem else "",
    )
    response = HTMLResponse(site.html(view), status_of(problem) if problem else 200)
    if isinstance(problem, ThrottledError):
        response.headers["retry-after"] = str(round(problem.seconds))
    return response


def _entered(request: Request, serving: Services, done: LoggedIn) -> Response:
    response = RedirectResponse(local_path(done.next), HTTPStatus.SEE_OTHER)
    cookies = cookies_of(serving.settings)
    before = cookies.session(request.scope)
    if before:  # one browser, one session: what it had is over
        serving.catalog.sessions.close(secrets.hashed(before))
        serving.people.credentials.forget()
    cookies.set_session(response, done.secret)
    return response


def _visitor(request: Request) -> Visitor:
    facts: Mapping[str, str] = request.scope.get("state", {})
    return Visitor(facts.get(CLIENT, ""), request.headers.get("user-agent", ""), logs.about().get("request_id", ""))


def _callback(request: Request, serving: Services, provider: str) -> str:
    return f"{root_of(request, serving.settings)}/login/{quote(provider)}/callback"


def _need_people(serving: Services) -> None:
    if not serving.settings.people:
        raise LoginError("Nobody logs in here.", "How to have people log in is in deploy/ACCESS.md.")
