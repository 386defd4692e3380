"""Webhooks with signatures that are not theirs, and requests that are none, drawn at random, by sockets."""

from __future__ import annotations

import hashlib
import hmac
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx

from wiki_pipeline_tests.security.attacks import BEGINNING, Attack
from wiki_pipeline_tests.security.contract import SECRET
from wiki_pipeline_tests.security.gateways import Gateway, gateway, status

_FORGED, _BROKEN = 2_000, 2_000
_HEX = "0123456789abcdef"
_PIECES = (
    *(b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b"\0", b";", b"chunked", b"Transfer-Encoding: ", b"Content-Length: "),
    *(b"0\r\n\r\n", b"5\r\nabcde\r\n", b"-1", b"99999999999999999999", b"HTTP/1.1", b"HTTP/9.9", b"GET ", b"\xff\xfe"),
    *(b"Host: localhost\r\n", b"Host: evil.example\r\n", b"Connection: upgrade\r\n", b"Expect: 100-continue\r\n"),
    *(b"/../" * 9, b"x" * 9_000, b"a: b\r\n" * 200, b"ffffffffffffffff\r\n", b"Upgrade: h2c\r\n", b"%00", b"//"),
)
_PUSH = b"POST /webhook/git-push HTTP/1.1\r\nHost: localhost\r\n"
_WHOLE = (
    b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    _PUSH + b"Content-Length: 2\r\n\r\n{}",
    _PUSH + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\na: b\r\n\r\n",
)


def forged(source: random.Random) -> tuple[bytes, str]:
    """A body, and what is not its signature."""
    body = source.randbytes(source.randrange(200))
    right = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    place = source.randrange(len(right))
    other = source.choice([digit for digit in _HEX if digit != right[place]])
    wrong = (
        right[:place] + other + right[place + 1 :],
        right[:place],
        right + source.choice(_HEX),
        hmac.new(source.randbytes(16), body, hashlib.sha256).hexdigest(),
        hmac.new(SECRET.encode(), body + b" ", hashlib.sha256).hexdigest(),
        hmac.new(SECRET.encode(), body, hashlib.sha512).hexdigest(),
        "".join(source.choices(_HEX, k=64)),
        "",
    )
    return body, source.choice(wrong)


def broken(source: random.Random) -> bytes:
    """A request with some pieces put in, cut out or doubled."""
    made = source.choice(_WHOLE)
    for _ in range(source.randint(1, 4)):
        start = source.randrange(len(made) + 1)
        end = min(len(made), start + source.choice((0, 0, 1, 8, 40)))
        made = made[:start] + source.choice((*_PIECES, made[start:end] * 2)) + made[end:]
    return made


def post(served: Gateway, source: random.Random, number: int) -> Iterator[int]:
    """Send webhooks with forged signatures; their answers' statuses."""
    with httpx.Client(base_url=served.url, trust_env=False, timeout=60) as client:
        for _ in range(number):
            body, signature = forged(source)
            where, name, value = source.choice(
                (
                    ("confluence-updated", "x-confluence-signature", signature),
                    ("git-push", "x-hub-signature-256", f"sha256={signature}"),
                )
            )
            yield client.post(f"/webhook/{where}", content=body, headers={name: value}).status_code


def answers(served: Gateway, requests: Iterator[bytes]) -> Counter[int]:
    """How the gateway answers each on a connection of its own, by status; 0: it closes without a word."""
    told: Counter[int] = Counter()
    for request in requests:
        with served.connect(timeout=20) as connection:
            try:
                connection.sendall(request)
                connection.shutdown(1)  # nothing follows: what is cut short is not waited for
            except OSError:
                pass
            told[status(connection)] += 1
    return told


def main() -> list[Attack]:
    """Thousands of each against one gateway, which has to be as well as before afterwards."""
    source = random.Random(BEGINNING)
    secrets = {"CONFLUENCE_WEBHOOK_SECRET": SECRET, "WIKI_PIPELINE_GIT_WEBHOOK_SECRET": SECRET}
    with tempfile.TemporaryDirectory() as home, gateway(Path(home), secrets) as served:
        refused = sum(code == 401 for code in post(served, source, _FORGED))
        told = answers(served, (broken(source) for _ in range(_BROKEN)))
        well = httpx.get(f"{served.url}/livez", trust_env=False, timeout=60).status_code == 200
        megabytes = served.memory() // 1_000_000
    bad = sum(number for code, number in told.items() if code >= 500) + (not well)
    shown = ", ".join(f"{code or 'closed'} {number:,}" for code, number in sorted(told.items()))
    return [
        Attack("webhooks with forged signatures", _FORGED, refused, _FORGED - refused),
        Attack("broken requests by sockets", told.total(), told.total() - bad, bad, f"{shown}; {megabytes} MB after"),
    ]
