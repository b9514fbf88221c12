"""What an owner sees of an account, and changes of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.contract import Api
from tests.http.logto.account.people import (
    PASSWORD,
    Person,
    add_user,
    open_account_centre,
    person,
    stored,
)
from tests.http.running import BOTH_DATABASES, Server

HIDDEN = {
    "name": "name",
    "avatar": "avatar",
    "username": "username",
    "email": "primaryEmail",
    "phone": "primaryPhone",
    "profile": "profile",
    "customData": "customData",
    "social": "identities",
    "password": "hasPassword",
}


@BOTH_DATABASES
async def test_the_owner_sees_the_account(ada: Person) -> None:
    account = await ada.api("GetProfile")
    assert account["id"] == ada.user_id
    assert account["username"] == "ada"
    assert account["primaryEmail"] == "ada@example.com"
    assert account["customData"] == {"shoe": 43}
    assert account["profile"] == {"familyName": "Example", "address": {"locality": "London"}}
    assert account["hasPassword"] is account["hasSecurityVerificationMethod"] is True
    assert account["ssoIdentities"] == []


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ("openid", set()),
        ("email", {"primaryEmail"}),
        ("phone", {"primaryPhone"}),
        ("custom_data", {"customData"}),
        ("identities", {"identities", "ssoIdentities"}),
    ],
)
async def test_a_scope_shows_its_part(
    server: Server, ada: Person, scope: str, seen: set[str]
) -> None:
    other = await person(server, await stored(server, ada.user_id), "openid", scope)
    account = await other.api("GetProfile")
    assert account.keys() == {"id", "hasSecurityVerificationMethod"} | seen


async def test_where_somebody_lives_takes_a_scope(server: Server, ada: Person) -> None:
    other = await person(server, await stored(server, ada.user_id), "openid", "profile")
    assert (await other.api("GetProfile"))["profile"] == {"familyName": "Example"}
    refused = await other.api("UpdateOtherProfile", json={"address": {}}, expect=400)
    assert refused["code"] == "auth.unauthorized"
    assert await other.api("UpdateOtherProfile", json={"nickname": "A"}) == {
        "familyName": "Example",
        "nickname": "A",
    }


@pytest.mark.parametrize(("field", "shown"), HIDDEN.items())
async def test_what_the_tenant_hides_is_not_shown(
    server: Server, ada: Person, field: str, shown: str
) -> None:
    assert shown in await ada.api("GetProfile")
    await open_account_centre(server, **{field: "Off"})
    assert shown not in await ada.api("GetProfile")


@BOTH_DATABASES
async def test_fields_are_changed_and_cleared(server: Server, ada: Person) -> None:
    changes = {"name": "Countess", "avatar": "https://a.example/a.png", "customData": {"hat": 7}}
    changed = await ada.api("UpdateProfile", json=changes)
    assert {name: changed[name] for name in changes} == changes
    cleared = await ada.api("UpdateProfile", json={"name": None, "avatar": None})
    assert (cleared["name"], cleared["avatar"]) == (None, None)
    user = await stored(server, ada.user_id)
    assert (user.name, user.custom_data, user.username) == (None, {"hat": 7}, "ada")


async def test_claims_of_the_profile_are_set_and_the_others_stay(ada: Person) -> None:
    profile = await ada.api("UpdateOtherProfile", json={"nickname": "A", "address": {}})
    assert profile == {"familyName": "Example", "nickname": "A", "address": {}}


async def test_a_username_is_changed_and_removed(server: Server, ada: Person) -> None:
    headers = await ada.verified()
    changed = await ada.api("UpdateProfile", json={"username": "Countess"}, headers=headers)
    assert changed["username"] == "Countess"
    await ada.api("UpdateProfile", json={"username": "countess"}, headers=headers)
    await ada.api("UpdateProfile", json={"username": None}, headers=headers)
    assert (await stored(server, ada.user_id)).username is None


async def test_a_username_of_somebody_else_is_refused(server: Server, ada: Person) -> None:
    await add_user(server, "bob")
    headers = await ada.verified()
    refused = await ada.api("UpdateProfile", json={"username": "bob"}, headers=headers, expect=422)
    assert refused["code"] == "user.username_already_in_use"


async def test_the_tenants_policy_for_usernames_holds(server: Server, ada: Person) -> None:
    manager = server.api(await server.management_token())
    kinds = dict.fromkeys(("lowercase", "uppercase", "numbers", "underscore"), True)
    policy = {"caseSensitive": True, "minLength": 5, "maxLength": 9, "allowedChars": kinds}
    await manager("UpdateSignInExp", json={"usernamePolicy": policy})
    headers = await ada.verified()
    refused = await ada.api("UpdateProfile", json={"username": "adas"}, headers=headers, expect=422)
    assert refused["code"] == "user.username_too_short"


async def test_an_account_keeps_one_name_to_sign_in_with(server: Server, ada: Person) -> None:
    headers = await ada.verified()
    await ada.api("DeletePrimaryEmail", headers=headers, expect=204)
    await ada.api("DeletePrimaryPhone", headers=headers, expect=204)
    refused = await ada.api("UpdateProfile", json={"username": None}, headers=headers, expect=400)
    assert refused["code"] == "user.last_sign_in_method_required"
    user = await stored(server, ada.user_id)
    assert (user.username, user.primary_email, user.primary_phone) == ("ada", None, None)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("UpdateProfile", {"username": "9 lives"}),
        ("UpdateProfile", {"avatar": "not a url"}),
        ("UpdateProfile", {"customData": None}),
        ("UpdateProfile", {"name": "x" * 200}),
        ("UpdateOtherProfile", {"address": "London"}),
        ("UpdatePassword", {"password": ""}),
        ("UpdatePassword", {}),
        ("UpdateMfaSettings", {"skipMfaOnSignIn": "yes"}),
        ("UpdateLogtoConfig", {"mfa": {"skipped": "yes"}}),
        ("CreateVerificationByPassword", {}),
    ],
)
async def test_input_that_makes_no_sense_is_refused(
    server: Server, ada: Person, operation: str, body: dict[str, Any]
) -> None:
    before = await stored(server, ada.user_id)
    refused = await ada.api(operation, json=body, expect=400)
    assert refused["code"] == "guard.invalid_input"
    assert await stored(server, ada.user_id) == before


# The password


async def test_a_new_password_takes_the_place_of_the_old(ada: Person) -> None:
    new = {"password": "some-other-9-words"}
    await ada.api("UpdatePassword", json=new, headers=await ada.verified(), expect=204)
    refused = await ada.api("CreateVerificationByPassword", json={"password": PASSWORD}, expect=422)
    assert refused["code"] == "session.invalid_credentials"
    await ada.verified(new["password"])


async def test_a_new_password_signs_out_everywhere_else(server: Server, ada: Person) -> None:
    elsewhere = await person(server, await stored(server, ada.user_id))
    headers = await ada.verified()
    await ada.api("UpdatePassword", json={"password": "other-9-words"}, headers=headers, expect=204)
    await elsewhere.api("GetProfile", expect=401)
    await ada.api("GetProfile")
    (session,) = (await ada.api("GetSessions", headers=headers))["sessions"]
    assert session["isCurrent"] is True


async def test_the_tenants_policy_for_passwords_holds(ada: Person) -> None:
    headers = await ada.verified()
    refused = await ada.api(
        "UpdatePassword", json={"password": "short"}, headers=headers, expect=422
    )
    assert refused["code"] == "password.rejected"
    refused = await ada.api(
        "UpdatePassword", json={"password": PASSWORD}, headers=headers, expect=422
    )
    assert refused["code"] == "user.same_password"


async def test_a_first_password_takes_no_verification_that_nobody_could_make(
    server: Server, ada: Person
) -> None:
    user = await add_user(server, "newcomer", password_hash=None, password_algorithm=None)
    newcomer = await person(server, user)
    assert (await newcomer.api("GetProfile"))["hasSecurityVerificationMethod"] is False
    await newcomer.api("UpdatePassword", json={"password": PASSWORD}, expect=204)
    await newcomer.verified()


# What the owner decided


async def test_decisions_about_second_factors_are_kept(ada: Person) -> None:
    nothing = {
        "mfa": {"skipped": False, "skipMfaOnSignIn": False},
        "passkeySignIn": {"skipped": False},
    }
    assert await ada.api("GetLogtoConfig") == nothing
    assert await ada.api("GetMfaSettings") == {"skipMfaOnSignIn": False}
    headers = await ada.verified()
    skip = {"skipMfaOnSignIn": True}
    assert await ada.api("UpdateMfaSettings", json=skip, headers=headers) == skip
    assert await ada.api("GetMfaSettings") == skip
    body = {"mfa": {"enabled": True}, "passkeySignIn": {"skipped": True}}
    decided = {
        "mfa": {"enabled": True, "skipped": False, "skipMfaOnSignIn": True},
        "passkeySignIn": {"skipped": True},
    }
    assert await ada.api("UpdateLogtoConfig", json=body, headers=headers) == decided
    assert await ada.api("GetLogtoConfig") == decided


@pytest.mark.parametrize("operation", ["GetMfaSettings", "GetLogtoConfig"])
async def test_decisions_are_hidden_with_the_factors(
    server: Server, ada: Person, operation: str
) -> None:
    other = await person(server, await stored(server, ada.user_id), "openid", "profile")
    assert (await other.api(operation, expect=401))["code"] == "auth.unauthorized"
    await open_account_centre(server, mfa="Off", passkey="Off")
    assert (await ada.api(operation, expect=400))["code"] == "account_center.field_not_enabled"


# Webhooks


@pytest.mark.one_node
async def test_webhooks_hear_of_what_an_owner_changed(
    server: Server, api: Api, ada: Person
) -> None:
    heard: list[str] = []
    server.core.db.listen(lambda events: heard.extend(event.type for event in events))
    await ada.api("UpdateProfile", json={"name": "Countess"})
    await ada.api("DeletePrimaryPhone", headers=await ada.verified(), expect=204)
    assert heard == ["User.Data.Updated", "User.Data.Updated"]
