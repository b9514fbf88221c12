"""Who may act on an account: its owner, through an application that was let."""

from __future__ import annotations

import pytest

from gatehouse.storage.users import Users
from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    open_account_centre,
    person,
    stored,
)
from tests.http.running import TENANT, Server

CHANGES = [
    ("UpdateProfile", {"name": "Countess"}),
    ("UpdateOtherProfile", {"nickname": "Countess"}),
    ("UpdatePassword", {"password": "some-other-9-words"}),
    ("UpdateMfaSettings", {"skipMfaOnSignIn": True}),
    ("UpdateLogtoConfig", {"mfa": {"skipped": True}}),
    ("DeletePrimaryEmail", None),
    ("DeletePrimaryPhone", None),
]
VERIFIED = [
    ("UpdateProfile", {"username": "countess"}),
    *[change for change in CHANGES if change[0] not in ("UpdateProfile", "UpdateOtherProfile")],
]


@pytest.mark.parametrize("operation", ["GetProfile", "CreateVerificationByPassword"])
async def test_without_an_access_token_nobody_is_admitted(server: Server, operation: str) -> None:
    refused = await server.api()(operation, expect=401)
    assert refused["code"] == "auth.authorization_header_missing"
    for token in ("forged", await server.management_token()):
        assert (await server.api(token)(operation, expect=401))["code"] == "auth.unauthorized"


async def test_a_refresh_token_is_no_access_token(ada: Person) -> None:
    refused = await ada.api.with_token(ada.refresh_token)("GetProfile", expect=401)
    assert refused["code"] == "auth.unauthorized"


async def test_a_token_without_openid_is_refused(server: Server, ada: Person) -> None:
    other = await person(server, await stored(server, ada.user_id), "profile")
    assert (await other.api("GetProfile", expect=403))["code"] == "auth.forbidden"


async def test_a_suspended_owner_is_refused(server: Server, ada: Person) -> None:
    await server.core.db.write(lambda tx: Users(tx, TENANT).set_suspended(ada.user_id, True))
    assert (await ada.api("GetProfile", expect=401))["code"] == "auth.unauthorized"


async def test_without_an_account_centre_there_is_nothing(server: Server, ada: Person) -> None:
    manager = server.api(await server.management_token())
    await manager("UpdateAccountCenterSettings", json={"enabled": False})
    assert (await ada.api("GetProfile", expect=400))["code"] == "account_center.not_enabled"
    await ada.verified()


@pytest.mark.parametrize(("operation", "body"), CHANGES)
async def test_a_third_party_application_changes_nothing(
    server: Server, ada: Person, operation: str, body: dict[str, object] | None
) -> None:
    await add_third_party(server)
    before = await stored(server, ada.user_id)
    other = await person(server, before, client=THIRD_PARTY)
    headers = await ada.verified()
    refused = await other.api(operation, json=body, headers=headers, expect=403)
    assert refused["code"] == "auth.third_party_application_forbidden"
    assert await stored(server, ada.user_id) == before
    assert (await other.api("GetProfile"))["username"] == "ada"


@pytest.mark.parametrize(("operation", "body"), CHANGES)
async def test_a_field_that_is_not_the_owners_is_not_changed(
    server: Server, ada: Person, operation: str, body: dict[str, object] | None
) -> None:
    headers = await ada.verified()
    await open_account_centre(server, "ReadOnly")
    before = await stored(server, ada.user_id)
    refused = await ada.api(operation, json=body, headers=headers, expect=400)
    assert refused["code"] == "account_center.field_not_editable"
    assert await stored(server, ada.user_id) == before


@pytest.mark.parametrize(("operation", "body"), VERIFIED)
async def test_what_is_sensitive_takes_a_verification(
    server: Server, ada: Person, operation: str, body: dict[str, object] | None
) -> None:
    before = await stored(server, ada.user_id)
    for header in (None, "unknown", "x" * 600):
        headers = None if header is None else {"logto-verification-id": header}
        refused = await ada.api(operation, json=body, headers=headers, expect=401)
        assert refused["code"] == "verification_record.permission_denied"
    assert await stored(server, ada.user_id) == before


@pytest.mark.parametrize(
    ("operation", "body"), [change for change in CHANGES if change[0] != "UpdatePassword"]
)
async def test_what_a_token_does_not_allow_is_not_changed(
    server: Server, ada: Person, operation: str, body: dict[str, object] | None
) -> None:
    headers = await ada.verified()
    before = await stored(server, ada.user_id)
    other = await person(server, before, "openid")
    answer = await other.api.send(operation, json=body, headers=headers)
    assert answer.status_code in (400, 401)
    assert answer.json()["code"] == "auth.unauthorized"
    assert await stored(server, ada.user_id) == before
