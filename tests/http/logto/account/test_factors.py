"""Second factors of one's own: set up, named, replaced and taken away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest

from gatehouse.storage.mfa import MfaVerification, MfaVerifications
from gatehouse.storage.tenants import SignInExperiences
from tests.http.authenticator import Authenticator
from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    add_user,
    open_account_centre,
    person,
    stored,
)
from tests.http.running import BOTH_DATABASES, TENANT, Server

CODES = [f"{number:010x}" for number in range(10)]
KEY = "JBSWY3DPEHPK3PXP"
PATH = {"verificationId": "any"}
CHANGES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("AddMfaVerification", {"type": "Totp", "secret": KEY}, {}),
    ("CreateOrReplaceTotpMfaVerification", {"secret": KEY, "code": "123456"}, {}),
    ("UpdateMfaVerificationName", {"name": "Phone"}, PATH),
    ("DeleteMfaVerification", {}, PATH),
]


@pytest.fixture
async def ada(server: Server, ada: Person) -> Person:
    """Somebody whose tenant has every second factor."""
    await settle(server, "Totp", "WebAuthn", "BackupCode")
    return ada


async def settle(server: Server, *factors: str) -> None:
    """Have these second factors."""
    mfa = {"factors": list(factors), "policy": "UserControlled"}
    await server.core.db.write(lambda tx: SignInExperiences(tx, TENANT).change(mfa=mfa))
    server.core.directory.forget()


async def kept(server: Server, user_id: str) -> list[MfaVerification]:
    return await server.core.db.read(lambda tx: MfaVerifications(tx, TENANT).of(user_id))


async def listed(ada: Person) -> list[dict[str, Any]]:
    return list(await ada.api("GetMfaVerifications"))


async def add_totp(ada: Person, headers: dict[str, str]) -> str:
    """Set up an authenticator app with a fresh key; the key."""
    secret = (await ada.api("GenerateTotpSecret"))["secret"]
    body = {"type": "Totp", "secret": secret, "code": pyotp.TOTP(secret).now()}
    await ada.api("AddMfaVerification", json=body, headers=headers, expect=204)
    return str(secret)


async def use(server: Server, user_id: str, code: str) -> None:
    """Use up a backup code."""
    await server.core.db.write(
        lambda tx: MfaVerifications(tx, TENANT).use_backup_code(user_id, code)
    )


def a_device(server: Server, origin: str | None = None) -> Authenticator:
    """A browser with an authenticator, at a page of the server's or another."""
    return Authenticator(origin=origin or server.url, rp_id=str(urlsplit(server.url).hostname))


async def register(server: Server, ada: Person, device: Authenticator | None = None) -> str:
    """Have a browser make a passkey; the verification's id."""
    begun = await ada.api("GenerateWebAuthnRegistrationOptions")
    device = device or a_device(server)
    verification_id = begun["verificationRecordId"]
    made = {
        "verificationRecordId": verification_id,
        "payload": device.register(begun["registrationOptions"]),
    }
    await ada.api("VerifyWebAuthnRegistration", json=made)
    return str(verification_id)


# The authenticator app


@BOTH_DATABASES
async def test_an_authenticator_app_is_set_up_once(server: Server, ada: Person) -> None:
    headers = await ada.verified()
    await add_totp(ada, headers)
    assert [one["type"] for one in await listed(ada)] == ["Totp"]
    decided = await ada.api("GetLogtoConfig")
    assert decided["mfa"]["enabled"] is True
    body = {"type": "TOTP", "secret": KEY}
    refused = await ada.api("AddMfaVerification", json=body, headers=headers, expect=422)
    assert refused["code"] == "user.totp_already_in_use"


async def test_an_authenticator_app_takes_the_place_of_another(server: Server, ada: Person) -> None:
    headers = await ada.verified()
    first = await add_totp(ada, headers)
    secret = pyotp.random_base32()
    body = {"secret": secret, "code": pyotp.TOTP(secret).now()}
    await ada.api("CreateOrReplaceTotpMfaVerification", json=body, headers=headers, expect=204)
    (factor,) = await kept(server, ada.user_id)
    assert factor.secret == secret != first
    wrong = body | {"code": "000000"}
    refused = await ada.api(
        "CreateOrReplaceTotpMfaVerification", json=wrong, headers=headers, expect=400
    )
    assert refused["code"] == "session.mfa.invalid_totp_code"
    assert [one.secret for one in await kept(server, ada.user_id)] == [secret]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"secret": "no base32 at all"}, "user.totp_secret_invalid"),
        ({"secret": KEY, "code": "000000"}, "session.mfa.invalid_totp_code"),
    ],
)
async def test_a_key_without_its_code_is_refused(
    server: Server, ada: Person, body: dict[str, str], code: str
) -> None:
    headers = await ada.verified()
    body = {"type": "Totp", **body}
    refused = await ada.api("AddMfaVerification", json=body, headers=headers, expect=400)
    assert refused["code"] == code
    assert await kept(server, ada.user_id) == []


# Backup codes


async def test_backup_codes_stand_in_for_another_factor(ada: Person) -> None:
    headers = await ada.verified()
    made = (await ada.api("GenerateMyAccountBackupCodes"))["codes"]
    body = {"type": "BackupCode", "codes": made}
    refused = await ada.api("AddMfaVerification", json=body, headers=headers, expect=422)
    assert refused["code"] == "session.mfa.backup_code_can_not_be_alone"
    refused = await ada.api("GetBackupCodes", headers=headers, expect=404)
    assert refused["code"] == "verification_record.not_found"

    await add_totp(ada, headers)
    await ada.api("AddMfaVerification", json=body, headers=headers, expect=204)
    shown = await ada.api("GetBackupCodes", headers=headers)
    assert shown == {"codes": [{"code": code} for code in made]}
    assert [one.get("remainCodes") for one in await listed(ada)] == [None, 10]
    refused = await ada.api("AddMfaVerification", json=body, headers=headers, expect=422)
    assert refused["code"] == "user.backup_code_already_in_use"


async def test_used_backup_codes_are_shown_as_such_and_replaced(
    server: Server, ada: Person
) -> None:
    headers = await ada.verified()
    await add_totp(ada, headers)
    body = {"type": "BackupCode", "codes": CODES}
    await ada.api("AddMfaVerification", json=body, headers=headers, expect=204)
    for code in CODES:
        await use(server, ada.user_id, code)
    shown = await ada.api("GetBackupCodes", headers=headers)
    assert all("usedAt" in one for one in shown["codes"])
    await ada.api("AddMfaVerification", json=body, headers=headers, expect=204)
    assert [one.get("remainCodes") for one in await listed(ada)] == [None, 10]


async def test_codes_that_are_none_are_refused(ada: Person) -> None:
    headers = await ada.verified()
    await add_totp(ada, headers)
    body = {"type": "BackupCode", "codes": ["one"]}
    refused = await ada.api("AddMfaVerification", json=body, headers=headers, expect=422)
    assert refused["code"] == "user.wrong_backup_code_format"


async def test_backup_codes_are_shown_to_their_owner_alone(ada: Person) -> None:
    refused = await ada.api("GetBackupCodes", expect=401)
    assert refused["code"] == "verification_record.permission_denied"


# Passkeys


@BOTH_DATABASES
async def test_a_passkey_is_registered_named_and_removed(server: Server, ada: Person) -> None:
    headers = await ada.verified()
    shown = await register(server, ada)
    body = {"type": "WebAuthn", "newIdentifierVerificationRecordId": shown, "name": "Phone"}
    await ada.api("AddMfaVerification", json=body, headers=headers, expect=204)
    (passkey,) = await listed(ada)
    assert (passkey["type"], passkey["name"]) == ("WebAuthn", "Phone")
    path: dict[str, Any] = {"verificationId": passkey["id"]}
    renamed = await ada.api.send(
        "UpdateMfaVerificationName", json={"name": "Laptop"}, headers=headers, **path
    )
    assert renamed.status_code == 200
    assert (await listed(ada))[0]["name"] == "Laptop"
    await ada.api("DeleteMfaVerification", headers=headers, expect=204, **path)
    assert await listed(ada) == []
    refused = await ada.api("DeleteMfaVerification", headers=headers, expect=400, **path)
    assert refused["code"] == "verification_record.not_found"


async def test_a_passkey_is_not_added_before_it_was_made(ada: Person) -> None:
    headers = await ada.verified()
    begun = await ada.api("GenerateWebAuthnRegistrationOptions")
    for shown in (begun["verificationRecordId"], headers["logto-verification-id"]):
        body = {"type": "WebAuthn", "newIdentifierVerificationRecordId": shown}
        refused = await ada.api("AddMfaVerification", json=body, headers=headers, expect=400)
        assert refused["code"] == "verification_record.not_found"


async def test_a_challenge_is_good_for_one_answer(server: Server, ada: Person) -> None:
    begun = await ada.api("GenerateWebAuthnRegistrationOptions")
    verification_id, options = begun["verificationRecordId"], begun["registrationOptions"]
    elsewhere = a_device(server, "https://evil.example")
    made = {"verificationRecordId": verification_id, "payload": elsewhere.register(options)}
    refused = await ada.api("VerifyWebAuthnRegistration", json=made, expect=400)
    assert refused["code"] == "session.mfa.webauthn_verification_failed"
    right = a_device(server)
    made["payload"] = right.register(options)
    refused = await ada.api("VerifyWebAuthnRegistration", json=made, expect=400)
    assert refused["code"] == "session.mfa.pending_info_not_found"


async def test_a_site_of_the_tenants_makes_passkeys_too(server: Server, ada: Person) -> None:
    manager = server.api(await server.management_token())
    origins = {"webauthnRelatedOrigins": ["https://shop.example"]}
    await manager("UpdateAccountCenterSettings", json=origins)
    await register(server, ada, a_device(server, "https://shop.example"))


async def test_nobody_else_finishes_a_registration(server: Server, ada: Person) -> None:
    bob = await person(server, await add_user(server, "bob"))
    begun = await ada.api("GenerateWebAuthnRegistrationOptions")
    device = a_device(server)
    payload = device.register(begun["registrationOptions"])
    made = {"verificationRecordId": begun["verificationRecordId"], "payload": payload}
    refused = await bob.api("VerifyWebAuthnRegistration", json=made, expect=400)
    assert refused["code"] == "verification_record.not_found"
    await ada.api("VerifyWebAuthnRegistration", json=made)


# Who may


@pytest.mark.parametrize(("operation", "body", "path"), CHANGES)
async def test_factors_take_a_verification_a_scope_and_the_tenants_leave(
    server: Server, ada: Person, operation: str, body: dict[str, Any], path: dict[str, Any]
) -> None:
    await add_third_party(server)
    headers = await ada.verified()
    shown = await register(server, ada)
    passkey = {"type": "WebAuthn", "newIdentifierVerificationRecordId": shown}
    await ada.api("AddMfaVerification", json=passkey, headers=headers, expect=204)
    before = await kept(server, ada.user_id)
    if path:
        path = {"verificationId": before[0].id}

    refused = await ada.api(operation, json=body, expect=401, **path)
    assert refused["code"] == "verification_record.permission_denied"
    user = await stored(server, ada.user_id)
    other = await person(server, user, "openid", "profile")
    refused = await other.api(operation, json=body, headers=headers, expect=401, **path)
    assert refused["code"] == "auth.unauthorized"
    other = await person(server, user, client=THIRD_PARTY)
    refused = await other.api(operation, json=body, headers=headers, expect=403, **path)
    assert refused["code"] == "auth.third_party_application_forbidden"
    await open_account_centre(server, "ReadOnly")
    refused = await ada.api(operation, json=body, headers=headers, expect=400, **path)
    assert refused["code"] == "account_center.field_not_editable"
    assert await kept(server, ada.user_id) == before


async def test_a_factor_that_the_tenant_does_not_have_is_refused(
    server: Server, ada: Person
) -> None:
    await settle(server)
    headers = await ada.verified()
    for operation, body in (
        ("AddMfaVerification", {"type": "Totp", "secret": KEY}),
        ("AddMfaVerification", {"type": "BackupCode", "codes": CODES}),
        ("CreateOrReplaceTotpMfaVerification", {"secret": KEY, "code": "123456"}),
    ):
        refused = await ada.api(operation, json=body, headers=headers, expect=400)
        assert refused["code"] == "session.mfa.mfa_factor_not_enabled"


async def test_factors_are_hidden_where_the_tenant_says_so(server: Server, ada: Person) -> None:
    await open_account_centre(server, mfa="Off")
    refused = await ada.api("GetMfaVerifications", expect=400)
    assert refused["code"] == "account_center.field_not_enabled"


async def test_nobody_touches_the_factors_of_others(server: Server, ada: Person) -> None:
    headers = await ada.verified()
    await add_totp(ada, headers)
    (factor,) = await kept(server, ada.user_id)
    bob = await person(server, await add_user(server, "bob"))
    theirs = await bob.verified()
    for operation, body in (
        ("DeleteMfaVerification", None),
        ("UpdateMfaVerificationName", {"name": "x"}),
    ):
        refused = await bob.api(
            operation, json=body, headers=theirs, expect=400, verificationId=factor.id
        )
        assert refused["code"] == "verification_record.not_found"
    assert len(await kept(server, ada.user_id)) == 1


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("AddMfaVerification", {"type": "Horoscope"}),
        ("AddMfaVerification", {"type": "Totp"}),
        ("AddMfaVerification", {"type": "BackupCode", "codes": "all"}),
        ("CreateOrReplaceTotpMfaVerification", {"secret": KEY}),
        ("VerifyWebAuthnRegistration", {"verificationRecordId": "any", "payload": {}}),
    ],
)
async def test_input_that_makes_no_sense_is_refused(
    ada: Person, operation: str, body: dict[str, Any]
) -> None:
    assert (await ada.api(operation, json=body, expect=400))["code"] == "guard.invalid_input"


@pytest.mark.parametrize(
    "operation",
    ["GenerateTotpSecret", "GenerateMyAccountBackupCodes", "GenerateWebAuthnRegistrationOptions"],
)
async def test_strangers_are_not_served(server: Server, ada: Person, operation: str) -> None:
    await server.api()(operation, expect=401)
