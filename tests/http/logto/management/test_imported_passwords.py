"""Passwords that were hashed elsewhere sign people in, and are hashed anew as they do."""

from __future__ import annotations

from typing import get_args

import bcrypt
import httpx

from gatehouse.actors.hashing import StoredPassword
from gatehouse.http.logto.management.users import Algorithm
from tests.actors.test_hashing import IMPORTED, SECRET
from tests.http.contract import Api
from tests.http.oidc.house import challenge_of
from tests.http.running import DEMO_APP, Server

BCRYPT = bcrypt.hashpw(SECRET.encode(), bcrypt.gensalt(4)).decode()
STORED = IMPORTED | {"bcrypt": StoredPassword(BCRYPT, "Bcrypt")}


def test_every_algorithm_is_tried() -> None:
    assert {stored.algorithm for stored in STORED.values()} == set(get_args(Algorithm))


async def sign_in(server: Server, username: str, password: str) -> int:
    """Sign in by name and password; the status of the answer about the password."""
    request = {
        "client_id": DEMO_APP,
        "redirect_uri": f"{server.url}/demo-app",
        "response_type": "code",
        "scope": "openid",
        "code_challenge": challenge_of("v" * 43),
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient(base_url=server.url, timeout=30) as browser:
        await browser.get("/oidc/auth", params=request)
        await browser.put("/api/experience", json={"interactionEvent": "SignIn"})
        verified = await browser.post(
            "/api/experience/verification/password",
            json={"identifier": {"type": "username", "value": username}, "password": password},
        )
        if verified.status_code == 200:
            await browser.post("/api/experience/identification", json=verified.json())
            assert (await browser.post("/api/experience/submit")).status_code == 200
        return verified.status_code


async def test_passwords_from_elsewhere_sign_in_and_are_hashed_anew(
    server: Server, api: Api
) -> None:
    for name, stored in STORED.items():
        username = f"by_{name}"
        made = await api(
            "CreateUser",
            json={
                "username": username,
                "passwordDigest": stored.digest,
                "passwordAlgorithm": stored.algorithm,
            },
        )
        assert await sign_in(server, username, f"{SECRET}?") == 422, name
        assert await sign_in(server, username, SECRET) == 200, name
        shown = await api("GetUser", userId=made["id"], query={"includePasswordHash": "true"})
        assert shown["passwordAlgorithm"] == "Argon2id", name
        assert shown["passwordDigest"] != stored.digest, name
