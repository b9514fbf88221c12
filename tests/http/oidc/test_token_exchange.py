"""Exchanging tokens (RFC 8693): what goes in, what comes out, and who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from gatehouse.actors import subject_token
from gatehouse.actors.subject_token import SUBJECT_TOKEN_AGE_MS, Create, new_subject_token
from gatehouse.storage.applications import Applications
from gatehouse.storage.personal_access_tokens import PersonalAccessTokens
from gatehouse.storage.records import CustomClientMetadata, PersonalAccessToken
from gatehouse.storage.statement import Stmt
from gatehouse.storage.users import Users
from tests.http.oidc.house import API, ON_BOTH, TENANT, Client, House, Node, claims, sign_in, tokens
from tests.http.oidc.test_token import refused, together

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
IMPERSONATION = "urn:logto:token-type:impersonation_token"
PERSONAL = "urn:logto:token-type:personal_access_token"


@pytest.fixture
async def http(node: Node) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the node, where some applications may exchange tokens."""
    for client_id in ("machine", "web", "spa", "third"):
        await node.change(
            lambda tx, client_id=client_id: Applications(tx, TENANT).update(
                client_id, custom_client_metadata=CustomClientMetadata(allow_token_exchange=True)
            )
        )
    async with node.client() as http:
        yield http


async def impersonation(node: Node, user: str = "ada") -> str:
    token = new_subject_token()
    address = subject_token.address(TENANT, token)
    user_id = node.users.get(user, user)
    await node.core.engine.turn(address, Create(user_id, "operator", {}))
    return token


async def personal(node: Node, expires_at: int | None = None) -> str:
    token = PersonalAccessToken(
        user_id=node.users["ada"], name="script", value="pat_the-script", expires_at=expires_at
    )
    await node.change(lambda tx: PersonalAccessTokens(tx, TENANT).make(token))
    return token.value


async def exchange(
    client: Client, token: str, kind: str = IMPERSONATION, **more: str
) -> httpx.Response:
    return await client.token(
        grant_type=GRANT, subject_token=token, subject_token_type=kind, **more
    )


@pytest.mark.parametrize("name", ["machine", "web", "spa"])
async def test_rfc8693_2_2_an_operators_token_becomes_a_users_access_token(
    http: httpx.AsyncClient, node: Node, name: str
):
    client = Client(http, name)
    answer = await exchange(client, await impersonation(node), scope="openid profile nonsense")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body == {
        "access_token": body["access_token"],
        "issued_token_type": ACCESS,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid profile",
    }
    assert (await client.userinfo(body["access_token"])).json()["sub"] == node.users["ada"]
    facts = await client.introspect(body["access_token"])
    assert (facts["sub"], facts["client_id"]) == (node.users["ada"], name)


@ON_BOTH
async def test_for_an_api_the_users_roles_decide(machine: Client, node: Node):
    token = await impersonation(node)
    body = (await exchange(machine, token, resource=API, scope="read write")).json()
    said = claims(body["access_token"])
    assert (said["sub"], said["client_id"]) == (node.users["ada"], "machine")
    assert (said["aud"], said["scope"], body["scope"]) == (API, "read", "read")
    assert "act" not in said


async def test_a_subject_token_is_good_once_on_all_nodes(machine: Client, node: Node, house: House):
    token = await impersonation(node)
    async with house.node() as second, second.client() as http:
        there = Client(http, "machine")
        answers = await together(exchange(machine, token), exchange(there, token, ACCESS))
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    body = refused(await exchange(machine, token), "invalid_grant")
    assert "consumed" in body["error_description"]


async def test_a_mistake_does_not_use_the_token_up(machine: Client, node: Node):
    token = await impersonation(node)
    refused(await exchange(machine, token, resource="https://x.example"), "invalid_target")
    refused(
        await exchange(machine, token, actor_token="x", actor_token_type=ACCESS), "invalid_grant"
    )
    assert (await exchange(machine, token)).status_code == 200


async def test_a_subject_token_lives_ten_minutes(machine: Client, node: Node, house: House):
    token = await impersonation(node)
    house.clock.pass_ms(SUBJECT_TOKEN_AGE_MS)
    refused(await exchange(machine, token), "invalid_grant")


@ON_BOTH
async def test_a_personal_access_token_is_good_until_it_expires(
    machine: Client, node: Node, house: House
):
    token = await personal(node, expires_at=house.clock() + 60_000)
    for _ in range(2):
        answer = await exchange(machine, token, PERSONAL, resource=API, scope="read")
        assert claims(answer.json()["access_token"])["sub"] == node.users["ada"]
    house.clock.pass_ms(60_000)
    refused(await exchange(machine, token, PERSONAL), "invalid_grant")


async def test_a_personal_access_token_that_was_deleted_is_refused(machine: Client, node: Node):
    token = await personal(node)
    assert (await exchange(machine, token, PERSONAL)).status_code == 200
    user_id = node.users["ada"]
    await node.change(lambda tx: PersonalAccessTokens(tx, TENANT).delete(user_id, "script"))
    refused(await exchange(machine, token, PERSONAL), "invalid_grant")


async def test_the_database_holds_no_personal_access_token_in_the_clear(node: Node):
    token = await personal(node)
    stored: Any = await node.core.db.read(
        lambda tx: tx.rows(Stmt(sa.text("SELECT * FROM personal_access_tokens")))
    )
    assert token not in str(list(stored))


async def test_access_tokens_of_our_own_applications_are_exchanged(
    http: httpx.AsyncClient, machine: Client, node: Node
):
    spa = Client(http, "spa")
    code = (await sign_in(spa, resource=API))["code"]
    first = (await spa.redeem(code)).json()
    signed = (await spa.refresh(first["refresh_token"], resource=API)).json()
    assert "." in signed["access_token"]
    assert "." not in first["access_token"]
    for token in (first["access_token"], signed["access_token"]):
        for _ in range(2):
            answer = await exchange(machine, token, ACCESS, resource=API, scope="read")
            said = claims(answer.json()["access_token"])
            assert (said["sub"], said["scope"]) == (node.users["ada"], "read")


async def test_an_id_token_is_no_access_token(spa: Client, machine: Client):
    body = await tokens(spa)
    refused(await exchange(machine, body["id_token"], ACCESS), "invalid_grant")
    refused(await exchange(machine, body["refresh_token"], ACCESS), "invalid_grant")


async def test_a_machines_own_token_is_about_no_user(machine: Client):
    for more in ({}, {"resource": API}):
        own = (await machine.token(grant_type="client_credentials", **more)).json()
        refused(await exchange(machine, own["access_token"], ACCESS), "invalid_grant")


async def test_rfc8693_4_1_an_actor_is_named(spa: Client, machine: Client, node: Node):
    actor = (await tokens(spa, "bob"))["access_token"]
    acting = {"actor_token": actor, "actor_token_type": ACCESS}
    token = await impersonation(node)
    answer = await exchange(machine, token, resource=API, scope="read", **acting)
    said = claims(answer.json()["access_token"])
    assert (said["sub"], said["act"]) == (node.users["ada"], {"sub": node.users["bob"]})


async def test_an_actor_has_to_show_who_they_are(spa: Client, machine: Client, node: Node):
    token = await impersonation(node)
    plain = (await tokens(spa, scope="profile", prompt=None))["access_token"]
    for actor, kind in (("x", ACCESS), (plain, ACCESS), (plain, PERSONAL)):
        answer = await exchange(machine, token, actor_token=actor, actor_token_type=kind)
        refused(answer, "invalid_grant")
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    answer = await exchange(machine, token, actor_token=plain, actor_token_type=ACCESS)
    refused(answer, "invalid_grant")


async def test_nobody_gets_in_for_a_user_who_may_not(machine: Client, node: Node):
    waiting, script = await impersonation(node), await personal(node)
    refused(await exchange(machine, await impersonation(node, "nobody")), "invalid_grant")
    await node.change(lambda tx: Users(tx, TENANT).set_suspended(node.users["ada"], True))
    refused(await exchange(machine, waiting), "invalid_grant")
    refused(await exchange(machine, script, PERSONAL), "invalid_grant")


@pytest.mark.parametrize("kind", [ACCESS, IMPERSONATION, PERSONAL, "urn:other", "x"])
@pytest.mark.parametrize("token", ["x", "a.b.c", "sub_x", "pat_x", "A" * 43, "é"])
async def test_what_is_no_token_is_refused(machine: Client, token: str, kind: str):
    refused(await exchange(machine, token, kind), "invalid_grant")


async def test_both_parameters_are_needed(machine: Client):
    refused(await machine.token(grant_type=GRANT, subject_token="x"), "invalid_request")
    refused(await machine.token(grant_type=GRANT, subject_token_type=ACCESS), "invalid_request")


async def test_only_applications_that_were_allowed_to_exchange(http: httpx.AsyncClient, node: Node):
    token = await impersonation(node)
    for name in ("native", "third"):
        refused(await exchange(Client(http, name), token), "unauthorized_client")


async def test_what_a_third_party_holds_is_not_exchanged(
    http: httpx.AsyncClient, machine: Client, spa: Client, node: Node
):
    body = await tokens(spa)
    await node.change(lambda tx: Applications(tx, TENANT).update("spa", is_third_party=True))
    refused(await exchange(machine, body["access_token"], ACCESS), "invalid_grant")


async def test_the_grant_is_announced(http: httpx.AsyncClient):
    document = (await http.get("/oidc/.well-known/openid-configuration")).json()
    assert GRANT in document["grant_types_supported"]
