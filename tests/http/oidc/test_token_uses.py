"""What a token is worth: userinfo, introspection, revocation."""

from __future__ import annotations

import httpx
import pytest

from gatehouse.storage.applications import Applications
from gatehouse.storage.users import Users
from tests.http.oidc.house import API, ISSUER, SECRET, TENANT, Client, House, Node, tokens


async def test_userinfo_tells_what_the_scopes_allow(spa: Client):
    body = await tokens(spa, scope="openid email")
    told = (await spa.userinfo(body["access_token"])).json()
    assert set(told) == {"sub", "email", "email_verified"}


async def test_the_address_and_the_profile_come_from_the_users_profile(spa: Client):
    body = await tokens(spa, scope="openid profile address")
    told = (await spa.userinfo(body["access_token"])).json()
    assert told["family_name"] == "Example"
    assert told["address"] == {"locality": "London"}
    assert "given_name" not in told


async def test_the_token_may_be_posted(spa: Client):
    token = (await tokens(spa))["access_token"]
    http = spa.http
    assert (await http.post("/oidc/me", data={"access_token": token})).status_code == 200
    headers = {"authorization": f"Bearer {token}"}
    assert (await http.post("/oidc/me", headers=headers)).status_code == 200
    both = await http.post("/oidc/me", headers=headers, data={"access_token": token})
    assert both.status_code == 400


async def test_a_token_in_the_query_is_not_read(spa: Client):
    token = (await tokens(spa))["access_token"]
    answer = await spa.http.get("/oidc/me", params={"access_token": token})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="oidc"'


@pytest.mark.parametrize("token", ["x", "x" * 43, "a.b.c", "x" * 5000])
async def test_userinfo_refuses_what_is_no_token(spa: Client, token: str):
    answer = await spa.userinfo(token)
    assert answer.status_code == 401
    assert answer.json()["code"] == "oidc.invalid_token"
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_userinfo_needs_the_scope_openid(web: Client):
    body = await tokens(web, scope="profile")
    assert "id_token" not in body
    answer = await web.userinfo(body["access_token"])
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


async def test_a_token_for_an_api_is_none_for_userinfo(spa: Client):
    body = await tokens(spa, resource=API)
    signed = (await spa.refresh(body["refresh_token"], resource=API)).json()["access_token"]
    assert (await spa.userinfo(signed)).status_code == 401


async def test_a_deleted_clients_tokens_are_worth_nothing(spa: Client, node: Node):
    token = (await tokens(spa))["access_token"]
    await node.change(lambda tx: Applications(tx, TENANT).delete("spa"))
    assert (await spa.userinfo(token)).status_code == 401


async def test_an_access_token_expires(spa: Client, house: House):
    token = (await tokens(spa))["access_token"]
    house.clock.pass_ms(3_600_000)
    assert (await spa.userinfo(token)).status_code == 401


async def test_introspection_describes_every_kind_of_token(web: Client, node: Node):
    body = await tokens(web, resource=API)
    access = await web.introspect(body["access_token"])
    assert access["active"] is True
    assert access["sub"] == node.users["ada"]
    assert access["client_id"] == "web"
    assert access["iss"] == ISSUER
    assert access["token_type"] == "Bearer"
    assert access["exp"] - access["iat"] == 3600
    refresh = await web.introspect(body["refresh_token"])
    assert refresh["active"] is True
    assert refresh["exp"] - refresh["iat"] > 13 * 24 * 3600
    answer = (await web.refresh(body["refresh_token"], resource=API)).json()
    signed = await web.introspect(answer["access_token"])
    assert (signed["active"], signed["aud"], signed["scope"]) == (True, API, "read")


async def test_introspection_says_nothing_about_a_token_that_is_not_good(
    web: Client, node: Node, house: House
):
    body = await tokens(web, resource=API)
    signed = (await web.refresh(body["refresh_token"], resource=API)).json()["access_token"]
    inactive = {"active": False}
    for nothing in ("x", "x" * 43, "a.b.c", signed[:-6] + "AAAAAA"):
        assert await web.introspect(nothing) == inactive
    house.clock.pass_ms(2000)  # a signed token tells its age in seconds
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    for token in (body["access_token"], body["refresh_token"], signed):
        assert await web.introspect(token) == inactive


async def test_a_public_client_learns_of_its_own_tokens_alone(spa: Client, web: Client):
    own, others = await tokens(spa), await tokens(web, prompt="login consent")
    assert (await spa.introspect(own["access_token"]))["active"] is True
    assert await spa.introspect(others["access_token"]) == {"active": False}
    assert (await web.introspect(own["access_token"]))["active"] is True


async def test_introspection_and_revocation_want_to_know_who_asks(http: httpx.AsyncClient):
    for path in ("introspection", "revocation"):
        url = f"/oidc/token/{path}"
        assert (await http.post(url, data={"token": "x"})).status_code == 401
        wrong = {"token": "x", "client_id": "web", "client_secret": "wrong"}
        assert (await http.post(url, data=wrong)).status_code == 401
        missing = {"client_id": "web", "client_secret": SECRET}
        assert (await http.post(url, data=missing)).status_code == 400


async def test_revoking_a_refresh_token_ends_everything_of_its_family(spa: Client):
    body = await tokens(spa)
    answer = await spa.revoke(body["refresh_token"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await spa.refresh(body["refresh_token"])).status_code == 400
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    assert (await spa.revoke(body["refresh_token"])).status_code == 200


async def test_revoking_an_access_token_ends_it_alone(spa: Client):
    body = await tokens(spa)
    assert (await spa.revoke(body["access_token"])).status_code == 200
    assert (await spa.userinfo(body["access_token"])).status_code == 401
    assert (await spa.refresh(body["refresh_token"])).status_code == 200


async def test_an_unknown_token_is_as_good_as_revoked(spa: Client):
    assert (await spa.revoke("x" * 43)).status_code == 200


async def test_a_signed_token_cannot_be_revoked(spa: Client):
    answer = await spa.revoke("a.b.c")
    assert answer.json()["error"] == "unsupported_token_type"


async def test_another_clients_token_cannot_be_revoked(spa: Client, web: Client):
    body = await tokens(spa)
    assert (await web.revoke(body["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await spa.refresh(body["refresh_token"])).status_code == 200
