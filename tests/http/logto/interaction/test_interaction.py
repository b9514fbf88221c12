"""The older Interaction API: signing in, registering, recovering, giving up."""

from __future__ import annotations

from typing import Any

import pytest

from gatehouse.actors.interaction import Denial
from tests.http.logto.experience.browsing import Browser
from tests.http.logto.experience.house import PASSWORD, House
from tests.http.logto.interaction.calling import call, refused, send, submit
from tests.http.running import BOTH_DATABASES

ADA = "ada@example.com"
NEW_PASSWORD = "another-wombat-7"
BY_PASSWORD = {"username": "ada", "password": PASSWORD}


def by_code(*kinds: str, **sign_up: Any) -> dict[str, Any]:
    """Settings under which people sign in, and sign up, by code."""
    method = {"password": False, "verificationCode": True, "isPasswordPrimary": False}
    return {
        "sign_in": {"methods": [{"identifier": kind, **method} for kind in kinds]},
        "sign_up": {"identifiers": list(kinds), "password": False, "verify": True, **sign_up},
    }


async def show_address(house: House, browser: Browser, number: int = 1) -> None:
    """Have a code sent and give it."""
    await call(browser, "POST", "/verification/verification-code", {"email": ADA})
    body = {"email": ADA, "verificationCode": await house.code(ADA, number)}
    await call(browser, "PATCH", "/identifiers", body)


@BOTH_DATABASES
async def test_a_person_signs_in_by_password(house: House) -> None:
    user = await house.add_user("ada")
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn", "identifier": BY_PASSWORD})
    redirect_to = await submit(browser)
    assert redirect_to.endswith(f"/oidc/auth/{browser.uid}")
    assert (await browser.state()).user_id == user.id
    assert await submit(browser) == redirect_to


async def test_a_person_signs_in_by_code(house: House) -> None:
    await house.settle(**by_code("email"))
    user = await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    await show_address(house, browser)
    await submit(browser)
    assert (await browser.state()).user_id == user.id


async def test_a_code_may_come_with_the_beginning(house: House) -> None:
    await house.settle(**by_code("email"))
    await house.add_user(None, primary_email=ADA)
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    await call(browser, "POST", "/verification/verification-code", {"email": ADA})
    identifier = {"email": ADA, "verificationCode": await house.code(ADA)}
    await call(browser, "PUT", json={"event": "SignIn", "identifier": identifier})
    await submit(browser)


async def test_who_is_unknown_registers_with_what_was_shown(house: House) -> None:
    await house.settle(**by_code("email"))
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    await show_address(house, browser)
    assert await refused(browser, "POST", "/submit") == (404, "user.user_not_exist")
    await call(browser, "PUT", "/event", {"event": "Register"})
    await call(browser, "PATCH", "/profile", {"email": ADA})
    await submit(browser)
    user = await house.user(str((await browser.state()).user_id))
    assert user.primary_email == ADA


@BOTH_DATABASES
async def test_a_person_registers_with_name_and_password(house: House) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "Register", "profile": BY_PASSWORD})
    assert await house.find_user("ada") is None
    await submit(browser)
    user = await house.find_user("ada")
    assert user is not None
    assert user.password_hash is not None


async def test_a_profile_is_replaced_added_to_and_forgotten(house: House) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "Register"})
    await call(browser, "PUT", "/profile", {"username": "bob", "password": PASSWORD})
    await call(browser, "PUT", "/profile", {"username": "ada"})
    answer = await send(browser, "POST", "/submit")
    assert (answer.status_code, answer.json()["data"]) == (422, {"missingProfile": ["password"]})
    await call(browser, "PATCH", "/profile", {"password": PASSWORD})
    await call(browser, "DELETE", "/profile")
    answer = await send(browser, "POST", "/submit")
    assert answer.json()["data"] == {"missingProfile": ["username", "password"]}
    await call(browser, "PATCH", "/profile", {"username": "ada"})
    await call(browser, "PATCH", "/profile", {"password": PASSWORD})
    await submit(browser)


async def test_what_an_account_has_already_or_the_policy_forbids_is_a_bad_request_here(
    house: House,
) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "Register"})
    short = {"username": "bob", "password": "x"}
    assert await refused(browser, "PUT", "/profile", short) == (400, "password.rejected")
    await house.add_user("ada")
    await call(browser, "PUT", json={"event": "SignIn", "identifier": BY_PASSWORD})
    await call(browser, "PUT", "/profile", {"username": "ada2"})
    exists = (400, "user.username_exists_in_profile")
    assert await refused(browser, "POST", "/submit") == exists


async def test_an_address_that_was_not_shown_makes_no_account(house: House) -> None:
    await house.settle(**by_code("email"))
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "Register", "profile": {"email": ADA}})
    gone = (404, "session.verification_session_not_found")
    assert await refused(browser, "POST", "/submit") == gone
    await show_address(house, browser)
    await call(browser, "PUT", "/profile", {"email": "bob@example.com"})
    assert await refused(browser, "POST", "/submit") == gone
    assert await house.count_users() == 0


async def test_an_account_is_completed_while_signing_in(house: House) -> None:
    user = await house.add_user("ada")
    second = [{"identifier": "email", "verify": True}]
    settings = {"identifiers": ["username"], "password": True, "verify": True}
    await house.settle(sign_up={**settings, "secondaryIdentifiers": second})
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn", "identifier": BY_PASSWORD})
    assert await refused(browser, "POST", "/submit") == (422, "user.missing_profile")
    await show_address(house, browser)
    await call(browser, "PATCH", "/profile", {"email": ADA})
    await submit(browser)
    assert (await house.user(user.id)).primary_email == ADA


@BOTH_DATABASES
async def test_a_forgotten_password_is_replaced(house: House) -> None:
    user = await house.add_user("ada", primary_email=ADA)
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "ForgotPassword"})
    await show_address(house, browser)
    assert await refused(browser, "PUT", "/profile", {"password": PASSWORD}) == (
        422,
        "user.same_password",
    )
    await call(browser, "PUT", "/profile", {"password": NEW_PASSWORD})
    await call(browser, "POST", "/submit")
    assert (await house.user(user.id)).password_hash != user.password_hash


async def test_who_gives_up_is_denied(house: House) -> None:
    browser = await house.browser()
    await call(browser, "DELETE")
    assert isinstance((await browser.state()).result, Denial)
    gone = (404, "session.interaction_not_found")
    assert await refused(browser, "POST", "/submit") == gone


# Refusals


async def test_nothing_goes_on_before_it_was_begun(house: House) -> None:
    browser = await house.browser()
    gone = (404, "session.interaction_not_found")
    for method, path, body in (
        ("PUT", "/event", {"event": "SignIn"}),
        ("PATCH", "/identifiers", BY_PASSWORD),
        ("PUT", "/profile", {"username": "ada"}),
        ("PATCH", "/profile", {"username": "ada"}),
        ("DELETE", "/profile", None),
        ("POST", "/submit", None),
        ("POST", "/verification/verification-code", {"email": ADA}),
        ("POST", "/verification/totp", None),
        ("POST", "/bind-mfa", {"type": "Totp", "code": "1"}),
        ("PUT", "/mfa", {"type": "Totp", "code": "1"}),
        ("PUT", "/mfa-skipped", {"mfaSkipped": True}),
    ):
        assert await refused(browser, method, path, body) == gone, path
    stranger = Browser(house.core, house.client)
    assert await refused(stranger, "POST", "/submit") == (400, "session.not_found")


async def test_nobody_is_signed_in_who_has_shown_nothing(house: House) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    unknown = (404, "session.identifier_not_found")
    assert await refused(browser, "POST", "/submit") == unknown
    assert await refused(browser, "POST", "/verification/totp") == unknown


async def test_wrong_credentials_are_refused_and_counted(house: House) -> None:
    await house.add_user("ada")
    await house.settle(sentinel_policy={"maxAttempts": 2, "lockoutDuration": 5})
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    wrong = {"username": "ada", "password": "wrong"}
    expected = (422, "session.invalid_credentials")
    assert await refused(browser, "PATCH", "/identifiers", wrong) == expected
    blocked = (400, "session.verification_blocked_too_many_attempts")
    assert await refused(browser, "PATCH", "/identifiers", wrong) == blocked
    assert await refused(browser, "PATCH", "/identifiers", BY_PASSWORD) == blocked


async def test_what_the_tenant_does_not_offer_is_refused(house: House) -> None:
    browser = await house.browser()
    await house.settle(sign_in_mode="SignIn")
    closed = (403, "auth.forbidden")
    assert await refused(browser, "PUT", json={"event": "Register"}) == closed
    await call(browser, "PUT", json={"event": "SignIn"})
    code = {"email": ADA, "verificationCode": "123456"}
    way_in = (422, "user.sign_in_method_not_enabled")
    assert await refused(browser, "PATCH", "/identifiers", code) == way_in
    way_up = (422, "user.sign_up_method_not_enabled")
    assert await refused(browser, "PATCH", "/profile", {"email": ADA}) == way_up


async def test_recovery_is_a_road_of_its_own(house: House) -> None:
    await house.add_user("ada")
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "ForgotPassword"})
    gone = (404, "session.interaction_not_found")
    assert await refused(browser, "PUT", "/event", {"event": "SignIn"}) == gone
    no_password = (400, "session.not_supported_for_forgot_password")
    assert await refused(browser, "PATCH", "/identifiers", BY_PASSWORD) == no_password
    assert await refused(browser, "POST", "/verification/totp") == no_password


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"event": "Dance"}),
        ("PUT", "/event", {}),
        ("PATCH", "/identifiers", {"username": "ada"}),
        ("PATCH", "/identifiers", {"password": "x"}),
        ("PATCH", "/identifiers", {"email": "ada", "verificationCode": "1"}),
        ("PATCH", "/identifiers", {"verificationCode": "1"}),
        ("PATCH", "/identifiers", []),
        ("PUT", "/profile", {"username": "1ada"}),
        ("PUT", "/profile", {"phone": "+49"}),
        ("POST", "/verification/verification-code", {"email": "ada"}),
        ("POST", "/verification/verification-code", []),
        ("POST", "/verification/verification-code", 7),
        ("POST", "/bind-mfa", {"type": "Hope"}),
        ("PUT", "/mfa-skipped", {"mfaSkipped": False}),
        ("POST", "/verification/social-authorization-uri", {}),
        ("POST", "/single-sign-on/x/authorization-url", {}),
    ],
)
async def test_bad_input_is_refused(house: House, method: str, path: str, body: Any) -> None:
    browser = await house.browser()
    await call(browser, "PUT", json={"event": "SignIn"})
    assert await refused(browser, method, path, body) == (400, "guard.invalid_input")
