"""Every route, as another tenant and as each role, with ids that are not theirs.

A route of the router, of the OpenAPI page, or an MCP tool without a case here fails the test that lists them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from wiki_pipeline.access import Action, How, Principal, Role, Scope
from wiki_pipeline.access.actors import command_line
from wiki_pipeline.access.people import People
from wiki_pipeline.catalog import AnswerStatus, Audience, Cap, Catalog, Kind, Period, Readers
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.mcp.tools import TOOLS
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import ATTACHMENTS, Attachment, ChangeHint, Connection, Stage, rows_to_arrow
from wiki_pipeline.settings import load
from wiki_pipeline.sync.downloads import file_hash_of
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.documents import REPOSITORY, SPACE

pytestmark = pytest.mark.security

# What only the hidden source holds, in any answer.
TRACES: tuple[str, ...] = (
    REPOSITORY.slug,
    str(REPOSITORY),
    "acme_rocket",
    "propellant",
    "ignition",
    "big red button",
    "landing",
)
TRACES += ("heart-of-gold", "zaphod", "beeblebrox", "trillian")
FILE = b"of the hidden source"
GROUP = "rocketeers"

# --- who asks ---------------------------------------------------------------------------------------------------------


def somebody(role: Role, tenant: str = "default", groups: frozenset[str] = frozenset()) -> Principal:
    name = f"{role}@{tenant}"
    scope = Scope(tenant, actions=role.actions)
    return Principal(name, tenant, How.SESSION, scope, role, name, groups)


OUTSIDERS = {f"{role} of another tenant": somebody(role, "other") for role in Role if role is not Role.OPERATOR}
EXCLUDED = {f"{role} outside the audience": somebody(role) for role in (Role.READER, Role.EDITOR)}
STRANGERS = OUTSIDERS | EXCLUDED
ADMIN = somebody(Role.ADMIN)
MEMBER = somebody(Role.READER, groups=frozenset({GROUP}))
EVERYONE = {**{who.name: who for who in STRANGERS.values()}, ADMIN.name: ADMIN, "member": MEMBER}


# Of each of them, by name: their account, and an API token of theirs.
ACCOUNTS: dict[str, str] = {}
TOKENS: dict[str, str] = {}


def credentials(who: str) -> dict[str, str]:
    """The headers by which one of `EVERYONE` is known."""
    return {"authorization": f"Bearer {TOKENS[who]}"}


def enrol(catalog: Catalog, settings: GatewaySettings) -> None:
    """Make everybody's account, with its role and groups, and a token for it."""
    catalog.tenancy.add("other", "Other")
    people = People(catalog, settings, "wiki-pipeline")
    for name, who in EVERYONE.items():
        by = command_line(who.tenant)
        made = people.add(by, name, name, f"{name}.example.org", who.role)
        for group in who.groups:
            people.add_group(by, group)
            people.put(by, group, made.account_id)
        ACCOUNTS[name] = made.account_id
        TOKENS[name] = people.create_token(
            by, made.account_id, "walk", actions=sorted(who.role.actions), sources=None, days=1
        )


# --- what is asked ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """How a route is asked.

    Attributes:
        ids: the address, and `query` and `body`, name something by ids; what these are answered with must not depend on
            whether it is there.
        writes: readers may not.
        needs: who is less than that may not.
        name: of which kind the name in the address is.
        found: what an admin is answered for ids that are there; None: it is not asked.
        public: everybody is answered alike, without a principal's rights.
    """

    ids: bool = False
    writes: bool = False
    needs: Role = Role.READER
    name: str = "file"
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    found: int | None = 200
    public: bool = False


LISTS, PUBLIC = Case(), Case(public=True)
ADMINS = Case(needs=Role.ADMIN)
WORDS = "the big red button of the rocket"
OF_SOURCE = Case(ids=True, query={"source": "{source}"})
CASES: dict[str, Sequence[Case]] = {
    "GET /": [LISTS],
    "GET /wiki/": [LISTS],
    "GET /wiki": [Case(found=308)],
    "GET /wiki/{slug}": [Case(found=308)],  # to the same address with a slash, whatever it is
    "GET /wiki/{slug}/": [Case(ids=True)],
    "GET /wiki/{slug}/{path}": [Case(ids=True), Case(ids=True, query={"format": "markdown"})],
    "GET /wiki/{slug}/_files/{file_hash}/{name}": [Case(ids=True)],
    "GET /search": [Case(query={"q": WORDS}), Case(query={"q": WORDS, "source": "{slug}"}, ids=True)],
    "GET /search/suggest": [Case(query={"q": "READM"}), Case(query={"q": "gui"})],
    "GET /opensearch.xml": [PUBLIC],
    "GET /v1/search": [
        Case(query={"q": WORDS}),
        Case(query={"q": "ignitoin"}),  # spelled nearly like a word that the hidden source alone has
        Case(query={"q": WORDS, "mode": "text"}),
        Case(query={"q": "path:README.md"}),
        Case(query={"q": WORDS, "source": "{source}"}, ids=True),
    ],
    "GET /v1/datasources": [LISTS],
    "GET /v1/datasources/{datasource_id}": [Case(ids=True)],
    "GET /v1/datasources/{datasource_id}/audience": [Case(ids=True)],
    "PUT /v1/datasources/{datasource_id}/audience": [
        Case(ids=True, writes=True, body={"readers": "groups", "groups": [GROUP]})
    ],
    "GET /v1/usage": [LISTS],
    "GET /v1/model-keys": [LISTS],
    "PUT /v1/model-keys/{whose}": [Case(writes=True, body={"key": "sk-of-a-tenant"}, found=None)],
    "DELETE /v1/model-keys/{whose}": [Case(writes=True, found=204)],
    "GET /v1/documents/stale": [LISTS, OF_SOURCE],
    "GET /v1/events": [LISTS, OF_SOURCE, Case(query={"job_id": "{job_id}"})],
    "POST /v1/events/retry": [Case(writes=True, ids=True, body={"source": "{source}"})],
    "GET /v1/jobs": [LISTS, OF_SOURCE],
    "GET /v1/jobs/{job_id}": [Case(ids=True)],
    "POST /v1/jobs/{job_id}/terminate": [Case(ids=True, writes=True, found=202)],
    "GET /v1/changes": [LISTS, OF_SOURCE],
    "GET /feeds/changes.atom": [LISTS],
    "GET /feeds/{slug}.atom": [Case(ids=True)],
    "GET /llms.txt": [LISTS, OF_SOURCE],
    "GET /llms-full.txt": [LISTS, OF_SOURCE],
    "POST /v1/ingest/confluence/page": [Case(writes=True, body={"url": "https://nowhere.invalid/x"}, found=None)],
    "POST /v1/ingest/jira/issue": [Case(writes=True, body={"key": "NONE-1"}, found=None)],
    "POST /v1/ingest/git/repository": [Case(writes=True, body={"url": "not an address"}, found=None)],
    "POST /v1/ingest/{kind}/reload": [Case(ids=True, writes=True, body={"datasource_id": "{source}"}, found=202)],
    "POST /v1/ingest/{kind}/reload-all": [Case(writes=True, found=202)],
    "POST /v1/ask": [Case(body={"question": WORDS}), Case(ids=True, body={"question": WORDS, "sources": ["{source}"]})],
    "POST /api/ask": [
        Case(body={"question": WORDS}),
        Case(ids=True, body={"question": WORDS, "conversation_id": "{conversation_id}"}, found=404),
    ],
    "GET /v1/answers/{answer_id}": [Case(ids=True, found=404)],
    "GET /v1/answers/{answer_id}/events": [Case(ids=True, found=404)],
    "POST /v1/answers/{answer_id}/cancel": [Case(ids=True, found=404)],
    "GET /v1/conversations/{conversation_id}": [Case(ids=True, found=404)],
    "POST /v1/research": [
        Case(ids=True, body={"question": WORDS, "sources": ["{source}"], "no_model": True}, found=None)
    ],
    "POST /api/deep_research": [
        Case(ids=True, body={"question": WORDS, "sources": ["{source}"], "no_model": True}, found=None)
    ],
    "GET /v1/research": [LISTS],
    "GET /v1/research/{research_id}": [Case(ids=True, found=404)],
    "GET /v1/research/{research_id}/events": [Case(ids=True, found=404)],
    "GET /v1/research/{research_id}/report.md": [Case(ids=True, found=404)],
    "POST /v1/research/{research_id}/cancel": [Case(ids=True, found=404)],
    "DELETE /v1/research/{research_id}": [Case(ids=True, found=404)],
    "GET /ask": [LISTS, Case(query={"source": "{slug}"}, ids=True)],
    "POST /ask": [
        Case(form={"q": WORDS}, found=303),
        Case(ids=True, form={"q": WORDS, "source": "{slug}"}, found=None),
    ],
    "GET /ask/{conversation_id}": [Case(ids=True, found=404)],
    "POST /ask/{conversation_id}/stop/{answer_id}": [Case(ids=True, found=404)],
    "POST /ask/{conversation_id}/forget": [Case(ids=True, found=404)],
    "GET /research": [LISTS],
    "POST /research": [Case(ids=True, form={"q": WORDS, "source": "{slug}"}, found=None)],
    "GET /research/{research_id}": [Case(ids=True, found=404)],
    "POST /research/{research_id}/stop": [Case(ids=True, found=404)],
    "POST /research/{research_id}/forget": [Case(ids=True, found=404)],
    "GET /metrics": [LISTS],
    "GET /livez": [PUBLIC],
    "GET /readyz": [PUBLIC],
    "GET /docs": [PUBLIC],
    "GET /openapi.json": [PUBLIC],
    "GET /assets/{path}": [Case(public=True, found=404)],
    "POST /webhook/confluence-updated": [Case(public=True, body={}, found=401)],
    "POST /webhook/confluence-updated/{event}": [Case(public=True, body={}, found=401)],
    "POST /webhook/git-push": [Case(public=True, body={}, found=401)],
    "POST /webhook/jira": [Case(public=True, body={}, found=401)],
    # Of the one who asks.
    "GET /v1/account": [LISTS],
    "GET /v1/account/sessions": [LISTS],
    "DELETE /v1/account/sessions": [Case(found=None)],
    "DELETE /v1/account/sessions/{session_id}": [Case(ids=True, found=404)],
    "GET /v1/account/tokens": [LISTS],
    "POST /v1/account/tokens": [Case(body={"name": "mine", "days": 1, "actions": ["read"]}, found=None)],
    "DELETE /v1/account/tokens/{token_id}": [Case(ids=True, found=None)],
    "GET /account": [LISTS],
    "POST /account/sessions/{session_id}/end": [Case(found=303)],
    "POST /account/tenant": [Case(form={"tenant": "default"}, found=None)],
    "POST /account/tokens": [Case(form={"name": "mine", "days": "1", "action": "read"}, found=None)],
    "POST /account/tokens/{token_id}/revoke": [Case(found=None)],
    "POST /v1/access-tokens": [Case(found=None)],
    # Of a tenant's admins.
    "GET /v1/members": [ADMINS],
    "POST /v1/members": [Case(needs=Role.ADMIN, body={"name": "ford", "role": "reader"}, found=None)],
    "PATCH /v1/members/{account_id}": [Case(ids=True, needs=Role.ADMIN, body={"role": "reader"})],
    "DELETE /v1/members/{account_id}": [Case(ids=True, needs=Role.ADMIN, found=None)],
    "POST /v1/members/{account_id}/password-link": [Case(ids=True, needs=Role.ADMIN, found=None)],
    "GET /v1/groups": [ADMINS],
    "PUT /v1/groups/{name}": [Case(needs=Role.ADMIN, found=None)],
    "DELETE /v1/groups/{name}": [Case(ids=True, needs=Role.ADMIN, name="group", found=None)],
    "PUT /v1/groups/{name}/{account_id}": [Case(ids=True, needs=Role.ADMIN, name="group", found=None)],
    "DELETE /v1/groups/{name}/{account_id}": [Case(ids=True, needs=Role.ADMIN, name="group", found=None)],
    "GET /v1/invitations": [ADMINS],
    "POST /v1/invitations": [Case(needs=Role.ADMIN, body={"role": "reader"}, found=None)],
    "DELETE /v1/invitations/{invitation_id}": [Case(ids=True, needs=Role.ADMIN, found=None)],
    "GET /v1/tokens": [ADMINS],
    "POST /v1/tokens/{account_id}": [
        Case(ids=True, needs=Role.ADMIN, body={"name": "theirs", "days": 1, "actions": ["read"]}, found=None)
    ],
    "DELETE /v1/tokens/{token_id}": [Case(ids=True, needs=Role.ADMIN, found=None)],
    "GET /v1/audit": [ADMINS],
    "GET /v1/audit/export": [ADMINS],
    "GET /v1/connections": [ADMINS],
    "POST /v1/connections": [Case(needs=Role.ADMIN, body={"kind": "git", "name": "x", "url": "nonsense"}, found=None)],
    "POST /v1/connections/{name}/test": [Case(ids=True, needs=Role.ADMIN, name="connection", found=None)],
    "DELETE /v1/connections/{name}": [Case(ids=True, needs=Role.ADMIN, name="connection", found=None)],
    "GET /settings": [Case(needs=Role.ADMIN, found=None)],
    "GET /settings/audit": [ADMINS],
    "GET /settings/connections": [ADMINS],
    "GET /settings/members": [ADMINS],
    "GET /settings/tokens": [ADMINS],
    "POST /settings/connections": [Case(needs=Role.ADMIN, form={"name": "x"}, found=None)],
    "POST /settings/connections/{name}/remove": [
        Case(ids=True, needs=Role.ADMIN, name="connection", form={"x": ""}, found=None)
    ],
    "POST /settings/connections/{name}/test": [
        Case(ids=True, needs=Role.ADMIN, name="connection", form={"x": ""}, found=None)
    ],
    "POST /settings/groups": [Case(needs=Role.ADMIN, form={"name": "made"}, found=None)],
    "POST /settings/groups/{name}/remove": [Case(needs=Role.ADMIN, name="group", form={"x": ""}, found=None)],
    "POST /settings/invitations": [Case(needs=Role.ADMIN, form={"role": "reader"}, found=None)],
    "POST /settings/invitations/{invitation_id}/withdraw": [Case(needs=Role.ADMIN, form={"x": ""}, found=None)],
    "POST /settings/members": [Case(needs=Role.ADMIN, form={"name": "arthur", "role": "reader"}, found=None)],
    **{
        f"POST /settings/members/{{account_id}}/{what}": [
            Case(ids=True, needs=Role.ADMIN, form={"role": "reader", "group": "x"}, found=None)
        ]
        for what in ("disable", "enable", "end-sessions", "password-link", "role")
    },
    "POST /settings/tokens/{token_id}/revoke": [Case(needs=Role.ADMIN, form={"x": ""}, found=None)],
    # Of those who have not shown yet who they are.
    "GET /login": [PUBLIC],
    "POST /login": [Case(public=True, form={"name": "zaphod", "password": "wrong"}, found=401)],
    "GET /login/{provider}": [Case(public=True, found=401)],
    "GET /login/{provider}/callback": [Case(public=True, found=401)],
    "POST /logout": [Case(public=True, found=None)],
    "GET /password": [Case(public=True, found=None)],
    "POST /password": [Case(public=True, form={"link": "x"}, found=None)],
    "GET /invitation": [Case(public=True, found=None)],
    "GET /.well-known/jwks.json": [PUBLIC],
    "POST /v1/access-tokens/refresh": [Case(public=True, body={"refresh_token": "x"}, found=None)],
    "POST /webhook/{tenant}/confluence-updated": [Case(public=True, body={}, found=401)],
    "POST /webhook/{tenant}/confluence-updated/{event}": [Case(public=True, body={}, found=401)],
    "POST /webhook/{tenant}/git-push": [Case(public=True, body={}, found=401)],
    "POST /webhook/{tenant}/jira": [Case(public=True, body={}, found=401)],
    "* /mcp": [LISTS],  # tool by tool, below
}
# The answer is a page that shows the same form with what is wrong; 404 among others.
_REFUSED = {403, 404}
_OF_ANYBODY = {
    "kind": "git",
    "whose": "tenant",
    "event": "page_updated",
    "path": "README.md",
    "provider": "x",
    "tenant": "default",
}

TOOL_CASES: dict[str, Sequence[Mapping[str, Any]]] = {
    "search": [{"query": WORDS}],
    "fetch": [{"id": "wiki://{slug}/README.md"}],
    "search_passages": [{"query": WORDS}, {"query": WORDS, "sources": ["{source}"]}],
    "ask": [{"question": WORDS}, {"question": WORDS, "sources": ["{slug}"]}],
    "research": [{"research_id": "{research_id}"}, {"question": WORDS, "sources": ["{slug}"]}],
    "list_sources": [{}],
    "freshness": [{}, {"source": "{slug}"}, {"id": "wiki://{slug}/README.md"}],
}


# --- the installation -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A copy of the installation that these tests share with others, for what is asked here to change."""
    home = tmp_path_factory.mktemp("walked") / "home"
    shutil.copytree(pipeline.settings.home, home)
    settings = load(GatewaySettings, home=home, passwords="everybody")
    with Pipeline.open(settings) as opened:
        enrol(opened.catalog, settings)
        yield opened


@pytest.fixture(scope="module")
def ids(installed: Pipeline) -> tuple[dict[str, str], dict[str, str]]:
    """Ids of what the hidden source has, and as many of nothing."""
    catalog = installed.catalog
    catalog.audiences.set(REPOSITORY, Audience(Readers.GROUPS, (GROUP,)))
    digest = file_hash_of(FILE)
    row = Attachment(
        document_id="plan.txt",
        title="plan.txt",
        url="",
        version_key="1",
        parent_id="README.md",
        media_type="text/plain",
        size=len(FILE),
        file_hash=digest,
        data=FILE,
    )
    table = installed.store.table(Stage.ATTACHMENTS, REPOSITORY)
    table.replace(rows_to_arrow([row], ATTACHMENTS, fingerprint=["1"], content_hash=["1"]), [])
    job = catalog.jobs.create(REPOSITORY, "Reload of rocket", [ChangeHint("git", REPOSITORY, "", "reload")])
    cited = {"citations": [{"source": str(REPOSITORY)}], "question": WORDS}
    answers = {}
    for kind in ("answer", "research"):
        # Their own, of a time when they could read it.
        for who in STRANGERS.values():
            begun = catalog.answers.begin(
                who.tenant, ACCOUNTS[who.name], WORDS, request={"filters": {}, "chunks": 1}, kind=kind
            )
            assert begun is not None
            catalog.answers.end(begun.answer_id, AnswerStatus.DONE, cited)
            answers[kind, who.name] = begun
    people = People(catalog, installed.settings, "wiki-pipeline")  # type: ignore[arg-type]
    by = command_line("default")
    hidden = people.add(by, "zaphod", "Zaphod Beeblebrox", "zaphod@heart-of-gold.example", Role.READER)
    people.add_group(by, "improbable")
    people.put(by, "improbable", hidden.account_id)
    _, invitation = people.invite(by, Role.READER, "trillian@heart-of-gold.example")
    people.create_token(by, hidden.account_id, "guide", actions=[Action.READ], sources=None, days=1)
    catalog.connections.add(Connection("default", "git", "heart-of-gold", "https://heart-of-gold.example", {}))
    there = {
        "account_id": hidden.account_id,
        "token_id": catalog.api_tokens.list("default", hidden.account_id)[0].token_id,
        "invitation_id": invitation.invitation_id,
        "session_id": "e" * 32,
        "group": "improbable",
        "connection": "heart-of-gold",
        "source": str(REPOSITORY),
        "datasource_id": REPOSITORY.slug,
        "slug": REPOSITORY.slug,
        "file_hash": digest,
        "job_id": job.job_id,
        "answer_id": "",
        "conversation_id": "",
        "research_id": "",
    }
    nowhere = {
        "source": "default:git:no/where",
        "datasource_id": "git-no-where",
        "slug": "git-no-where",
        "file_hash": "0" * 32,
        **dict.fromkeys(("job_id", "answer_id", "conversation_id", "research_id"), "f" * 32),
        **dict.fromkeys(("account_id", "token_id", "invitation_id", "session_id"), "f" * 32),
        "group": "no-such-group",
        "connection": "no-such-connection",
    }
    there |= {f"answer {who}": record.answer_id for (kind, who), record in answers.items() if kind == "answer"}
    there |= {f"conversation {who}": r.conversation_id for (kind, who), r in answers.items() if kind == "answer"}
    there |= {f"research {who}": record.answer_id for (kind, who), record in answers.items() if kind == "research"}
    return there, nowhere


@pytest.fixture(scope="module")
def app(installed: Pipeline) -> FastAPI:
    return create_app(load(GatewaySettings, home=installed.settings.home, passwords="everybody"))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost", follow_redirects=False) as client:
        yield client


def routes_of(routes: Sequence[Any]) -> Iterator[str]:
    """Each method and address of a router, those inside included."""
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if not hasattr(route, "path"):
            yield from routes_of(inner.routes if inner is not None else route.routes)
            continue
        path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
        for method in sorted((getattr(route, "methods", None) or {"*"}) - {"HEAD"}):
            yield f"{method} {path}"


def test_every_route_and_every_tool_has_a_case(app: FastAPI) -> None:
    found = set(routes_of(app.routes))
    documented = {f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods}
    assert documented - found == set()
    assert found == set(CASES), "a route without a case, or a case without a route"
    assert {tool.name for tool in TOOLS} == set(TOOL_CASES)


# --- asking -----------------------------------------------------------------------------------------------------------


def asked(client: TestClient, route: str, case: Case, who: str, values: Mapping[str, str]) -> tuple[int, str, str]:
    """Status, body and location; ids in the body are taken out."""
    own = {
        kind: values.get(f"{kind.removesuffix('_id')} {who}") or values[kind] for kind in values if kind.endswith("_id")
    }
    chosen = {**values, **own, **_OF_ANYBODY, "name": values.get(case.name, "plan.txt")}
    method, address = route.split(" ", 1)

    def filled(value: Any) -> Any:
        return json.loads(re.sub(r"\{(\w+)\}", lambda m: chosen[m[1]], json.dumps(value))) if value else value

    answer = client.request(
        method,
        re.sub(r"\{(\w+)\}", lambda m: chosen[m[1]], address),
        params=filled(dict(case.query)),
        json=filled(case.body),
        data=filled(dict(case.form)) if case.form else None,
        headers=credentials(who),
    )
    text, location = (_named_alike(values, each) for each in (answer.text, answer.headers.get("location", "")))
    return answer.status_code, text, location


def _named_alike(values: Mapping[str, str], text: str) -> str:
    """An answer with all ids and moments as one."""
    for name in ("source", "slug", "connection", "group"):
        text = text.replace(values[name], "ID")
    return re.sub(r"[0-9a-f]{32}|\d{4}-\d\d-\d\dT[\d:.]+", "ID", text)


ALL = [(route, number) for route, cases in CASES.items() for number in range(len(cases)) if route != "* /mcp"]


@pytest.mark.parametrize(("route", "number"), ALL, ids=str)
def test_what_is_not_theirs_is_not_there(
    client: TestClient, ids: tuple[dict[str, str], dict[str, str]], installed: Pipeline, route: str, number: int
) -> None:
    case, (there, nowhere) = CASES[route][number], ids
    before = (
        installed.catalog.audiences.all("default")[1],
        len(installed.catalog.jobs.find("default", source=REPOSITORY)),
    )
    for label, who in STRANGERS.items():
        status, text, location = asked(client, route, case, who.name, there)
        assert status < 500, (label, status, text)
        if who.role < (Role.EDITOR if case.writes and case.needs is Role.READER else case.needs):
            assert status == 403, (label, status, text)
        if case.ids:
            assert (status, text, location) == asked(client, route, case, who.name, nowhere), label
            nothing = status in _REFUSED | {422} or text == '{"ended":0}'
            assert nothing or case.query or case.form, (label, status)
            if route.startswith("GET ") and not case.query:
                anything = {**credentials(who.name), "if-none-match": "*"}
                address = re.sub(
                    r"\{(\w+)\}",
                    lambda m: {**there, **_OF_ANYBODY, "name": there.get(case.name, "plan.txt")}[m[1]] or "f" * 32,
                    route[4:],
                )
                assert client.get(address, headers=anything).status_code == status, label
            if status == 403:
                assert case.writes or case.needs > Role.READER, (label, text)
                assert who.role is Role.READER or who.role < case.needs, (label, text)
        if not case.public:
            shown = text.casefold().replace(WORDS, "")
            assert [trace for trace in TRACES if trace in shown] == [], (label, text[:3000])
    assert before == (
        installed.catalog.audiences.all("default")[1],
        len(installed.catalog.jobs.find("default", source=REPOSITORY)),
    ), "somebody changed something"


@pytest.mark.parametrize(("route", "number"), ALL, ids=str)
def test_whose_it_is_finds_it(
    client: TestClient, ids: tuple[dict[str, str], dict[str, str]], route: str, number: int
) -> None:
    case = CASES[route][number]
    if case.found is None:
        return
    for who in (ADMIN.name, *(["member"] if not case.writes and route.startswith("GET") and case.ids else [])):
        if who == "member" and "audience" in route:
            continue  # an admin's business
        values = {**ids[0], **dict.fromkeys(("answer_id", "conversation_id", "research_id"), "f" * 32)}
        status, text, _ = asked(client, route, case, who, values)
        assert status == case.found, (who, status, text[:500])


def test_a_source_that_is_removed_stays_hidden_in_what_is_still_told_of_it(
    client: TestClient, ids: tuple[dict[str, str], dict[str, str]], installed: Pipeline
) -> None:
    key = type(REPOSITORY)("default", "git", "acme/secret-of-old")
    installed.catalog.add_source(key, "{}", "Secret of old")
    installed.catalog.audiences.set(key, Audience(Readers.ADMINS))
    job = installed.catalog.jobs.create(key, "Reload of secret-of-old", [])
    installed.catalog.remove_source(key)
    for address in ("/v1/changes", "/feeds/changes.atom", "/v1/jobs", f"/v1/jobs/{job.job_id}"):
        for who in STRANGERS.values():
            assert "secret-of-old" not in client.get(address, headers=credentials(who.name)).text.casefold()
    assert "secret-of-old" in client.get("/v1/jobs", headers=credentials(ADMIN.name)).text
    installed.catalog.add_source(key, "{}")
    assert installed.catalog.source(key).audience == Audience(Readers.ADMINS)  # type: ignore[union-attr]
    installed.catalog.remove_source(key)


# --- MCP --------------------------------------------------------------------------------------------------------------


def said(client: TestClient, method: str, params: Mapping[str, Any], who: str) -> tuple[int, str]:
    asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = {"accept": "application/json, text/event-stream", **credentials(who)}
    answer = client.post("/mcp", json=asked, headers=headers)
    return answer.status_code, answer.text


def _with(values: Mapping[str, str], who: str, arguments: Any) -> Any:
    chosen = {**values, "research_id": values.get(f"research {who}") or values["research_id"]}
    return json.loads(re.sub(r"\{(\w+)\}", lambda m: chosen[m[1]], json.dumps(arguments)))


@pytest.mark.parametrize("tool", [tool.name for tool in TOOLS])
def test_tools_find_nothing_that_is_not_theirs(
    client: TestClient, ids: tuple[dict[str, str], dict[str, str]], tool: str
) -> None:
    for arguments in TOOL_CASES[tool]:
        named = "{" in json.dumps(arguments).replace("{}", "").lstrip("{")
        for label, who in STRANGERS.items():
            answers = []
            for values in ids:
                params = {"name": tool, "arguments": _with(values, who.name, arguments)}
                status, text = said(client, "tools/call", params, who.name)
                assert status == 200, (label, text)
                answers.append(_named_alike(values, text))
            shown = answers[0].casefold().replace(WORDS, "")
            assert [trace for trace in TRACES if trace in shown] == [], (label, answers[0][:2000])
            if (
                named
                and "source" in json.dumps(arguments) + "slug"
                and tool in {"fetch", "search_passages", "freshness"}
            ):
                assert answers[0] == answers[1], label


def test_resources_are_those_that_may_be_read(client: TestClient, ids: tuple[dict[str, str], dict[str, str]]) -> None:
    (there, nowhere) = ids
    completed = {"ref": {"type": "ref/resource", "uri": "wiki://{source}/{page}"}}
    for label, who in STRANGERS.items():
        listed = said(client, "resources/list", {}, who.name)[1]
        assert [trace for trace in TRACES if trace in listed] == [], label
        found = [
            _named_alike(
                values,
                said(client, "resources/read", {"uri": f"wiki://{values['slug']}/README.md"}, who.name)[1],
            )
            for values in (there, nowhere)
        ]
        assert found[0] == found[1], label
        assert "error" in found[0]
        for argument in ({"name": "source", "value": ""}, {"name": "page", "value": ""}):
            context = {"arguments": {"source": there["slug"]}}
            text = said(
                client, "completion/complete", {**completed, "argument": argument, "context": context}, who.name
            )[1]
            assert "rocket" not in text, label
            assert "README" not in text, label
    assert SPACE.slug in said(client, "resources/list", {}, ADMIN.name)[1]


# --- quotas -----------------------------------------------------------------------------------------------------------


def test_a_full_quota_says_when_it_begins_anew_and_stops_neither_reading_nor_deleting(
    client: TestClient, ids: tuple[dict[str, str], dict[str, str]], installed: Pipeline
) -> None:
    quotas, member = installed.catalog.quotas, credentials("member")
    began = client.post("/v1/research", json={"question": WORDS, "no_model": True}, headers=member)
    assert began.status_code == 202, began.text
    account = [use for use in client.get("/v1/usage", headers=member).json()["usage"] if use["of"] == "account"]
    spent = next(use["used"] for use in account if (use["kind"], use["period"]) == ("requests", "day"))
    assert spent >= 1
    quotas.set_cap(Cap(f"account:default:{ACCOUNTS['member']}", Kind.REQUESTS, Period.DAY, spent))
    refused = client.post("/v1/ask", json={"question": WORDS}, headers=member)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_exceeded")
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3600
    page = client.post("/ask", data={"q": WORDS}, headers=member)
    assert (page.status_code, page.headers["retry-after"]) == (429, page.headers["retry-after"])
    assert "used up" in said(client, "tools/call", {"name": "ask", "arguments": {"question": WORDS}}, "member")[1]
    for place in (f"/wiki/{SPACE.slug}/", "/v1/search?q=rocket", "/v1/research"):
        assert client.get(place, headers=member).status_code == 200
    assert client.delete(f"/v1/research/{began.json()['research_id']}", headers=member).status_code == 204
    assert client.post("/v1/ask", json={"question": WORDS}, headers=credentials(ADMIN.name)).status_code == 200
    quotas.drop_cap(f"account:default:{ACCOUNTS['member']}", Kind.REQUESTS, Period.DAY)
