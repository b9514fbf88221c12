"""Making and completing an account with addresses that a code has proved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.logto.experience.proving import ADA, PHONE, by_code, prove, send
from tests.http.logto.experience.test_registration import new_identity
from tests.http.running import BOTH_DATABASES


def sign_up(*identifiers: str, password: bool = False, **more: Any) -> dict[str, Any]:
    """Settings under which accounts are made with proved addresses."""
    settings = {"identifiers": list(identifiers), "password": password, "verify": True, **more}
    return {"sign_up": settings, **by_code("email", "phone")}


async def refusal(browser: Browser, body: dict[str, Any]) -> tuple[int, str, Any]:
    answer = await browser.client.post(
        "/api/experience/identification", json=body, headers=browser.headers
    )
    return answer.status_code, answer.json()["code"], answer.json().get("data")


@BOTH_DATABASES
@pytest.mark.parametrize(
    ("identifier", "field"), [(ADA, "primary_email"), (PHONE, "primary_phone")]
)
async def test_a_person_registers_with_a_code_alone(
    house: House, identifier: dict[str, str], field: str
) -> None:
    await house.settle(**sign_up(identifier["type"]))
    browser = await (await house.browser()).start("Register")
    verification_id = await prove(house, browser, identifier, "Register")
    await browser.identify(verification_id, expect=201)
    await browser.submit()
    user_id = (await browser.state()).user_id
    assert user_id is not None
    user = await house.user(user_id)
    assert getattr(user, field) == identifier["value"]
    assert user.password_hash is None
    again = await (await house.browser()).start()
    await again.identify(await prove(house, again, identifier, at_least=2))
    await again.submit()
    assert (await again.state()).user_id == user_id


async def test_a_password_is_asked_for_where_the_tenant_wants_one(house: House) -> None:
    await house.settle(**sign_up("email", password=True))
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await prove(house, browser, ADA, "Register")}
    expected = (422, "user.missing_profile", {"missingProfile": ["password"]})
    assert await refusal(browser, body) == expected
    await browser("AddUserProfile", json={"type": "password", "value": PASSWORD}, expect=204)
    await browser.identify(None, expect=201)
    await browser.submit()
    user = await house.user(str((await browser.state()).user_id))
    assert user.primary_email == ADA["value"]
    assert user.password_hash is not None


async def test_who_has_an_account_is_told_so_when_registering_and_signs_in(house: House) -> None:
    await house.settle(**sign_up("email"))
    user = await house.add_user(None, primary_email=ADA["value"])
    browser = await (await house.browser()).start("Register")
    verification_id = await prove(house, browser, ADA, "Register")
    body = {"verificationId": verification_id}
    assert (await refusal(browser, body))[:2] == (422, "user.email_already_in_use")
    await browser("UpdateInteractionEvent", json={"interactionEvent": "SignIn"}, expect=204)
    await browser.identify(verification_id)
    assert (await browser.state()).user_id == user.id


async def test_who_has_no_account_registers_with_what_they_proved(house: House) -> None:
    await house.settle(**sign_up("email"))
    browser = await (await house.browser()).start()
    verification_id = await prove(house, browser)
    assert (await refusal(browser, {"verificationId": verification_id}))[0] == 404
    await browser("UpdateInteractionEvent", json={"interactionEvent": "Register"}, expect=204)
    await browser.identify(verification_id, expect=201)
    await browser.submit()


async def test_a_code_that_was_not_given_makes_no_account(house: House) -> None:
    await house.settle(**sign_up("email"))
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await send(browser, ADA, "Register")}
    assert (await refusal(browser, body))[:2] == (400, "session.verification_failed")


async def test_a_blocked_address_makes_no_account_however_it_was_proved(house: House) -> None:
    await house.settle(**sign_up("email"), email_blocklist_policy={"blockSubaddressing": True})
    browser = await (await house.browser()).start("Register")
    plus = {**ADA, "value": "ada+1@example.com"}
    body = {"verificationId": await prove(house, browser, plus, "SignIn")}
    expected = (422, "session.email_blocklist.email_subaddressing_not_allowed")
    assert (await refusal(browser, body))[:2] == expected
    profile = {"type": "email", **body}
    assert await browser.refused("AddUserProfile", profile) == expected


# Secondary identifiers


async def test_a_second_address_is_asked_for(house: House) -> None:
    second = [{"identifier": "phone", "verify": True}]
    await house.settle(**sign_up("email", secondaryIdentifiers=second))
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await prove(house, browser, ADA, "Register")}
    expected = (422, "user.missing_profile", {"missingProfile": ["phone"]})
    assert await refusal(browser, body) == expected
    phone = {"type": "phone", "verificationId": await prove(house, browser, PHONE, "Register")}
    await browser("AddUserProfile", json=phone, expect=204)
    assert (await browser("GetInteraction"))["profile"] == {
        "primaryEmail": ADA["value"],
        "primaryPhone": PHONE["value"],
    }
    await browser.identify(None, expect=201)
    await browser.submit()


@pytest.mark.parametrize("identifier", [ADA, PHONE])
async def test_either_address_will_do_where_the_tenant_says_so(
    house: House, identifier: dict[str, str]
) -> None:
    await house.settle(
        sign_up={
            "identifiers": ["username"],
            "password": True,
            "verify": True,
            "secondaryIdentifiers": [{"identifier": "emailOrPhone", "verify": True}],
        }
    )
    browser = await (await house.browser()).start("Register")
    body = {"verificationId": await new_identity(browser, "ada")}
    expected = (422, "user.missing_profile", {"missingProfile": ["emailOrPhone"]})
    assert await refusal(browser, body) == expected
    proved = await prove(house, browser, identifier, "Register")
    profile = {"type": identifier["type"], "verificationId": proved}
    await browser("AddUserProfile", json=profile, expect=204)
    await browser.identify(None, expect=201)


@BOTH_DATABASES
async def test_an_account_that_lacks_an_address_is_completed_while_signing_in(
    house: House,
) -> None:
    user = await house.add_user("ada")
    await house.settle(
        sign_up={
            "identifiers": ["username"],
            "password": True,
            "verify": True,
            "secondaryIdentifiers": [{"identifier": "email", "verify": True}],
        }
    )
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    assert await browser.refused("SubmitInteraction") == (422, "user.missing_profile")
    profile = {"type": "email", "verificationId": await prove(house, browser)}
    await browser("AddUserProfile", json=profile, expect=204)
    assert (await house.user(user.id)).primary_email is None
    await browser.submit()
    assert (await house.user(user.id)).primary_email == ADA["value"]


async def test_an_address_that_is_there_or_taken_is_not_added(house: House) -> None:
    await house.add_user("ada", primary_email="old@example.com")
    await house.add_user("bob", primary_phone=PHONE["value"])
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    email = {"type": "email", "verificationId": await prove(house, browser)}
    expected = (422, "user.email_exists_in_profile")
    assert await browser.refused("AddUserProfile", email) == expected
    phone = {"type": "phone", "verificationId": await prove(house, browser, PHONE)}
    assert await browser.refused("AddUserProfile", phone) == (422, "user.phone_already_in_use")
    wrong = {**email, "type": "phone"}
    gone = (404, "session.verification_session_not_found")
    assert await browser.refused("AddUserProfile", wrong) == gone


async def test_an_address_that_was_not_proved_is_not_added(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start()
    await browser.identify(await browser.verify_password("ada", PASSWORD))
    body = {"type": "email", "verificationId": await send(browser)}
    assert await browser.refused("AddUserProfile", body) == (400, "session.verification_failed")
    body = {"type": "email", "verificationId": "nothing"}
    gone = (404, "session.verification_session_not_found")
    assert await browser.refused("AddUserProfile", body) == gone


async def test_nobody_adds_an_address_before_it_is_known_who_they_are(house: House) -> None:
    browser = await (await house.browser()).start()
    body = {"type": "email", "verificationId": await prove(house, browser)}
    assert await browser.refused("AddUserProfile", body) == (404, "session.identifier_not_found")


# Recovery


@BOTH_DATABASES
@pytest.mark.parametrize(
    ("identifier", "field"), [(ADA, "primary_email"), (PHONE, "primary_phone")]
)
async def test_a_forgotten_password_is_replaced_by_whoever_reads_the_mail(
    house: House, identifier: dict[str, str], field: str
) -> None:
    user = await house.add_user("ada", **{field: identifier["value"]})
    browser = await (await house.browser()).start("ForgotPassword")
    await browser.identify(await prove(house, browser, identifier, "ForgotPassword"))
    await browser("ResetUserPassword", json={"password": "another-wombat-7"}, expect=204)
    await browser.client.post("/api/experience/submit", headers=browser.headers)
    assert (await house.user(user.id)).password_hash != user.password_hash
    await (await house.browser()).sign_in("ada", "another-wombat-7")


async def test_a_password_verification_recovers_nothing(house: House) -> None:
    await house.add_user("ada")
    browser = await (await house.browser()).start("ForgotPassword")
    body = {"verificationId": await browser.verify_password("ada", PASSWORD)}
    assert (await refusal(browser, body))[0] == 422


async def test_only_the_tenants_ways_recover_a_password(house: House) -> None:
    await house.settle(forgot_password_methods=["PhoneVerificationCode"])
    await house.add_user("ada", primary_email=ADA["value"])
    browser = await (await house.browser()).start("ForgotPassword")
    body = {"verificationId": await prove(house, browser, ADA, "ForgotPassword")}
    expected = (422, "session.not_supported_for_forgot_password")
    assert (await refusal(browser, body))[:2] == expected
