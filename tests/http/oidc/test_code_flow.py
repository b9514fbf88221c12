"""Signing in, from the authorization request to the tokens and what they are worth."""

from __future__ import annotations

import json
from urllib.parse import unquote

from tests.http.oidc.house import (
    CALLBACK,
    ISSUER,
    ON_BOTH,
    Client,
    Node,
    answer_experience,
    claims,
    sent_to,
    sign_in,
)


@ON_BOTH
async def test_a_person_signs_in_and_the_client_receives_tokens(spa: Client, node: Node):
    answer = await sign_in(spa)
    assert answer["state"] == "the-state"
    assert answer["iss"] == ISSUER
    received = await spa.redeem(answer["code"])
    assert received.headers["cache-control"] == "no-store"
    body = received.json()
    assert list(body) == [
        "access_token",
        "expires_in",
        "id_token",
        "refresh_token",
        "scope",
        "token_type",
    ]
    assert body["scope"] == (
        "openid offline_access profile email phone roles custom_data identities"
    )
    identity = claims(body["id_token"])
    assert identity["sub"] == node.users["ada"]
    assert identity["aud"] == "spa"
    assert identity["nonce"] == "the-nonce"
    assert identity["roles"] == ["reader"]
    assert "custom_data" not in identity
    assert "at_hash" not in identity
    assert identity["exp"] - identity["iat"] == body["expires_in"] == 3600
    told = (await spa.userinfo(body["access_token"])).json()
    assert told["sub"] == identity["sub"]
    assert told["custom_data"] == {"shoe": 43}
    assert told["email"] == "ada@example.com"
    assert told["phone_number_verified"] is False
    assert told["preferred_username"] == told["username"] == "ada"
    assert told["picture"] is None


async def test_the_hops_and_cookies_are_those_that_logtos_clients_know(spa: Client):
    http = spa.http
    answer = await http.get("/oidc/auth", params=spa.request())
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?app_id=spa"
    assert answer.headers["cache-control"] == "no-store"
    cookies = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {
        name + end
        for name in ("_logto", "_interaction", "_interaction_resume")
        for end in ("", ".sig")
    }
    assert cookies["_logto"] == '_logto={"appId":"spa"}; path=/; samesite=lax; secure'
    value = cookies["_interaction"].partition("=")[2].partition(";")[0]
    interactions = json.loads(unquote(value))
    assert set(interactions) == {"spa", "_legacy"}
    uid = interactions["spa"]
    assert len(uid) == 43
    assert f"path=/oidc/auth/{uid};" in cookies["_interaction_resume"]
    assert cookies["_interaction"].endswith("; samesite=lax; secure; httponly")
    url = await answer_experience(http, "spa", "ada")
    assert url == f"{ISSUER}/auth/{uid}"
    answer = await http.get(url)
    assert answer.headers["location"] == "/consent?app_id=spa"
    session = [line for line in answer.headers.get_list("set-cookie") if "_session" in line]
    assert len(session) == 2
    answer = await http.get("/consent?app_id=spa")
    assert answer.status_code == 302
    assert answer.headers["location"] != url
    answer = await http.get(answer.headers["location"])
    assert set(sent_to(answer, CALLBACK)) == {"code", "state", "iss"}
