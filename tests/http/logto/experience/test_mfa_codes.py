"""A code to the account's own address as a second factor."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.logto.experience.factors import bind, identified, mfa
from tests.http.logto.experience.house import House
from tests.http.logto.experience.proving import prove

EMAIL, PHONE = "lovelace@example.com", "491701234567"
KINDS = [
    ("email", EMAIL, "EmailVerificationCode", "otp"),
    ("phone", PHONE, "PhoneVerificationCode", "sms"),
]
SEND, VERIFY = "CreateAndSendMfaVerificationCode", "VerifyMfaVerificationCode"
REQUIRED = (403, "session.mfa.require_mfa_verification")


def given(verification_id: str, code: str, kind: str = "email") -> dict[str, Any]:
    return {"verificationId": verification_id, "code": code, "identifierType": kind}


@pytest.mark.parametrize(("kind", "address", "factor", "method"), KINDS)
async def test_a_code_to_the_accounts_address_is_a_second_factor(
    house: House, kind: str, address: str, factor: str, method: str
) -> None:
    await house.add_user("ada", primary_email=EMAIL, primary_phone=PHONE)
    await house.settle(**mfa(factor))
    browser = await identified(house)
    assert await browser.refused("SubmitInteraction") == REQUIRED
    sent = await browser(SEND, json={"identifierType": kind.title()})
    code = await house.code(address)
    await browser(VERIFY, json=given(sent["verificationId"], code, kind))
    (_, record) = (await browser("GetInteraction"))["verificationRecords"]
    assert record["type"] == f"Mfa{factor}"
    assert record["templateType"] == "MfaVerification"
    assert record["verified"] is True
    await browser.submit()
    result = (await browser.state()).result
    assert getattr(result, "amr", None) == ("pwd", method, "mfa")


async def test_a_wrong_code_is_no_factor(house: House) -> None:
    await house.add_user("ada", primary_email=EMAIL)
    await house.settle(**mfa("EmailVerificationCode"))
    browser = await identified(house)
    sent = await browser(SEND, json={"identifierType": "email"})
    code = await house.code(EMAIL)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    mismatch = (400, "verification_code.code_mismatch")
    assert await browser.refused(VERIFY, given(sent["verificationId"], wrong)) == mismatch
    assert await browser.refused("SubmitInteraction") == REQUIRED
    await browser(VERIFY, json=given(sent["verificationId"], code))
    again = await browser.refused(VERIFY, given(sent["verificationId"], code))
    assert again[0] == 400


async def test_a_code_needs_an_account_and_its_address(house: House) -> None:
    await house.add_user("ada")
    browser = await identified(house)
    disabled = (400, "session.mfa.mfa_factor_not_enabled")
    assert await browser.refused(SEND, {"identifierType": "email"}) == disabled
    assert await browser.refused(SEND, {"identifierType": "pigeon"}) == (
        400,
        "guard.invalid_input",
    )
    stranger = await (await house.browser()).start()
    missing = (400, "session.identifier_not_found")
    assert await stranger.refused(SEND, {"identifierType": "email"}) == missing
    assert await stranger.refused(VERIFY, given("x", "123456")) == missing
    not_found = (404, "session.verification_session_not_found")
    assert await browser.refused(VERIFY, given("x", "123456")) == not_found


async def test_a_second_factor_identifies_nobody(house: House) -> None:
    await house.add_user("ada", primary_email=EMAIL)
    browser = await identified(house)
    sent = await browser(SEND, json={"identifierType": "email"})
    code = await house.code(EMAIL)
    await browser(VERIFY, json=given(sent["verificationId"], code))
    outcome = await browser.refused("IdentifyUser", {"verificationId": sent["verificationId"]})
    assert outcome == (422, "user.sign_in_method_not_enabled")


async def test_an_address_becomes_a_second_factor(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("EmailVerificationCode", policy="Mandatory"))
    browser = await identified(house)
    assert await browser.refused("SubmitInteraction") == (422, "user.missing_mfa")
    verification_id = await prove(house, browser, {"type": "email", "value": EMAIL})
    await bind(browser, "EmailVerificationCode", verification_id)
    await browser.submit()
    assert (await house.user(user.id)).primary_email == EMAIL
    again = await identified(house)
    answer = await house.client.post("/api/experience/submit", headers=again.headers)
    assert answer.json()["data"] == {
        "availableFactors": ["EmailVerificationCode"],
        "maskedIdentifiers": {"EmailVerificationCode": "love****@example.com"},
    }


async def test_a_new_address_is_no_way_around_the_old_factor(house: House) -> None:
    await house.add_user("ada", primary_phone=PHONE)
    await house.settle(**mfa("EmailVerificationCode", "PhoneVerificationCode"))
    browser = await identified(house)
    verification_id = await prove(house, browser, {"type": "email", "value": EMAIL})
    body = {"type": "EmailVerificationCode", "verificationId": verification_id}
    assert await browser.refused("BindMfaVerification", body) == REQUIRED
    assert await browser.refused("SubmitInteraction") == REQUIRED
