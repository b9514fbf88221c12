"""A passkey that signs in by itself: whoever has it, and of somebody in particular."""

from __future__ import annotations

from typing import Any

from gatehouse.storage.records import SsoIdentity
from gatehouse.storage.sso_connectors import SsoIdentities
from tests.http.authenticator import Authenticator
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.factors import (
    factors_of,
    identified,
    mfa,
    register_credential,
)
from tests.http.logto.experience.house import TENANT, House

ENABLED = {"passkey_sign_in": {"enabled": True, "allowAutofill": True}}
VERIFY = "VerifySignInPasskeyAuthentication"


async def with_passkey(house: House, device: Authenticator, username: str = "ada") -> str:
    """A user who has a passkey on the device; the user's id."""
    user = await house.add_user(username)
    await house.settle(**ENABLED)
    browser = await identified(house, username)
    assert await browser.refused("SubmitInteraction") == (422, "user.passkey_preferred")
    verification_id = await register_credential(browser, device)
    await browser("BindPasskey", json={"verificationId": verification_id}, expect=204)
    assert "webAuthn" in (await browser("GetInteraction"))["mfa"]
    await browser.submit()
    return user.id


async def asked(browser: Browser, username: str = "ada") -> dict[str, Any]:
    body = {"identifier": {"type": "username", "value": username}}
    return dict(await browser("CreateSignInPasskeyAuthenticationWithIdentifier", json=body))


async def test_whoever_has_a_passkey_is_signed_in(house: House) -> None:
    device = Authenticator()
    user_id = await with_passkey(house, device)
    browser = await house.browser()
    offer = await browser("CreateSignInPasskeyAuthentication")
    assert offer["authenticationOptions"]["allowCredentials"] == []
    await browser.start()
    payload = device.sign(offer["authenticationOptions"])
    reply = await browser(VERIFY, json={"payload": payload})
    await browser.identify(reply["verificationId"])
    await browser.submit()
    result = (await browser.state()).result
    assert getattr(result, "user_id", None) == user_id
    assert getattr(result, "amr", None) == ("hwk", "mfa")


async def test_a_passkey_of_somebody_in_particular_signs_in(house: House) -> None:
    device = Authenticator()
    await with_passkey(house, device)
    browser = await (await house.browser()).start()
    begun = await asked(browser)
    (allowed,) = begun["authenticationOptions"]["allowCredentials"]
    body = {
        "verificationId": begun["verificationId"],
        "payload": device.sign(begun["authenticationOptions"]),
    }
    assert allowed["id"] == body["payload"]["id"]
    await browser(VERIFY, json=body)
    await browser.identify(begun["verificationId"])
    assert await browser.submit()


async def test_no_second_factor_is_asked_for_besides_a_passkey(house: House) -> None:
    device = Authenticator()
    await with_passkey(house, device)
    await house.settle(**mfa("WebAuthn", policy="Mandatory"))
    browser = await (await house.browser()).start()
    begun = await asked(browser)
    payload = device.sign(begun["authenticationOptions"])
    await browser(VERIFY, json={"verificationId": begun["verificationId"], "payload": payload})
    await browser.identify(begun["verificationId"])
    assert await browser.submit()


async def test_whoever_has_a_company_signs_in_through_it(house: House) -> None:
    device = Authenticator()
    user_id = await with_passkey(house, device)
    identity = SsoIdentity(
        user_id=user_id, issuer="https://corp.example", identity_id="7", sso_connector_id="corp"
    )
    await house.core.db.write(lambda tx: SsoIdentities(tx, TENANT).create(identity))
    browser = await house.browser()
    offer = await browser("CreateSignInPasskeyAuthentication")
    await browser.start()
    reply = await browser(VERIFY, json={"payload": device.sign(offer["authenticationOptions"])})
    refused = await browser.refused("IdentifyUser", {"verificationId": reply["verificationId"]})
    assert refused == (400, "session.passkey_sign_in.sso_users_not_allowed")


async def test_an_offer_is_answered_once(house: House) -> None:
    device = Authenticator()
    await with_passkey(house, device)
    browser = await house.browser()
    offer = await browser("CreateSignInPasskeyAuthentication")
    await browser.start()
    body = {"payload": device.sign(offer["authenticationOptions"])}
    await browser(VERIFY, json=body)
    not_found = (404, "session.verification_session_not_found")
    assert await browser.refused(VERIFY, body) == not_found


async def test_a_passkey_of_another_person_is_refused(house: House) -> None:
    mine, theirs = Authenticator(), Authenticator()
    await with_passkey(house, mine)
    await with_passkey(house, theirs, "bob")
    browser = await (await house.browser()).start()
    begun = await asked(browser)
    payload = theirs.sign(begun["authenticationOptions"])
    body = {"verificationId": begun["verificationId"], "payload": payload}
    assert await browser.refused(VERIFY, body) == (409, "session.identity_conflict")
    again = {"verificationId": begun["verificationId"], "payload": payload}
    pending = (400, "session.passkey_sign_in.pending_info_not_found")
    assert await browser.refused(VERIFY, again) == pending


async def test_a_passkey_nobody_has_is_refused(house: House) -> None:
    await with_passkey(house, Authenticator())
    browser = await house.browser()
    offer = await browser("CreateSignInPasskeyAuthentication")
    await browser.start()
    body = {"payload": Authenticator().sign(offer["authenticationOptions"])}
    assert await browser.refused(VERIFY, body) == (400, "session.identifier_not_found")


async def test_a_forged_answer_is_refused(house: House) -> None:
    device = Authenticator()
    await with_passkey(house, device)
    browser = await house.browser()
    offer = await browser("CreateSignInPasskeyAuthentication")
    await browser.start()
    stranger = Authenticator(credential_id=device.credential_id, user_id=device.user_id)
    body = {"payload": stranger.sign(offer["authenticationOptions"])}
    failed = (400, "session.mfa.webauthn_verification_failed")
    assert await browser.refused(VERIFY, body) == failed


async def test_who_has_no_passkey_and_who_does_not_exist_are_answered_the_same(
    house: House,
) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    missing = (400, "session.mfa.webauthn_verification_not_found")
    operation = "CreateSignInPasskeyAuthenticationWithIdentifier"
    for name in ("ada", "nobody"):
        body = {"identifier": {"type": "username", "value": name}}
        assert await browser.refused(operation, body) == missing
    body = {"identifier": {"type": "badge", "value": "1"}}
    assert await browser.refused(operation, body) == (400, "guard.invalid_input")


async def test_where_passkeys_do_not_sign_in_they_do_not(house: House) -> None:
    device = Authenticator()
    await with_passkey(house, device)
    await house.settle(passkey_sign_in={"enabled": False})
    browser = await (await house.browser()).start()
    begun = await asked(browser)
    payload = device.sign(begun["authenticationOptions"])
    await browser(VERIFY, json={"verificationId": begun["verificationId"], "payload": payload})
    body = {"verificationId": begun["verificationId"]}
    refused = (422, "user.sign_in_method_not_enabled")
    assert await browser.refused("IdentifyUser", body) == refused


async def test_an_unanswered_passkey_identifies_nobody(house: House) -> None:
    await with_passkey(house, Authenticator())
    browser = await (await house.browser()).start()
    begun = await asked(browser)
    body = {"verificationId": begun["verificationId"]}
    assert await browser.refused("IdentifyUser", body) == (400, "session.verification_failed")


async def test_the_offer_is_for_who_signs_in(house: House) -> None:
    browser = await house.browser()
    browser.cookies.clear()
    gone = (400, "session.not_found")
    assert await browser.refused("CreateSignInPasskeyAuthentication") == gone


async def test_a_suggested_passkey_can_be_declined_for_good(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**ENABLED)
    browser = await identified(house)
    await browser("SkipPasskeyBinding", expect=204)
    await browser.submit()
    assert await (await identified(house)).submit()
    assert await factors_of(house, user.id) == []
