"""An identity provider of the tests: real HTTP, codes that are good once, PKCE that is checked, and every bad token."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote_plus, urlencode, urlsplit

from joserfc import jwk, jwt

CLIENT, SECRET = "wiki", "s3cret of the client/with+signs"
BAD = (
    "audience",
    "two audiences",
    "authorised party",
    "issuer",
    "old key",
    "hs256",
    "none",
    "no id token",
    "nonce",
    "no nonce",
    "expired",
    "no expiry",
    "future",
    "no subject",
    "other subject at userinfo",
)


class Issuer:
    """The provider.

    Attributes:
        claims: what it says of whoever logs in.
        bad: which fault the next tokens have; empty for none.
        asks: whether people are shown a form, rather than let in at once.
        asked: paths of requests.
        answer: what the answer at the redirect has beside code and state.
    """

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {
            "sub": "ada",
            "name": "Ada Lovelace",
            "email": "ada@example.org",
            "email_verified": True,
        }
        self.bad = ""
        self.asks = False
        self.down = False
        self.asked: list[str] = []
        self.answer: dict[str, str] = {}
        self.metadata: dict[str, Any] = {}
        self.key = jwk.RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256", "use": "sig"})
        self.old_key = jwk.RSAKey.generate_key(2048, {"kid": "gone", "alg": "RS256", "use": "sig"})
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, Mapping[str, Any]] = {}
        self.logged_out: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def rotate(self) -> None:
        """Sign with a new key; the one before is published no more."""
        self.old_key = self.key
        self.key = jwk.RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "alg": "RS256", "use": "sig"})

    def described(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/end",
            "authorization_response_iss_parameter_supported": True,
            "code_challenge_methods_supported": ["S256"],
            **self.metadata,
        }

    def authorize(self, asked: Mapping[str, str]) -> str:
        """Where the browser goes from here."""
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert asked["nonce"]
        code = secrets.token_urlsafe()
        with self._lock:
            self.codes[code] = dict(asked)
        answer = {"code": code, "state": asked["state"], "iss": self.url, **self.answer}
        return f"{asked['redirect_uri']}?{urlencode({name: value for name, value in answer.items() if value})}"

    def exchange(self, form: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Tokens for a code."""
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if (unquote_plus(pair[0]), unquote_plus(pair[2])) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        with self._lock:
            asked = self.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        matches = asked and asked["code_challenge"] == base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if asked is None or not matches or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe()
        self.tokens[access] = dict(self.claims)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 60}
        if self.bad != "no id token":
            answer["id_token"] = self.id_token(asked["nonce"])
        return 200, answer

    def id_token(self, nonce: str) -> str:  # noqa: C901, PLR0912 - a list of faults
        """An id token, with the fault of the moment."""
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce}
        claims |= self.claims
        key, header = self.key, {"alg": "RS256", "kid": self.key.kid}
        match self.bad:
            case "audience":
                claims["aud"] = "another"
            case "two audiences":
                claims |= {"aud": [CLIENT, "another"], "azp": CLIENT}
            case "authorised party":
                claims["azp"] = "another"
            case "issuer":
                claims["iss"] = "https://elsewhere.example"
            case "old key":
                key, header = self.old_key, {"alg": "RS256", "kid": self.old_key.kid}
            case "nonce":
                claims["nonce"] = "another"
            case "no nonce":
                del claims["nonce"]
            case "expired":
                claims |= {"iat": now - 900, "exp": now - 600}
            case "no expiry":
                del claims["exp"]
            case "future":
                claims |= {"iat": now + 900, "nbf": now + 900}
            case "no subject":
                del claims["sub"]
            case "other subject at userinfo":
                claims["sub"] = "somebody else"
                claims.pop("email")
            case "hs256":
                # The public key as a shared secret: what a verifier that believes the header would check it with.
                secret = jwk.OctKey.import_key(base64.urlsafe_b64encode(self.key.as_pem(private=False)).decode())
                return jwt.encode({"alg": "HS256", "kid": self.key.kid}, claims, secret, algorithms=["HS256"])
            case "none":
                parts = ({"alg": "none", "kid": self.key.kid}, claims)
                text = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
                return f"{'.'.join(text)}."
        return jwt.encode(header, claims, key, algorithms=["RS256"])


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - a list of addresses
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            issuer.asked.append(parts.path)
            if issuer.down:
                self._json(503, {"error": "temporarily_unavailable"})
            elif parts.path == "/.well-known/openid-configuration":
                self._json(200, issuer.described())
            elif parts.path == "/jwks":
                self._json(200, {"keys": [issuer.key.as_dict(private=False)]})
            elif parts.path == "/authorize" and issuer.asks:
                fields = "".join(
                    f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in asked.items()
                )
                self._page(f'<form method="post" action="/authorize">{fields}<button>Continue</button></form>')
            elif parts.path == "/authorize":
                self._redirect(issuer.authorize(asked))
            elif parts.path == "/userinfo":
                found = issuer.tokens.get(self.headers.get("authorization", "").removeprefix("Bearer "))
                self._json(200 if found else 401, dict(found or {"error": "invalid_token"}))
            elif parts.path == "/end":
                issuer.logged_out.append(asked["id_token_hint"])
                self._redirect(asked["post_logout_redirect_uri"])
            else:
                self._github(parts.path)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            issuer.asked.append(self.path)
            if self.path == "/authorize":
                self._redirect(issuer.authorize(form))
            elif self.path == "/login/oauth/access_token":
                pair = base64.b64encode(f"{quote(form['client_id'])}:{quote(form['client_secret'])}".encode()).decode()
                _, answer = issuer.exchange(form, f"Basic {pair}")
                answer.pop("id_token", None)
                self._json(200, answer)  # GitHub says 200 to errors too
            else:
                self._json(*issuer.exchange(form, self.headers.get("authorization", "")))

        def _github(self, path: str) -> None:
            if path == "/login/oauth/authorize":
                asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                self._redirect(issuer.authorize({**asked, "nonce": "none"}))
            elif path == "/api/v3/user":
                self._json(200, {"id": 4711, "login": "ada", "name": "Ada"})
            elif path == "/api/v3/user/emails":
                self._json(200, [{"email": "ada@example.org", "primary": True, "verified": True}])
            else:
                self._json(404, {"error": "not_found"})

        def _json(self, status: int, value: Any) -> None:
            self._send(status, json.dumps(value).encode(), [("content-type", "application/json")])

        def _page(self, text: str) -> None:
            self._send(200, f"<!doctype html><title>Issuer</title>{text}".encode(), [("content-type", "text/html")])

        def _redirect(self, address: str) -> None:
            self._send(303, b"", [("location", address)])

        def _send(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
            self.send_response(status)
            for name, value in [*headers, ("content-length", str(len(body)))]:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler
