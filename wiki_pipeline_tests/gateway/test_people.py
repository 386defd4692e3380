"""People at the gateway, by real HTTP: login, roles, sessions, tokens, members and the audit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwk, jwt

from wiki_pipeline.access import Action, Role, secrets
from wiki_pipeline.access.actors import command_line
from wiki_pipeline.access.throttle import PerMinute
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.access import Access, check_binding
from wiki_pipeline.gateway.clients import Clients
from wiki_pipeline.gateway.form_fields import local_path
from wiki_pipeline.gateway.pages.account import browser_of
from wiki_pipeline.gateway.rights import is_open, needed
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline_tests.access.issuer import SECRET, Issuer
from wiki_pipeline_tests.gateway.documents import SPACE
from wiki_pipeline_tests.gateway.people import HTML, PASSWORD, SHARED, Browser, Town, town

pytestmark = [pytest.mark.integration, pytest.mark.security]


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def place(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town"), issuer) as place:
        place.catalog.add_source(SPACE, "{}", "Engineering")
        yield place


@pytest.fixture
def browser(place: Town) -> Iterator[Browser]:
    with place.browser() as browser:
        yield browser


def test_browsers_are_sent_to_the_login_and_come_back(browser: Browser) -> None:
    first = browser.get("/search?q=rocket%20guide", follow_redirects=False)
    assert first.status_code == 303
    page = browser.get("/search?q=rocket%20guide")
    assert "Log in with company" in page.text
    done = browser.log_in(next_="/search?q=rocket%20guide")
    assert done.url.raw_path == b"/search?q=rocket%20guide"
    assert "Ada Lovelace" in done.text
    assert browser.get("/account").text.count("this one") == 1


def test_programs_are_told_401(place: Town) -> None:
    for headers in ({}, {"authorization": "Bearer wp_unknown"}, {"cookie": "wp-session=made-up"}):
        answer = httpx.get(f"{place.address}/v1/datasources", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorised")
        assert "Basic" not in answer.headers["www-authenticate"]


def test_the_cookie_of_a_session_is_kept_from_scripts_and_other_sites(place: Town) -> None:
    answer = httpx.post(f"{place.address}/login", data={"name": "reader", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie


def test_over_https_cookies_are_bound_to_this_host(issuer: Issuer, tmp_path: Path) -> None:
    with town(tmp_path, issuer, public_url="https://wiki.example.org") as place:
        answer = httpx.post(f"{place.address}/login", data={"name": "reader", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-wp-session=")
        assert "Secure" in cookie
        begun = httpx.get(f"{place.address}/login/company")
        assert "redirect_uri=https%3A%2F%2Fwiki.example.org%2Flogin%2Fcompany%2Fcallback" in begun.headers["location"]


def test_a_login_makes_a_new_session_and_ends_the_one_before(place: Town) -> None:
    with place.logged_in("reader") as browser:
        before = browser.cookies["wp-session"]
        browser.by_password("reader")
        assert browser.cookies["wp-session"] != before
        with place.browser() as other:
            other.cookies.set("wp-session", before)
            assert "Log in with" in other.get("/account").text


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/%5cevil.example",
        "/\tx",
        "/login?next=/",
        "",
        "wiki",
        "/%2f%2fevil.example/%0d",
    ],
)
def test_only_pages_of_the_gateway_come_next(address: str, place: Town) -> None:
    assert local_path(address) == "/"
    answer = httpx.post(f"{place.address}/login", data={"name": "reader", "password": PASSWORD, "next": address})
    assert answer.headers["location"] == "/"


def test_a_local_path_is_kept() -> None:
    for address in ("/wiki/a/b?x=%2F#y", "/search?q=a%26b", "/"):
        assert local_path(address) == address


def test_forms_that_were_made_for_nobody_s_session_change_nothing(place: Town) -> None:
    with place.logged_in("admin") as browser, place.logged_in("admin") as other:
        theirs = other.csrf()
        for token in ("", "x", theirs):
            for path in ("/logout", "/settings/invitations", "/account/tokens", "/ask"):
                answer = browser.post(path, data={"csrf": token, "role": "reader", "q": "who"})
                assert answer.status_code == 403, path
        assert browser.delete("/v1/account/sessions").status_code == 403
        assert "this one" in browser.get("/account").text
        own = {"x-csrf-token": browser.csrf()}
        crossed = browser.post("/logout", data={}, headers={**own, "sec-fetch-site": "cross-site"})
        assert crossed.status_code == 403
        assert browser.post("/ask", data={"q": "Who is called?"}, headers=own).status_code == 200


def test_questions_belong_to_their_account(place: Town) -> None:
    with place.logged_in("reader") as one, place.logged_in("editor") as other:
        asked = one.submit("/ask", "/ask", q="Who is called?")
        assert asked.status_code == 200
        assert other.get(asked.url.path).status_code == 404


# --- roles ---

CASES = [
    ("GET", "/v1/datasources", Role.READER),
    ("GET", "/search?q=x", Role.READER),
    ("GET", "/account", Role.READER),
    ("GET", "/v1/account/sessions", Role.READER),
    ("POST", "/v1/ingest/confluence/reload-all", Role.EDITOR),
    ("POST", "/v1/jobs/none/terminate", Role.EDITOR),
    ("GET", "/settings/members", Role.ADMIN),
    ("GET", "/settings/audit", Role.ADMIN),
    ("GET", "/v1/members", Role.ADMIN),
    ("PUT", "/v1/groups/ops", Role.ADMIN),
    ("GET", "/settings/connections", Role.ADMIN),
    ("GET", "/v1/audit/export", Role.ADMIN),
    ("GET", "/metrics", Role.ADMIN),
]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_do_what_those_below_it_may_and_no_more(place: Town, role: Role) -> None:
    with place.logged_in(role.value) as browser, httpx.Client(base_url=place.address, timeout=60) as program:
        token = {"x-csrf-token": browser.csrf()}
        bearer = {"authorization": f"Bearer {place.token(role.value, role)}"}
        for method, path, least in CASES:
            for headers, client in ((token, browser), (bearer, program)):
                answer = client.request(method, path, headers={"accept": "application/json", **headers})
                assert (answer.status_code == 403) is (role < least), (role, method, path, answer.text[:300])
                assert answer.status_code != 401


def test_a_changed_role_and_a_disabled_account_count_at_once(place: Town) -> None:
    place.add("brief", Role.EDITOR)
    account = place.accounts["brief"].account_id
    bearer = {"authorization": f"Bearer {place.token('brief', Role.EDITOR)}"}
    with place.logged_in("brief") as theirs, place.logged_in("admin") as admin:
        work = f"{place.address}/v1/ingest/confluence/reload-all"
        assert httpx.post(work, headers=bearer).status_code != 403
        admin.submit(f"/settings/members/{account}/role", "/settings/members", role="reader")
        assert httpx.post(work, headers=bearer).status_code == 403
        assert "editor" not in theirs.get("/account").text
        admin.submit(f"/settings/members/{account}/disable", "/settings/members")
        assert "Log in with" in theirs.get("/account").text
        assert httpx.get(f"{place.address}/v1/account", headers=bearer).status_code == 401
        assert theirs.by_password("brief").status_code == 401


def test_an_admin_can_t_make_operators_or_become_one(place: Town) -> None:
    operator, own = place.accounts["operator"].account_id, place.accounts["admin"].account_id
    with place.logged_in("admin") as admin:
        for path, fields, status in (
            (f"/settings/members/{own}/role", {"role": "operator"}, 403),
            ("/settings/members", {"name": "king", "role": "operator"}, 403),
            (f"/settings/members/{operator}/role", {"role": "reader"}, 404),  # no member here
            (f"/settings/members/{operator}/password-link", {}, 404),
            (f"/settings/members/{operator}/disable", {}, 404),
        ):
            assert admin.submit(path, "/settings/members", **fields).status_code == status, path
        place.catalog.accounts.set_role(operator, "default", "reader")  # and as one
        for do in ("password-link", "disable", "end-sessions"):
            assert admin.submit(f"/settings/members/{operator}/{do}", "/settings/members").status_code == 403, do
    assert place.catalog.accounts.by_subject("local", "king") is None


def test_an_admin_has_no_say_over_who_is_in_other_tenants_too(place: Town) -> None:
    place.add("wanderer", Role.READER)
    account = place.accounts["wanderer"].account_id
    place.catalog.accounts.set_role(account, "other", "admin")
    foreign = place.catalog.accounts.seen("local", "foreigner", "", "", verified=False)
    place.catalog.accounts.set_role(foreign.account_id, "other", "admin")
    with place.logged_in("admin") as admin:
        for who, status in ((account, 403), (foreign.account_id, 404)):
            for do in ("password-link", "disable", "end-sessions"):
                assert admin.submit(f"/settings/members/{who}/{do}", "/settings/members").status_code == status
        assert foreign.account_id not in admin.get("/settings/members").text


# --- sessions ---


def test_people_see_and_end_their_sessions(place: Town) -> None:
    place.add("twice", Role.READER)
    with place.logged_in("twice") as one, place.logged_in("twice") as other:
        headers = {"accept": "application/json"}
        listed = one.get("/v1/account/sessions", headers=headers).json()["sessions"]
        assert [each["current"] for each in listed].count(True) == 1
        foreign = next(each["session_id"] for each in listed if not each["current"])
        with place.logged_in("editor") as stranger:
            stranger.submit(f"/account/sessions/{foreign}/end")
        assert "this one" in other.get("/account").text
        one.submit(f"/account/sessions/{foreign}/end")
        assert "Log in with" in other.get("/account").text
        other.by_password("twice")
        one.submit("/logout", everywhere="yes")
        assert "Log in with" in other.get("/account").text
        assert "Log in with" in one.get("/account").text


def test_logging_out_ends_the_session_here_and_at_the_provider(place: Town) -> None:
    with place.browser() as browser:
        browser.log_in()
        kept = browser.cookies["wp-session"]
        out = browser.submit("/logout")
        assert "You are logged out" in out.text
        assert out.headers["clear-site-data"] == '"cache"'
        there = out.headers["refresh"].partition("url=")[2]
        assert there.startswith(f"{place.issuer.url}/end?id_token_hint=ey")
        browser.get(there)
        assert len(place.issuer.logged_out) == 1
        browser.cookies.set("wp-session", kept)
        assert "Log in with" in browser.get("/account").text


def test_a_password_link_works_once_and_ends_what_was_open(place: Town) -> None:
    place.add("forgetful", Role.READER)
    with place.logged_in("forgetful") as theirs, place.logged_in("admin") as admin, place.browser() as elsewhere:
        account = place.accounts["forgetful"].account_id
        page = admin.submit(f"/settings/members/{account}/password-link", "/settings/members").text
        link = page.partition("/password?link=")[2].partition("<")[0]
        form = {"link": link, "password": PASSWORD[::-1], "again": PASSWORD[::-1]}
        for wrong in (
            {"again": "another"},
            {"password": "short", "again": "short"},
            {"password": "passwordpassword", "again": "passwordpassword"},
        ):
            assert elsewhere.post("/password", data={**form, **wrong}).status_code == 422
        assert "this one" in theirs.get("/account").text
        assert "The password is set" in elsewhere.post("/password", data=form).text
        assert elsewhere.post("/password", data=form).status_code == 401
        assert "Log in with" in theirs.get("/account").text
        assert elsewhere.by_password("forgetful").status_code == 401
        assert elsewhere.by_password("forgetful", PASSWORD[::-1]).status_code == 200


# --- tokens ---


def test_a_token_is_shown_once_and_does_what_it_says(place: Town) -> None:
    place.add("maker", Role.EDITOR)
    with place.logged_in("maker") as browser:
        made = browser.submit("/account/tokens", name="ci", days="3", action="read", source=str(SPACE))
        token = "wp_" + made.text.partition("<code>wp_")[2].partition("<")[0]
        assert token not in browser.get("/account").text
        too_much = browser.submit("/account/tokens", name="ci", days="3", action="admin")
        assert too_much.status_code == 403
    bearer = {"authorization": f"Bearer {token}"}
    facts = httpx.get(f"{place.address}/v1/account", headers=bearer).json()
    assert (facts["actions"], facts["name"]) == (["read"], "Maker, token ci")
    assert httpx.post(f"{place.address}/v1/ingest/confluence/reload-all", headers=bearer).status_code == 403
    assert httpx.post(f"{place.address}/v1/account/tokens", headers=bearer, json={"name": "more"}).status_code == 403
    assert (
        httpx.get(f"{place.address}/v1/account", headers={"authorization": f"Bearer {token[:-1]}x"}).status_code == 401
    )
    assert httpx.get(f"{place.address}/v1/account", auth=("x", token)).status_code == 200
    token_id = token.split("_")[1]
    with place.logged_in("admin") as admin:
        admin.submit(f"/settings/tokens/{token_id}/revoke")
    assert httpx.get(f"{place.address}/v1/account", headers=bearer).status_code == 401


def test_access_tokens_are_checked_by_published_keys_and_end_with_what_is_behind(place: Town) -> None:
    place.add("robot", Role.EDITOR)
    token = place.token("robot", Role.EDITOR)
    with httpx.Client(base_url=place.address) as client:
        pair = client.post("/v1/access-tokens", headers={"authorization": f"Bearer {token}"}).json()
        keys = jwk.KeySet.import_key_set(client.get("/.well-known/jwks.json").json())
        claims = jwt.decode(pair["access_token"], keys, algorithms=["Ed25519"]).claims
        assert claims["exp"] - claims["iat"] == 600
        assert "d" not in client.get("/.well-known/jwks.json").json()["keys"][0]
        bearer = {"authorization": f"Bearer {pair['access_token']}"}
        assert client.get("/v1/account", headers=bearer).json()["name"] == "Robot, token test"
        assert client.post("/v1/access-tokens", headers=bearer).status_code == 403
        again = client.post("/v1/access-tokens/refresh", json={"refresh_token": pair["refresh_token"]}).json()
        assert (
            client.get("/v1/account", headers={"authorization": f"Bearer {again['access_token']}"}).status_code == 200
        )
        stolen = client.post("/v1/access-tokens/refresh", json={"refresh_token": pair["refresh_token"]})
        assert stolen.status_code == 401
        for ended in (pair, again):
            headers = {"authorization": f"Bearer {ended['access_token']}"}
            assert client.get("/v1/account", headers=headers).status_code == 401
        assert (
            client.post("/v1/access-tokens/refresh", json={"refresh_token": again["refresh_token"]}).status_code == 401
        )
        assert client.get("/v1/account", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_access_tokens_that_are_not_ours_open_nothing(place: Town) -> None:
    place.add("victim", Role.ADMIN)
    token = place.token("victim", Role.ADMIN)
    with httpx.Client(base_url=place.address) as client:
        pair = client.post("/v1/access-tokens", headers={"authorization": f"Bearer {token}"}).json()
        published = client.get("/.well-known/jwks.json").json()["keys"][0]
        good = jwt.decode(pair["access_token"], jwk.import_key(published), algorithms=["Ed25519"])
        own = jwk.OKPKey.generate_key("Ed25519", {"kid": published["kid"]})
        head = {"alg": "Ed25519", "kid": published["kid"], "typ": "at+jwt"}
        as_secret = jwk.OctKey.import_key(published["x"])
        made = [
            jwt.encode(head, good.claims, own, algorithms=["Ed25519"]),
            jwt.encode({**head, "kid": "x"}, good.claims, own, algorithms=["Ed25519"]),
            jwt.encode({**head, "alg": "HS256"}, good.claims, as_secret, algorithms=["HS256"]),
            pair["access_token"].rpartition(".")[0] + ".",
            pair["access_token"][:-4] + "AAAA",
            "ey.ey.ey",
        ]
        for number, forged in enumerate(made):
            brought = {"authorization": f"Bearer {forged}", "x-forwarded-for": f"203.0.113.{number}"}
            assert client.get("/v1/account", headers=brought).status_code == 401


# --- what is asked of the catalog, and what attackers cost ---


def test_a_request_costs_one_query_and_a_second_one_none(place: Town) -> None:
    place.add("cached", Role.READER)
    with place.logged_in("cached") as browser:
        secret = browser.cookies["wp-session"]
    people, asked = place.people, 0
    find = people.credentials._catalog.sessions.find

    def counted(hashed: str) -> object:
        nonlocal asked
        asked += 1
        return find(hashed)

    people.credentials._catalog.sessions.find = counted  # type: ignore[method-assign, assignment]
    for _ in range(5):
        visit = people.credentials.remembered(secret) or people.credentials.session(secret)
        assert visit is not None
    assert asked == 1
    people.set_disabled(command_line("default"), place.accounts["cached"].account_id, disabled=True)
    assert people.credentials.remembered(secret) is None
    assert people.credentials.session(secret) is None


def test_ten_thousand_wrong_tokens_take_one_place_of_all_and_leave_the_others(tmp_path: Path) -> None:
    settings = load(GatewaySettings, home=tmp_path, api_tokens=SHARED)
    looking, most, looked = 0, 0, 0

    class Slow:
        def remembered(self, _: str) -> None:
            return None

        def bearer(self, credential: str) -> None:
            nonlocal looking, most, looked
            if credential.startswith("good"):
                return
            looking += 1
            looked += 1
            most = max(most, looking)
            time.sleep(0)
            looking -= 1

        session = bearer

    access = Access(settings, Slow())  # type: ignore[arg-type]

    def scope(token: str, client: str) -> dict[str, object]:
        headers = [(b"authorization", f"Bearer {token}".encode()), (b"host", b"x")]
        return {"type": "http", "method": "GET", "path": "/v1/account", "headers": headers, "client": (client, 1)}

    async def attack() -> int:
        nonlocal most
        for number in range(40):
            await access.decide(scope(f"wp_bad{number}", "10.6.6.6"))
        most = 0
        bad = [asyncio.create_task(access.decide(scope(f"wp_bad{number}", "10.6.6.6"))) for number in range(10_000)]
        await asyncio.sleep(0)
        before = looked
        shared = await access.decide(scope(SHARED, "10.0.0.1"))
        assert not hasattr(shared, "status")
        await access.decide(scope("good", "10.0.0.1"))
        waited = looked - before
        await asyncio.gather(*bad)
        return waited

    waited = asyncio.run(attack())
    assert most == 1  # one after the other, whatever comes
    assert waited < 1_000  # somebody else does not stand behind them


def test_wrong_ones_are_forgotten_after_a_minute() -> None:
    now = 0.0
    wrong = PerMinute(30, lambda: now)
    for _ in range(30):
        wrong.count("a")
    assert wrong.too_many("a")
    assert not wrong.too_many("b")
    now = 61.0
    assert not wrong.too_many("a")


@pytest.mark.parametrize(
    ("client", "forwarded", "found"),
    [
        ("203.0.113.9", "10.9.9.9", "203.0.113.9"),
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "198.51.100.1, 10.0.0.3", "198.51.100.1"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
    ],
)
def test_only_proxies_that_are_trusted_say_where_a_request_is_from(client: str, forwarded: str, found: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())]
    clients = Clients(("10.0.0.0/24",))
    assert clients.address({"type": "http", "client": (client, 1), "headers": headers}) == found
    assert Clients(()).address({"type": "http", "client": (client, 1), "headers": headers}) == client


def test_people_log_in_by_https_alone(tmp_path: Path) -> None:
    everywhere = {"home": tmp_path, "gateway_host": "0.0.0.0", "passwords": "everybody"}  # noqa: S104
    with pytest.raises(ConfigurationError, match="HTTPS"):
        check_binding(load(GatewaySettings, **everywhere))
    check_binding(load(GatewaySettings, **everywhere, public_url="https://wiki.example.org"))
    check_binding(load(GatewaySettings, home=tmp_path, passwords="everybody"))


def test_what_needs_nobody_is_a_short_list() -> None:
    for path in (
        "/",
        "/account",
        "/settings",
        "/v1/access-tokens",
        "/loginx",
        "/passwords",
        "/.well-known/x",
        "/assets",
    ):
        assert not is_open(path)
    assert needed("POST", "/mcp") is Action.READ
    assert needed("DELETE", "/v1/anything") is Action.WRITE
    assert needed("GET", "/settings/anything") is Action.ADMIN
    assert needed("GET", "/v1/auditx") is Action.READ


# --- members, groups, invitations, audit ---


def test_admins_invite_and_group_people(place: Town) -> None:
    with place.logged_in("admin") as admin, place.browser() as guest:
        page = admin.submit("/settings/invitations", "/settings/members", role="editor").text
        link = page.partition("/invitation?secret=")[2].partition("<")[0]
        assert "You are invited to default as editor" in guest.get(f"/invitation?secret={link}").text
        place.issuer.claims = {**place.issuer.claims, "sub": "guest", "name": "Guest"}
        guest.get(f"/login/company?invitation={link}")
        assert "editor" in guest.get("/account").text
        assert guest.get(f"/invitation?secret={link}").status_code == 401
        account = guest.get("/v1/account", headers={"accept": "application/json"}).json()
        admin.submit("/settings/groups", "/settings/members", group="ops", account=account["account"], do="put")
        assert guest.get("/v1/account", headers={"accept": "application/json"}).json()["groups"] == ["ops"]
        token = {"x-csrf-token": admin.csrf(), "accept": "application/json"}
        groups = admin.get("/v1/groups", headers=token).json()["groups"]
        assert {"name": "ops", "members": 1} in groups
        assert admin.delete(f"/v1/groups/ops/{account['account']}", headers=token).json() == {"ended": 1}
        assert guest.get("/v1/account", headers={"accept": "application/json"}).json()["groups"] == []
        for path in ("/settings/members", "/settings/tokens", "/settings/audit"):
            assert admin.get(path).status_code == 200
        lines = admin.get("/v1/audit/export", headers=token).text.splitlines()
        assert any('"invitation.add"' in line and '"127.0.0.1"' in line for line in lines)
        assert admin.get("/v1/audit/export?format=csv", headers=token).text.startswith("id,at,tenant,actor")


def test_no_page_for_people_needs_a_session_that_is_not_there(place: Town) -> None:
    for path in (
        "/login",
        "/invitation",
        "/invitation?secret=x",
        "/password",
        "/password?link=x",
        "/login/nobody",
        "/login/company/callback",
        "/login/company/callback?state=x&code=y&iss=z",
    ):
        answer = httpx.get(f"{place.address}{path}", headers=HTML)
        assert answer.status_code in {200, 401}, path
        assert "<h1>" in answer.text
        assert "Traceback" not in answer.text


def test_no_secret_is_in_the_home_folder_in_logs_or_on_pages(place: Town, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    place.add("planted", Role.ADMIN)
    token = place.token("planted", Role.ADMIN)
    with place.browser() as browser:  # a round by the provider, with its codes and tokens
        browser.log_in()
        granted = [*place.issuer.tokens, SECRET, browser.cookies["wp-session"]]
    with place.logged_in("planted") as browser:
        browser.by_password("planted", f"{PASSWORD} typed wrongly")
        browser.by_password("planted")
        session = browser.cookies["wp-session"]
        with httpx.Client(base_url=place.address) as client:
            pair = client.post("/v1/access-tokens", headers={"authorization": f"Bearer {token}"}).json()
        planted = [PASSWORD, token, session, pair["access_token"], pair["refresh_token"], browser.csrf()]
        planted += [secrets.derived(session, "csrf"), f"{PASSWORD} typed wrongly", *granted]
        link = browser.submit(
            f"/settings/members/{place.accounts['reader'].account_id}/password-link", "/settings/members"
        )
        planted.append(link.text.partition("/password?link=")[2].partition("<")[0])
        pages = "".join(browser.get(path).text for path in ("/settings/audit", "/settings/tokens", "/settings/members"))
        lines = browser.get("/v1/audit/export").text
    disk = [
        file.read_bytes() for file in place.settings.home.rglob("*") if file.is_file() and file.name != "client-secret"
    ]
    for secret in planted:
        assert not any(secret.encode() in content for content in disk)
        assert secret not in lines
        assert secret not in caplog.text
        assert secret not in pages or secret in {planted[5], planted[6]}  # a form's own


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "curl/8.0"),
        ("", ""),
    ],
)
def test_browsers_are_named_as_people_know_them(agent: str, shown: str) -> None:
    assert browser_of(agent) == shown
