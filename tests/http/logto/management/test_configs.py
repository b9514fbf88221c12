"""Signing keys, and how long sessions last."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from gatehouse.actors.authorization import LoginResult
from gatehouse.actors.sign_on import sign_in
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server

KEYS = {"keyType": "private-keys"}


async def published(server: Server) -> set[str]:
    answer = await server.client.get("/oidc/jwks")
    return {key["kid"] for key in answer.json()["keys"]}


async def statuses(api: Api) -> list[str]:
    return [key["status"] for key in await api("GetOidcKeys", **KEYS)]


@BOTH_DATABASES
async def test_a_rotation_signs_with_a_new_key_and_still_accepts_the_old(
    api: Api, server: Server
) -> None:
    before = await api("GetOidcKeys", **KEYS)
    assert [key["status"] for key in before] == ["Current"]
    after = await api("RotateOidcKeys", **KEYS, json={})
    assert [key["status"] for key in after] == ["Current", "Previous"]
    assert await published(server) == {key["id"] for key in after}
    assert await api("GetOidcKeys", **KEYS) == after  # with a token by the old key
    fresh = await server.management_token()
    assert jwt.get_unverified_header(fresh)["kid"] == after[0]["id"]


async def test_a_key_that_signs_no_more_can_be_deleted_and_no_other(
    api: Api, server: Server
) -> None:
    only = (await api("GetOidcKeys", **KEYS))[0]["id"]
    refused = await api("DeleteOidcKey", **KEYS, keyId=only, expect=422)
    assert refused["code"] == "oidc.key_required"
    new, old = await api("RotateOidcKeys", **KEYS, json={})
    refused = await api("DeleteOidcKey", **KEYS, keyId=new["id"], expect=422)
    assert refused["code"] == "oidc.only_previous_key_can_be_deleted"
    fresh = server.api(await server.management_token())
    missing = await fresh("DeleteOidcKey", **KEYS, keyId="nothing", expect=404)
    assert missing["code"] == "oidc.key_not_found"
    await fresh("DeleteOidcKey", **KEYS, keyId=old["id"], expect=204)
    assert await published(server) == {new["id"]}
    await api("GetOidcKeys", **KEYS, expect=401)


async def test_a_staged_key_is_published_before_it_signs(api: Api, server: Server) -> None:
    staged = await api("RotateOidcKeys", **KEYS, json={"rotationGracePeriod": 3600})
    assert [key["status"] for key in staged] == ["Next", "Current"]
    assert staged[0]["effectiveAt"] > server.core.clock()
    assert await published(server) == {key["id"] for key in staged}
    signed_by = jwt.get_unverified_header(await server.management_token())["kid"]
    assert signed_by == staged[1]["id"]
    refused = await api("RotateOidcKeys", **KEYS, json={}, expect=422)
    assert refused["code"] == "oidc.invalid_request"


async def test_rsa_can_be_chosen(api: Api, server: Server) -> None:
    new = (await api("RotateOidcKeys", **KEYS, json={"signingKeyAlgorithm": "RSA"}))[0]
    assert new["signingKeyAlgorithm"] == "RSA"
    assert jwt.get_unverified_header(await server.management_token())["alg"] == "RS256"


@pytest.mark.parametrize(
    "body",
    [{"signingKeyAlgorithm": "DSA"}, {"rotationGracePeriod": -1}, {"rotationGracePeriod": 1.5}],
)
async def test_rotations_that_cannot_be_are_refused(api: Api, body: dict[str, Any]) -> None:
    refused = await api("RotateOidcKeys", **KEYS, json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert await statuses(api) == ["Current"]


async def test_cookie_keys_are_not_kept_here(api: Api) -> None:
    cookies = {"keyType": "cookie-keys"}
    assert await api("GetOidcKeys", **cookies) == []
    refused = await api("RotateOidcKeys", **cookies, json={}, expect=422)
    assert refused["code"] == "oidc.invalid_request"
    refused = await api("DeleteOidcKey", **cookies, keyId="x", expect=404)
    assert refused["code"] == "oidc.key_not_found"
    await api("GetOidcKeys", keyType="door-keys", expect=400)


async def test_how_long_sessions_last_is_kept(api: Api) -> None:
    assert await api("GetOidcSessionConfig") == {"ttl": 14 * 24 * 3600}
    assert await api("UpdateOidcSessionConfig", json={"ttl": 3600}) == {"ttl": 3600}
    assert await api("UpdateOidcSessionConfig", json={}) == {"ttl": 3600}
    assert await api("GetOidcSessionConfig") == {"ttl": 3600}
    refused = await api("UpdateOidcSessionConfig", json={"ttl": 0}, expect=400)
    assert refused["code"] == "guard.invalid_input"


async def test_a_session_lasts_as_long_as_was_said(api: Api, server: Server) -> None:
    user = (await api("CreateUser", json={"username": "ada"}))["id"]
    await api("UpdateOidcSessionConfig", json={"ttl": 3600})
    now = server.core.clock()
    presence = await sign_in(
        server.core, None, LoginResult(user_id=user, amr=("pwd",), auth_time=now)
    )
    left = presence.session.expires_at - now
    assert 3_600_000 <= left < 3_660_000
