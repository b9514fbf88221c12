"""Personal access tokens, and the tokens with which an operator acts for a user."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, Server

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"


async def a_user(api: Api) -> str:
    return str((await api("CreateUser", json={"username": "ada"}))["id"])


async def exchanged(server: Server, api: Api, token: str, kind: str) -> dict[str, Any]:
    """What an application of its own gets for a token."""
    application = await api(
        "CreateApplication",
        json={
            "name": "a",
            "type": "MachineToMachine",
            "customClientMetadata": {"allowTokenExchange": True},
        },
    )
    (secret,) = await api("ListApplicationSecrets", id=application["id"])
    form = {"grant_type": GRANT, "subject_token": token, "scope": "openid"}
    form["subject_token_type"] = f"urn:logto:token-type:{kind}"
    answer = await server.client.post(
        "/oidc/token", data=form, auth=(application["id"], secret["value"])
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@BOTH_DATABASES
async def test_tokens_are_made_listed_renamed_and_deleted(api: Api, server: Server) -> None:
    user = await a_user(api)
    made = await api(
        "CreateUserPersonalAccessToken", userId=user, json={"name": "my script"}, expect=201
    )
    assert made["value"].startswith("pat_")
    assert made["expiresAt"] is None
    assert await api("ListUserPersonalAccessTokens", userId=user) == [made]
    renamed = await api(
        "UpdateUserPersonalAccessToken", userId=user, name="my script", json={"name": "a/b"}
    )
    assert renamed == {**made, "name": "a/b"}
    renamed = await api(
        "UpdatePersonalAccessTokenName", userId=user, json={"name": "c", "currentName": "a/b"}
    )
    assert renamed == {**made, "name": "c"}
    same = await api("UpdatePersonalAccessTokenName", userId=user, json={"name": "c"})
    assert same == renamed
    body = await exchanged(server, api, made["value"], "personal_access_token")
    assert body["scope"] == "openid"
    await api("DeletePersonalAccessTokenPost", userId=user, json={"name": "c"}, expect=204)
    assert await api("ListUserPersonalAccessTokens", userId=user) == []
    await api("CreateUserPersonalAccessToken", userId=user, json={"name": "d"}, expect=201)
    await api("DeleteUserPersonalAccessToken", userId=user, name="d", expect=204)
    assert await api("ListUserPersonalAccessTokens", userId=user) == []


@BOTH_DATABASES
async def test_a_name_is_used_once_for_a_user(api: Api) -> None:
    user = await a_user(api)
    for name in ("one", "two"):
        await api("CreateUserPersonalAccessToken", userId=user, json={"name": name}, expect=201)
    code = "user.personal_access_token_name_exists"
    refused = await api(
        "CreateUserPersonalAccessToken", userId=user, json={"name": "one"}, expect=422
    )
    assert refused["code"] == code
    refused = await api(
        "UpdateUserPersonalAccessToken",
        userId=user,
        name="two",
        json={"name": "one"},
        expect=422,
    )
    assert refused["code"] == code


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 257}, {"name": "x", "expiresAt": 1}, {"name": 1}]
)
async def test_a_token_that_cannot_be_is_not_made(api: Api, body: dict[str, Any]) -> None:
    user = await a_user(api)
    await api("CreateUserPersonalAccessToken", userId=user, json=body, expect=400)
    assert await api("ListUserPersonalAccessTokens", userId=user) == []


@BOTH_DATABASES
async def test_what_is_not_there_is_not_found(api: Api) -> None:
    user, name = await a_user(api), {"name": "x"}
    await api("ListUserPersonalAccessTokens", userId="nobody", expect=404)
    await api("CreateUserPersonalAccessToken", userId="nobody", json=name, expect=404)
    await api("UpdatePersonalAccessTokenName", userId=user, json=name, expect=404)
    await api("UpdateUserPersonalAccessToken", userId=user, name="x", json=name, expect=404)
    await api("DeletePersonalAccessTokenPost", userId=user, json=name, expect=404)
    await api("DeleteUserPersonalAccessToken", userId=user, name="x", expect=404)
    await api("CreateSubjectToken", json={"userId": "nobody"}, expect=404)


async def test_an_operator_acts_for_a_user_once(api: Api, server: Server) -> None:
    user = await a_user(api)
    made = await api(
        "CreateSubjectToken", json={"userId": user, "context": {"ticket": 7}}, expect=201
    )
    assert made["expiresIn"] == 600
    body = await exchanged(server, api, made["subjectToken"], "impersonation_token")
    bearer = {"authorization": f"Bearer {body['access_token']}"}
    answer = await server.client.get("/oidc/me", headers=bearer)
    assert answer.json()["sub"] == user


@pytest.mark.parametrize(
    "body", [{}, {"userId": 1}, {"userId": "x", "context": []}, {"userId": "x", "context": None}]
)
async def test_a_subject_token_needs_a_user(api: Api, body: dict[str, Any]) -> None:
    await api("CreateSubjectToken", json=body, expect=400)


async def test_a_context_is_bounded(api: Api) -> None:
    body = {"userId": await a_user(api), "context": {"x": "y" * 9000}}
    await api("CreateSubjectToken", json=body, expect=400)


async def test_only_operators_make_them(api: Api) -> None:
    anybody = api.with_token(None)
    await anybody("CreateSubjectToken", json={"userId": "x"}, expect=401)
    await anybody("ListUserPersonalAccessTokens", userId="x", expect=401)
