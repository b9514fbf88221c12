"""Verifications that people make for their own accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gatehouse.storage.audit import Messages
from gatehouse.storage.email_templates import EmailTemplates
from gatehouse.storage.records import EmailTemplate
from tests.http.contract import Api
from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    add_user,
    code_to,
    person,
    stored,
    verify_address,
)
from tests.http.running import TENANT, Server
from tests.servers.receiver import open_receiver


async def test_the_password_verifies_for_ten_minutes(server: Server, ada: Person) -> None:
    made = await ada.api("CreateVerificationByPassword", json={"password": "wombat-9-hill"})
    expires = datetime.fromisoformat(made["expiresAt"]).timestamp()
    assert 590 <= expires - server.core.clock() / 1000 <= 600


async def test_a_wrong_password_verifies_nothing(ada: Person) -> None:
    refused = await ada.api("CreateVerificationByPassword", json={"password": "wrong"}, expect=422)
    assert refused["code"] == "session.invalid_credentials"


async def test_too_many_wrong_passwords_lock(server: Server, ada: Person) -> None:
    manager = server.api(await server.management_token())
    policy = {"maxAttempts": 2, "lockoutDuration": 5}
    await manager("UpdateSignInExp", json={"sentinelPolicy": policy})
    for _ in range(2):
        await ada.api.send("CreateVerificationByPassword", json={"password": "wrong"})
    refused = await ada.api(
        "CreateVerificationByPassword", json={"password": "wombat-9-hill"}, expect=400
    )
    assert refused["code"] == "session.verification_blocked_too_many_attempts"


async def test_a_verification_is_good_for_its_owner_alone(server: Server, ada: Person) -> None:
    bob = await person(server, await add_user(server, "bob"))
    body = {"username": "robert"}
    headers = await ada.verified()
    refused = await bob.api("UpdateProfile", json=body, headers=headers, expect=401)
    assert refused["code"] == "verification_record.permission_denied"


async def test_a_third_party_application_makes_no_verification(server: Server, ada: Person) -> None:
    await add_third_party(server)
    other = await person(server, await stored(server, ada.user_id), client=THIRD_PARTY)
    refused = await other.api(
        "CreateVerificationByPassword", json={"password": "wombat-9-hill"}, expect=403
    )
    assert refused["code"] == "auth.third_party_application_forbidden"


OWN = {"type": "email", "value": "ada@example.com"}


async def test_a_code_to_ones_own_address_shows_that_it_is_oneself(
    server: Server, ada: Person
) -> None:
    shown = await verify_address(server, ada, "email", "ada@example.com")
    headers = {"logto-verification-id": shown}
    await ada.api("DeletePrimaryPhone", headers=headers, expect=204)


async def test_a_code_speaks_the_language_of_the_browser_and_may_name_its_owner(
    server: Server, ada: Person
) -> None:
    kind = "UserPermissionValidation"
    details = {"subject": "Dein Code, {{user.username}}", "content": "{{code}}"}
    template = EmailTemplate(language_tag="de", template_type=kind, details=details)
    await server.core.db.write(lambda tx: EmailTemplates(tx, TENANT).put([template]))
    body, headers = {"identifier": OWN}, {"accept-language": "de-CH"}
    await ada.api("CreateVerificationByVerificationCode", json=body, headers=headers)
    await code_to(server, "ada@example.com")
    (message,) = (await server.core.db.read(lambda tx: Messages(tx, TENANT).search(100))).items
    assert message.subject == "Dein Code, ada"
    assert message.payload["user.id"] == ada.user_id
    assert message.payload["application.name"]


async def test_a_code_shows_nothing_before_it_is_given(ada: Person) -> None:
    begun = await ada.api("CreateVerificationByVerificationCode", json={"identifier": OWN})
    headers = {"logto-verification-id": begun["verificationRecordId"]}
    refused = await ada.api("DeletePrimaryPhone", headers=headers, expect=401)
    assert refused["code"] == "verification_record.permission_denied"


async def test_a_code_for_a_second_factor_permits_nothing_else(server: Server, ada: Person) -> None:
    body = {"identifier": OWN, "templateType": "BindMfa"}
    begun = await ada.api("CreateVerificationByVerificationCode", json=body)
    verification_id = begun["verificationRecordId"]
    code = await code_to(server, "ada@example.com")
    given = {"identifier": OWN, "verificationId": verification_id, "code": code}
    await ada.api("VerifyVerificationByVerificationCode", json=given)
    headers = {"logto-verification-id": verification_id}
    await ada.api("DeletePrimaryPhone", headers=headers, expect=401)


async def test_a_wrong_code_is_refused_and_a_code_is_good_once(server: Server, ada: Person) -> None:
    begun = await ada.api("CreateVerificationByVerificationCode", json={"identifier": OWN})
    code = await code_to(server, "ada@example.com")
    given = {"identifier": OWN, "verificationId": begun["verificationRecordId"], "code": code}
    wrong = given | {"code": f"{(int(code) + 1) % 10**6:06d}"}
    refused = await ada.api("VerifyVerificationByVerificationCode", json=wrong, expect=400)
    assert refused["code"] == "verification_code.code_mismatch"
    await ada.api("VerifyVerificationByVerificationCode", json=given)
    refused = await ada.api("VerifyVerificationByVerificationCode", json=given, expect=400)
    assert refused["code"] == "verification_code.not_found"


async def test_nobody_else_gives_the_code(server: Server, ada: Person) -> None:
    bob = await person(server, await add_user(server, "bob"))
    begun = await ada.api("CreateVerificationByVerificationCode", json={"identifier": OWN})
    code = await code_to(server, "ada@example.com")
    given = {"identifier": OWN, "verificationId": begun["verificationRecordId"], "code": code}
    refused = await bob.api("VerifyVerificationByVerificationCode", json=given, expect=400)
    assert refused["code"] == "verification_record.not_found"


async def test_ten_codes_in_ten_minutes_are_enough(ada: Person) -> None:
    for _ in range(10):
        await ada.api("CreateVerificationByVerificationCode", json={"identifier": OWN})
    refused = await ada.api(
        "CreateVerificationByVerificationCode", json={"identifier": OWN}, expect=429
    )
    assert refused["code"] == "request.message_rate_limited"


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("CreateVerificationByVerificationCode", {}),
        ("CreateVerificationByVerificationCode", {"identifier": {"type": "username"}}),
        ("CreateVerificationByVerificationCode", {"identifier": OWN, "templateType": "SignIn"}),
        ("VerifyVerificationByVerificationCode", {"identifier": OWN, "code": "123456"}),
    ],
)
async def test_input_that_makes_no_sense_is_refused(
    ada: Person, operation: str, body: dict[str, Any]
) -> None:
    assert (await ada.api(operation, json=body, expect=400))["code"] == "guard.invalid_input"


@pytest.mark.parametrize(
    "operation",
    ["CreateVerificationByVerificationCode", "VerifyVerificationByVerificationCode"],
)
async def test_third_parties_and_strangers_send_no_codes(
    server: Server, ada: Person, operation: str
) -> None:
    await add_third_party(server)
    other = await person(server, await stored(server, ada.user_id), client=THIRD_PARTY)
    body = {"identifier": OWN, "verificationId": "any", "code": "123456"}
    refused = await other.api(operation, json=body, expect=403)
    assert refused["code"] == "auth.third_party_application_forbidden"
    await server.api()(operation, json=body, expect=401)


async def test_webhooks_hear_of_who_was_stopped(server: Server, api: Api, ada: Person) -> None:
    policy = {"maxAttempts": 1, "lockoutDuration": 5}
    await api("UpdateSignInExp", json={"sentinelPolicy": policy})
    async with open_receiver() as receiver:
        events, config = ["Identifier.Lockout", "Message.RateLimited"], {"url": receiver.url}
        await api("CreateHook", json={"name": "stops", "events": events, "config": config})
        await ada.api.send("CreateVerificationByPassword", json={"password": "wrong"})
        body = (await receiver.next()).json
        assert (body["event"], body["type"]) == ("Identifier.Lockout", "userId")
        assert body["value"] == ada.user_id
        for _ in range(11):
            await ada.api.send("CreateVerificationByVerificationCode", json={"identifier": OWN})
        body = (await receiver.next()).json
        assert (body["event"], body["recipient"]) == ("Message.RateLimited", "ada@example.com")


HOSTILE = ["", "x" * 64, "\u0001", "..", "%2e", "\U0001f5dd" * 64, "'; drop table users; --"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_name_that_is_none_leads_nowhere(ada: Person, name: str) -> None:
    headers = await ada.verified()
    given = {"identifier": OWN, "verificationId": name, "code": name}
    payload = {
        "type": "WebAuthn",
        "id": name,
        "rawId": name,
        "clientExtensionResults": {},
        "response": {"clientDataJSON": name, "attestationObject": name},
    }
    made = {"verificationRecordId": name, "payload": payload}
    told = {"verificationRecordId": name, "connectorData": {"code": name}}
    for operation, body in (
        ("VerifyVerificationByVerificationCode", given),
        ("VerifyWebAuthnRegistration", made),
        ("VerifyVerificationBySocial", told),
        ("AddUserIdentities", {"newIdentifierVerificationRecordId": name}),
        ("AddMfaVerification", {"type": "BackupCode", "codes": [name]}),
    ):
        answer = await ada.api.send(operation, json=body, headers=headers)
        assert 400 <= answer.status_code < 500, (operation, answer.text)
    if name:
        for operation, parameter in (
            ("DeleteSessionById", "sessionId"),
            ("DeleteGrantById", "grantId"),
            ("DeleteMfaVerification", "verificationId"),
            ("DeleteIdentity", "target"),
        ):
            path: dict[str, Any] = {parameter: name}
            answer = await ada.api.send(operation, headers=headers, **path)
            assert 400 <= answer.status_code < 500, (operation, answer.text)
