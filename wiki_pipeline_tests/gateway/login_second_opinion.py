"""`make login-test`: people log in by npm's `oidc-provider`, a real server that insists on PKCE, in a real browser.
Needs Node.js, npm, a network and Chromium."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from wiki_pipeline.access.settings import ProviderSettings
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline_tests.gateway.conftest import serving
from wiki_pipeline_tests.gateway.test_browser import ARGUMENTS, CHROMIUM

PACKAGE = "oidc-provider@8.8.1"
_SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
_SECONDS = 300
_PATIENCE = 60_000  # ms


def main() -> int:
    """Run all; 1 if something is not as it should be, 2 where it can't be run."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None or not CHROMIUM.exists():
        print("This needs Node.js with npm, and Chromium.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder, PACKAGE]
        subprocess.run(install, check=True, timeout=_SECONDS)
        with _world(Path(folder), node) as world, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            failed = [name for name, check in CHECKS.items() if not _passed(name, check, world, browser)]
            browser.close()
    print(json.dumps({"failed": failed}))
    return 1 if failed else 0


class World:
    """The gateway and the provider."""

    def __init__(self, address: str, issuer: str, settings: GatewaySettings) -> None:
        self.address = address
        self.issuer = issuer
        self.settings = settings


@contextmanager
def _world(folder: Path, node: str) -> Iterator[World]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    issuer = f"http://127.0.0.1:{port}"
    (folder / "secret").write_text("secret-of-wiki")
    facts = {"client_id": "wiki", "secret": f"file:{folder / 'secret'}", "default_role": "reader"}
    providers = (
        ProviderSettings.model_validate({"name": "npm", "issuer": issuer, **facts}),
        # The same server by a name that it does not call itself by.
        ProviderSettings.model_validate({"name": "misnamed", "issuer": f"http://localhost:{port}", **facts}),
    )
    settings = load(GatewaySettings, home=folder / "home", gateway_port=0, providers=providers)
    with serving(settings) as address:
        command = [node, str(_SCRIPT), str(folder), str(port), f"{address}/login/npm/callback", f"{address}/login"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert "listening" in process.stdout.readline()
            yield World(address, issuer, settings)
        finally:
            process.terminate()
            process.wait(timeout=20)
            assert process.stdout is not None
            process.stdout.close()


def _log_in(page: Page, world: World, name: str, next_: str = "/account") -> None:
    """As people do: the login page, the provider's forms, and back."""
    page.goto(f"{world.address}{next_}")
    page.get_by_role("link", name="Log in with npm").click()
    _at_the_provider(page, name)


def _at_the_provider(page: Page, name: str) -> None:
    if page.locator("input[name=login]").count():
        page.locator("input[name=login]").fill(name)
        page.locator("input[name=password]").fill("anything")
        page.locator("button[type=submit]").click()
    if page.url.startswith("http") and "/interaction/" in page.url:
        page.locator("button[type=submit]").click()  # consent


def _in_and_out(world: World, browser: Browser) -> None:
    page = _page(browser)
    _log_in(page, world, "ada")
    page.wait_for_url(f"{world.address}/account")
    assert "ada of npm" in page.inner_text("body")
    assert "ada@example.org" in page.inner_text("body")
    page.get_by_role("button", name="Log out", exact=True).click()
    page.wait_for_url(f"{world.issuer}/session/end**")
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{world.address}/login**")
    page.goto(f"{world.address}/account")
    assert "/login" in page.url
    page.get_by_role("link", name="Log in with npm").click()
    assert page.locator("input[name=login]").count() == 1, "the provider has not logged out"


def _two_tabs(world: World, browser: Browser) -> None:
    context = browser.new_context()
    tabs = [context.new_page() for _ in range(2)]
    for tab in tabs:
        tab.set_default_timeout(_PATIENCE)
        tab.goto(f"{world.address}/search?q=tab")
        tab.get_by_role("link", name="Log in with npm").click()
    for tab in reversed(tabs):
        _at_the_provider(tab, "bea")
        tab.wait_for_url(f"{world.address}/search?q=tab")
    context.close()


def _replay(world: World, browser: Browser) -> None:
    page, answers = _page(browser), []
    page.on("request", lambda request: answers.append(request.url) if "/callback?" in request.url else None)
    _log_in(page, world, "carl")
    page.wait_for_url(f"{world.address}/account")
    page.goto(answers[0])
    assert "not begun in this browser" in page.inner_text("body")
    other = _page(browser)
    other.goto(answers[0])
    assert "not begun in this browser" in other.inner_text("body")
    code = dict(parse_qsl(urlsplit(answers[0]).query))["code"]
    again = _exchanged(world, code, "x" * 43)
    assert again["error"] == "invalid_grant", again


def _pkce(world: World, browser: Browser) -> None:
    """The provider refuses what does not bring PKCE, so that the logins above did; and a wrong verifier."""
    asked = {"client_id": "wiki", "response_type": "code", "scope": "openid", "state": "x", "nonce": "y"}
    asked["redirect_uri"] = f"{world.address}/login/npm/callback"
    answer = httpx.get(f"{world.issuer}/auth?{urlencode(asked)}")
    assert "code_challenge" in answer.headers["location"] or "error" in answer.headers["location"]
    assert "error=invalid_request" in answer.headers["location"]
    code = _code(world, browser, "wiki", "v" * 43)
    assert _exchanged(world, code, "w" * 43)["error"] == "invalid_grant"
    code = _code(world, browser, "wiki", "v" * 43)
    assert "id_token" in _exchanged(world, code, "v" * 43)


def _another_client(world: World, browser: Browser) -> None:
    """A code that was made for another client logs nobody in here."""
    page = _page(browser)
    page.goto(f"{world.address}/login")
    page.get_by_role("link", name="Log in with npm").click()
    state = dict(parse_qsl(urlsplit(page.url).query)).get("state", "")
    begun: list[str] = []
    page.on("request", lambda request: begun.append(request.url))
    page.goto(f"{world.address}/login/npm")
    state = next(dict(parse_qsl(urlsplit(url).query))["state"] for url in begun if "/auth?" in url)
    code = _code(world, browser, "another", "v" * 43)
    back = {"code": code, "state": state, "iss": world.issuer}
    page.goto(f"{world.address}/login/npm/callback?{urlencode(back)}")
    assert "invalid_grant" in page.inner_text("body"), page.inner_text("body")


def _wrong_issuer(world: World, browser: Browser) -> None:
    page = _page(browser)
    page.goto(f"{world.address}/login/misnamed")
    assert "another issuer" in page.inner_text("body")
    begun: list[str] = []
    page.on("request", lambda request: begun.append(request.url))
    page.goto(f"{world.address}/login/npm")
    state = next(dict(parse_qsl(urlsplit(url).query))["state"] for url in begun if "/auth?" in url)
    page.goto(
        f"{world.address}/login/npm/callback?{urlencode({'code': 'x', 'state': state, 'iss': 'https://evil.example'})}"
    )
    assert "not from" in page.inner_text("body")


def _accounts(world: World, browser: Browser) -> None:
    """Accounts are the issuer's subjects."""
    with Catalog(world.settings.catalog_url) as catalog:
        names = {each.account.subject: each.account.issuer for each in catalog.accounts.members("default")}
    assert names.get("ada") == names.get("bea") == world.issuer, names


def _code(world: World, browser: Browser, client: str, verifier: str) -> str:
    """A code of a client, by a browser that knows the provider only."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": client,
        "response_type": "code",
        "scope": "openid",
        "redirect_uri": f"{world.address}/login/npm/callback",
        "state": "s",
        "nonce": "n",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page, answers = _page(browser), []
    page.on("request", lambda request: answers.append(request.url) if "/callback?" in request.url else None)
    page.goto(f"{world.issuer}/auth?{urlencode(asked)}")
    _at_the_provider(page, "dora")
    page.wait_for_url("**/callback?**")
    return str(dict(parse_qsl(urlsplit(answers[0]).query))["code"])


def _exchanged(world: World, code: str, verifier: str) -> dict[str, str]:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    form["redirect_uri"] = f"{world.address}/login/npm/callback"
    answer: dict[str, str] = httpx.post(f"{world.issuer}/token", data=form, auth=("wiki", "secret-of-wiki")).json()
    return answer


def _page(browser: Browser) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(_PATIENCE)
    return page


CHECKS: dict[str, Callable[[World, Browser], None]] = {
    "in and out, here and there": _in_and_out,
    "two tabs": _two_tabs,
    "replay": _replay,
    "PKCE": _pkce,
    "a code of another client": _another_client,
    "wrong issuer": _wrong_issuer,
    "accounts": _accounts,
}


def _passed(name: str, check: Callable[[World, Browser], None], world: World, browser: Browser) -> bool:
    try:
        check(world, browser)
    except Exception as error:
        print(f"FAILED {name}\n{type(error).__name__}: {str(error)[:2_000]}", flush=True)
        return False
    print(f"ok     {name}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
