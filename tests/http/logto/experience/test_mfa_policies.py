"""Policies about second factors, from the first question to what is remembered."""

from __future__ import annotations

import pytest

from gatehouse.storage.organizations import Organizations
from gatehouse.storage.organizations_members import OrganizationUsers
from gatehouse.storage.organizations_records import Organization
from gatehouse.storage.transaction import Transaction
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.factors import (
    add_totp,
    bind,
    code,
    enrol_totp,
    factors_of,
    identified,
    mfa,
)
from tests.http.logto.experience.house import PASSWORD, TENANT, House
from tests.http.logto.experience.proving import ADA, prove

SUGGESTED = (422, "user.suggest_mfa")
MISSING = (422, "user.missing_mfa")
REQUIRED = (403, "session.mfa.require_mfa_verification")
DECISIONS = ("MarkMfaEnabled", "SkipMfaBindingFlow", "SkipMfaSuggestion", "SkipPasskeyBinding")


async def registered(house: House, username: str = "ada") -> Browser:
    """A browser in which somebody has just made an account."""
    browser = await (await house.browser()).start("Register")
    body = {"identifier": {"type": "username", "value": username}, "password": PASSWORD}
    reply = await browser("CreateNewPasswordIdentityVerification", json=body)
    await browser.identify(reply["verificationId"], expect=201)
    return browser


async def test_a_suggestion_is_taken_up(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp"))
    browser = await identified(house)
    assert await browser.refused("SubmitInteraction") == SUGGESTED
    await browser("MarkMfaEnabled", expect=204)
    answer = await house.client.post("/api/experience/submit", headers=browser.headers)
    assert answer.json()["data"] == {"availableFactors": ["Totp"], "skippable": True}
    await enrol_totp(browser, house)
    await browser.submit()
    assert (await house.user(user.id)).logto_config == {"mfa": {"enabled": True}}


async def test_a_suggestion_is_declined_once_and_for_all(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp"))
    browser = await identified(house)
    await browser("SkipMfaBindingFlow", expect=204)
    assert (await browser("GetInteraction"))["mfa"] == {"mfaSkipped": True}
    await browser.submit()
    assert (await house.user(user.id)).logto_config == {"mfa": {"skipped": True}}
    assert await (await identified(house)).submit()


async def test_mandatory_factors_cannot_be_declined(house: House) -> None:
    await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    outcome = await browser.refused("SkipMfaBindingFlow")
    assert outcome == (422, "session.mfa.mfa_policy_not_user_controlled")
    assert await browser.refused("SubmitInteraction") == MISSING


@pytest.mark.parametrize(
    ("policy", "asked"),
    [
        ("Mandatory", MISSING),
        ("PromptAtSignInAndSignUp", SUGGESTED),
        ("PromptOnlyAtSignIn", None),
        ("PromptOnlyAtSignInMandatory", None),
        ("NoPrompt", None),
    ],
)
async def test_who_registers_is_asked_as_the_policy_says(
    house: House, policy: str, asked: tuple[int, str] | None
) -> None:
    await house.settle(**mfa("Totp", policy=policy))
    browser = await registered(house)
    if asked is None:
        assert await browser.submit()
    else:
        assert await browser.refused("SubmitInteraction") == asked


async def test_who_registers_sets_a_factor_up_and_has_it_ever_after(house: House) -> None:
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await registered(house)
    key = await enrol_totp(browser, house)
    await browser.submit()
    await house.settle(**mfa("Totp"))
    again = await identified(house)
    assert await again.refused("SubmitInteraction") == REQUIRED
    await again("VerifyTotpVerification", json={"code": code(house, key, steps=1)})
    assert await again.submit()


async def test_a_new_accounts_address_is_no_second_factor_until_its_owner_wants_one(
    house: House,
) -> None:
    settings = mfa("EmailVerificationCode", "Totp", policy="NoPrompt")
    sign_up = {"identifiers": ["email"], "password": True, "verify": True}
    method = {"password": True, "verificationCode": False, "isPasswordPrimary": True}
    sign_in = {"methods": [{"identifier": "email", **method}]}
    await house.settle(**settings, sign_up=sign_up, sign_in=sign_in)
    browser = await (await house.browser()).start("Register")
    proved = await prove(house, browser, ADA, "Register")
    await browser.refused("IdentifyUser", {"verificationId": proved})
    await browser("AddUserProfile", json={"type": "password", "value": PASSWORD}, expect=204)
    await browser.identify(None, expect=201)
    await browser.submit()
    user_id = str((await browser.state()).user_id)
    assert (await house.user(user_id)).logto_config == {"mfa": {"enabled": False}}
    again = await (await house.browser()).start()
    body = {"identifier": ADA, "password": PASSWORD}
    reply = await again("CreatePasswordVerification", json=body)
    await again.identify(reply["verificationId"])
    assert await again.submit()
    await house.settle(**mfa("EmailVerificationCode", "Totp", policy="PromptAtSignInAndSignUp"))
    third = await (await house.browser()).start()
    await third.identify((await third("CreatePasswordVerification", json=body))["verificationId"])
    assert await third.refused("SubmitInteraction") == SUGGESTED
    await third("MarkMfaEnabled", expect=204)
    await third("SkipMfaSuggestion", expect=204)
    await third.submit()
    last = await (await house.browser()).start()
    await last.identify((await last("CreatePasswordVerification", json=body))["verificationId"])
    assert await last.refused("SubmitInteraction") == REQUIRED


async def test_pretending_to_register_is_no_way_around_a_second_factor(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(**mfa("Totp"))
    browser = await identified(house)
    await browser("UpdateInteractionEvent", json={"interactionEvent": "Register"}, expect=204)
    assert await browser.refused("SubmitInteraction") == REQUIRED


async def test_an_organization_demands_a_second_factor_of_its_members(house: House) -> None:
    user = await house.add_user("ada")

    def join(tx: Transaction) -> None:
        made = Organizations(tx, TENANT).create(Organization(name="Tea", is_mfa_required=True))
        OrganizationUsers(tx, TENANT).add(made.id, [user.id])

    await house.core.db.write(join)
    await house.settle(**mfa("Totp", policy="NoPrompt"))
    assert await (await identified(house)).submit()
    await house.settle(**mfa("Totp", policy="NoPrompt", organizationRequiredMfaPolicy="Mandatory"))
    browser = await identified(house)
    assert await browser.refused("SubmitInteraction") == MISSING
    await enrol_totp(browser, house)
    await browser.submit()
    assert len(await factors_of(house, user.id)) == 1


async def test_nothing_is_decided_before_the_second_factor_was_shown(house: House) -> None:
    user = await house.add_user("ada")
    await add_totp(house, user)
    await house.settle(**mfa("Totp", "WebAuthn"))
    browser = await identified(house)
    for operation in DECISIONS:
        assert await browser.refused(operation) == REQUIRED
    for added in ({"type": "password", "value": PASSWORD}, {"type": "username", "value": "b"}):
        assert await browser.refused("AddUserProfile", added) == REQUIRED
    await browser("VerifyTotpVerification", json={"code": code(house)})
    for operation in DECISIONS:
        await browser(operation, expect=204)


async def test_nothing_is_decided_for_nobody(house: House) -> None:
    browser = await (await house.browser()).start()
    missing = (404, "session.identifier_not_found")
    for operation in DECISIONS:
        assert await browser.refused(operation) == missing
    body = {"type": "Totp", "verificationId": "x"}
    assert await browser.refused("BindMfaVerification", body) == missing
    assert await browser.refused("BindPasskey", {"verificationId": "x"}) == missing
    assert await browser.refused("BindPasskey", {}) == (400, "guard.invalid_input")
    recovering = await (await house.browser()).start("ForgotPassword")
    for operation in DECISIONS:
        outcome = await recovering.refused(operation)
        assert outcome == (400, "session.not_supported_for_forgot_password")


async def test_a_factor_that_is_not_enabled_is_not_stored(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("WebAuthn"))
    browser = await identified(house)
    made = await browser("CreateTotpSecret")
    first = {"code": code(house, made["secret"]), "verificationId": made["verificationId"]}
    await browser("VerifyTotpVerification", json=first)
    body = {"type": "Totp", "verificationId": made["verificationId"]}
    disabled = (400, "session.mfa.mfa_factor_not_enabled")
    assert await browser.refused("BindMfaVerification", body) == disabled
    await house.settle(**mfa("Totp", policy="Mandatory"))
    await bind(browser, "Totp", made["verificationId"])
    await house.settle(**mfa("WebAuthn", policy="NoPrompt"))
    assert await browser.refused("SubmitInteraction") == disabled
    assert await factors_of(house, user.id) == []


async def test_who_begins_again_has_decided_nothing(house: House) -> None:
    user = await house.add_user("ada")
    await house.settle(**mfa("Totp", policy="Mandatory"))
    browser = await identified(house)
    await enrol_totp(browser, house)
    await browser.start()
    assert (await browser("GetInteraction"))["mfa"] == {}
    assert await factors_of(house, user.id) == []
