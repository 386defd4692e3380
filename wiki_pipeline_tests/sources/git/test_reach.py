"""Where strangers may send us: which addresses are public, and that the address checked is the one connected to."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.settings import load
from wiki_pipeline.sources.git.isolation import REMOTE, Isolation
from wiki_pipeline.sources.git.reach import Pin, check_reachable, is_public, special
from wiki_pipeline.sources.git.settings import GitSettings
from wiki_pipeline_tests.sources.git.reading import sync
from wiki_pipeline_tests.sources.git.test_ssh import fake_ssh, given
from wiki_pipeline_tests.sources.git.upstream import Upstream

pytestmark = pytest.mark.security
SPECIAL = [(str(network), said) for network, said in special()]
PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(("block", "said"), SPECIAL, ids=[block for block, _ in SPECIAL])
def test_each_special_range_is_what_the_registries_say(block: str, said: str) -> None:
    network = ipaddress.ip_network(block)
    first, last = network[0], network[-1]
    if said == "inside":
        prefix = int(first)
        assert is_public(str(ipaddress.IPv6Address(prefix + int(ipaddress.IPv4Address(PUBLIC)))))
        for inner in ("127.0.0.1", "10.1.2.3", "169.254.169.254", "224.0.0.1"):
            assert not is_public(str(ipaddress.IPv6Address(prefix + int(ipaddress.IPv4Address(inner)))))
        return
    narrower = [other for other, _ in special() if other.version == network.version and other != network]
    for address in (first, last):
        if not any(address in other and other.subnet_of(network) for other in narrower):  # type: ignore[arg-type]
            assert is_public(str(address)) is (said == "yes"), address


@pytest.mark.parametrize(
    "address",
    [
        *("::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b:1::7f00:1", "fec0::1", "5f00::1", "3fff::1", "2002:7f00:1::1"),
        *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::1%eth0", "4000::1", "8000::1", "e000::1", "400::1"),
        *("100.64.0.1", "192.0.0.170", "255.255.255.255", "169.254.169.254", "::ffff:10.0.0.1"),
    ],
)
def test_what_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_what_is_public(address: str) -> None:
    assert is_public(address)


def answering(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """A name server that answers this for every name."""

    def found(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, 0)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def check(address: str, **settings: object) -> Pin | None:
    return check_reachable(Address.parse(address), load(GitSettings, **settings))


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, PUBLIC, "10.0.0.1")
    with pytest.raises(ConfigurationError, match="private network"):
        check("https://git.example.org/org/repo")


def test_a_host_that_the_settings_name_opens_its_own_scheme_and_port(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "10.0.0.1")
    settings = {
        "repositories": '[{"url": "https://git.corp:8443/org/repo"}, {"url": "git@ssh.corp:org/repo"}]',
        "tokens": '{"http://plain.corp:3000": "t"}',
    }
    for allowed in ("https://git.corp:8443/a/b", "ssh://git@ssh.corp/a/b", "http://plain.corp:3000/a/b"):
        assert check(allowed, **settings) is None
    for refused in (
        *("https://git.corp/a/b", "https://git.corp:22/a/b", "http://git.corp:8443/a/b", "ssh://git@git.corp:8443/a/b"),
        *(
            "https://ssh.corp/a/b",
            "ssh://git@ssh.corp:2222/a/b",
            "http://plain.corp/a/b",
            "https://plain.corp:3000/a/b",
        ),
    ):
        with pytest.raises(ConfigurationError):
            check(refused, **settings)


def test_git_connects_to_the_address_that_was_checked_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, PUBLIC, "2606:4700::1111")
    pin = check("https://git.example.org/org/repo")
    assert pin == Pin("https", "git.example.org", 443, (PUBLIC, "2606:4700::1111"))
    assert pin.configuration() == [("http.curloptResolve", f"git.example.org:443:{PUBLIC},[2606:4700::1111]")]


def test_git_asks_no_name_server_once_the_address_is_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        hello: list[bytes] = []

        def accept() -> None:
            connection, _ = server.accept()
            with connection:
                hello.append(connection.recv(4_096))

        thread = threading.Thread(target=accept)
        thread.start()
        address = Address.parse(f"https://no-such-host.invalid:{port}/org/repo")
        pin = Pin("https", "no-such-host.invalid", port, ("127.0.0.1",))
        environment = Isolation(address, None, load(GitSettings), asked=True).remote(
            Path("/nonexistent"), filtered=False, pin=pin
        )
        command = ["git", "ls-remote", REMOTE]
        path = {"PATH": "/usr/bin:/bin:/usr/local/bin", "NO_PROXY": "*"}
        subprocess.run(command, env={**path, **environment}, capture_output=True, timeout=60, check=False)
        thread.join(60)
    assert b"no-such-host.invalid" in hello[0]  # the name is the certificate's, as before


@pytest.mark.parametrize(
    ("address", "alias"),
    [
        ("ssh://git@git.example.org:2222/org/repo", "[git.example.org]:2222"),
        ("git@git.example.org:org/repo", "git.example.org"),
    ],
)
def test_ssh_connects_to_the_address_that_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, alias: str
) -> None:
    upstream = Upstream(tmp_path / "served" / "org" / "repo.git")
    upstream.commit({"a.md": "a"})
    answering(monkeypatch, PUBLIC)
    settings = fake_ssh(tmp_path, f'cd {tmp_path}/served; eval "$(echo "$2" | tr -d "\\047" | sed "s# /# #")"')
    sync(tmp_path / "home", address, settings=settings, name="org/repo", asked=True)
    for line in given(tmp_path).splitlines()[::2]:
        assert f"-o HostName={PUBLIC} -o HostKeyAlias={alias} -o CheckHostIP=no" in line
