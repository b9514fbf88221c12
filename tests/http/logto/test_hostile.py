"""Hostile input to what anybody can call: the pages, the sign-in and account APIs, OpenID Connect.

What only operators can call is in `management/test_hostile.py`. Here the caller is nobody, is in
the middle of a sign-in, or has a user's token, so that what lies behind the first refusal is met.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from gatehouse.http.logto.access import MANAGEMENT
from gatehouse.http.logto.skin import skins
from gatehouse.http.operation import Operation
from tests.http.logto.management.test_hostile import BODIES, SEGMENTS, path_of
from tests.http.oidc.house import challenge_of
from tests.http.running import DEMO_APP, DEMO_PASSWORD, DEMO_USER, Server
from tests.servers.plain import plain_client

OPEN = [
    (dialect, operation)
    for dialect, operations in skins()
    for operation in operations
    if operation.access is not MANAGEMENT
]
FORMS = {
    "nothing": b"",
    "no pairs": b"&&&=&",
    "not UTF-8": b"client_id=%ff%fe&token=%ff",
    "NUL": b"client_id=a%00&grant_type=%00&csrf=%00&identifier=%00",
    "repeated": b"client_id=a&client_id=b&grant_type=x&grant_type=y",
    "many": b"&".join(b"p%d=x" % n for n in range(300)),
    "long": b"client_id=" + b"x" * 20_000,
    "huge": b"client_id=" + b"x" * 300_000,
    "Unicode": b"client_id=%F0%9F%91%A9&grant_type=%E2%80%8D&identifier=%F0%9F%9A%80",
    "brackets": b"client_id[]=a&client_id[x]=b&__proto__[x]=1",
    "a token": b"grant_type=refresh_token&client_id=demo-app&refresh_token=" + b"A" * 43,
    "an assertion": b"grant_type=client_credentials&client_assertion=a.b.c&client_assertion_type="
    b"urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
}
QUERIES = (
    "client_id=%00&redirect_uri=%00",
    "client_id=%ff",
    "&".join(f"p{n}=x" for n in range(500)),
    "app_id=" + "%F0%9F%9A%80" * 300,
    "client_id=a&client_id=b",
    "page=99999999999999999999&page_size=-1",
)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Caller:
    """Somebody who sends requests."""

    http: httpx.AsyncClient
    headers: dict[str, str]

    async def send(
        self, operation: Operation, path: str, body: bytes, kind: str, what: str
    ) -> None:
        headers = {**self.headers, "content-type": kind}
        answer = await self.http.request(operation.method, path, content=body, headers=headers)
        shown = f"{operation.operation_id} with {what}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500 or answer.status_code in (501, 503), shown
        if answer.text in ("Bad Request", "Not Found", "Method Not Allowed", "400 Bad Request"):
            return  # the edge or the router: it never was a request for an operation
        if answer.status_code >= 400 and operation.path.startswith(("/api", "/oidc")):
            assert answer.headers.get("content-type", "").startswith("application/json"), shown
            assert "message" in answer.json(), shown


@pytest.fixture
async def callers(server: Server) -> AsyncIterator[list[Caller]]:
    """Nobody, and somebody in the middle of a sign-in who has a user's token."""
    async with (
        plain_client(server.url) as nobody,
        plain_client(server.url) as person,
    ):
        token = await begin(person, server)
        known = {"authorization": f"Bearer {token}", "logto-app-id": DEMO_APP}
        yield [Caller(nobody, {}), Caller(person, known)]


async def begin(http: httpx.AsyncClient, server: Server) -> str:
    """Sign in once for a token, and begin to sign in once more."""
    callback = f"{server.url}/demo-app"
    request = {
        "client_id": DEMO_APP,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": "openid offline_access profile",
        "prompt": "login consent",
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
    }
    await http.get("/oidc/auth", params=request)
    await http.put("/api/experience", json={"interactionEvent": "SignIn"})
    verified = await http.post(
        "/api/experience/verification/password",
        json={
            "identifier": {"type": "username", "value": DEMO_USER},
            "password": DEMO_PASSWORD,
        },
    )
    await http.post("/api/experience/identification", json=verified.json())
    answer = await http.post("/api/experience/submit")
    url = answer.json()["redirectTo"]
    while "code=" not in url:
        answer = await http.get(url)
        url = answer.headers["location"]
    form = {
        "grant_type": "authorization_code",
        "client_id": DEMO_APP,
        "code": httpx.URL(url).params["code"],
        "redirect_uri": callback,
        "code_verifier": "v" * 43,
    }
    token: str = (await http.post("/oidc/token", data=form)).json()["access_token"]
    await http.get("/oidc/auth", params=request)
    await http.put("/api/experience", json={"interactionEvent": "SignIn"})
    return token


async def test_hostile_bodies_are_refused_or_harmless(callers: list[Caller]) -> None:
    for _, operation in OPEN:
        if operation.method in ("POST", "PUT", "PATCH"):
            path = path_of(operation, "anything")
            for caller in callers:
                for what, body in BODIES.items():
                    await caller.send(operation, path, body, JSON, what)
                for what, body in FORMS.items():
                    await caller.send(operation, path, body, FORM, what)


async def test_hostile_paths_are_refused(callers: list[Caller]) -> None:
    for _, operation in OPEN:
        if "{" in operation.path:
            for segment in SEGMENTS:
                for caller in callers:
                    await caller.send(operation, path_of(operation, segment), b"", JSON, segment)


async def test_hostile_queries_are_refused_or_harmless(callers: list[Caller]) -> None:
    for _, operation in OPEN:
        if operation.method == "GET":
            for query in QUERIES:
                path = f"{path_of(operation, 'anything')}?{query}"
                for caller in callers:
                    await caller.send(operation, path, b"", JSON, query[:40])
