"""Email addresses and phone numbers of an account: shown to be one's own before they are set."""

from __future__ import annotations

import pytest

from tests.http.logto.account.people import (
    Person,
    add_user,
    open_account_centre,
    person,
    stored,
    verify_address,
)
from tests.http.running import BOTH_DATABASES, Server

ADDRESSES = [
    ("UpdatePrimaryEmail", "email", "new@example.com", "primary_email"),
    ("UpdatePrimaryPhone", "phone", "4915199999", "primary_phone"),
]


@BOTH_DATABASES
@pytest.mark.parametrize(("operation", "kind", "value", "column"), ADDRESSES)
async def test_an_address_that_is_ones_own_is_set(
    server: Server, ada: Person, operation: str, kind: str, value: str, column: str
) -> None:
    shown = await verify_address(server, ada, kind, value)
    body = {kind: value, "newIdentifierVerificationRecordId": shown}
    await ada.api(operation, json=body, headers=await ada.verified(), expect=204)
    assert getattr(await stored(server, ada.user_id), column) == value


@pytest.mark.parametrize(("operation", "kind", "value", "column"), ADDRESSES)
async def test_an_address_is_not_set_without_showing_who_and_whose(
    server: Server, ada: Person, operation: str, kind: str, value: str, column: str
) -> None:
    before = await stored(server, ada.user_id)
    shown = await verify_address(server, ada, kind, value)
    body = {kind: value, "newIdentifierVerificationRecordId": shown}
    refused = await ada.api(operation, json=body, expect=401)
    assert refused["code"] == "verification_record.permission_denied"
    headers = {"logto-verification-id": shown}
    await ada.api(operation, json=body, headers=headers, expect=401)

    headers = await ada.verified()
    for unproven in ("unknown", headers["logto-verification-id"]):
        wrong = body | {"newIdentifierVerificationRecordId": unproven}
        refused = await ada.api(operation, json=wrong, headers=headers, expect=400)
        assert refused["code"] == "verification_record.not_found"
    another = body | {kind: value.replace("9", "8").replace("new", "other")}
    refused = await ada.api(operation, json=another, headers=headers, expect=400)
    assert refused["code"] == "verification_record.not_found"
    assert await stored(server, ada.user_id) == before


@pytest.mark.parametrize(("operation", "kind", "value", "column"), ADDRESSES)
async def test_an_address_of_somebody_else_is_not_set(
    server: Server, ada: Person, operation: str, kind: str, value: str, column: str
) -> None:
    await add_user(server, "bob", **{column: value})
    shown = await verify_address(server, ada, kind, value)
    body = {kind: value, "newIdentifierVerificationRecordId": shown}
    refused = await ada.api(operation, json=body, headers=await ada.verified(), expect=422)
    assert refused["code"] == f"user.{kind}_already_in_use"


@pytest.mark.parametrize(("operation", "kind", "value", "column"), ADDRESSES)
async def test_an_address_that_the_tenant_keeps_or_no_scope_allows_is_not_set(
    server: Server, ada: Person, operation: str, kind: str, value: str, column: str
) -> None:
    headers = await ada.verified()
    body = {kind: value, "newIdentifierVerificationRecordId": "any"}
    other = await person(server, await stored(server, ada.user_id), "openid", "profile")
    refused = await other.api(operation, json=body, headers=headers, expect=400)
    assert refused["code"] == "auth.unauthorized"
    await open_account_centre(server, "ReadOnly")
    refused = await ada.api(operation, json=body, headers=headers, expect=400)
    assert refused["code"] == "account_center.field_not_editable"


async def test_a_domain_that_is_not_wanted_is_refused(server: Server, ada: Person) -> None:
    manager = server.api(await server.management_token())
    policy = {"customBlocklist": ["@example.com"]}
    await manager("UpdateSignInExp", json={"emailBlocklistPolicy": policy})
    body = {"identifier": {"type": "email", "value": "new@example.com"}}
    refused = await ada.api("CreateVerificationByVerificationCode", json=body, expect=422)
    assert refused["code"] == "session.email_blocklist.email_not_allowed"
    body = {"identifier": {"type": "email", "value": "ada@example.com"}}
    await ada.api("CreateVerificationByVerificationCode", json=body)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("UpdatePrimaryEmail", {"email": "no address"}),
        ("UpdatePrimaryEmail", {"email": "new@example.com"}),
        ("UpdatePrimaryPhone", {"phone": "+49 151"}),
        ("UpdatePrimaryPhone", {"phone": "4915199999"}),
    ],
)
async def test_input_that_makes_no_sense_is_refused(
    ada: Person, operation: str, body: dict[str, str]
) -> None:
    assert (await ada.api(operation, json=body, expect=400))["code"] == "guard.invalid_input"
