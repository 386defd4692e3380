"""A gateway where people log in, and their browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import httpx

from wiki_pipeline.access import Role
from wiki_pipeline.access.actors import command_line
from wiki_pipeline.access.people import People
from wiki_pipeline.catalog import Account, Catalog
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline_tests.access.conftest import provider
from wiki_pipeline_tests.access.issuer import Issuer
from wiki_pipeline_tests.gateway.conftest import serving

PASSWORD = "nine quiet herons over Trondheim"
SHARED = "a-shared-token-of-the-settings"
HTML = {"accept": "text/html"}


class Browser(httpx.Client):
    """A browser: it keeps cookies, follows redirects, and sends forms as the page has them."""

    def __init__(self, address: str) -> None:
        super().__init__(base_url=address, timeout=60, follow_redirects=True, headers=HTML)

    def log_in(self, name: str = "company", next_: str = "") -> httpx.Response:
        """By the provider."""
        return self.get(f"/login/{name}", params={"next": next_} if next_ else None)

    def by_password(self, name: str, password: str = PASSWORD, next_: str = "") -> httpx.Response:
        return self.post("/login", data={"name": name, "password": password, "next": next_})

    def csrf(self, page: str = "/account") -> str:
        """What forms of a page send along."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get(page).text)
        assert found is not None
        return unescape(found[1])

    def submit(self, path: str, page: str = "/account", **fields: str) -> httpx.Response:
        """A form of a page."""
        return self.post(path, data={**fields, "csrf": self.csrf(page)})


@dataclass
class Town:
    """The gateway and what stands behind it."""

    address: str
    settings: GatewaySettings
    catalog: Catalog
    people: People
    issuer: Issuer
    accounts: dict[str, Account] = field(default_factory=dict)

    def browser(self) -> Browser:
        return Browser(self.address)

    @contextmanager
    def logged_in(self, name: str) -> Iterator[Browser]:
        """A browser of somebody who has a password."""
        with self.browser() as browser:
            assert browser.by_password(name).status_code == 200
            yield browser

    def add(self, name: str, role: Role) -> Account:
        """Somebody with the password."""
        by = command_line("default")
        account = self.people.add(by, name, name.title(), f"{name}@example.org", role)
        secret, _ = self.people.password_link(by, account.account_id)
        with self.browser() as browser:
            done = browser.post("/password", data={"link": secret, "password": PASSWORD, "again": PASSWORD})
        assert "The password is set" in done.text
        self.accounts[name] = account
        return account

    def token(self, name: str, role: Role = Role.READER, **more: object) -> str:
        """An API token of somebody, made on the command line."""
        chosen: Mapping[str, object] = {"actions": sorted(role.actions), "sources": None, "days": 1, **more}
        return self.people.create_token(command_line("default"), self.accounts[name].account_id, "test", **chosen)  # type: ignore[arg-type]


@contextmanager
def town(home: Path, issuer: Issuer, **more: object) -> Iterator[Town]:
    """A gateway with a provider, passwords and a shared token; four people, one of each role."""
    chosen = {
        "providers": (provider(issuer, home, default_role="reader"),),
        "passwords": "everybody",
        "proxies": "127.0.0.0/8",
        **more,
    }
    settings = load(GatewaySettings, home=home, gateway_port=0, api_tokens=SHARED, **chosen)
    with serving(settings) as address, Catalog(settings.catalog_url) as catalog:
        made = Town(address, settings, catalog, People(catalog, settings, "wiki-pipeline"), issuer)
        for role in Role:
            made.add(role.value, role)
        yield made
