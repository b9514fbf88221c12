"""Verifications that people make for their own accounts."""

from __future__ import annotations

from datetime import datetime

from tests.http.logto.account.people import (
    THIRD_PARTY,
    Person,
    add_third_party,
    add_user,
    person,
    stored,
)
from tests.http.running import Server


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
