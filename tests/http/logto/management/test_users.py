"""People's accounts."""

from __future__ import annotations

import pytest

from gatehouse.storage.tenants import SignInExperiences
from tests.http.contract import Api
from tests.http.running import BOTH_DATABASES, CLIENT_ID, Server

ADA = {
    "username": "ada",
    "primaryEmail": "ada@example.com",
    "primaryPhone": "4915100000",
    "name": "Ada",
    "password": "Correct-Horse-9",
    "customData": {"plan": "gold"},
    "profile": {"familyName": "Lovelace", "address": {"country": "GB"}},
}


@BOTH_DATABASES
async def test_a_user_is_created_read_changed_and_deleted(api: Api) -> None:
    made = await api("CreateUser", json=ADA)
    assert len(made["id"]) == 12
    assert made["hasPassword"] is True
    assert made["profile"] == ADA["profile"]
    assert await api("GetUser", userId=made["id"]) == made
    changed = await api("UpdateUser", userId=made["id"], json={"name": "Countess", "avatar": ""})
    assert (changed["name"], changed["avatar"], changed["username"]) == ("Countess", None, "ada")
    await api("DeleteUser", userId=made["id"], expect=204)
    assert (await api("GetUser", userId=made["id"], expect=404))["code"] == "entity.not_found"


async def test_a_digest_is_shown_only_on_request_and_never_in_a_list(api: Api) -> None:
    made = await api("CreateUser", json=ADA)
    assert "password" not in str(made.keys()).replace("hasPassword", "")
    shown = await api("GetUser", userId=made["id"], query={"includePasswordHash": "true"})
    assert shown["passwordDigest"].startswith("$argon2id$")
    assert shown["passwordAlgorithm"] == "Argon2id"
    with_identities = await api("GetUser", userId=made["id"], query={"includeSsoIdentities": "1"})
    assert with_identities["ssoIdentities"] == []


@BOTH_DATABASES
@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("username", "ada", "user.username_already_in_use"),
        ("primaryEmail", "ADA@example.com", "user.email_already_in_use"),
        ("primaryPhone", "4915100000", "user.phone_already_in_use"),
    ],
)
async def test_a_name_belongs_to_one_user(api: Api, field: str, value: str, code: str) -> None:
    await api("CreateUser", json=ADA)
    refused = await api("CreateUser", json={field: value}, expect=422)
    assert refused["code"] == code
    other = await api("CreateUser", json={"username": "other"})
    refused = await api("UpdateUser", userId=other["id"], json={field: value}, expect=422)
    assert refused["code"] == code
    assert (await api("GetUser", userId=other["id"])) == other


@pytest.mark.parametrize(
    "body",
    [
        {"username": "1ada"},
        {"username": "ada lovelace"},
        {"username": None},
        {"primaryEmail": "nobody"},
        {"primaryPhone": "+49151"},
        {"avatar": "not a url"},
        {"name": 7},
        {"customData": []},
        {"profile": {"familyName": None}},
        {"password": ""},
        {"passwordDigest": "x", "passwordAlgorithm": "ROT13"},
        {"username": "a" * 129},
        {"name": "nul\x00"},
    ],
)
async def test_a_user_that_cannot_be_is_not_created(api: Api, body: dict[str, object]) -> None:
    refused = await api("CreateUser", json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert refused["data"]["issues"]
    assert refused["details"]


async def test_a_password_comes_as_such_or_as_a_digest(api: Api) -> None:
    both = {"password": "a", "passwordDigest": "b", "passwordAlgorithm": "MD5"}
    assert (await api("CreateUser", json=both, expect=400))["code"] == "user.password_and_digest"
    alone = await api("CreateUser", json={"passwordDigest": "b"}, expect=400)
    assert alone["code"] == "user.password_algorithm_required"


async def test_an_imported_digest_verifies(api: Api) -> None:
    digest = "5f4dcc3b5aa765d61d8327deb882cf99"  # MD5 of "password"
    user = await api("CreateUser", json={"passwordDigest": digest, "passwordAlgorithm": "MD5"})
    await api("VerifyUserPassword", userId=user["id"], json={"password": "password"})
    await api("VerifyUserPassword", userId=user["id"], json={"password": "wrong"}, expect=422)


async def test_a_password_is_set_and_verified(api: Api) -> None:
    user = await api("CreateUser", json={"username": "ada"})
    assert await api("GetUserHasPassword", userId=user["id"]) == {"hasPassword": False}
    refused = await api(
        "VerifyUserPassword", userId=user["id"], json={"password": "Secret-1"}, expect=422
    )
    assert refused["code"] == "session.invalid_credentials"
    changed = await api("UpdateUserPassword", userId=user["id"], json={"password": "Secret-1"})
    assert changed["hasPassword"] is True
    assert await api("GetUserHasPassword", userId=user["id"]) == {"hasPassword": True}
    await api("VerifyUserPassword", userId=user["id"], json={"password": "Secret-1"}, expect=204)


async def test_custom_data_and_profile_are_merged_by_their_own_operations(api: Api) -> None:
    user = await api("CreateUser", json=ADA)
    merged = await api("UpdateUserCustomData", userId=user["id"], json={"customData": {"seats": 3}})
    assert merged == {"plan": "gold", "seats": 3}
    assert await api("ListUserCustomData", userId=user["id"]) == merged
    profile = await api("UpdateUserProfile", userId=user["id"], json={"profile": {"nickname": "A"}})
    assert profile == {**ADA["profile"], "nickname": "A"}  # type: ignore[dict-item]


async def test_update_replaces_custom_data_as_a_whole(api: Api) -> None:
    user = await api("CreateUser", json=ADA)
    changed = await api("UpdateUser", userId=user["id"], json={"customData": {"a": 1}})
    assert changed["customData"] == {"a": 1}


async def test_a_suspended_user_is_marked_so(api: Api) -> None:
    user = await api("CreateUser", json=ADA)
    changed = await api("UpdateUserIsSuspended", userId=user["id"], json={"isSuspended": True})
    assert changed["isSuspended"] is True
    refused = await api(
        "UpdateUserIsSuspended", userId=user["id"], json={"isSuspended": "yes"}, expect=400
    )
    assert refused["code"] == "guard.invalid_input"


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("GetUser", None),
        ("UpdateUser", {"name": "x"}),
        ("DeleteUser", None),
        ("UpdateUserPassword", {"password": "x"}),
        ("VerifyUserPassword", {"password": "x"}),
        ("GetUserHasPassword", None),
        ("UpdateUserIsSuspended", {"isSuspended": True}),
        ("UpdateUserCustomData", {"customData": {}}),
        ("ListUserCustomData", None),
        ("UpdateUserProfile", {"profile": {}}),
        ("ListUserRoles", None),
        ("AssignUserRoles", {"roleIds": ["x"]}),
        ("ReplaceUserRoles", {"roleIds": []}),
    ],
)
async def test_nobody_is_not_found(api: Api, operation: str, body: object) -> None:
    missing = await api(operation, userId="nobody000000", json=body, expect=404)
    assert missing["code"] == "entity.not_found"


async def test_a_manager_cannot_delete_themselves(api: Api) -> None:
    refused = await api("DeleteUser", userId=CLIENT_ID, expect=400)
    assert refused["code"] == "user.cannot_delete_self"


@BOTH_DATABASES
async def test_a_password_expires_by_an_operators_word_where_passwords_expire(
    server: Server, api: Api
) -> None:
    user = await api("CreateUser", json={"username": "ada", "password": "wombat-9-hill"})
    body = {"isExpired": True}
    refused = await api("UpdateUserPasswordExpiration", userId=user["id"], json=body, expect=400)
    assert refused["code"] == "sign_in_experiences.password_expiration_not_enabled"
    await api("UpdateUserPasswordExpiration", userId=user["id"], json={"isExpired": False})

    policy = {"enabled": True, "validPeriodDays": 90}
    await server.core.db.write(
        lambda tx: SignInExperiences(tx, "default").change(password_expiration=policy)
    )
    shown = await api("UpdateUserPasswordExpiration", userId=user["id"], json=body)
    assert shown["id"] == user["id"]
    await api("UpdateUserPasswordExpiration", userId="nobody", json=body, expect=404)
    for wrong in ({}, {"isExpired": "yes"}):
        await api("UpdateUserPasswordExpiration", userId=user["id"], json=wrong, expect=400)


async def test_names_are_compared_as_the_tenant_says(api: Api) -> None:
    chars = {"lowercase": True, "uppercase": True, "numbers": True, "underscore": True}
    policy = {"caseSensitive": False, "minLength": 1, "maxLength": 128, "allowedChars": chars}
    ada = (await api("CreateUser", json={"username": "ada"}))["id"]
    await api("UpdateSignInExp", json={"usernamePolicy": policy})
    refused = await api("CreateUser", json={"username": "Ada"}, expect=422)
    assert refused["code"] == "user.username_already_in_use"
    bob = (await api("CreateUser", json={"username": "bob"}))["id"]
    await api("UpdateUser", userId=bob, json={"username": "ADA"}, expect=422)
    assert (await api("UpdateUser", userId=ada, json={"username": "Ada"}))["username"] == "Ada"
