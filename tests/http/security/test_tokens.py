"""RFC 9700 about tokens: who may use them, for what, how often, and who keeps them."""

from __future__ import annotations

import jwt

from gatehouse.actors.family import REFRESH_GRACE_MS
from tests.http.oidc.house import (
    API,
    PASSWORD,
    Client,
    challenge_of,
    consent,
    sign_in,
    tokens,
)
from tests.http.security.site import Site, ask


async def test_rfc9700_2_2_2_refresh_tokens_of_public_clients_rotate(spa: Client) -> None:
    """§2.2.2 and §4.14.2."""
    first = await tokens(spa)
    second = (await spa.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]


async def test_rfc9700_4_14_2_a_replayed_refresh_token_ends_the_family(
    spa: Client, site: Site
) -> None:
    """§4.14.2: whoever of the two was the thief."""
    stolen = (await tokens(spa))["refresh_token"]
    mine = (await spa.refresh(stolen)).json()
    site.house.clock.pass_ms(REFRESH_GRACE_MS + 1)
    thief = Client(await site.browser(), "spa")
    assert (await thief.refresh(stolen)).json()["error"] == "invalid_grant"
    assert (await spa.refresh(mine["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await spa.userinfo(mine["access_token"])).status_code == 401


async def test_rfc9700_4_14_2_a_refresh_token_is_its_clients_own(spa: Client, site: Site) -> None:
    """§4.14.2: bound to the client; an attempt by another changes nothing for it."""
    mine = (await tokens(spa))["refresh_token"]
    other = Client(await site.browser(), "native")
    assert (await other.refresh(mine)).json()["error"] == "invalid_grant"
    assert (await spa.refresh(mine)).status_code == 200


async def test_rfc9700_4_14_2_a_refresh_widens_nothing(spa: Client) -> None:
    """§4.14.2 and RFC 6749 §6."""
    body = await tokens(spa, scope="openid offline_access profile")
    refused = await spa.refresh(body["refresh_token"], scope="openid profile email")
    assert refused.json()["error"] == "invalid_scope"


async def test_rfc9700_2_3_a_token_is_for_one_audience_and_says_so(spa: Client, site: Site) -> None:
    """§2.3: audience and scope are as narrow as what was asked for."""
    code = (await sign_in(spa, resource=API, scope="openid read write"))["code"]
    token = (await spa.redeem(code, resource=API)).json()["access_token"]
    said = jwt.decode(token, options={"verify_signature": False})
    assert said["aud"] == API
    assert said["scope"] == "read"
    assert (await spa.userinfo(token)).status_code == 401
    api = await spa.http.get("/api/users", headers={"authorization": f"Bearer {token}"})
    assert api.status_code == 401


async def test_rfc9700_2_4_passwords_are_not_given_to_clients(web: Client) -> None:
    """§2.4: there is no resource owner password credentials grant."""
    refused = await web.token(grant_type="password", username="ada", password=PASSWORD)
    assert refused.json()["error"] == "unsupported_grant_type"


async def test_rfc9700_2_5_a_confidential_client_proves_who_it_is(web: Client) -> None:
    """§2.5."""
    code = (await sign_in(web))["code"]
    for form in (
        {"client_id": "web"},
        {"client_id": "web", "client_secret": ""},
        {"client_id": "web", "client_secret": "wrong"},
        {"client_id": "spa"},
    ):
        answer = await web.http.post(
            "/oidc/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": "https://app.example/callback",
                "code_verifier": web.verifier,
                **form,
            },
        )
        assert answer.json()["error"] in ("invalid_client", "invalid_grant"), form
        assert "access_token" not in answer.json()
    assert (await web.redeem(code)).status_code == 200


async def test_rfc9700_4_15_a_client_cannot_pass_for_a_user(spa: Client, site: Site) -> None:
    """§4.15: a client's own token is no user's, and its subject is no user's id."""
    machine = Client(await site.browser(), "machine")
    body = (await machine.token(grant_type="client_credentials")).json()
    assert (await machine.userinfo(body["access_token"])).status_code == 401
    assert "machine" not in site.house.users.values()


async def test_rfc9700_4_13_a_client_cannot_say_where_it_comes_from(
    spa: Client, site: Site
) -> None:
    """§4.13: forwarded headers are believed of trusted proxies alone."""
    answer = await spa.http.get(
        "/oidc/.well-known/openid-configuration",
        headers={
            "x-forwarded-host": "evil.example",
            "x-forwarded-proto": "https",
            "forwarded": "host=evil.example",
            "x-original-url": "/admin",
        },
    )
    assert answer.json()["issuer"] == site.issuer


async def test_rfc6749_5_1_what_holds_a_token_is_not_kept(spa: Client) -> None:
    """RFC 6749 §5.1, RFC 9700 §4.2.4: tokens, codes, claims and errors are in no cache."""
    answer = await ask(spa)
    assert "no-store" in answer.headers["cache-control"]
    code = (await sign_in(spa))["code"]
    body = await spa.redeem(code)
    refused = await spa.redeem(code)
    again = await tokens(spa, prompt="login consent")
    for one in (
        body,
        refused,
        await spa.refresh(again["refresh_token"]),
        await spa.userinfo(again["access_token"]),
        await spa.userinfo("nothing"),
        await ask(spa, prompt="none", scope="openid"),
        await ask(spa, response_mode="form_post", max_age="x"),
        await spa.http.get("/sign-in", params={"app_id": "spa"}),
        await spa.http.get("/oidc/session/end"),
    ):
        assert "no-store" in one.headers.get("cache-control", ""), one.request.url


async def test_rfc9700_4_5_3_a_code_leaves_by_one_redirect_alone(spa: Client) -> None:
    """§4.5.3: asking twice makes two codes, each with the challenge of its own request."""
    await sign_in(spa)
    verifier = "another-verifier-" + "x" * 40
    answer = await ask(spa, prompt="none", scope="openid", code_challenge=challenge_of(verifier))
    code = dict(
        pair.split("=") for pair in answer.headers["location"].partition("?")[2].split("&")
    )["code"]
    assert (await spa.redeem(code)).json()["error"] == "invalid_grant"


async def test_rfc9700_2_2_1_what_was_revoked_is_refused_at_once(spa: Client) -> None:
    """§2.2.2 and RFC 7009 §2: with its refresh token every token of the grant ends."""
    body = await tokens(spa)
    assert (await spa.revoke(body["refresh_token"])).status_code == 200
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    assert (await spa.refresh(body["refresh_token"])).json()["error"] == "invalid_grant"


async def test_rfc9700_4_10_2_a_stolen_id_token_is_no_access_token(spa: Client) -> None:
    """§4.10.2: tokens of one kind are not taken for another."""
    body = await tokens(spa)
    for token in (body["id_token"], body["refresh_token"]):
        assert (await spa.userinfo(token)).status_code == 401
        answer = await spa.http.get("/api/users", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 401


async def test_another_clients_consent_is_not_ours(spa: Client, site: Site) -> None:
    """What a person let one client have says nothing about another."""
    await sign_in(spa)
    web = Client(spa.http, "web")
    answer = await ask(web, prompt=None, scope="openid profile")
    assert (await consent(web, answer))["code"]
