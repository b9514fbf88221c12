"""An installation to test the OpenID Connect endpoints on, and a browser to visit it with.

Everything is real: a database file, a Valkey, signing keys, the whole application. Nodes of one
house share database and Valkey, each with an engine and a link of its own.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
import trio
from hypercorn.config import Config, Sockets

from gatehouse.actors.core import Core, build_core, wall_clock
from gatehouse.actors.hashing import PasswordHasher, hash_now
from gatehouse.actors.keyring import KeyMaterial, KeyStatus, SigningAlgorithm, generate_key
from gatehouse.actors.secret_ring import SecretRing
from gatehouse.engine.engine import Engine
from gatehouse.engine.redis import redis_from_url
from gatehouse.http.app import build_app
from gatehouse.http.edge import serve
from gatehouse.http.oidc.claims import USER_SCOPES
from gatehouse.storage.applications import Applications, ApplicationSecrets
from gatehouse.storage.consent_scopes import ConsentScopes, ScopeKind
from gatehouse.storage.database import Database
from gatehouse.storage.migrate import migrate
from gatehouse.storage.records import (
    Application,
    ApplicationSecret,
    CustomClientMetadata,
    OidcClientMetadata,
    Resource,
    Role,
    Scope,
    SignInExperience,
    SigningKey,
    Tenant,
    User,
)
from gatehouse.storage.resources import Resources, Scopes
from gatehouse.storage.roles import ApplicationRoles, Roles, RoleScopes, UserRoles
from gatehouse.storage.tenants import SignInExperiences, SigningKeys, Tenants
from gatehouse.storage.transaction import Transaction
from gatehouse.storage.users import Users
from gatehouse.storage.vault import Vault

ORIGIN = "https://id.example"
ISSUER = f"{ORIGIN}/oidc"
TENANT = "default"
DATABASE = "house.db"
API = "https://api.example"
CALLBACK = "https://app.example/callback"
GOODBYE = "https://app.example/goodbye"
SECRET = "web-secret-0123456789"
PASSWORD = "correct horse 7 battery"
HASH = hash_now(PASSWORD)
KEY = generate_key(SigningAlgorithm.ES256, KeyStatus.CURRENT)
ALL_SCOPES = "openid offline_access profile email phone roles read write custom_data identities"

ON_BOTH = pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)
"""For tests of what reads the database in a way of its own."""

CLIENT_TYPES: dict[str, Any] = {
    "spa": "SPA",
    "native": "Native",
    "web": "Traditional",
    "steady": "Traditional",
    "third": "Traditional",
    "machine": "MachineToMachine",
}


class Clock:
    """The time, which a test may move on."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead

    def pass_ms(self, ms: int) -> None:
        self.ahead += ms


def fill(tx: Transaction, key: KeyMaterial) -> dict[str, str]:
    """Store what the tests know by name; the user's id by username."""
    Tenants(tx).create(Tenant(id=TENANT, name=TENANT))
    SigningKeys(tx, TENANT).create(
        SigningKey(
            kid=key.kid,
            alg=key.algorithm.value,
            public_jwk=dict(key.public_jwk),
            private_key=key.private_pem.decode(),
            status="current",
        )
    )
    SignInExperiences(tx, TENANT).create(SignInExperience())
    for client_id, type_ in CLIENT_TYPES.items():
        redirects = [] if type_ == "MachineToMachine" else [CALLBACK, f"{CALLBACK}?fixed=1"]
        if type_ == "Native":
            redirects += ["http://127.0.0.1/callback", "com.example.app:/callback"]
        Applications(tx, TENANT).create(
            Application(
                id=client_id,
                name=f"The {client_id} application",
                type=type_,
                is_third_party=client_id == "third",
                oidc_client_metadata=OidcClientMetadata(
                    redirect_uris=redirects, post_logout_redirect_uris=[GOODBYE]
                ),
                custom_client_metadata=CustomClientMetadata(
                    cors_allowed_origins=["https://scripts.example"],
                    rotate_refresh_token=client_id != "steady",
                ),
            )
        )
        if type_ in ("Traditional", "MachineToMachine"):
            ApplicationSecrets(tx, TENANT).create(
                ApplicationSecret(application_id=client_id, name="Default", value=SECRET)
            )
    resource = Resources(tx, TENANT).create(
        Resource(name="Api", indicator=API, access_token_ttl=600)
    )
    scopes = [
        Scopes(tx, TENANT).create(Scope(resource_id=resource.id, name=name)).id
        for name in ("read", "write")
    ]
    users = Users(tx, TENANT)
    ids = {}
    for name in ("ada", "bob"):
        user = users.create(
            User(
                username=name,
                primary_email=f"{name}@example.com",
                name=name.title(),
                profile={"familyName": "Example", "address": {"locality": "London"}},
                custom_data={"shoe": 43},
                password_hash=HASH.digest,
                password_algorithm=HASH.algorithm,
            )
        )
        ids[name] = user.id
    allowed = ConsentScopes(tx, TENANT, "third")
    allowed.add(ScopeKind.USER, [name for name in ALL_SCOPES.split() if name in USER_SCOPES])
    allowed.add(ScopeKind.RESOURCE, scopes)
    reader = Roles(tx, TENANT).create(Role(name="reader", description="May read"))
    RoleScopes(tx, TENANT).add(reader.id, scopes[:1])
    UserRoles(tx, TENANT).add(ids["ada"], [reader.id])
    worker = Roles(tx, TENANT).create(
        Role(name="worker", description="May write", type="MachineToMachine")
    )
    RoleScopes(tx, TENANT).add(worker.id, scopes)
    ApplicationRoles(tx, TENANT).add("machine", [worker.id])
    return ids


@dataclass
class Node:
    """One node: a core, and its application."""

    core: Core
    app: Any
    users: dict[str, str]

    def client(self, **options: Any) -> httpx.AsyncClient:
        """An HTTP client of this node that follows nothing by itself."""
        transport = httpx.ASGITransport(app=self.app, client=("203.0.113.9", 4711))
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, **options)

    async def change(self, unit: Any, *args: Any) -> Any:
        """Write to the database as the Management API would."""
        return await self.core.db.write(unit, *args)


@dataclass
class House:
    """An installation."""

    database: str
    redis_url: str
    clock: Clock
    users: dict[str, str]

    @asynccontextmanager
    async def node(self, origin: str = ORIGIN) -> AsyncIterator[Node]:
        """One more node of the installation."""
        vault = Vault({"test": b"v" * 32})
        async with (
            Database.open(self.database, vault=vault, clock=self.clock) as db,
            trio.open_nursery() as nursery,
        ):
            redis = redis_from_url(self.redis_url)
            engine = Engine(redis, node=secrets.token_hex(4), clock=self.clock)
            core = build_core(
                tenant_id=TENANT,
                public_url=origin,
                engine=engine,
                redis=redis,
                db=db,
                hasher=PasswordHasher(1),
                ring=SecretRing([b"r" * 32]),
                clock=self.clock,
            )
            await nursery.start(redis.run)
            await nursery.start(core.directory.run)
            yield Node(core, cast(Any, build_app(core)), self.users)
            nursery.cancel_scope.cancel()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """A node that listens on a port of this machine; its origin."""
        async with self.serve_node() as (origin, _):
            yield origin

    @asynccontextmanager
    async def serve_node(self) -> AsyncIterator[tuple[str, Node]]:
        """The same, with the node itself."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
            stop = trio.Event()
            async with self.node(origin) as node, trio.open_nursery() as nursery:
                await nursery.start(
                    lambda task_status: serve(
                        node.app,
                        Config(),
                        sockets=Sockets([], [listener], []),
                        shutdown_trigger=stop.wait,
                        task_status=task_status,
                    )
                )
                yield origin, node
                stop.set()


def furnish(path: Path, key: KeyMaterial = KEY) -> dict[str, str]:
    """Make the database of a new installation in a directory; the users' ids by name."""
    url = f"sqlite:///{path / DATABASE}"
    migrate(url)
    return furnish_at(url, key)


def furnish_at(url: str, key: KeyMaterial = KEY) -> dict[str, str]:
    """Fill a migrated database; the users' ids by name."""

    async def store() -> dict[str, str]:
        async with Database.open(url, vault=Vault({"test": b"v" * 32})) as db:
            return await db.write(fill, key)

    return trio.run(store)


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class Client:
    """A client of ours, as a program would write it."""

    http: httpx.AsyncClient
    client_id: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def credentials(self) -> dict[str, str]:
        if CLIENT_TYPES[self.client_id] in ("SPA", "Native"):
            return {"client_id": self.client_id}
        return {"client_id": self.client_id, "client_secret": SECRET}

    def request(self, **changes: str | None) -> dict[str, str]:
        """An authorization request; a change to None leaves a parameter out."""
        usual: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": ALL_SCOPES,
            "prompt": "consent",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in usual.items() if value is not None}

    async def token(self, **form: str | list[str]) -> httpx.Response:
        return await self.http.post("/oidc/token", data={**self.credentials, **form})

    async def redeem(self, code: str, /, **changes: str) -> httpx.Response:
        usual = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return await self.token(**{**usual, **changes})

    async def refresh(self, token: str, **more: str) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token, **more)

    async def userinfo(self, token: str) -> httpx.Response:
        return await self.http.get("/oidc/me", headers={"authorization": f"Bearer {token}"})

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.http.post(
            "/oidc/token/introspection", data={**self.credentials, "token": token}
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def revoke(self, token: str) -> httpx.Response:
        return await self.http.post(
            "/oidc/token/revocation", data={**self.credentials, "token": token}
        )


def sent_to(answer: httpx.Response, place: str) -> dict[str, str]:
    """The parameters with which the browser is sent to a place."""
    assert answer.status_code in (302, 303), answer.text
    location = answer.headers["location"]
    assert location.startswith(place), location
    parts = urlsplit(location)
    return {name: values[0] for name, values in parse_qs(parts.query or parts.fragment).items()}


async def answer_experience(http: httpx.AsyncClient, app_id: str, username: str) -> str:
    """Sign in on the pages' API; where to go on."""
    options: dict[str, Any] = {"headers": {"logto-app-id": app_id}}
    started = await http.put("/api/experience", json={"interactionEvent": "SignIn"}, **options)
    assert started.status_code == 204, started.text
    verified = await http.post(
        "/api/experience/verification/password",
        json={"identifier": {"type": "username", "value": username}, "password": PASSWORD},
        **options,
    )
    assert verified.status_code == 200, verified.text
    identified = await http.post("/api/experience/identification", json=verified.json(), **options)
    assert identified.status_code == 204, identified.text
    submitted = await http.post("/api/experience/submit", **options)
    assert submitted.status_code == 200, submitted.text
    return str(submitted.json()["redirectTo"])


async def sign_in(client: Client, username: str = "ada", **changes: str | None) -> dict[str, str]:
    """The whole way from a client's question to the parameters it receives."""
    http = client.http
    answer = await http.get("/oidc/auth", params=client.request(**changes))
    sent_to(answer, "/sign-in")
    url = await answer_experience(http, client.client_id, username)
    answer = await http.get(url)
    return await consent(client, answer)


async def consent(client: Client, answer: httpx.Response) -> dict[str, str]:
    """On from the answer that leads to the consent page, for an application of the house."""
    sent_to(answer, "/consent")
    answer = await client.http.get(answer.headers["location"])
    assert answer.status_code == 302, answer.text
    answer = await client.http.get(answer.headers["location"])
    return sent_to(answer, CALLBACK)


async def tokens(client: Client, username: str = "ada", **changes: str | None) -> dict[str, Any]:
    """Sign in and redeem the code."""
    params = await sign_in(client, username, **changes)
    answer = await client.redeem(params["code"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def claims(token: str) -> dict[str, Any]:
    """What a signed token says, its signature checked with the published key."""
    key = jwt.PyJWK(dict(KEY.public_jwk))
    return dict(
        jwt.decode(token, key, algorithms=["ES256"], options={"verify_aud": False}, issuer=ISSUER)
    )
