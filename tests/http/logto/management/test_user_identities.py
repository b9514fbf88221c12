"""Who users are elsewhere: linked, shown and taken away by operators; and Hasura's question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatehouse.storage.identities import Secret, Secrets
from gatehouse.storage.records import SsoIdentity
from gatehouse.storage.roles import UserRoles
from gatehouse.storage.sso_connectors import SsoConnector, SsoConnectors, SsoIdentities
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, TENANT, Server, run_server
from tests.servers.identity_provider import CLIENT_ID, CLIENT_SECRET, open_identity_provider

DETAILS = {"id": "g-1", "email": "ada@example.com", "rawData": {"hd": "example.com"}}


async def a_user(api: Api, username: str = "ada") -> str:
    user: dict[str, Any] = await api("CreateUser", json={"username": username})
    return str(user["id"])


@BOTH_DATABASES
async def test_an_identity_is_put_read_and_taken_away(api: Api) -> None:
    user = await a_user(api)
    google = {"userId": "g-1", "details": DETAILS}
    made = await api("ReplaceUserIdentity", userId=user, target="google", json=google, expect=201)
    assert made == {"google": google}
    changed = {"userId": "g-2"}
    both = await api("ReplaceUserIdentity", userId=user, target="google", json=changed, expect=200)
    assert both == {"google": changed}
    hub = {"userId": "7"}
    await api("ReplaceUserIdentity", userId=user, target="github", json=hub, expect=201)
    read = await api("GetUserIdentity", userId=user, target="github")
    assert read == {"identity": hub}
    listed = await api("ListUserAllIdentities", userId=user)
    assert listed == {
        "socialIdentities": [
            {"target": "github", "identity": hub},
            {"target": "google", "identity": changed},
        ],
        "ssoIdentities": [],
    }
    left = await api("DeleteUserIdentity", userId=user, target="google")
    assert left["identities"] == {"github": hub}
    assert (await api("GetUser", userId=user))["identities"] == {"github": hub}


@BOTH_DATABASES
async def test_an_identity_belongs_to_one_user(api: Api) -> None:
    one, other = await a_user(api), await a_user(api, "bob")
    identity = {"userId": "g-1"}
    await api("ReplaceUserIdentity", userId=one, target="google", json=identity)
    refused = await api(
        "ReplaceUserIdentity", userId=other, target="google", json=identity, expect=422
    )
    assert refused["code"] == "user.identity_already_in_use"
    await api("ReplaceUserIdentity", userId=other, target="github", json=identity)
    await api("ReplaceUserIdentity", userId=one, target="google", json=identity, expect=200)
    await api("DeleteUser", userId=one)
    await api("ReplaceUserIdentity", userId=other, target="google", json=identity, expect=201)


async def test_what_is_not_there_is_not_found(api: Api) -> None:
    user = await a_user(api)
    identity = {"userId": "g-1"}
    for operation in ("GetUserIdentity", "DeleteUserIdentity"):
        refused = await api(operation, userId=user, target="google", expect=404)
        assert refused["code"] == "user.identity_not_exist"
        await api(operation, userId="nobody", target="google", expect=404)
    await api("ReplaceUserIdentity", userId="nobody", target="google", json=identity, expect=404)
    await api("ListUserAllIdentities", userId="nobody", expect=404)
    await api("DeleteSecret", id="nothing", expect=404)
    link = {"connectorId": "c", "connectorData": {}}
    await api("CreateUserIdentity", userId="nobody", json=link, expect=404)


async def test_bad_input_is_refused(api: Api) -> None:
    user = await a_user(api)
    for body in ({}, {"userId": ""}, {"userId": 1}, {"userId": "x", "details": "y"}):
        await api("ReplaceUserIdentity", userId=user, target="google", json=body, expect=400)
    await api("CreateUserIdentity", userId=user, json={"connectorId": "c"}, expect=400)
    nobody = {"connectorId": "c", "connectorData": {}}
    refused = await api("CreateUserIdentity", userId=user, json=nobody, expect=422)
    assert refused["code"] == "session.invalid_connector_id"
    assert (await api("GetUser", userId=user))["identities"] == {}


async def test_a_user_is_linked_to_whom_a_provider_says_they_are(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    async with run_server(database_url, redis_url, mocks=tmp_path) as server:
        api = server.api(await server.management_token())
        config = {"clientId": "c", "clientSecret": "s"}
        mock = {"connectorId": "mock-social-connector", "config": config}
        made = await api("CreateConnector", json=mock)
        one, other = await a_user(api), await a_user(api, "bob")
        back = {"state": "mine", "redirectUri": "https://app.example/back"}
        sent = await api("CreateConnectorAuthorizationUri", connectorId=made["id"], json=back)
        assert sent["redirectTo"].startswith("http://mock-social/?state=mine")
        said = {"code": "any", "state": "mine", "userId": "m-1", "email": "ada@example.com"}
        link = {"connectorId": made["id"], "connectorData": said}
        linked = await api("CreateUserIdentity", userId=one, json=link, expect=200)
        assert linked["mock-social"]["userId"] == "m-1"
        assert linked["mock-social"]["details"]["email"] == "ada@example.com"
        refused = await api("CreateUserIdentity", userId=other, json=link, expect=422)
        assert refused["code"] == "user.identity_already_in_use"
        assert (await api("GetUser", userId=one))["identities"] == linked


async def test_what_a_provider_does_not_say_links_nobody(api: Api, server: Server) -> None:
    async with open_identity_provider() as idp:
        idp.person = {"id": "object-1", "displayName": "Ada", "mail": "ada@example.com"}
        idp.answers["/d/oauth2/v2.0/authorize"] = (302, {"location": "https://a.b/?code=c"}, b"")
        config = {
            "clientId": CLIENT_ID,
            "clientSecret": CLIENT_SECRET,
            "cloudInstance": idp.url,
            "tenantId": "d",
        }
        made = await api(
            "CreateConnector", json={"connectorId": "azuread-universal", "config": config}
        )
        user = await a_user(api)
        link = {"connectorId": made["id"], "connectorData": {"redirectUri": "https://a.b/"}}
        refused = await api("CreateUserIdentity", userId=user, json=link, expect=401)
        assert refused["code"] == "connector.social_auth_code_invalid"
        link["connectorData"]["error"] = "access_denied"
        refused = await api("CreateUserIdentity", userId=user, json=link, expect=401)
        assert refused["code"] == "connector.authorization_failed"
        oidc = {
            "connectorId": "oidc",
            "metadata": {"target": "acme"},
            "config": {
                **config,
                "authorizationEndpoint": idp.at("authorize"),
                "tokenEndpoint": idp.at("token"),
                "scope": "openid",
                "idTokenVerificationConfig": {"jwksUri": idp.at("jwks")},
            },
        }
        acme = await api("CreateConnector", json=oidc)
        link = {"connectorId": acme["id"], "connectorData": {"code": "c"}}
        answer = await api.send("CreateUserIdentity", userId=user, json=link)
        assert (answer.status_code, answer.json()["code"]) == (501, "connector.not_implemented")
    assert (await api("GetUser", userId=user))["identities"] == {}


@BOTH_DATABASES
async def test_tokens_are_told_of_and_forgotten(api: Api, server: Server) -> None:
    user = await a_user(api)
    config = {"clientId": "c", "clientSecret": "s"}
    google = await api(
        "CreateConnector",
        json={"connectorId": "google-universal", "config": config, "enableTokenStorage": True},
    )
    db = server.core.db

    async def keep() -> Secret:
        await api("ReplaceUserIdentity", userId=user, target="google", json={"userId": "g-1"})
        secret = Secret(
            user_id=user,
            value=json.dumps({"access_token": "the token"}),
            metadata={"hasRefreshToken": False, "expiresAt": 1},
            connector_id=google["id"],
            target="google",
            identity_id="g-1",
        )
        return await db.write(lambda tx: Secrets(tx, TENANT).put(secret))

    kept = await keep()
    read = await api("GetUserIdentity", userId=user, target="google")
    assert "tokenSecret" not in read
    yes = {"includeTokenSecret": "true"}
    read = await api("GetUserIdentity", userId=user, target="google", query=yes)
    told = read["tokenSecret"]
    assert (told["id"], told["connectorId"], told["target"]) == (kept.id, google["id"], "google")
    assert told["metadata"] == {"hasRefreshToken": False, "expiresAt": 1}
    assert "the token" not in str(read)
    listed = await api("ListUserAllIdentities", userId=user, query=yes)
    assert listed["socialIdentities"][0]["tokenSecret"] == told
    await api("DeleteSecret", id=kept.id, expect=204)
    read = await api("GetUserIdentity", userId=user, target="google", query=yes)
    assert "tokenSecret" not in read

    async def left() -> list[Secret]:
        return await db.read(lambda tx: Secrets(tx, TENANT).of(user))

    await keep()
    await api("ReplaceUserIdentity", userId=user, target="google", json={"userId": "g-2"})
    assert await left() == []
    await keep()
    await api("UpdateConnector", id=google["id"], json={"enableTokenStorage": False})
    assert await left() == []
    await keep()
    await api("DeleteConnector", id=google["id"])
    assert await left() == []


async def test_enterprise_identities_are_listed_beside(api: Api, server: Server) -> None:
    user = await a_user(api)

    def put(tx: Any) -> None:
        made = SsoConnectors(tx, TENANT).create(
            SsoConnector(provider_name="OIDC", connector_name="Acme")
        )
        identity = SsoIdentity(
            user_id=user,
            issuer="https://acme.example",
            identity_id="42",
            sso_connector_id=made.id,
        )
        SsoIdentities(tx, TENANT).create(identity)

    await server.core.db.write(put)
    listed = await api("ListUserAllIdentities", userId=user)
    (one,) = listed["ssoIdentities"]
    assert one["ssoIdentity"]["identityId"] == "42"


# Hasura

RESOURCE = "https://graph.example"


async def test_hasura_hears_who_it_is_and_in_which_role(api: Api, server: Server) -> None:
    user = await a_user(api)
    role = await api("CreateRole", json={"name": "editor", "description": "Edits"})
    await server.core.db.write(lambda tx: UserRoles(tx, TENANT).add(user, [role["id"]]))
    asking = api.with_token(await server.sign(sub=user, aud=RESOURCE))
    query = {"resource": RESOURCE}

    async def hear(caller: Api, role: str | None, **more: str) -> Any:
        headers = {} if role is None else {"expected-role": role}
        answer = await caller.send("GetHasuraAuth", query=query | more, headers=headers)
        return answer.status_code, answer.json()

    both = {"X-Hasura-User-Id": user, "X-Hasura-Role": "editor"}
    guest = {"unauthorizedRole": "guest"}
    as_guest = {"X-Hasura-User-Id": user, "X-Hasura-Role": "guest"}
    assert await hear(asking, "editor") == (200, both)
    assert await hear(asking, None) == (200, {"X-Hasura-User-Id": user})
    assert await hear(asking, "admin", **guest) == (200, as_guest)
    assert await hear(asking, None, **guest) == (200, as_guest)
    elsewhere = api.with_token(await server.sign(sub=user, aud="https://other.example"))
    assert await hear(elsewhere, "editor", **guest) == (200, as_guest)
    for caller in (elsewhere, api.with_token(None), api.with_token("forged")):
        status, body = await hear(caller, "editor")
        assert (status, body["code"]) == (401, "auth.expected_role_not_found")
    assert await hear(api.with_token(None), "editor", **guest) == (200, {"X-Hasura-Role": "guest"})


@pytest.mark.parametrize("query", [{}, {"resource": ""}])
async def test_hasura_says_what_the_token_is_for(api: Api, query: dict[str, str]) -> None:
    await api("GetHasuraAuth", query=query, expect=400)
