"""WebAuthn as a second factor, with an authenticator in software that also misbehaves."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from gatehouse.actors.interaction_mfa import MAX_NEW_FACTORS
from tests.http.authenticator import Authenticator
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.factors import (
    bind,
    factors_of,
    identified,
    mfa,
    register_credential,
)
from tests.http.logto.experience.house import House

FAILED = (400, "session.mfa.webauthn_verification_failed")
PENDING = (400, "session.mfa.pending_info_not_found")


async def enrolled(house: House, device: Authenticator, **settings: Any) -> str:
    """A user who has a credential on the device; the user's id."""
    user = await house.add_user("ada")
    await house.settle(**mfa("WebAuthn", policy="Mandatory"), **settings)
    browser = await identified(house)
    await bind(browser, "WebAuthn", await register_credential(browser, device))
    await browser.submit()
    return user.id


async def asked(browser: Browser) -> dict[str, Any]:
    return dict(await browser("CreateWebAuthnAuthenticationVerification"))


def answer(begun: dict[str, Any], device: Authenticator, **changes: Any) -> dict[str, Any]:
    payload = device.sign(begun["authenticationOptions"], **changes)
    return {"verificationId": begun["verificationId"], "payload": payload}


@pytest.mark.parametrize(("synced", "method"), [(False, "hwk"), (True, "swk")])
async def test_a_credential_is_registered_and_used(house: House, synced: bool, method: str) -> None:
    device = Authenticator(synced=synced)
    user_id = await enrolled(house, device)
    (factor,) = await factors_of(house, user_id)
    assert factor.agent == "Test/1.0"
    assert factor.detail["rpId"] == "gatehouse.example"
    browser = await identified(house)
    assert (await browser.refused("SubmitInteraction"))[0] == 403
    device.counter = 1
    await browser(
        "VerifyWebAuthnAuthenticationVerification", json=answer(await asked(browser), device)
    )
    assert await browser.submit()
    result = (await browser.state()).result
    assert getattr(result, "amr", None) == ("pwd", method, "mfa")
    (factor,) = await factors_of(house, user_id)
    assert factor.counter == 1
    assert factor.last_used_at is not None


async def test_registration_asks_for_a_key_that_signs_in_alone(house: House) -> None:
    user = await house.add_user("ada", name="Ada Lovelace")
    browser = await identified(house)
    options = (await browser("CreateWebAuthnRegistrationVerification"))["registrationOptions"]
    assert options["rp"] == {"id": "gatehouse.example", "name": "gatehouse.example"}
    assert options["user"]["name"] == "ada"
    assert options["user"]["displayName"] == "Ada Lovelace"
    assert user.id
    selection = options["authenticatorSelection"]
    assert selection["residentKey"] == selection["userVerification"] == "required"
    assert [one["alg"] for one in options["pubKeyCredParams"]] == [-7, -257]


async def test_a_credential_that_is_there_already_is_excluded(house: House) -> None:
    device = Authenticator()
    await enrolled(house, device)
    browser = await identified(house)
    options = (await browser("CreateWebAuthnRegistrationVerification"))["registrationOptions"]
    (known,) = options["excludeCredentials"]
    assert known["id"] == device.sign({"challenge": "x"})["id"]


@pytest.mark.parametrize(
    "device",
    [
        Authenticator(origin="https://phish.example"),
        Authenticator(rp_id="phish.example"),
        Authenticator(verifies_user=False),
    ],
    ids=["another origin", "another site", "nobody at the device"],
)
async def test_what_was_made_elsewhere_is_not_registered(
    house: House, device: Authenticator
) -> None:
    await house.add_user("ada")
    browser = await identified(house)
    begun = await browser("CreateWebAuthnRegistrationVerification")
    payload = device.register(begun["registrationOptions"])
    body = {"verificationId": begun["verificationId"], "payload": payload}
    assert await browser.refused("VerifyWebAuthnRegistrationVerification", body) == FAILED
    bound = {"type": "WebAuthn", "verificationId": begun["verificationId"]}
    assert (await browser.refused("BindMfaVerification", bound))[0] == 400


async def test_a_challenge_is_good_for_one_answer(house: House) -> None:
    device = Authenticator()
    await enrolled(house, device)
    browser = await identified(house)
    begun = await asked(browser)
    wrong = answer(begun, device, signature="AAAA")
    operation = "VerifyWebAuthnAuthenticationVerification"
    assert await browser.refused(operation, wrong) == FAILED
    assert await browser.refused(operation, answer(begun, device)) == PENDING
    await browser(operation, json=answer(await asked(browser), device))


async def test_of_two_answers_at_once_one_is_taken(house: House) -> None:
    device = Authenticator()
    await enrolled(house, device)
    browser = await identified(house)
    body = answer(await asked(browser), device)
    statuses: list[int] = []

    async def send(node: int) -> None:
        reply = await house.nodes[node].client.post(
            "/api/experience/verification/web-authn/authentication/verify",
            json=body,
            headers=browser.headers,
        )
        statuses.append(reply.status_code)

    async with trio.open_nursery() as nursery:
        for node in (0, 1):
            nursery.start_soon(send, node)
    assert sorted(statuses) == [200, 400]


async def test_a_counter_that_does_not_grow_is_refused(house: House) -> None:
    """WebAuthn §7.2 step 22: the authenticator may have been cloned."""
    device = Authenticator(counter=7)
    await enrolled(house, device)
    operation = "VerifyWebAuthnAuthenticationVerification"
    for counter, fits in ((7, False), (3, False), (8, True)):
        browser = await identified(house)
        device.counter = counter
        body = answer(await asked(browser), device)
        if fits:
            await browser(operation, json=body)
        else:
            assert await browser.refused(operation, body) == FAILED


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://phish.example"},
        {"rp_id": "phish.example"},
        {"verifies_user": False},
        {"credential_id": b"another"},
    ],
)
async def test_what_was_signed_elsewhere_is_refused(house: House, change: dict[str, Any]) -> None:
    device = Authenticator()
    await enrolled(house, device)
    browser = await identified(house)
    begun = await asked(browser)
    for name, value in change.items():
        setattr(device, name, value)
    operation = "VerifyWebAuthnAuthenticationVerification"
    assert await browser.refused(operation, answer(begun, device)) == FAILED


async def test_a_credential_of_somebody_else_is_refused(house: House) -> None:
    mine, theirs = Authenticator(), Authenticator()
    await enrolled(house, mine)
    await house.add_user("bob")
    bob = await identified(house, "bob")
    await bind(bob, "WebAuthn", await register_credential(bob, theirs))
    await bob.submit()
    browser = await identified(house)
    operation = "VerifyWebAuthnAuthenticationVerification"
    assert await browser.refused(operation, answer(await asked(browser), theirs)) == FAILED
    named = answer(await asked(browser), mine, userHandle="Ym9i")
    assert await browser.refused(operation, named) == FAILED


async def test_who_has_no_credential_is_not_asked(house: House) -> None:
    await house.add_user("ada")
    browser = await identified(house)
    missing = (400, "session.mfa.webauthn_verification_not_found")
    assert await browser.refused("CreateWebAuthnAuthenticationVerification") == missing
    stranger = await (await house.browser()).start()
    nobody = (404, "session.identifier_not_found")
    for operation in (
        "CreateWebAuthnAuthenticationVerification",
        "CreateWebAuthnRegistrationVerification",
    ):
        assert await stranger.refused(operation) == nobody


async def test_an_answer_to_the_other_ceremony_is_refused(house: House) -> None:
    device = Authenticator()
    await enrolled(house, device)
    browser = await identified(house)
    begun = await browser("CreateWebAuthnRegistrationVerification")
    body = {
        "verificationId": begun["verificationId"],
        "payload": device.sign(begun["registrationOptions"]),
    }
    operation = "VerifyWebAuthnAuthenticationVerification"
    assert await browser.refused(operation, body) == PENDING


HOSTILE = ("", "!", "AAAA", "é", "A" * 5000, "oWNmbXRkbm9uZQ")


async def test_garbage_is_refused_and_nothing_breaks(house: House) -> None:
    device = Authenticator()
    await enrolled(house, device)
    browser = await identified(house)
    register, use = (
        "VerifyWebAuthnRegistrationVerification",
        "VerifyWebAuthnAuthenticationVerification",
    )
    for text in HOSTILE:
        for field in ("clientDataJSON", "attestationObject"):
            begun = await browser("CreateWebAuthnRegistrationVerification")
            payload = Authenticator().register(begun["registrationOptions"])
            payload["response"][field] = text
            body = {"verificationId": begun["verificationId"], "payload": payload}
            assert await browser.refused(register, body) == FAILED
        for field in ("clientDataJSON", "authenticatorData", "signature"):
            body = answer(await asked(browser), device, **{field: text})
            assert await browser.refused(use, body) == FAILED
    body["payload"]["type"] = "public-key"
    assert await browser.refused(use, body) == (400, "guard.invalid_input")
    body = {"verificationId": "nothing", "payload": device.sign({"challenge": "x"})}
    not_found = (404, "session.verification_session_not_found")
    assert await browser.refused(use, body) == not_found


async def test_a_credential_id_is_bounded(house: House) -> None:
    await house.add_user("ada")
    browser = await identified(house)
    begun = await browser("CreateWebAuthnRegistrationVerification")
    payload = Authenticator(credential_id=b"x" * 1024).register(begun["registrationOptions"])
    payload["id"] = payload["rawId"]
    body = {"verificationId": begun["verificationId"], "payload": payload}
    assert await browser.refused("VerifyWebAuthnRegistrationVerification", body) == FAILED


async def test_one_sign_in_sets_up_only_so_many_credentials(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("WebAuthn", policy="Mandatory"))
    browser = await identified(house)
    for _ in range(MAX_NEW_FACTORS):
        await bind(browser, "WebAuthn", await register_credential(browser, Authenticator()))
    one_more = await register_credential(browser, Authenticator())
    body = {"type": "WebAuthn", "verificationId": one_more}
    assert (await browser.refused("BindMfaVerification", body))[0] == 400
    await browser.submit()
    assert len(await factors_of(house, user.id)) == MAX_NEW_FACTORS
