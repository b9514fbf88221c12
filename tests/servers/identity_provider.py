"""An identity provider for tests: OAuth 2 and OpenID Connect over HTTP on a port of this machine.

async with open_identity_provider() as provider:
    provider.person = {"sub": "1", "email": "ada@example.com", "email_verified": True}
    answer = await provider.visit(authorization_uri)    # what a browser would be sent back with

It is as strict as a good provider: a code is good once, for its client, its redirect URI and its
verifier. What a bad one does is set by the test: `tamper` changes ID tokens, `answers` replaces a
path's answer, `denies` refuses the person.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import trio
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers.plain import plain_client
from tests.servers.requests import listening, read_request

CLIENT_ID = "the-client"
CLIENT_SECRET = "a secret of more than thirty-two bytes & signs"
Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    headers: dict[str, str]
    fields: dict[str, str]


class SigningKey:
    """A key with a name."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, Any]:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.private, "ES256", {"kid": self.kid})


def _nothing(claims: dict[str, Any]) -> dict[str, Any]:
    return claims


@dataclass
class IdentityProvider:
    """The provider, what it knows of the person at the browser, and how it misbehaves."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "person-1"})
    tamper: Callable[[dict[str, Any]], dict[str, Any]] = _nothing
    answers: dict[str, Answer] = field(default_factory=dict)
    denies: str | None = None
    names_itself: bool = True
    refresh_tokens: bool = True
    expires_in: object = 3600
    key: SigningKey = field(default_factory=lambda: SigningKey("first"))
    asked: list[Asked] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return self.url

    def at(self, path: str) -> str:
        """A URL of the provider."""
        return f"{self.url}/{path}"

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one.path == f"/{path}" for one in self.asked)

    async def visit(self, uri: str) -> dict[str, str]:
        """Open an authorization URI as a browser; the answer's parameters, and where it is sent."""
        assert uri.startswith(self.url), uri
        async with plain_client() as client:
            answer = await client.get(uri)
        if answer.status_code == 200:  # a form that posts itself
            return dict(json.loads(answer.headers["x-form"]))
        assert answer.status_code == 302, answer.text
        parts = urlsplit(answer.headers["location"])
        return dict(parse_qsl(parts.query))

    # What it answers

    def answer(self, asked: Asked) -> Answer:
        if asked.path in self.answers:
            return self.answers[asked.path]
        match asked.path:
            case "/authorize":
                return self._authorize(asked.fields)
            case "/token":
                return self._token(asked)
            case "/userinfo" | "/me" | "/emails":
                return self._protected(asked)
            case "/jwks":
                return as_json({"keys": [self.key.jwk]})
            case "/.well-known/openid-configuration":
                return as_json(self.metadata)
        return as_json({"error": "not_found"}, 404)

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.at("authorize"),
            "token_endpoint": self.at("token"),
            "userinfo_endpoint": self.at("userinfo"),
            "jwks_uri": self.at("jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def _authorize(self, query: dict[str, str]) -> Answer:
        if query.get("client_id") != CLIENT_ID or "redirect_uri" not in query:
            return as_json({"error": "invalid_client"}, 400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = {"error": self.denies} if self.denies else {"code": code}
        if "state" in query:
            back["state"] = query["state"]
        if self.names_itself:
            back["iss"] = self.issuer
        if query.get("response_mode") == "form_post":
            back["id_token"] = self._id_token(query)
            return self._form(query["redirect_uri"], back)
        joint = "&" if "?" in query["redirect_uri"] else "?"
        return 302, {"location": f"{query['redirect_uri']}{joint}{urlencode(back)}"}, b""

    @staticmethod
    def _form(action: str, fields: dict[str, str]) -> Answer:
        """OAuth 2.0 Form Post Response Mode §2."""
        inputs = "".join(f'<input type="hidden" name="{n}" value="{v}">' for n, v in fields.items())
        page = (
            f'<!doctype html><form method="post" action="{action}">{inputs}'
            '<button id="go">Go</button></form><script>document.forms[0].submit()</script>'
        )
        return 200, {"content-type": "text/html", "x-form": json.dumps(fields)}, page.encode()

    def _token(self, asked: Asked) -> Answer:
        form = asked.fields
        if not self._authenticated(asked):
            return as_json({"error": "invalid_client"}, 401)
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != "refresh-1":
                return as_json({"error": "invalid_grant"}, 400)
            return as_json({"access_token": "renewed", "token_type": "Bearer", "expires_in": 60})
        begun = self._codes.pop(form.get("code", ""), None)
        if begun is None or begun["redirect_uri"] != form.get("redirect_uri"):
            return as_json({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if "code_challenge" in begun and begun["code_challenge"] != challenge:
            return as_json({"error": "invalid_grant"}, 400)
        tokens = {
            "access_token": "access-1",
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": begun.get("scope", ""),
        }
        if "openid" in begun.get("scope", ""):
            tokens["id_token"] = self._id_token(begun)
        if self.refresh_tokens:
            tokens["refresh_token"] = "refresh-1"
        return as_json(tokens)

    def _authenticated(self, asked: Asked) -> bool:
        form, header = asked.fields, asked.headers.get("authorization", "")
        if header.startswith("Basic "):
            pair = base64.b64decode(header[6:]).decode()
            sent = dict(parse_qsl(f"id={pair.replace(':', '&secret=')}"))
            return sent == {"id": CLIENT_ID, "secret": CLIENT_SECRET}
        if "client_assertion" in form:
            claims = jwt.decode(
                form["client_assertion"], CLIENT_SECRET, ["HS256"], audience=self.at("token")
            )
            return bool(claims["iss"] == claims["sub"] == CLIENT_ID)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def _id_token(self, begun: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": begun["client_id"],
            "iat": now,
            "exp": now + 300,
            **self.person,
        }
        if "nonce" in begun:
            claims["nonce"] = begun["nonce"]
        return self.key.sign(self.tamper(claims))

    def _protected(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") != "Bearer access-1":
            return as_json({"error": "invalid_token"}, 401)
        return as_json(self.person)

    # How it answers

    async def serve(self, stream: trio.SocketStream) -> None:
        try:
            status, headers, body = self.answer(await self._read(stream))
            lines = [f"HTTP/1.1 {status} Answer", f"content-length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            lines += ["connection: close", "", ""]
            await stream.send_all("\r\n".join(lines).encode() + body)
        except (trio.BrokenResourceError, EOFError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _read(self, stream: trio.SocketStream) -> Asked:
        request = await read_request(stream)
        if request is None:
            raise EOFError
        parts = urlsplit(request.target)
        fields = dict(parse_qsl(parts.query)) | dict(parse_qsl(request.body.decode()))
        asked = Asked(request.method, parts.path, request.headers, fields)
        self.asked.append(asked)
        return asked


def as_json(value: object, status: int = 200) -> Answer:
    """An answer that is JSON."""
    return status, {"content-type": "application/json"}, json.dumps(value).encode()


def as_text(text: str, status: int = 200) -> Answer:
    """An answer that is some text."""
    return status, {"content-type": "text/plain"}, text.encode()


@asynccontextmanager
async def open_identity_provider() -> AsyncIterator[IdentityProvider]:
    """A provider for the duration of the block."""
    provider = IdentityProvider()
    async with listening(provider.serve) as port:
        provider.url = f"http://127.0.0.1:{port}"
        yield provider


@contextmanager
def identity_provider_in_a_thread() -> Iterator[IdentityProvider]:
    """The same, for tests that do not run in trio."""
    started: Queue[tuple[IdentityProvider, trio.lowlevel.TrioToken, trio.CancelScope]] = Queue()

    async def run() -> None:
        with trio.CancelScope() as scope:
            async with open_identity_provider() as provider:
                started.put((provider, trio.lowlevel.current_trio_token(), scope))
                await trio.sleep_forever()

    thread = Thread(target=trio.run, args=(run,))
    thread.start()
    provider, token, scope = started.get(timeout=30)
    try:
        yield provider
    finally:
        token.run_sync_soon(scope.cancel)
        thread.join()
